"""Creating, renaming, archiving batches."""

from collections.abc import Callable, Iterable
from datetime import datetime

from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.features.accounts.model import check_name, fold, invalid
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.batches.model import Batch, BatchState
from backend.features.batches.repository import Batches
from backend.features.courses.model import Course
from backend.features.courses.repository import Courses


def create_batch(
    *,
    actor: Actor,
    course: Course,
    name: str,
    batches: Batches,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> Batch:
    """A batch of the course. RuleViolation by field."""
    shown = check_name(name)
    batch = Batch(
        id=new_id(),
        campus_id=course.campus_id,
        course_id=course.id,
        name=shown,
        name_key=fold(shown),
        state=BatchState.ACTIVE,
        created_at=now,
    )
    try:
        batches.add(batch)
    except Conflict:
        raise _taken() from None
    _record(actor, batch, "batch_created", audit_log=audit_log, now=now, new_id=new_id)
    return batch


def rename_batch(
    *,
    actor: Actor,
    batch: Batch,
    name: str,
    batches: Batches,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> None:
    """RuleViolation by field."""
    shown = check_name(name)
    try:
        batches.change(batch.id, name=shown, name_key=fold(shown))
    except Conflict:
        raise _taken() from None
    _record(actor, batch, "batch_renamed", audit_log=audit_log, now=now, new_id=new_id)


def set_batch_state(
    *,
    actor: Actor,
    batch: Batch,
    state: BatchState,
    batches: Batches,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> None:
    """Archives a batch, or makes it active again. Safe to repeat."""
    batches.change(batch.id, state=state)
    action = "batch_archived" if state is BatchState.ARCHIVED else "batch_reactivated"
    _record(actor, batch, action, audit_log=audit_log, now=now, new_id=new_id)


def _taken() -> Exception:
    return invalid("name", "This course has a batch of this name.")


def _record(
    actor: Actor, batch: Batch, action: str, *, audit_log: AuditLog, now: datetime, new_id: Callable[[], str]
) -> None:
    record(
        actor_id=actor.account_id,
        campus_id=batch.campus_id,
        action=action,
        subject_kind="batch",
        subject_id=batch.id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
    )


def name_batches(batches: Iterable[Batch], *, courses: Courses) -> dict[str, str]:
    """What lists call each batch, by id: two courses may have batches of one name."""
    named = list(batches)
    of = courses.find_many({batch.course_id for batch in named})
    return {
        each.id: f"{of[each.course_id].code} · {each.name}" if each.course_id in of else each.name for each in named
    }
