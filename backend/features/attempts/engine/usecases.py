"""Controls of staff over attempts, and what a candidate may ask of the clock: a break, a prompt once more.

A control is safe to repeat at any time, whole or in part. The audit log is written first, one entry an attempt under an
id made of the control's and the attempt's: a crash leaves an entry too many rather than one too few, and repeating the
control makes the entry true. A control that came too late after all gets a second entry that says so.

One for everybody is written to the delivery first, and holds from that moment for every attempt that had begun: it is
`under_way` until it stands in each attempt. Who decides about an attempt meanwhile takes it along (`keep_abreast`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from backend.core.errors import AppError, NotFound, TemporaryFailure
from backend.core.ports import Feed
from backend.features.assessments import model as delivery_rules
from backend.features.assessments.model import Delivery, DeliveryControl
from backend.features.assessments.repository import Deliveries
from backend.features.attempts import answers, monitor
from backend.features.attempts.engine import pauses
from backend.features.attempts.engine.controls import (
    STRANDED_AFTER,
    Control,
    ControlKind,
    check_control,
    controlled,
    has_reached,
    holds_from,
    passing_over,
    reaches,
)
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
_STRANDED_AT_ONCE = 20

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """A control as of a moment, for an attempt or for everybody whom it reaches."""

    control: Control
    at: datetime
    is_for_all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the orders make of an attempt: which of them change it, and what becomes of the last."""

    before: Attempt
    after: Attempt
    made: tuple[Control, ...]
    outcome: str


# -- staff -----------------------------------------------------------------------------------------------------------


def control_attempts(
    *, delivery: Delivery, control: Control, attempt_ids: Sequence[str], room: ControlRoom, now: datetime
) -> ControlReport:
    """The control for these attempts of the delivery. NotFound when one of them is not of it; nothing is done then."""
    check_control(control)
    chosen = [room.attempts.find(attempt_id) for attempt_id in dict.fromkeys(attempt_ids)]
    mine = [attempt for attempt in chosen if attempt is not None and attempt.delivery_id == delivery.id]
    if len(mine) != len(chosen):
        raise NotFound()
    report = ControlReport()
    orders = [*_orders_under_way(delivery.id, room), _Order(control=control, at=now, is_for_all=False)]
    _control_each(mine, orders, room, now, report)
    return report


def control_all(*, delivery: Delivery, control: Control, room: ControlRoom, now: datetime) -> ControlReport:
    """The control for everybody: the delivery first, so that nobody begins past it, then each attempt that had begun.

    A pause holds the delivery, going on lets it go and closes that much later, an extension closes that much later.
    Repeated, it holds as of the moment at which it was given first.
    """
    check_control(control)
    reached = _control_delivery(delivery, control, room, now)
    report = ControlReport()
    orders = _orders_up_to(control.id, reached)
    if not orders:
        return _as_it_became(delivery, control, reached, room)
    for _ in range(_PASSES):  # who was just beginning when the control came is found by the next look
        listed = room.attempts.list_by_delivery(delivery.id)
        due = [each for each in listed if each.id not in report.outcomes and reaches(control, each, at=orders[-1].at)]
        if not due:
            break
        _control_each(due, orders, room, now, report)
    _note_arrival(delivery.id, control.id, room)
    log.info(
        "control_for_all", action=control.kind.value, delivery_id=delivery.id, changed=len(report.ids(Outcome.CHANGED))
    )
    return report


def finish_stranded(*, room: ControlRoom, now: datetime) -> int:
    """Writes to the attempts what a process left under way that died; how many controls. May run twice at once."""
    stranded = room.deliveries.list_under_way(before=now - STRANDED_AFTER, limit=_STRANDED_AT_ONCE)
    marks = [(delivery, mark) for delivery in stranded for mark in delivery_rules.list_under_way(delivery)]
    for delivery, mark in marks:
        control_all(delivery=delivery, control=_control_of(mark), room=room, now=now)
    return len(marks)


def keep_abreast(*, attempt: Attempt, delivery: Delivery, room: ControlRoom, now: datetime) -> Attempt:
    """The attempt with what is under way for everybody of this delivery and had not been written to it yet."""
    if not delivery.under_way:
        return attempt
    orders = [_order_of(mark) for mark in delivery_rules.list_under_way(delivery)]
    _control_each([attempt], orders, room, now, ControlReport())
    return room.attempts.find(attempt.id) or attempt


