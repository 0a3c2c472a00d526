"""An attempt: one student's sitting, and the clock of its items. The server's clock alone decides.

    checking ---begin---> in_progress <---pause, resume---> paused
                               |------ close the last item ----> submitted --.
                               |------ the deadline passes ----> expired ----+--reopen--> in_progress
    any but voided ---void--> voided

- *checking*: entered, device check; may last as long as the window; no clock runs.
- *in_progress*: items are opened and closed one after another (`moves`). `position` is the item that is open
  (`item_opened_at` is set) or comes next (it is not). It only ever grows; only staff who reopen an attempt that was
  handed in give its last item once more. A part with a time limit of its own is opened and closed as a whole: then
  `items_open` items are open from `position` on, under one clock, and the candidate goes to and fro between them.
- *paused*: the clock stands still, by staff or as the candidate's break (`break_until`). Going on shifts the deadline
  and the open item's clock by exactly the time that it stood.
- *submitted*, *expired*: over, exactly once. Recordings of items that were opened are still taken until
  `upload_until`, so that nothing recorded off-line is lost. Results are settled from here (`settled_at`).
- *voided*: does not count; it is never settled, and the student may begin another.

`deadline_at` = the earlier of the start + the time that this candidate is allowed, and closing; then only ever later,
by pauses, extensions and repeated prompts. At the deadline it is over. Who may do what when: docs/attempts.md.
Every change is a new value with `revision` + 1; storage writes it only over the revision that was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.errors import Conflict

UPLOAD_GRACE = timedelta(hours=24)
# When a look at an attempt that is over was lost with its process, the sweep takes another: within a minute in all.
REVIEW_PAUSE = timedelta(seconds=40)
# Who may hear a prompt again has this much time after it to ask.
HEAR_AGAIN_MS = 5_000


class AttemptState(StrEnum):
    CHECKING = "checking"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    VOIDED = "voided"


OVER = frozenset({AttemptState.SUBMITTED, AttemptState.EXPIRED})
# Begun and not over: the candidate can still do something, now or after a pause.
RUNNING = frozenset({AttemptState.IN_PROGRESS, AttemptState.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is different for this candidate; fixed when the clock starts, from what staff granted the student.

    `extra_time` multiplies the test's time and every item's window; `break_ms` may be rested between sections with the
    clock standing; each prompt may be heard `replays` more times. `no_silence_end`: a recorded answer is ended by the
    candidate or its window, never by silence.
    """

    extra_time: float = 1.0
    break_ms: int = 0
    replays: int = 0
    larger_text: bool = False
    no_silence_end: bool = False

    @property
    def are_usual(self) -> bool:
        return self == USUAL

    def stretched(self, milliseconds: int) -> int:
        """A window of that many milliseconds as this candidate has it."""
        return round(milliseconds * self.extra_time)

    def silence_limit(self, milliseconds: int) -> int:
        """The silence that ends this candidate's answer where `milliseconds` are usual; 0: none does."""
        return 0 if self.no_silence_end else self.stretched(milliseconds)


