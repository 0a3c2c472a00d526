"""Moving through the items: a batch of opens and closes in one write, dated as the candidate's client dates them.

A client that was cut off goes on where the format lets it, and brings its moves later with the moments that they had by
its estimate of the server's clock. The server decides what it believes:

- never before the latest moment that is fixed already (`Attempt.moved_at`), never after now, never more than
  `BELIEVED` ago; and now itself where the format waits for the network;
- a move dated at or after the deadline does not happen. One dated before it still does when it arrives within
  `BELIEVED` after the deadline: the attempt stays expired, but the items reached off-line take their recordings.

A move that was made already is passed over, so a batch may come any number of times, whole or in part.

A part with a time limit is one window: its first item opens it, closing its last item closes it, and all its answers
with it. Which of its items the candidate looks at in between is no move.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.errors import Conflict
from backend.features.attempts.engine.pauses import up_to_now
from backend.features.attempts.model import (
    HEAR_AGAIN_MS,
    REVIEW_PAUSE,
    Attempt,
    AttemptState,
    FinishedPart,
    OfflineStretch,
    changed,
    check_open,
    item_not_open,
    not_open,
)
from backend.features.attempts.paper import Paper, PaperItem

BELIEVED = timedelta(minutes=30)
# A claimed past of up to this much is a slow network; more is noted for the invigilator.
SLOW = timedelta(seconds=15)
_STRETCHES_KEPT = 20


class MoveKind(StrEnum):
    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """`at` is when the candidate made it, by the client's estimate of the server's clock."""

    kind: MoveKind
    position: int
    at: datetime


def moved(attempt: Attempt, moves: Sequence[Move], paper: Paper, *, now: datetime) -> Attempt:
    """The attempt after these moves, one revision on; the same attempt when all of them were made already.

    What comes after the deadline ends the batch; what was made before it stays. Refused when nothing of it could be
    done: `attempt_not_open`, `attempt_paused`; and altogether: NotFound for a position that the form does not have,
    `item_not_current` for a later item than the next, or for closing a part in its middle, `item_not_open` for closing
    what was not opened.
    """
    for move in moves:
        paper.get_item(move.position)
    after, is_moved = up_to_now(attempt, now=now), False
    for move in moves:
        if _is_done(after, move):
            continue
        at = believed(after, move, goes_on_offline=paper.goes_on_offline, now=now)
        try:
            _check_goes_on(after, paper, at=at, now=now)
        except Conflict:
            if not is_moved:
                raise
            break
        after, is_moved = _made(after, move, paper, at=at), True
    if not is_moved:
        return attempt
    if after.state is AttemptState.SUBMITTED and after.submission_heard_at is None:
        after = replace(after, submission_heard_at=now)
    return replace(_noted(after, attempt, moves, paper, now), revision=attempt.revision + 1)


def believed(attempt: Attempt, move: Move, *, goes_on_offline: bool, now: datetime) -> datetime:
    """The moment that a move gets."""
    if not goes_on_offline:
        return now
    fixed_until = attempt.moved_at or now
    return max(min(max(move.at, now - BELIEVED), now), fixed_until)


def _is_done(attempt: Attempt, move: Move) -> bool:
    if move.kind is MoveKind.CLOSE:
        return move.position < attempt.position
    return attempt.was_opened(move.position)


def _check_goes_on(attempt: Attempt, paper: Paper, *, at: datetime, now: datetime) -> None:
    if attempt.state is not AttemptState.EXPIRED:
        return check_open(attempt, at=at)
    until = catches_up_until(attempt, paper)
    if until is None or now >= until or at >= until - BELIEVED:
        raise not_open()
    return None


def catches_up_until(attempt: Attempt, paper: Paper) -> datetime | None:
    """Until when moves from before the deadline are still made, because the candidate may have gone on off-line; None
    where none can come: it did not run out of time, it was settled, or its format waits for the network."""
    if attempt.state is not AttemptState.EXPIRED or attempt.settled_at is not None or not paper.goes_on_offline:
        return None
    return None if attempt.submitted_at is None else attempt.submitted_at + BELIEVED


def _made(attempt: Attempt, move: Move, paper: Paper, *, at: datetime) -> Attempt:
    is_opening = move.kind is MoveKind.OPEN
    if move.position != (attempt.position if is_opening else attempt.last_open):
        raise Conflict("item_not_current", "This item is not the next one. Load the page again to go on.")
    if is_opening:
        return opened(attempt, paper.get_item(move.position), paper, at=at)
    if not attempt.is_item_open:
        raise item_not_open()
    return closed(attempt, total_items=paper.total_items, at=at)


def opened(attempt: Attempt, item: PaperItem, paper: Paper, *, at: datetime) -> Attempt:
    """With the next item open, or the part that it begins: its clock starts."""
    conditions = attempt.conditions
    hears_again = conditions.replays > 0 and item.prompt_ms > 0
    return changed(
        attempt,
        item_opened_at=at,
        item_prompt_ms=item.prompt_ms + (HEAR_AGAIN_MS if hears_again else 0),
        item_window_ms=conditions.stretched(item.window_ms),
        items_open=len(paper.window_of(item.position)),
        item_replays=0,
        moved_at=at,
    )


def closed(attempt: Attempt, *, total_items: int, at: datetime) -> Attempt:
    """With what is open closed; after the last item of all it is handed in."""
    position, until = attempt.position + attempt.items_open, attempt.open_until or at
    after = changed(
        attempt,
        position=position,
        items_open=1,
        finished_parts=(*attempt.finished_parts, *_finished(attempt, at=at)),
        window_ends=(*attempt.window_ends, *[until] * (position - len(attempt.window_ends))),
        item_opened_at=None,
        item_prompt_ms=None,
        item_window_ms=None,
        item_replays=0,
        item_heard_at=None,
        moved_at=at,
    )
    if after.position < total_items or after.state is AttemptState.EXPIRED:
        return after
    return replace(after, state=AttemptState.SUBMITTED, submitted_at=at, due_at=at + REVIEW_PAUSE)


def _finished(attempt: Attempt, *, at: datetime) -> Sequence[FinishedPart]:
    """The part that closing now finishes; its answers ended with its time, or now."""
    until = attempt.open_until
    if attempt.items_open == 1 or until is None:
        return ()
    return (FinishedPart(first_position=attempt.position, item_count=attempt.items_open, ended_at=min(at, until)),)


def _noted(after: Attempt, before: Attempt, moves: Sequence[Move], paper: Paper, now: datetime) -> Attempt:
    """With the off-line stretch that these moves tell of, if it is long enough to be one."""
    if not paper.goes_on_offline:
        return after
    made = [move for move in moves if not _is_done(before, move)]
    began_at = believed(before, made[0], goes_on_offline=True, now=now)
    if now - began_at <= SLOW:
        return after
    stretch = OfflineStretch(began_at=began_at, ended_at=now)
    return replace(after, offline_stretches=(*after.offline_stretches, stretch)[-_STRETCHES_KEPT:])
