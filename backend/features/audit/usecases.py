"""Writing and reading the audit log."""

from collections.abc import Callable, Sequence
from datetime import datetime

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.audit.model import AuditEvent
from backend.features.audit.repository import AuditLog

PAGE_SIZE = 50


def record(
    *,
    actor_id: str | None,
    campus_id: str | None,
    action: str,
    subject_kind: str,
    subject_id: str,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
    **details: str | int,
) -> None:
    """Writes one entry. `details` are codes, counts and ids only: never a name, an address, an answer."""
    order = f"{now:%Y%m%d%H%M%S%f}-{new_id()}"
    audit_log.add(
        AuditEvent(
            id=order,
            order=order,
            campus_id=campus_id,
            actor_id=actor_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            at=now,
            details={name: str(value) for name, value in details.items()},
        )
    )


def event_of(
    *,
    event_id: str,
    actor_id: str,
    campus_id: str,
    action: str,
    subject_kind: str,
    subject_id: str,
    now: datetime,
    **details: str | int,
) -> AuditEvent:
    """An entry whose id the caller makes from what is done, for `AuditLog.add_absent`: again adds no second."""
    return AuditEvent(
        id=event_id,
        order=f"{now:%Y%m%d%H%M%S%f}-{event_id}",
        campus_id=campus_id,
        actor_id=actor_id,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        at=now,
        details={name: str(value) for name, value in details.items()},
    )


def list_events(*, actor: Actor, before: str | None, audit_log: AuditLog) -> Sequence[AuditEvent]:
    """A page of the log, the latest first: a campus admin's own campus, everything for a superadmin."""
    if actor.is_superadmin:
        return audit_log.list_all(before=before, limit=PAGE_SIZE)
    if actor.is_campus and actor.campus_id is not None:
        return audit_log.list_by_campus(actor.campus_id, before=before, limit=PAGE_SIZE)
    raise NotFound()