USUAL = Conditions()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineStretch:
    """The candidate went on from `began_at`, as the client says, and told it at `ended_at`. Noted, never punished."""

    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedPart:
    """A part with a time limit of its own that was closed: its items, and when their answers ended."""

    first_position: int
    item_count: int
    ended_at: datetime

    def holds(self, position: int) -> bool:
        return self.first_position <= position < self.first_position + self.item_count


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlMark:
    """A control of staff that reached the attempt: what, by whom, when and why."""

    id: str
    kind: str
    by: str
    at: datetime
    minutes: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`number` counts a student's attempts at a delivery from 1. `device_check` maps check to "passed"/"failed:<code>".

    `due_at` is when the sweep has to look at the attempt next; None when nothing is left to wait for. `client_id` is
    the page that holds the lease, `epoch` counts the leases. `moved_at` is the latest moment that a move, a pause or a
    reopening has fixed: no later move is dated before it. `submission_heard_at`: when the server heard that it was
    handed in at `submitted_at`; much later where that was done off-line. `window_ends`: of each item that was closed,
    when its own window ends. `controls` are the latest that reached it; `passed_over` are those for everybody that had
    nothing to change when a later one came.
    `extra_ms` is what was added to the time: extensions, and prompts that were heard again. `items_open` is above 1
    only while a part with a time limit is open: `item_opened_at`, `item_window_ms` are that part's then.
    """

    id: str
    delivery_id: str
    campus_id: str
    student_id: str
    number: int
    form_id: str
    state: AttemptState
    created_at: datetime
    position: int = 0
    item_opened_at: datetime | None = None
    item_prompt_ms: int | None = None
    item_window_ms: int | None = None
    items_open: int = 1
    finished_parts: tuple[FinishedPart, ...] = ()
    device_check: Mapping[str, str] | None = None
    started_at: datetime | None = None
    deadline_at: datetime | None = None
    submitted_at: datetime | None = None
    submission_heard_at: datetime | None = None
    settled_at: datetime | None = None
    due_at: datetime | None = None
    client_id: str | None = None
    epoch: int = 0
    moved_at: datetime | None = None
    window_ends: tuple[datetime, ...] = ()
    conditions: Conditions = USUAL
    paused_at: datetime | None = None
    paused_ms: int = 0
    extra_ms: int = 0
    break_until: datetime | None = None
    break_used_ms: int = 0
    item_replays: int = 0
    item_heard_at: datetime | None = None
    offline_stretches: tuple[OfflineStretch, ...] = ()
    controls: tuple[ControlMark, ...] = ()
    passed_over: tuple[str, ...] = ()
    voided_reason: str | None = None
    revision: int = 0

    @property
    def is_running(self) -> bool:
        """Begun and not over."""
        return self.state in RUNNING

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def is_untouched(self) -> bool:
        """Nothing of it was opened since it was entered: there is no answer yet."""
        return self.position == 0 and not self.is_item_open and self.moved_at == self.started_at

    @property
    def is_item_open(self) -> bool:
        return self.item_opened_at is not None

    @property
    def upload_until(self) -> datetime | None:
        """Until when recordings are taken; None while no end is known: never begun, or the clock stands."""
        if self.state is AttemptState.PAUSED:
            return None
        end = self.submitted_at or self.deadline_at
        return None if end is None else end + UPLOAD_GRACE

    @property
    def last_open(self) -> int:
        """The last of the items that are open, or are opened next; closing it closes them all."""
        return self.position + self.items_open - 1

    @property
    def open_positions(self) -> range:
        """The items that are open: none, one, or all of a part."""
        return range(self.position, self.position + (self.items_open if self.is_item_open else 0))

    def was_opened(self, position: int) -> bool:
        """Whether the candidate ever could see this item."""
        return 0 <= position < self.position or position in self.open_positions

    def part_ended_at(self, position: int) -> datetime | None:
        """When the answers of this item's part ended; None where it was not closed, or its items have clocks each."""
        return next((part.ended_at for part in self.finished_parts if part.holds(position)), None)

    @property
    def open_until(self) -> datetime | None:
        """When the window of what is open ends, as long as the clock goes on; None when nothing is."""
        if self.item_opened_at is None:
            return None
        return self.item_opened_at + timedelta(milliseconds=(self.item_prompt_ms or 0) + (self.item_window_ms or 0))

    def window_ended_at(self, position: int) -> datetime | None:
        """When the window of an item that was closed ends; None where it was not, or before that was kept."""
        return self.window_ends[position] if position < len(self.window_ends) else None

    def is_due(self, at: datetime) -> bool:
        """Whether the clock alone has changed it: its deadline passed, or its break was used up."""
        return self.is_past_deadline(at) or (self.break_until is not None and at >= self.break_until)

    def is_past_deadline(self, at: datetime) -> bool:
        return self.state is AttemptState.IN_PROGRESS and self.deadline_at is not None and at >= self.deadline_at

    def elapsed_ms(self, at: datetime) -> int:
        """How long the open item's clock has run; 0 when none is open. It stands while the attempt is paused."""
        if self.item_opened_at is None:
            return 0
        until = at if self.paused_at is None else self.paused_at
        return max(0, round((until - self.item_opened_at).total_seconds() * 1000))


def not_open() -> Conflict:
    return Conflict("attempt_not_open", "This test is over: nothing more can be answered.")


def item_not_open() -> Conflict:
    return Conflict("item_not_open", "This item has not been opened yet.")


def is_paused() -> Conflict:
    return Conflict("attempt_paused", "This test is paused: the clock stands still until it goes on.")


def checked(attempt: Attempt, outcomes: Mapping[str, str]) -> Attempt:
    """With the outcome of the device check; kept also when a candidate checks again during the test."""
    if attempt.state is not AttemptState.CHECKING and not attempt.is_running:
        raise not_open()
    return changed(attempt, device_check=dict(outcomes))


def leased(attempt: Attempt, client_id: str) -> Attempt:
    """Held by that page from now on; by it already, or over: the same attempt. An older page becomes read-only."""
    if attempt.client_id == client_id or attempt.is_over or attempt.state is AttemptState.VOIDED:
        return attempt
    return changed(attempt, client_id=client_id, epoch=attempt.epoch + 1)


def prepared(attempt: Attempt, conditions: Conditions) -> Attempt:
    """Shown these conditions until the clock starts; begun already: the same attempt."""
    if attempt.state is not AttemptState.CHECKING or attempt.conditions == conditions:
        return attempt
    return changed(attempt, conditions=conditions)