def _control_of(mark: DeliveryControl) -> Control:
    return Control(id=mark.id, kind=ControlKind(mark.kind), by=mark.by, reason=mark.reason, minutes=mark.minutes)


def _order_of(mark: DeliveryControl) -> _Order:
    return _Order(control=_control_of(mark), at=mark.at, is_for_all=True)


def _orders_under_way(delivery_id: str, room: ControlRoom) -> list[_Order]:
    delivery = room.deliveries.find(delivery_id)
    return [] if delivery is None else [_order_of(mark) for mark in delivery_rules.list_under_way(delivery)]


def _orders_up_to(control_id: str, delivery: Delivery) -> list[_Order]:
    """That control after those that were given before it and are under way too; none when it has arrived."""
    orders = [_order_of(mark) for mark in delivery_rules.list_under_way(delivery)]
    ids = [order.control.id for order in orders]
    return orders[: ids.index(control_id) + 1] if control_id in ids else []


def _as_it_became(delivery: Delivery, control: Control, reached: Delivery, room: ControlRoom) -> ControlReport:
    """The report of a control that reached everybody long ago: nothing is done again."""
    at = delivery_rules.controlled_at(reached, control.id)
    listed = [each for each in room.attempts.list_by_delivery(delivery.id) if at and reaches(control, each, at=at)]
    return ControlReport(outcomes={each.id: Outcome.UNCHANGED.value for each in listed})


def _control_delivery(delivery: Delivery, control: Control, room: ControlRoom, now: datetime) -> Delivery:
    """The delivery that this control has reached: now, or long ago when it is repeated."""
    for _ in range(_RACES):
        seen = room.deliveries.find(delivery.id)
        if seen is None:
            raise NotFound()
        if delivery_rules.controlled_at(seen, control.id) is not None:
            return seen
        room.audit_log.add_absent([_delivery_event(seen, control, now)])
        after = _controlled_delivery(seen, control, now)
        if room.deliveries.save(after, seen=seen):
            return after
    raise TemporaryFailure("delivery_contended")


def _controlled_delivery(delivery: Delivery, control: Control, now: datetime) -> Delivery:
    mark = DeliveryControl(
        id=control.id, at=now, kind=control.kind.value, by=control.by, minutes=control.minutes, reason=control.reason
    )
    match control.kind:
        case ControlKind.EXTEND:
            return delivery_rules.extended(delivery, mark, timedelta(minutes=control.minutes or 0))
        case ControlKind.PAUSE:
            return delivery_rules.held(delivery, mark)
        case ControlKind.RESUME:
            return delivery_rules.let_go(delivery, mark)
        case _:
            return delivery_rules.noted(delivery, mark)


def _note_arrival(delivery_id: str, control_id: str, room: ControlRoom) -> None:
    for _ in range(_RACES):
        seen = room.deliveries.find(delivery_id)
        if seen is None:
            return
        after = delivery_rules.arrived(seen, control_id)
        if after is seen or room.deliveries.save(after, seen=seen):
            return
    raise TemporaryFailure("delivery_contended")


def _control_each(
    attempts: Sequence[Attempt], orders: Sequence[_Order], room: ControlRoom, now: datetime, report: ControlReport
) -> None:
    """All are worked out and audited, then told, then written: writing a thousand takes the longest, and changes no
    more about what holds."""
    released = _released(attempts, orders, room)
    plans = [_plan(attempt, orders, room, released, now) for attempt in attempts]
    report.outcomes |= {plan.before.id: plan.outcome for plan in plans}
    changing = [plan for plan in plans if plan.after is not plan.before]
    room.audit_log.add_absent([event for plan in changing for event in _events(plan, now)])
    is_for_all = orders[-1].is_for_all
    for plan in changing:
        if is_for_all:
            announce_change(plan.after, feed=room.feed, now=now)
    for plan in changing:
        told = plan.after if is_for_all else None
        report.outcomes[plan.before.id] = _write(plan, told, orders, room, now)


