"""A delivery: one test format, opened to one batch between two moments.

    scheduled -> cancelled

Whether a scheduled delivery is upcoming, open or closed follows from the server's clock alone (`Delivery.phase`).
Local times are the campus's. A local time that the clocks skip is refused; one that they pass twice is read so that
candidates never get less than the page promised: opening takes the first, closing the second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend.core.errors import Conflict, RuleViolation
from backend.features.assessments.conditions import NO_CONDITIONS, Conditions

TITLE_MAX = 120
ATTEMPTS_MAX = 10
LONGEST_WINDOW = timedelta(days=31)
LOBBY = timedelta(minutes=30)
CONTROLS_KEPT = 50
LOCAL_FORMAT = "%Y-%m-%dT%H:%M"


class DeliveryState(StrEnum):
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    """Where a delivery stands at a moment."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryControl:
    """A control of staff that was for everybody: it reaches the attempts that had begun by `at`.

    What it does is the business of the feature that has the attempts; here it is kept until it has reached them all.
    """

    id: str
    at: datetime
    kind: str = ""
    by: str = ""
    minutes: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`form_ids` are the parallel forms that candidates get in turn; `opens_at`, `closes_at` are moments in UTC.
    `shows_answers`: whether students see, beside a released result, how each of their answers was heard.
    While it is held (`held_at`) nobody begins; `controls` are the latest that were for everybody. Those whose ids are
    `under_way` hold for every attempt already, but are not written to each yet; the oldest since `under_way_since`.
    """

    id: str
    campus_id: str
    batch_id: str
    title: str
    format_id: str
    format_version: str
    form_ids: tuple[str, ...]
    opens_at: datetime
    closes_at: datetime
    time_zone: str
    attempts_allowed: int
    state: DeliveryState
    created_by: str
    created_at: datetime
    shows_answers: bool = False
    held_at: datetime | None = None
    controls: tuple[DeliveryControl, ...] = ()
    under_way: tuple[str, ...] = ()
    under_way_since: datetime | None = None
    revision: int = 0
    conditions: Conditions = NO_CONDITIONS

    def phase(self, at: datetime) -> Phase:
        if self.state is DeliveryState.CANCELLED:
            return Phase.CANCELLED
        if at < self.opens_at:
            return Phase.UPCOMING
        return Phase.OPEN if at < self.closing(at) else Phase.CLOSED

    def closing(self, at: datetime) -> datetime:
        """When it closes, as it looks at that moment: while it is held, closing moves on with the clock."""
        return self.closes_at if self.held_at is None else self.closes_at + max(at - self.held_at, timedelta(0))

    def is_open(self, at: datetime) -> bool:
        return self.phase(at) is Phase.OPEN

    def lets_check(self, at: datetime) -> bool:
        """Whether a candidate may enter and check the device: from half an hour before opening until closing."""
        return self.state is DeliveryState.SCHEDULED and self.opens_at - LOBBY <= at < self.closing(at)

    def opens_locally(self) -> datetime:
        return self.opens_at.astimezone(ZoneInfo(self.time_zone))

    def closes_locally(self) -> datetime:
        return self.closes_at.astimezone(ZoneInfo(self.time_zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a delivery is open, in UTC, and the zone in which people read it."""

    opens_at: datetime
    closes_at: datetime
    time_zone: str


class Edge(StrEnum):
    """Which end of the window a local time is: decides what a time that comes twice means."""

    OPENING = "opening"
    CLOSING = "closing"


def read_zone(name: str) -> ZoneInfo:
    """The zone; RuleViolation("unknown_time_zone") when the campus's setting names none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise RuleViolation("unknown_time_zone", "The campus's time zone is unknown. Correct it first.") from None


def resolve_local(text: str, *, time_zone: str, edge: Edge) -> datetime:
    """The moment of "2026-03-29T10:00" in the zone, in UTC.

    Refused, as RuleViolation with a text for people: not a time (`invalid_time`), a time that the clocks skip
    (`skipped_time`).
    """
    zone = read_zone(time_zone)
    try:
        local = datetime.strptime(text[:16], LOCAL_FORMAT).replace(tzinfo=zone)
    except ValueError:
        raise RuleViolation("invalid_time", "Enter a date and a time.") from None
    moment = local.replace(fold=0 if edge is Edge.OPENING else 1).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise RuleViolation(
            "skipped_time",
            "The clocks go forward that night: this time does not exist. Choose a time before or after the change.",
        )
    return moment


def read_window(*, opens: str, closes: str, time_zone: str) -> Window:
    """The window that two local times name; every mistake by field in the RuleViolation's `errors`."""
    moments: dict[str, datetime] = {}
    errors: dict[str, list[str]] = {}
    for field, text, edge in (("opens", opens, Edge.OPENING), ("closes", closes, Edge.CLOSING)):
        try:
            moments[field] = resolve_local(text, time_zone=time_zone, edge=edge)
        except RuleViolation as mistake:
            errors[field] = [mistake.detail]
    if errors:
        raise invalid(errors)
    return Window(opens_at=moments["opens"], closes_at=moments["closes"], time_zone=time_zone)


def invalid(errors: Mapping[str, list[str]]) -> RuleViolation:
    return RuleViolation("invalid_input", "Some of the input needs another look.", errors=errors)


