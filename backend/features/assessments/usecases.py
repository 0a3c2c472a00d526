"""Scheduling, editing and cancelling deliveries; what a student's list shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from backend.core.actor import Actor
from backend.core.errors import Conflict, NotFound
from backend.core.ids import IdSource
from backend.features.assessments import model
from backend.features.assessments.conditions import Conditions
from backend.features.assessments.model import Delivery, DeliveryState, Phase, Window
from backend.features.assessments.repository import (
    AttemptMark,
    AttemptMarks,
    Deliveries,
    Formats,
    OfferedFormat,
    ReleasedResults,
    Standing,
)
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What the scheduling page asks for beside format and batch."""

    title: str
    window: Window
    attempts_allowed: int


def get_offered(*, format_id: str, formats: Formats) -> OfferedFormat:
    """Raises RuleViolation by field when there is no such format, or no form of it."""
    offered = formats.find_offered(format_id)
    if offered is None or not offered.form_ids:
        raise model.invalid({"format_id": ["Choose a test from the list."]})
    return offered


def schedule_delivery(
    *,
    actor: Actor,
    campus_id: str,
    batch_id: str,
    format_id: str,
    particulars: Particulars,
    deliveries: Deliveries,
    formats: Formats,
    audit_log: AuditLog,
    now: datetime,
    new_id: IdSource,
) -> Delivery:
    """A delivery of the format's forms, as they are now, to the batch. Every mistake by field in a RuleViolation."""
    if not actor.may_administer(campus_id):
        raise NotFound()
    offered = get_offered(format_id=format_id, formats=formats)
    model.check_window(particulars.window, shortest=offered.allowed, now=now)
    delivery = Delivery(
        id=new_id(),
        campus_id=campus_id,
        batch_id=batch_id,
        title=model.check_title(particulars.title),
        format_id=offered.id,
        format_version=offered.version,
        form_ids=offered.form_ids,
        opens_at=particulars.window.opens_at,
        closes_at=particulars.window.closes_at,
        time_zone=particulars.window.time_zone,
        attempts_allowed=model.check_attempts_allowed(particulars.attempts_allowed),
        state=DeliveryState.SCHEDULED,
        created_by=actor.account_id,
        created_at=now,
    )
    deliveries.add(delivery)
    _note(actor, delivery, "delivery_scheduled", audit_log=audit_log, now=now, new_id=new_id)
    return delivery


def edit_delivery(
    *,
    actor: Actor,
    delivery: Delivery,
    particulars: Particulars,
    deliveries: Deliveries,
    formats: Formats,
    audit_log: AuditLog,
    now: datetime,
    new_id: IdSource,
) -> Delivery:
    """Changes title, window and attempts, before it opens only."""
    offered = formats.find_offered(delivery.format_id)
    after = model.edited(
        delivery,
        title=particulars.title,
        window=particulars.window,
        attempts_allowed=particulars.attempts_allowed,
        shortest=offered.allowed if offered else particulars.window.closes_at - particulars.window.opens_at,
        now=now,
    )
    _save(after, delivery, deliveries)
    _note(actor, delivery, "delivery_edited", audit_log=audit_log, now=now, new_id=new_id)
    return after


def cancel_delivery(
    *,
    actor: Actor,
    delivery: Delivery,
    deliveries: Deliveries,
    audit_log: AuditLog,
    now: datetime,
    new_id: IdSource,
) -> Delivery:
    """Nobody can begin any more; who is inside goes on. Safe to repeat. Written to the audit log."""
    after = model.cancelled(delivery, at=now)
    if after is delivery:
        return delivery
    _save(after, delivery, deliveries)
    _note(actor, after, "delivery_cancelled", audit_log=audit_log, now=now, new_id=new_id)
    return after


def show_answers(
    *,
    actor: Actor,
    delivery: Delivery,
    shown: bool,
    deliveries: Deliveries,
    audit_log: AuditLog,
    now: datetime,
    new_id: IdSource,
) -> Delivery:
    """Lets students follow how their own answers were heard, or no longer. Safe to repeat. Written to the audit log."""
    after = model.showing_answers(delivery, shown=shown)
    if after is delivery:
        return delivery
    _save(after, delivery, deliveries)
    action = "answers_shown_to_students" if shown else "answers_hidden_from_students"
    _note(actor, after, action, audit_log=audit_log, now=now, new_id=new_id)
    return after


