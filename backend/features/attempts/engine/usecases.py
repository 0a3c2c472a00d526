"""Controls of staff over attempts, and what a candidate may ask of the clock: a break, a prompt once more.

A control is safe to repeat at any time, whole or in part. The audit log is written first, one entry an attempt under an
id made of the control's and the attempt's: a crash leaves an entry too many rather than one too few, and repeating the
control makes the entry true. A control that came too late after all gets a second entry that says so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from backend.core.actor import Actor
from backend.core.errors import AppError, Conflict, NotFound, TemporaryFailure
from backend.core.ports import Feed
from backend.features.assessments import model as delivery_rules
from backend.features.assessments.model import Delivery
from backend.features.assessments.repository import Deliveries
from backend.features.attempts import answers, monitor
from backend.features.attempts.engine import pauses
from backend.features.attempts.engine.controls import Control, ControlKind, check_control, controlled
from backend.features.attempts.engine.news import announce_change
from backend.features.attempts.model import Attempt, check_lease
from backend.features.attempts.paper import Paper
from backend.features.attempts.repository import Attempts, Papers, ReleasedAttempts, Responses
from backend.features.attempts.usecases import change, refresh
from backend.features.audit.model import AuditEvent
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import event_of

_RACES = 8
_PASSES = 3
_NEEDS_RELEASES = (ControlKind.REOPEN, ControlKind.VOID)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRoom:
    """What controls work on."""

    deliveries: Deliveries
    attempts: Attempts
    responses: Responses
    papers: Papers
    released: ReleasedAttempts
    audit_log: AuditLog
    feed: Feed


class Outcome(StrEnum):
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(slots=True, kw_only=True)
class ControlReport:
    """What became of each attempt: "changed", "unchanged", or the code of the refusal."""

    outcomes: dict[str, str] = field(default_factory=dict)

    def ids(self, outcome: Outcome) -> list[str]:
        return [attempt_id for attempt_id, found in self.outcomes.items() if found == outcome]

    @property
    def refused(self) -> dict[str, str]:
        return {attempt_id: code for attempt_id, code in self.outcomes.items() if code not in tuple(Outcome)}


# -- staff -----------------------------------------------------------------------------------------------------------


def control_attempts(
    *, actor: Actor, delivery: Delivery, control: Control, attempt_ids: Sequence[str], room: ControlRoom, now: datetime
) -> ControlReport:
    """The control for these attempts of the delivery. NotFound when one of them is not of it; nothing is done then."""
    check_control(control)
    chosen = [room.attempts.find(attempt_id) for attempt_id in dict.fromkeys(attempt_ids)]
    mine = [attempt for attempt in chosen if attempt is not None and attempt.delivery_id == delivery.id]
    if len(mine) != len(chosen):
        raise NotFound()
    report = ControlReport()
    _control_each(mine, actor, control, room, now, report)
    return report


def control_all(
    *, actor: Actor, delivery: Delivery, control: Control, room: ControlRoom, now: datetime
) -> ControlReport:
    """The control for everybody: the delivery first, so that nobody begins past it, then each attempt that had begun.

    A pause holds the delivery, going on lets it go and closes that much later, an extension closes that much later.
    """
    check_control(control)
    known_at = _control_delivery(actor, delivery, control, room, now)
    report = ControlReport()
    for _ in range(_PASSES):  # who was just beginning when the control came is found by the next look
        listed = room.attempts.list_by_delivery(delivery.id)
        due = [each for each in listed if each.id not in report.outcomes and _is_reached(each, control, known_at)]
        if not due:
            break
        _control_each(due, actor, control, room, now, report)
    log.info(
        "control_for_all", action=control.kind.value, delivery_id=delivery.id, changed=len(report.ids(Outcome.CHANGED))
    )
    return report


def _is_reached(attempt: Attempt, control: Control, at: datetime) -> bool:
    """Whether a control for everybody that was given at that moment is for this attempt too."""
    if control.kind is ControlKind.VOID:
        return attempt.created_at <= at
    if attempt.started_at is None or attempt.started_at > at:
        return False
    return attempt.is_over if control.kind is ControlKind.REOPEN else attempt.is_running


def _control_delivery(actor: Actor, delivery: Delivery, control: Control, room: ControlRoom, now: datetime) -> datetime:
    """When this control reached the delivery: now, or long ago when it is repeated."""
    for _ in range(_RACES):
        seen = room.deliveries.find(delivery.id)
        if seen is None:
            raise NotFound()
        known_at = delivery_rules.controlled_at(seen, control.id)
        if known_at is not None:
            return known_at
        room.audit_log.add_absent([_delivery_event(actor, seen, control, now)])
        if room.deliveries.save(_controlled_delivery(seen, control, now), seen_revision=seen.revision):
            return now
    raise TemporaryFailure("delivery_contended")


def _controlled_delivery(delivery: Delivery, control: Control, now: datetime) -> Delivery:
    match control.kind:
        case ControlKind.EXTEND:
            return delivery_rules.extended(delivery, control.id, timedelta(minutes=control.minutes or 0), at=now)
        case ControlKind.PAUSE:
            return delivery_rules.held(delivery, control.id, at=now)
        case ControlKind.RESUME:
            return delivery_rules.let_go(delivery, control.id, at=now)
        case _:
            return delivery_rules.noted(delivery, control.id, at=now)


def _control_each(
    attempts: Sequence[Attempt],
    actor: Actor,
    control: Control,
    room: ControlRoom,
    now: datetime,
    report: ControlReport,
) -> None:
    released = _released(attempts, control, room)
    planned: list[tuple[Attempt, Attempt]] = []
    for attempt in attempts:
        try:
            after = _step(attempt, control, room, released, now)
        except AppError as refusal:
            report.outcomes[attempt.id] = refusal.code
            continue
        if after is attempt:
            report.outcomes[attempt.id] = Outcome.UNCHANGED
        else:
            planned.append((attempt, after))
    room.audit_log.add_absent([_event(actor, attempt, control, now) for attempt, _ in planned])
    for attempt, after in planned:
        report.outcomes[attempt.id] = _write(attempt, after, actor, control, room, released, now)


def _step(attempt: Attempt, control: Control, room: ControlRoom, released: frozenset[str], now: datetime) -> Attempt:
    total_items = room.papers.get(attempt.form_id).total_items
    return controlled(attempt, control, total_items=total_items, is_released=attempt.id in released, now=now)


def _released(attempts: Iterable[Attempt], control: Control, room: ControlRoom) -> frozenset[str]:
    if control.kind not in _NEEDS_RELEASES:
        return frozenset()
    return frozenset(each.id for each in attempts if room.released.is_released(each.id))


def _write(
    attempt: Attempt,
    after: Attempt,
    actor: Actor,
    control: Control,
    room: ControlRoom,
    released: frozenset[str],
    now: datetime,
) -> str:
    """One compare-and-set; where the candidate moved meanwhile, the control is worked out anew."""
    if not room.attempts.save(after, seen_revision=attempt.revision):
        try:
            after = change(attempt.id, lambda seen: _step(seen, control, room, released, now), attempts=room.attempts)
        except Conflict as refusal:
            room.audit_log.add_absent([_event(actor, attempt, control, now, refused=refusal.code)])
            return refusal.code
    _tell(after, room, now)
    return Outcome.CHANGED


def _tell(attempt: Attempt, room: ControlRoom, now: datetime) -> None:
    """Everybody who shows this attempt or writes to it. Losing this costs a heartbeat's time, and one slower save."""
    paper = room.papers.get(attempt.form_id)
    if not paper.is_spoken:
        answers.move_limits(attempt, paper=paper, responses=room.responses, now=now)
    announce_change(attempt, feed=room.feed)
    monitor.announce_progress(attempt, paper, feed=room.feed, now=now)