def _plan(
    attempt: Attempt, orders: Sequence[_Order], room: ControlRoom, released: frozenset[str], now: datetime
) -> _Plan:
    is_released = attempt.id in released
    paper = room.papers.get(attempt.form_id)
    after, made, outcome = attempt, [], Outcome.UNCHANGED.value
    for order in orders:
        seen, control, outcome = after, order.control, Outcome.UNCHANGED.value
        if order.is_for_all and not reaches(control, seen, at=order.at):
            continue
        at = holds_from(control, given_at=order.at, now=now)
        try:
            after = controlled(seen, control, paper, is_released=is_released, now=at)
        except AppError as refusal:
            outcome = refusal.code
        if after is not seen:
            made.append(control)
            outcome = Outcome.CHANGED.value
    if after is not attempt:
        idle = [each.control for each in orders if each.is_for_all and not has_reached(each.control, after)]
        after = replace(passing_over(after, [control.id for control in idle]), revision=attempt.revision + 1)
    return _Plan(before=attempt, after=after, made=tuple(made), outcome=outcome)


def _released(attempts: Iterable[Attempt], orders: Sequence[_Order], room: ControlRoom) -> frozenset[str]:
    if all(order.control.kind not in _NEEDS_RELEASES for order in orders):
        return frozenset()
    return frozenset(each.id for each in attempts if room.released.is_released(each.id))


def _write(
    plan: _Plan,
    told: Attempt | None,
    orders: Sequence[_Order],
    room: ControlRoom,
    now: datetime,
) -> str:
    """One compare-and-set; where the candidate moved meanwhile, the orders are worked out anew."""
    for _ in range(_RACES):
        if plan.after is plan.before:
            return _after_race(plan, orders[-1].control, room, now)
        if room.attempts.save(plan.after, seen=plan.before):
            _tell(plan.after, room, now, is_told=plan.after is told)
            return plan.outcome
        seen = room.attempts.find(plan.before.id)
        if seen is None:
            raise NotFound()
        plan = _plan(seen, orders, room, _released([seen], orders, room), now)
        room.audit_log.add_absent(_events(plan, now))
    raise TemporaryFailure("attempt_contended")


def _after_race(plan: _Plan, control: Control, room: ControlRoom, now: datetime) -> str:
    """Somebody else wrote the control, or what they wrote leaves nothing to be done by it."""
    if has_reached(control, plan.before):
        return Outcome.CHANGED
    if plan.outcome not in tuple(Outcome):
        room.audit_log.add_absent([_event(plan.before, control, now, refused=plan.outcome)])
    return plan.outcome


def _tell(attempt: Attempt, room: ControlRoom, now: datetime, *, is_told: bool) -> None:
    """Everybody who shows this attempt or writes to it. Losing this costs a heartbeat's time, and one slower save."""
    paper = room.papers.get(attempt.form_id)
    if not paper.is_spoken:
        answers.move_limits(attempt, paper=paper, responses=room.responses, now=now)
    if not is_told:
        announce_change(attempt, feed=room.feed, now=now)
    monitor.announce_progress(attempt, paper, feed=room.feed, now=now)


def _events(plan: _Plan, now: datetime) -> list[AuditEvent]:
    return [_event(plan.before, control, now) for control in plan.made]


def _event(attempt: Attempt, control: Control, now: datetime, *, refused: str | None = None) -> AuditEvent:
    details: dict[str, str | int] = {"delivery_id": attempt.delivery_id, "control_id": control.id}
    if control.minutes is not None:
        details["minutes"] = control.minutes
    suffix = ""
    if refused is not None:
        details["refused"], suffix = refused, ":refused"
    return event_of(
        event_id=f"{control.id}:{attempt.id}{suffix}",
        actor_id=control.by,
        campus_id=attempt.campus_id,
        action=f"attempt_{_PAST[control.kind]}" if refused is None else "attempt_control_refused",
        subject_kind="attempt",
        subject_id=attempt.id,
        now=now,
        **details,
    )


def _delivery_event(delivery: Delivery, control: Control, now: datetime) -> AuditEvent:
    minutes: Mapping[str, str | int] = {} if control.minutes is None else {"minutes": control.minutes}
    return event_of(
        event_id=f"{control.id}:{delivery.id}",
        actor_id=control.by,
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
