"""Creating and changing campuses."""

from collections.abc import Callable
from datetime import datetime

from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.core.ports import Sessions
from backend.features.accounts.model import invalid
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.campuses.model import Campus, check_campus_name, check_slug, check_time_zone, suggest_slug
from backend.features.campuses.repository import Campuses, OngoingTests


def create_campus(
    *,
    actor: Actor,
    name: str,
    slug: str,
    time_zone: str,
    campuses: Campuses,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> Campus:
    """A campus; an empty slug is made from the name. RuleViolation by field."""
    cleaned = check_campus_name(name)
    campus = Campus(
        id=new_id(),
        name=cleaned,
        slug=check_slug(slug or suggest_slug(cleaned)),
        time_zone=check_time_zone(time_zone),
        created_at=now,
    )
    try:
        campuses.add(campus)
    except Conflict:
        raise invalid("slug", "Another campus has this short name.") from None
    _record(actor, campus.id, "campus_created", audit_log=audit_log, now=now, new_id=new_id)
    return campus


def change_campus(
    *,
    actor: Actor,
    campus: Campus,
    name: str,
    time_zone: str,
    campuses: Campuses,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> None:
    """Another name or time zone. Tests that are scheduled keep the moments, and the zone, they were given."""
    campuses.change(campus.id, name=check_campus_name(name), time_zone=check_time_zone(time_zone))
    _record(actor, campus.id, "campus_changed", audit_log=audit_log, now=now, new_id=new_id)


def close_campus(
    *,
    actor: Actor,
    campus: Campus,
    ongoing_tests: OngoingTests,
    campuses: Campuses,
    sessions: Sessions,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> None:
    """Nobody of it can sign in any more, and who is signed in is not, at once; nothing is removed. Closed already:
    nothing happens. Conflict("tests_ongoing") while a test is open, to come, or being sat.

    A crash after the write leaves sessions behind: closing again ends them.
    """
    if not campus.is_closed:
        if ongoing_tests.list_ongoing(campus.id, at=now):
            raise Conflict(
                "tests_ongoing",
                "Tests of this campus are open, still to come, or being sat. End or cancel them first.",
            )
        campuses.change(campus.id, closed_at=now)
        _record(actor, campus.id, "campus_closed", audit_log=audit_log, now=now, new_id=new_id)
    sessions.revoke_campus(campus.id)


def reopen_campus(
    *,
    actor: Actor,
    campus: Campus,
    campuses: Campuses,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> None:
    """Everybody signs in as before; who was disabled stays so. Safe to repeat."""
    if campus.is_closed:
        campuses.change(campus.id, closed_at=None)
        _record(actor, campus.id, "campus_reopened", audit_log=audit_log, now=now, new_id=new_id)


def _record(
    actor: Actor, campus_id: str, action: str, *, audit_log: AuditLog, now: datetime, new_id: Callable[[], str]
) -> None:
    record(
        actor_id=actor.account_id,
        campus_id=campus_id,
        action=action,
        subject_kind="campus",
        subject_id=campus_id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
    )
