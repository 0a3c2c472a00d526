"""Creating and renaming courses."""

from collections.abc import Callable
from datetime import datetime

from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.features.accounts.model import check_name, invalid
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.courses.model import Course, check_code, code_key
from backend.features.courses.repository import Courses


def create_course(
    *,
    actor: Actor,
    campus_id: str,
    name: str,
    code: str,
    courses: Courses,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> Course:
    """RuleViolation by field."""
    shown = check_code(code)
    course = Course(
        id=new_id(), campus_id=campus_id, name=check_name(name), code=shown, code_key=code_key(shown), created_at=now
    )
    try:
        courses.add(course)
    except Conflict:
        raise _taken() from None
    _record(actor, course, "course_created", audit_log=audit_log, now=now, new_id=new_id)
    return course


def change_course(
    *,
    actor: Actor,
    course: Course,
    name: str,
    code: str,
    courses: Courses,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> None:
    """RuleViolation by field."""
    shown = check_code(code)
    try:
        courses.change(course.id, name=check_name(name), code=shown, code_key=code_key(shown))
    except Conflict:
        raise _taken() from None
    _record(actor, course, "course_changed", audit_log=audit_log, now=now, new_id=new_id)


def _taken() -> Exception:
    return invalid("code", "Another course of this campus has this code.")


def _record(
    actor: Actor, course: Course, action: str, *, audit_log: AuditLog, now: datetime, new_id: Callable[[], str]
) -> None:
    record(
        actor_id=actor.account_id,
        campus_id=course.campus_id,
        action=action,
        subject_kind="course",
        subject_id=course.id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
    )
