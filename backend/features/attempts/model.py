"""An attempt: one student's sitting, and the clock of its items. The server's clock alone decides.

    checking ---begin---> in_progress ---close the last item---> submitted
                               |------- the deadline passes ---> expired
    checking, in_progress ------------------------------------> voided

- *checking*: entered, device check; may last as long as the window; no clock runs.
- *in_progress*: items are opened and closed one after another. `position` is the item that is open
  (`item_opened_at` is set) or comes next (it is not). It only ever grows.
- *submitted*, *expired*: over, exactly once. Recordings of items that were opened are still taken until
  `upload_until`, so that nothing recorded off-line is lost. Results are settled from here (`settled_at`).

`deadline_at` = the earlier of started_at + the test's time and the delivery's closing. At the deadline it is over.
Every change is a new value with `revision` + 1; storage writes it only over the revision that was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.errors import Conflict

UPLOAD_GRACE = timedelta(hours=24)
REVIEW_PAUSE = timedelta(seconds=60)


class AttemptState(StrEnum):
    CHECKING = "checking"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    VOIDED = "voided"


OVER = frozenset({AttemptState.SUBMITTED, AttemptState.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClock:
    """How long an open item takes: the prompt plays for `prompt_ms`, then the window records for `window_ms`."""

    prompt_ms: int
    window_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`number` counts a student's attempts at a delivery from 1. `device_check` maps check to "passed"/"failed:<code>".

    `due_at` is when the sweep has to look at the attempt next; None when nothing is left to wait for.
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
    device_check: Mapping[str, str] | None = None
    started_at: datetime | None = None
    deadline_at: datetime | None = None
    submitted_at: datetime | None = None
    settled_at: datetime | None = None
    due_at: datetime | None = None
    revision: int = 0

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def is_item_open(self) -> bool:
        return self.item_opened_at is not None

    @property
    def upload_until(self) -> datetime | None:
        """Until when recordings are taken; None while no end is known (never begun)."""
        end = self.submitted_at or self.deadline_at
        return None if end is None else end + UPLOAD_GRACE

    def was_opened(self, position: int) -> bool:
        """Whether the candidate ever saw this item."""
        return 0 <= position < self.position or (position == self.position and self.is_item_open)

    def is_past_deadline(self, at: datetime) -> bool:
        return self.state is AttemptState.IN_PROGRESS and self.deadline_at is not None and at >= self.deadline_at

    def elapsed_ms(self, at: datetime) -> int:
        """How long the open item has been open; 0 when none is."""
        if self.item_opened_at is None:
            return 0
        return max(0, round((at - self.item_opened_at).total_seconds() * 1000))


def not_open() -> Conflict:
    return Conflict("attempt_not_open", "This test is over: nothing more can be answered.")


def checked(attempt: Attempt, outcomes: Mapping[str, str]) -> Attempt:
    """With the outcome of the device check; kept also when a candidate checks again during the test."""
    if attempt.state not in (AttemptState.CHECKING, AttemptState.IN_PROGRESS):
        raise not_open()
    return _changed(attempt, device_check=dict(outcomes))


def begun(attempt: Attempt, *, opens_at: datetime, closes_at: datetime, allowed: timedelta, at: datetime) -> Attempt:
    """The clock started: only within the window, once. Begun already: the same attempt, its clock untouched.

    Refused: `delivery_not_open` outside the window, `attempt_not_open` when it is over.
    """
    if attempt.state is AttemptState.IN_PROGRESS:
        check_open(attempt, at=at)
        return attempt
    if attempt.state is not AttemptState.CHECKING:
        raise not_open()
    if not opens_at <= at < closes_at:
        raise Conflict("delivery_not_open", "The test can be started only while it is open.")
    deadline_at = min(at + allowed, closes_at)
    return _changed(attempt, state=AttemptState.IN_PROGRESS, started_at=at, deadline_at=deadline_at, due_at=deadline_at)


def check_open(attempt: Attempt, *, at: datetime) -> None:
    """Refuses unless the attempt runs at that moment."""
    if attempt.state is not AttemptState.IN_PROGRESS or attempt.is_past_deadline(at):
        raise not_open()


def opened_item(attempt: Attempt, position: int, clock: ItemClock, *, at: datetime) -> Attempt:
    """The item at `position` open and its clock started; open already: the same attempt, its clock untouched.

    Refused: `attempt_not_open`, and `item_not_current` for any other item than the next: there is no way back.
    """
    check_open(attempt, at=at)
    if position != attempt.position:
        raise Conflict("item_not_current", "This item is not the next one. Load the page again to go on.")
    if attempt.is_item_open:
        return attempt
    return _changed(attempt, item_opened_at=at, item_prompt_ms=clock.prompt_ms, item_window_ms=clock.window_ms)


def closed_item(attempt: Attempt, position: int, *, total_items: int, at: datetime) -> Attempt:
    """Past the item at `position`; past the last one the attempt is submitted. An earlier item: the same attempt.

    Refused: `attempt_not_open`, `item_not_current` for an item that comes later, `item_not_open` for the next one
    before it was opened.
    """
    if 0 <= position < attempt.position:
        return attempt
    check_open(attempt, at=at)
    if position != attempt.position:
        raise Conflict("item_not_current", "This item is not the next one. Load the page again to go on.")
    if not attempt.is_item_open:
        raise Conflict("item_not_open", "This item has not been opened yet.")
    after = _changed(attempt, position=position + 1, item_opened_at=None, item_prompt_ms=None, item_window_ms=None)
    if after.position < total_items:
        return after
    return replace(after, state=AttemptState.SUBMITTED, submitted_at=at, due_at=at + REVIEW_PAUSE)


def expired(attempt: Attempt, *, at: datetime) -> Attempt:
    """Over because its deadline passed; before that, or over already: the same attempt. It ended at its deadline."""
    if not attempt.is_past_deadline(at):
        return attempt
    return _changed(attempt, state=AttemptState.EXPIRED, submitted_at=attempt.deadline_at, due_at=at)


def check_accepts(attempt: Attempt, position: int, *, at: datetime) -> None:
    """Refuses a recording for an item that was never opened (`item_not_open`), or that comes too late or for a
    voided attempt (`attempt_not_open`)."""
    until = attempt.upload_until
    if attempt.state in (AttemptState.CHECKING, AttemptState.VOIDED) or until is None or at >= until:
        raise not_open()
    if not attempt.was_opened(position):
        raise Conflict("item_not_open", "This item has not been opened yet.")


def reviewed(attempt: Attempt, *, next_at: datetime | None) -> Attempt:
    """With the moment at which the sweep looks at it again."""
    return attempt if attempt.due_at == next_at else _changed(attempt, due_at=next_at)


def settled(attempt: Attempt, *, at: datetime) -> Attempt:
    """Its result is written. Safe to repeat; Conflict("attempt_running") while it is not over."""
    if attempt.settled_at is not None:
        return attempt
    if not attempt.is_over:
        raise Conflict("attempt_running", "This attempt is not over yet.")
    return _changed(attempt, settled_at=at, due_at=None)


def reopened(attempt: Attempt, *, at: datetime) -> Attempt:
    """Its result is to be settled once more, because an answer is scored again. Not settled yet: the same attempt."""
    if attempt.settled_at is None:
        return attempt
    return _changed(attempt, settled_at=None, due_at=at)


def _changed(attempt: Attempt, **changes: object) -> Attempt:
    return replace(attempt, revision=attempt.revision + 1, **changes)  # type: ignore[arg-type] # checked by the callers' names