def check_lease(attempt: Attempt, epoch: int | None) -> None:
    """Refuses an epoch older than the lease: Conflict("attempt_elsewhere"). None is a caller without a page."""
    if epoch is not None and epoch < attempt.epoch:
        raise Conflict("attempt_elsewhere", "This test was opened in another window or on another device.")


def begun(
    attempt: Attempt,
    *,
    opens_at: datetime,
    closes_at: datetime,
    allowed: timedelta,
    at: datetime,
    conditions: Conditions | None = None,
) -> Attempt:
    """The clock started, with the conditions fixed: only within the window, once. Begun already: the same attempt.

    `closes_at` is closing for everybody; who is allowed more time has that much longer at the end. Refused:
    `delivery_not_open` outside the window, `attempt_not_open` when it is over.
    """
    if attempt.is_running:
        if attempt.is_past_deadline(at):
            raise not_open()
        return attempt
    if attempt.state is not AttemptState.CHECKING:
        raise not_open()
    if not opens_at <= at < closes_at:
        raise Conflict("delivery_not_open", "The test can be started only while it is open.")
    fixed = attempt.conditions if conditions is None else conditions
    deadline_at = deadline_of(fixed, extra_ms=attempt.extra_ms, closes_at=closes_at, allowed=allowed, at=at)
    return changed(
        attempt,
        state=AttemptState.IN_PROGRESS,
        conditions=fixed,
        started_at=at,
        moved_at=at,
        deadline_at=deadline_at,
        due_at=deadline_at,
    )


def allowed_for(conditions: Conditions, allowed: timedelta) -> timedelta:
    """The test's time as a candidate under these conditions has it, to the millisecond."""
    return timedelta(milliseconds=conditions.stretched(round(allowed.total_seconds() * 1000)))


def deadline_of(
    conditions: Conditions, *, extra_ms: int, closes_at: datetime, allowed: timedelta, at: datetime
) -> datetime:
    """The deadline of a candidate who begins at that moment."""
    own = allowed_for(conditions, allowed)
    return min(at + own, closes_at + (own - allowed)) + timedelta(milliseconds=extra_ms)


def check_open(attempt: Attempt, *, at: datetime) -> None:
    """Refuses unless the attempt runs at that moment: `attempt_paused`, `attempt_not_open`."""
    if attempt.state is AttemptState.PAUSED:
        raise is_paused()
    if attempt.state is not AttemptState.IN_PROGRESS or attempt.is_past_deadline(at):
        raise not_open()


def expired(attempt: Attempt, *, at: datetime) -> Attempt:
    """Over because its deadline passed; before that, or over already: the same attempt. It ended at its deadline."""
    if not attempt.is_past_deadline(at):
        return attempt
    return changed(attempt, state=AttemptState.EXPIRED, submitted_at=attempt.deadline_at, due_at=at)


def check_accepts(attempt: Attempt, position: int, *, at: datetime) -> None:
    """Refuses a recording for an item that was never opened (`item_not_open`), or that comes too late or for a
    voided attempt (`attempt_not_open`). While the clock stands no end is known, so none comes too late."""
    until = attempt.upload_until
    if attempt.state in (AttemptState.CHECKING, AttemptState.VOIDED) or (until is not None and at >= until):
        raise not_open()
    if not attempt.was_opened(position):
        raise item_not_open()


def reviewed(attempt: Attempt, *, next_at: datetime | None) -> Attempt:
    """With the moment at which the sweep looks at it again. No longer over, because it was reopened: the same."""
    return attempt if not attempt.is_over or attempt.due_at == next_at else changed(attempt, due_at=next_at)


def settled(attempt: Attempt, *, at: datetime) -> Attempt:
    """Its result is written. Safe to repeat; Conflict("attempt_running") while it is not over."""
    if attempt.settled_at is not None:
        return attempt
    if not attempt.is_over:
        raise Conflict("attempt_running", "This attempt is not over yet.")
    return changed(attempt, settled_at=at, due_at=None)


def touched(attempt: Attempt) -> Attempt:
    """The same, one revision on: whoever decides by an older look at it has to look again."""
    return changed(attempt)


def unsettled(attempt: Attempt, *, at: datetime) -> Attempt:
    """Its result is to be settled once more, because an answer is scored again. Not settled yet: the same attempt."""
    if attempt.settled_at is None or not attempt.is_over:
        return attempt
    return changed(attempt, settled_at=None, due_at=at)


def changed(attempt: Attempt, **changes: object) -> Attempt:
    """The attempt with other fields, one revision on."""
    return replace(attempt, revision=attempt.revision + 1, **changes)  # type: ignore[arg-type] # checked by the callers' names
