"""What must hold of every write, whoever caused it. Pure: sees an attempt before and after, and the true time.

Broken promises are collected by kind, never raised, so that a run counts all of them.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.features.attempts.answers import ANSWER_GRACE, OFFLINE, follow_until
from backend.features.attempts.engine.controls import ControlKind
from backend.features.attempts.engine.moves import BELIEVED
from backend.features.attempts.model import Attempt, AttemptState

_MS = timedelta(milliseconds=1)
_KINDS = ("lost", "late", "back", "doubled", "clock", "lease", "void", "unaudited", "stuck")


class Checker:
    """`broken` counts by kind; `notes` tells the first few in words. `longest`: how long each item can be open for
    answers, if its prompt is heard once."""

    def __init__(self, longest: Sequence[timedelta]) -> None:
        self.longest = longest
        self.broken: Counter[str] = Counter(dict.fromkeys(_KINDS, 0))
        self.notes: list[str] = []
        self.ends: Counter[str] = Counter()
        self.bases: dict[str, datetime] = {}
        self.window_ends: dict[tuple[str, int], datetime] = {}

    def saw(self, before: Attempt, after: Attempt, *, goes_on_offline: bool, now: datetime) -> None:
        """One write of an attempt."""
        self._count_ends(before, after)
        self._check_moves(before, after, goes_on_offline, now)
        self._check_clock(before, after, now)
        self._note_window_ends(before, after)
        if after.revision != before.revision + 1:
            self.note("doubled", f"revision {before.revision} to {after.revision}")
        if before.state is AttemptState.VOIDED:
            self.note("void", "a voided attempt changed")
        if after.epoch < before.epoch:
            self.note("lease", "the epoch fell")
        if len({mark.id for mark in after.controls}) != len(after.controls):
            self.note("doubled", "a control reached the attempt twice")

    def took(self, attempt: Attempt, position: int, *, goes_on_offline: bool, now: datetime) -> None:
        """A typed answer was taken into that item of the attempt, as it was read before."""
        following = follow_until(attempt) if goes_on_offline else None
        last = following or attempt.submitted_at or attempt.deadline_at
        if attempt.settled_at is not None:
            self.note("late", "an answer to what was settled")
        if last is not None and attempt.paused_at is None and now >= last + ANSWER_GRACE:
            self.note("late", "an answer after the end and its grace")
        if not attempt.was_opened(position):
            self.note("late", "an answer to an item that was not open")
        stood = timedelta(0) if attempt.paused_at is None else now - attempt.paused_at
        is_open = position in attempt.open_positions
        until = attempt.open_until
        ended_at = until + stood if is_open and until else self.window_ends.get((attempt.id, position))
        grace = ANSWER_GRACE + (OFFLINE if goes_on_offline and (following or not attempt.is_over) else timedelta(0))
        if ended_at is not None and now >= ended_at + grace:
            self.note("late", "an answer after its item's window")

    def _note_window_ends(self, before: Attempt, after: Attempt) -> None:
        """Not later than this the window of each item ends that was closed by this write."""
        for position in after.open_positions:
            self.window_ends.pop((after.id, position), None)
        at = after.moved_at
        for position in range(before.position, after.position):
            if at is None:
                continue
            until = before.open_until if position in before.open_positions else None
            until = until or at + self.longest[position]  # opened by the same write, at the latest then
            self.window_ends[after.id, position] = min(until, at) if after.part_ended_at(position) else until

    def note(self, kind: str, text: str) -> None:
        self.broken[kind] += 1
        if len(self.notes) < 5:
            self.notes.append(f"{kind}: {text}")

    def _count_ends(self, before: Attempt, after: Attempt) -> None:
        """Every life of an attempt, from its start or reopening on, ends once."""
        if _is_reopened(before, after) or _is_overtaken(before, after):
            self.ends[after.id] = 0
        elif after.is_over and not before.is_over:
            self.ends[after.id] += 1
        if self.ends[after.id] > 1:
            self.note("doubled", "it ended twice")
        if before.is_over and not after.is_over and self.ends[after.id] and after.state is not AttemptState.VOIDED:
            self.note("doubled", f"it went on after it was {before.state}")
        if before.is_over and after.is_over and before.state is not after.state:
            self.note("doubled", f"{before.state} became {after.state}")

    def _check_moves(self, before: Attempt, after: Attempt, goes_on_offline: bool, now: datetime) -> None:
        is_reopened = _is_reopened(before, after)
        if after.position < before.position and not (is_reopened and self._is_last_window(before, after)):
            self.note("back", f"position {before.position} to {after.position}")
        if after.position > before.position and before.is_item_open:
            self._check_parts(before, after)
        opened = after.item_opened_at is not None and before.item_opened_at is None and not is_reopened
        if after.position <= before.position and not opened:
            return
        at = after.moved_at
        if at is None or at > now or (before.moved_at is not None and at < before.moved_at):
            self.note("late", "a move was dated out of order, or after now")
        elif before.is_over or after.state is AttemptState.EXPIRED:
            end = after.submitted_at
            if end is None or at >= end or not goes_on_offline or now >= end + BELIEVED:
                self.note("late", "a move after the end")
        elif before.deadline_at is None or (now >= before.deadline_at and before.break_until is None):
            self.note("late", "a move after the deadline")
        if before.state is AttemptState.PAUSED and before.break_until is None:
            self.note("clock", "a move while the clock stood")

    def _is_last_window(self, before: Attempt, after: Attempt) -> bool:
        """Back by the last item, or by the last part that was finished as a whole."""
        parts = [part for part in before.finished_parts if part.holds(after.position)]
        return before.position == after.position + (parts[0].item_count if parts else 1)

    def _check_parts(self, before: Attempt, after: Attempt) -> None:
        """A part is finished as a whole and once, and its answers end with its time at the latest."""
        firsts = [part.first_position for part in after.finished_parts]
        if len(set(firsts)) != len(firsts):
            self.note("doubled", "a part was finished twice")
        if before.items_open == 1:
            return
        ended_at = after.part_ended_at(before.last_open)
        opened_at, window_ms = before.item_opened_at, before.item_window_ms
        if after.position <= before.last_open or ended_at is None or opened_at is None or window_ms is None:
            self.note("back", "a part was left in its middle")
        elif ended_at > opened_at + timedelta(milliseconds=window_ms) or (after.moved_at and ended_at > after.moved_at):
            self.note("late", "a part's answers ended after its time")

    def _check_clock(self, before: Attempt, after: Attempt, now: datetime) -> None:
        if after.started_at is not None and before.started_at is None and after.deadline_at is not None:
            self.bases[after.id] = after.deadline_at - timedelta(milliseconds=after.extra_ms)
        is_reopened = _is_reopened(before, after)
        if is_reopened and after.deadline_at is not None:
            self.bases[after.id] = after.deadline_at - timedelta(milliseconds=after.extra_ms + after.paused_ms)
            if after.deadline_at <= now:
                self.note("clock", "reopened without time")
        base = self.bases.get(after.id)
        if base is not None and after.deadline_at is not None:
            expected = base + timedelta(milliseconds=after.extra_ms + after.paused_ms)
            if abs(after.deadline_at - expected) > _MS:
                self.note("clock", "the deadline is not its start, pauses and extensions")
            elif before.deadline_at and after.deadline_at < before.deadline_at and not is_reopened:
                self.note("clock", "the deadline came nearer")
        self._check_expiry(before, after, now)
        if not is_reopened:
            self._check_item(before, after)

    def _check_expiry(self, before: Attempt, after: Attempt, now: datetime) -> None:
        if after.state is not AttemptState.EXPIRED or before.state is AttemptState.EXPIRED:
            return
        if after.submitted_at != after.deadline_at or after.deadline_at is None or now < after.deadline_at:
            self.note("clock", "expired at another moment than its deadline")

    def _check_item(self, before: Attempt, after: Attempt) -> None:
        if before.item_opened_at is None or after.item_opened_at is None or after.position != before.position:
            return
        shift = after.item_opened_at - before.item_opened_at
        stood = timedelta(milliseconds=after.paused_ms - before.paused_ms)
        if abs(shift - stood) > _MS:
            self.note("clock", "an open item's clock did not stand still exactly as long as the attempt's")


def _is_overtaken(before: Attempt, after: Attempt) -> bool:
    """Its time ran out after a control for everybody was given that had not been written to it yet: it goes on."""
    known, end = {mark.id for mark in before.controls}, before.submitted_at
    if before.state is not AttemptState.EXPIRED or after.is_over or end is None:
        return False
    return any(mark.id not in known and mark.at < end for mark in after.controls)


def _is_reopened(before: Attempt, after: Attempt) -> bool:
    """Also when the deadline had passed and nobody had noticed: then it ends and goes on in one write."""
    known = {mark.id for mark in before.controls}
    return any(mark.kind == ControlKind.REOPEN and mark.id not in known for mark in after.controls)