def check_window(window: Window, *, shortest: timedelta, now: datetime) -> None:
    """Refuses a window that is over, turned round, longer than a month, or shorter than the test takes."""
    length = window.closes_at - window.opens_at
    minutes = -(-int(shortest.total_seconds()) // 60)
    if length <= timedelta(0):
        raise invalid({"closes": ["The test must close after it opens."]})
    if window.closes_at <= now:
        raise invalid({"closes": ["The closing time is in the past."]})
    if length < shortest:
        raise invalid({"closes": [f"The window is too short: this test takes up to {minutes} minutes."]})
    if length > LONGEST_WINDOW:
        raise invalid({"closes": [f"The window is too long: at most {LONGEST_WINDOW.days} days."]})


def check_title(title: str) -> str:
    """The title without needless spaces; refused when empty, too long, or with control characters."""
    cleaned = " ".join(title.split())
    if not cleaned:
        raise invalid({"title": ["Give the test a title."]})
    if len(cleaned) > TITLE_MAX or not cleaned.isprintable():
        raise invalid({"title": [f"At most {TITLE_MAX} ordinary characters."]})
    return cleaned


def check_attempts_allowed(number: int) -> int:
    if not 1 <= number <= ATTEMPTS_MAX:
        raise invalid({"attempts_allowed": [f"Between 1 and {ATTEMPTS_MAX}."]})
    return number


def edited(
    delivery: Delivery, *, title: str, window: Window, attempts_allowed: int, shortest: timedelta, now: datetime
) -> Delivery:
    """The delivery with new particulars; Conflict("already_open") once candidates may have begun."""
    check_not_opened(delivery, at=now)
    check_window(window, shortest=shortest, now=now)
    return replace(
        delivery,
        title=check_title(title),
        opens_at=window.opens_at,
        closes_at=window.closes_at,
        time_zone=window.time_zone,
        attempts_allowed=check_attempts_allowed(attempts_allowed),
        revision=delivery.revision + 1,
    )


def check_not_opened(delivery: Delivery, *, at: datetime) -> None:
    phase = delivery.phase(at)
    if phase is Phase.CANCELLED:
        raise Conflict("delivery_cancelled", "This test was cancelled.")
    if phase is not Phase.UPCOMING:
        raise Conflict("already_open", "The test has opened: it can no longer be edited.")


def controlled_at(delivery: Delivery, control_id: str) -> datetime | None:
    """When that control reached the delivery; None if it never did."""
    return next((mark.at for mark in delivery.controls if mark.id == control_id), None)


def extended(delivery: Delivery, control: DeliveryControl, by: timedelta) -> Delivery:
    """Closing later, because everybody gets more time: who begins after this must not have less than the others."""
    is_past = delivery.phase(control.at) in (Phase.CLOSED, Phase.CANCELLED)
    return _controlled(delivery, control, closes_at=delivery.closes_at if is_past else delivery.closes_at + by)


def held(delivery: Delivery, control: DeliveryControl) -> Delivery:
    """Nobody begins until it goes on. Safe to repeat."""
    return _controlled(delivery, control, held_at=delivery.held_at or control.at)


def let_go(delivery: Delivery, control: DeliveryControl) -> Delivery:
    """Beginning is possible again, and closing later by the time that it was held."""
    return _controlled(delivery, control, closes_at=delivery.closing(control.at), held_at=None)


def noted(delivery: Delivery, control: DeliveryControl) -> Delivery:
    """A control for everybody that changes nothing of the delivery itself."""
    return _controlled(delivery, control)


def _controlled(delivery: Delivery, control: DeliveryControl, **changes: object) -> Delivery:
    return replace(
        delivery,
        controls=(*delivery.controls, control)[-CONTROLS_KEPT:],
        under_way=(*delivery.under_way, control.id),
        under_way_since=delivery.under_way_since or control.at,
        revision=delivery.revision + 1,
        **changes,  # type: ignore[arg-type] # fields
    )


def list_under_way(delivery: Delivery) -> list[DeliveryControl]:
    """The controls for everybody that may not have reached every attempt yet, in the order in which they were given."""
    return [control for control in delivery.controls if control.id in delivery.under_way]


def arrived(delivery: Delivery, control_id: str) -> Delivery:
    """That control has reached every attempt. Known already: the same delivery."""
    if control_id not in delivery.under_way:
        return delivery
    left = [control for control in list_under_way(delivery) if control.id != control_id]
    return replace(
        delivery,
        under_way=tuple(control.id for control in left),
        under_way_since=left[0].at if left else None,
        revision=delivery.revision + 1,
    )


def cancelled(delivery: Delivery, *, at: datetime) -> Delivery:
    """Cancelled: nobody can begin any more. Who is inside goes on; a closed test stays as it is. Safe to repeat."""
    phase = delivery.phase(at)
    if phase is Phase.CLOSED:
        raise Conflict("already_closed", "The test is over: it can no longer be cancelled.")
    if phase is Phase.CANCELLED:
        return delivery
    return replace(delivery, state=DeliveryState.CANCELLED, revision=delivery.revision + 1)


def showing_answers(delivery: Delivery, *, shown: bool) -> Delivery:
    """Whether students may follow their own answers; so already: the same delivery."""
    if delivery.shows_answers is shown:
        return delivery
    return replace(delivery, shows_answers=shown, revision=delivery.revision + 1)