def _event(
    actor: Actor, attempt: Attempt, control: Control, now: datetime, *, refused: str | None = None
) -> AuditEvent:
    details: dict[str, str | int] = {"delivery_id": attempt.delivery_id, "control_id": control.id}
    if control.minutes is not None:
        details["minutes"] = control.minutes
    suffix = ""
    if refused is not None:
        details["refused"], suffix = refused, ":refused"
    return event_of(
        event_id=f"{control.id}:{attempt.id}{suffix}",
        actor_id=actor.account_id,
        campus_id=attempt.campus_id,
        action=f"attempt_{_PAST[control.kind]}" if refused is None else "attempt_control_refused",
        subject_kind="attempt",
        subject_id=attempt.id,
        now=now,
        **details,
    )


def _delivery_event(actor: Actor, delivery: Delivery, control: Control, now: datetime) -> AuditEvent:
    minutes: Mapping[str, str | int] = {} if control.minutes is None else {"minutes": control.minutes}
    return event_of(
        event_id=f"{control.id}:{delivery.id}",
        actor_id=actor.account_id,
        campus_id=delivery.campus_id,
        action=f"delivery_{_PAST[control.kind]}",
        subject_kind="delivery",
        subject_id=delivery.id,
        now=now,
        control_id=control.id,
        **minutes,
    )


_PAST = {
    ControlKind.EXTEND: "extended",
    ControlKind.PAUSE: "paused",
    ControlKind.RESUME: "resumed",
    ControlKind.REOPEN: "reopened",
    ControlKind.VOID: "voided",
}


# -- the candidate ---------------------------------------------------------------------------------------------------


def take_break(
    *, attempt: Attempt, paper: Paper, attempts: Attempts, now: datetime, epoch: int | None = None
) -> Attempt:
    """The clock stands until the candidate goes on, or the break is used up. Safe to repeat."""
    return _ask(attempt, lambda seen: pauses.rested(seen, paper, at=now), attempts, now, epoch)


def end_break(*, attempt: Attempt, attempts: Attempts, now: datetime, epoch: int | None = None) -> Attempt:
    """Safe to repeat."""
    return _ask(attempt, lambda seen: pauses.rest_ended(seen, at=now), attempts, now, epoch)


def hear_again(
    *,
    attempt: Attempt,
    position: int,
    number: int,
    paper: Paper,
    attempts: Attempts,
    now: datetime,
    epoch: int | None = None,
) -> Attempt:
    """The open item's prompt once more; `number` counts the repetitions from 1, so asking again is safe."""
    return _ask(
        attempt, lambda seen: pauses.heard_again(seen, position, paper, number=number, at=now), attempts, now, epoch
    )


def _ask(
    attempt: Attempt,
    step: Callable[[Attempt], Attempt],
    attempts: Attempts,
    now: datetime,
    epoch: int | None,
) -> Attempt:
    def checked_step(seen: Attempt) -> Attempt:
        check_lease(seen, epoch)
        return step(seen)

    first = refresh(attempt, attempts=attempts, now=now)
    return change(attempt.id, checked_step, attempts=attempts, first=first)