def replace_conditions(*, delivery: Delivery, conditions: Conditions, deliveries: Deliveries) -> Delivery:
    """With other conditions, also while it is open. The caller writes the audit log."""
    after = replace(delivery, conditions=conditions, revision=delivery.revision + 1)
    _save(after, delivery, deliveries)
    return after


def _note(
    actor: Actor, delivery: Delivery, action: str, *, audit_log: AuditLog, now: datetime, new_id: IdSource
) -> None:
    record(
        actor_id=actor.account_id,
        campus_id=delivery.campus_id,
        action=action,
        subject_kind="delivery",
        subject_id=delivery.id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
    )
    log.info("delivery_changed", action=action, delivery_id=delivery.id)


def _save(after: Delivery, before: Delivery, deliveries: Deliveries) -> None:
    if not deliveries.save(after, seen=before):
        raise Conflict("changed_meanwhile", "Somebody else has just changed this test. Look at it again.")


# -- a student's list ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentDelivery:
    """One delivery on a student's dashboard. `attempts_left` counts those that can still be begun."""

    delivery: Delivery
    standing: Standing
    attempts_used: int
    attempts_left: int
    deadline_at: datetime | None
    result_id: str | None

    @property
    def can_enter(self) -> bool:
        return self.standing in (Standing.OPEN, Standing.IN_PROGRESS)


_ORDER = (
    Standing.IN_PROGRESS,
    Standing.OPEN,
    Standing.UPCOMING,
    Standing.RELEASED,
    Standing.DONE,
    Standing.MISSED,
    Standing.CANCELLED,
)


def list_for_student(
    *,
    student_id: str,
    batch_id: str | None,
    deliveries: Deliveries,
    attempt_marks: AttemptMarks,
    released_results: ReleasedResults,
    now: datetime,
) -> Sequence[StudentDelivery]:
    """The student's deliveries, what can be done now first; a cancelled one only where the student had begun it."""
    if batch_id is None:
        return []
    marks: dict[str, list[AttemptMark]] = {}
    for mark in attempt_marks.list_marks(student_id):
        marks.setdefault(mark.delivery_id, []).append(mark)
    released = released_results.list_released(student_id)
    rows = [
        _stand(delivery, marks.get(delivery.id, []), released.get(delivery.id), now)
        for delivery in deliveries.list_by_batch(batch_id)
    ]
    shown = [row for row in rows if row.standing is not Standing.CANCELLED or row.attempts_used]
    return sorted(shown, key=lambda row: _ORDER.index(row.standing))


def _stand(delivery: Delivery, marks: Sequence[AttemptMark], result_id: str | None, now: datetime) -> StudentDelivery:
    running = next((mark for mark in marks if _goes_on(mark, now)), None)
    used = sum(1 for mark in marks if mark.began)
    left = max(0, delivery.attempts_allowed - used)
    return StudentDelivery(
        delivery=delivery,
        standing=_standing(delivery, running is not None, used, left, result_id, now),
        attempts_used=used,
        attempts_left=left,
        deadline_at=running.deadline_at if running and not running.is_paused else None,
        result_id=result_id,
    )


def _goes_on(mark: AttemptMark, now: datetime) -> bool:
    return mark.is_running and (mark.is_paused or (mark.deadline_at is not None and now < mark.deadline_at))


def _standing(
    delivery: Delivery, is_running: bool, used: int, left: int, result_id: str | None, now: datetime
) -> Standing:
    if is_running:
        return Standing.IN_PROGRESS
    if delivery.lets_check(now) and left:
        return Standing.OPEN
    if result_id is not None:
        return Standing.RELEASED
    if used:
        return Standing.DONE
    return {
        Phase.UPCOMING: Standing.UPCOMING,
        Phase.CANCELLED: Standing.CANCELLED,
        Phase.CLOSED: Standing.MISSED,
        Phase.OPEN: Standing.MISSED,
    }[delivery.phase(now)]
