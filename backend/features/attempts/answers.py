"""Typed and chosen answers: saved while they are made, scored when their item or attempt is over (docs/adr/0090).

A save is one conditional write: whose answer it is, until when it may be changed and that it is newer than what is
stored are all in its condition. Only where that write does not happen (the first save of an item, a repetition, an
answer that comes after its window) the attempt is read and the rules below decide.

- The window ends when the item's clock says so, at the latest with the attempt; `ANSWER_GRACE` is for the journey.
  That of a part with a time limit ends for all its items at once, when the candidate closes it at the latest.
- What was typed off-line comes behind its window. Where the format goes on off-line it is taken for `OFFLINE` longer,
  while the attempt runs, and says how far behind it was; that is for staff to see, and takes nothing away. So it is
  for `FOLLOWING` after the server heard that the attempt was handed in off-line. In a pause the deadline of before it
  ends nothing: it moves when the attempt goes on.
- Later still, and after the end also where its item was never opened, it is kept apart as a `LateAnswer` (late/).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.core.errors import RuleViolation, TemporaryFailure
from backend.core.jobs import hand_over
from backend.core.ports import Jobs
from backend.features.attempts import model
from backend.features.attempts import responses as rules
from backend.features.attempts.engine.moves import SLOW, Move, MoveKind, catches_up_until, moved
from backend.features.attempts.engine.pauses import up_to_now
from backend.features.attempts.late.model import kept_apart
from backend.features.attempts.late.usecases import keep_answer
from backend.features.attempts.model import Attempt, AttemptState, not_open
from backend.features.attempts.paper import Paper, PaperItem
from backend.features.attempts.repository import Attempts, LateAnswers, Responses
from backend.features.attempts.responses import Answer, Response, ResponseState
from backend.features.attempts.usecases import SCORE_RESPONSE, fresh_response, make_moves, refresh
from backend.features.items.model import AnswerKind

ANSWER_GRACE = timedelta(seconds=10)
OFFLINE = timedelta(minutes=30)
# After a submission that was made off-line was heard, its answers have this long to follow.
FOLLOWING = timedelta(minutes=5)
_EPOCH_BITS = 32
_RACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What is stored now. `sequence` is (epoch, n)."""

    position: int
    sequence: tuple[int, int]
    saved_at: datetime


def rank_of(epoch: int, number: int) -> int:
    """The client's sequence [epoch, n] as one number: a later epoch is newer, then a higher n. Above 0."""
    return (epoch << _EPOCH_BITS) + number + 1


def sequence_of(rank: int) -> tuple[int, int]:
    return rank >> _EPOCH_BITS, (rank & ((1 << _EPOCH_BITS) - 1)) - 1


# -- saving ----------------------------------------------------------------------------------------------------------


def save_newer(
    *, attempt_id: str, position: int, student_id: str, answer: Answer, rank: int, responses: Responses, now: datetime
) -> Saved | None:
    """The usual save: one conditional write, nothing read. None: `save_answer` has to decide, behind the gate.

    It needs no gate of its own: the write happens only on an answer of this student that may still be changed.
    """
    written = responses.save_answer(
        rules.response_id(attempt_id, position), student_id=student_id, answer=answer, rank=rank, now=now
    )
    return Saved(position=position, sequence=sequence_of(rank), saved_at=now) if written else None


def save_answer(
    *,
    attempt: Attempt,
    position: int,
    answer: Answer,
    rank: int,
    paper: Paper,
    responses: Responses,
    late_answers: LateAnswers,
    jobs: Jobs,
    now: datetime,
    is_brought: bool = False,
) -> Saved:
    """Stores the answer, or what is stored already when that is as new. Safe to repeat.

    Refused: `item_not_open` (not opened yet: the moves first), `attempt_not_open` (not begun, voided), what
    `check_answer` refuses, and `answer_late`: it came after its time and is kept apart for staff to decide. What staff
    bring (`is_brought`) is never `item_not_open`.
    """
    item = paper.get_item(position)
    check_answer(answer, item)
    if attempt.state in (AttemptState.CHECKING, AttemptState.VOIDED):
        raise not_open()
    if not attempt.was_opened(position) and not is_brought:
        _check_over(attempt, paper, at=now)
    fresh = fresh_response(attempt, position, paper)
    for _ in range(_RACES):
        seen = responses.find(fresh.id)
        if seen is not None and seen.answer is not None and seen.answer_rank >= rank:
            return _saved(seen)
        ends_at = window_end(attempt, item, seen, at=now)
        if not attempt.was_opened(position) or not takes(
            attempt, ends_at, goes_on_offline=paper.goes_on_offline, at=now
        ):
            keep_answer(fresh, answer, rank, late_answers=late_answers, now=now)
            raise kept_apart()
        after = _with_answer(attempt, seen or fresh, answer, rank, ends_at, at=now)
        if responses.add(after) if seen is None else responses.save(after, seen=seen):
            if after.state is ResponseState.QUEUED:
                hand_over(jobs, SCORE_RESPONSE, after.id)
            return _saved(after)
    raise TemporaryFailure("response_contended")


def _check_over(attempt: Attempt, paper: Paper, *, at: datetime) -> None:
    """Refuses an answer to an item that was not opened (`item_not_open`) as long as the moves that open it could still
    bring it in time. After that they cannot, and it is kept apart, with its moves or without."""
    now = up_to_now(attempt, now=at)
    is_in_time = now.submitted_at is not None and at < now.submitted_at + ANSWER_GRACE
    if not now.is_over or (is_in_time and catches_up_until(now, paper) is not None):
        raise model.item_not_open()


def check_answer(answer: Answer, item: PaperItem) -> None:
    """Refuses an answer of another kind than the item's."""
    fits = {
        AnswerKind.RECORDING: False,
        AnswerKind.TEXT: answer.text is not None and not answer.texts and not answer.choices,
        AnswerKind.TEXTS: answer.text is None and not answer.choices,
        AnswerKind.CHOICES: answer.text is None and not answer.texts,
    }
    if not fits[item.answer_kind]:
        raise RuleViolation(
            "answer_of_other_kind",
            "This item is answered in another way.",
            errors={"content": ["Does not fit this item."]},
        )


def window_begin(attempt: Attempt, position: int, seen: Response | None) -> datetime | None:
    """When the item's window began, its prompt over; of a closed item as it was last known."""
    if attempt.item_opened_at is not None and position in attempt.open_positions:
        return attempt.item_opened_at + timedelta(milliseconds=attempt.item_prompt_ms or 0)
    return seen.window_began_at if seen is not None else None


def window_end(attempt: Attempt, item: PaperItem, seen: Response | None, *, at: datetime) -> datetime:
    """When the item's window ends, as the server knows it, at the latest with the attempt."""
    end = seen.window_ends_at if seen is not None else None
    part_ended_at = attempt.part_ended_at(item.position)
    if item.position in attempt.open_positions:
        end = attempt.open_until
    elif part_ended_at is not None:
        end = min(end or part_ended_at, part_ended_at)
    elif end is None:
        # Closed before a first save. Of attempts from before that was kept: not later than the last move.
        end = attempt.window_ended_at(item.position) or attempt.moved_at
    last = attempt.submitted_at or attempt.paused_at or attempt.deadline_at
    end = end or at
    return end if last is None else min(end, last)


def takes(attempt: Attempt, ends_at: datetime, *, goes_on_offline: bool, at: datetime) -> bool:
    """Whether an answer of that window may still be written."""
    if attempt.settled_at is not None:
        return False
    if at < ends_at + ANSWER_GRACE:
        return True
    if not goes_on_offline:
        return False
    if attempt.state is AttemptState.PAUSED:
        return at < ends_at + OFFLINE + ANSWER_GRACE
    until = follow_until(attempt) if attempt.is_over else attempt.deadline_at
    return until is not None and at < min(ends_at + OFFLINE, until) + ANSWER_GRACE


def follow_until(attempt: Attempt) -> datetime | None:
    """Until when the answers of an attempt that was handed in may follow its moves: until the server heard of it, and
    for `FOLLOWING` where it was handed in off-line; never after the deadline. None where it ended otherwise."""
    ended_at, heard_at, deadline_at = attempt.submitted_at, attempt.submission_heard_at, attempt.deadline_at
    if attempt.state is not AttemptState.SUBMITTED or ended_at is None or heard_at is None or deadline_at is None:
        return None
    return min(heard_at + (FOLLOWING if heard_at - ended_at > SLOW else timedelta()), deadline_at)


def _with_answer(
    attempt: Attempt, before: Response, answer: Answer, rank: int, ends_at: datetime, *, at: datetime
) -> Response:
    after = replace(
        rules.set_aside(before, with_answer=_was_final(before, ends_at) and before.answer != answer, at=at),
        student_id=attempt.student_id,
        answer=answer,
        answer_rank=rank,
        answered_at=at,
        answer_until=ends_at + ANSWER_GRACE,
        window_began_at=window_begin(attempt, before.position, before),
        window_ends_at=ends_at,
        behind_ms=max(0, round((at - ends_at - ANSWER_GRACE).total_seconds() * 1000)),
        revision=before.revision + 1,
    )
    if before.state is ResponseState.PRACTICE:
        return after
    if before.position in attempt.open_positions and not attempt.is_over:
        return replace(after, state=ResponseState.DRAFT)
    return rules.queued(replace(after, answer_until=None), at=at)


def _was_final(before: Response, ends_at: datetime) -> bool:
    """Whether its answer was handed in before this window (its attempt was reopened), or judged. One that the close of
    its own item overtook is only an older state of the same answer."""
    if before.state in (ResponseState.DRAFT, ResponseState.PRACTICE):
        return False
    return before.score is not None or before.window_ends_at is None or before.window_ends_at < ends_at


def _saved(response: Response) -> Saved:
    assert response.answered_at is not None  # noqa: S101 - every stored answer has its moment
    return Saved(position=response.position, sequence=sequence_of(response.answer_rank), saved_at=response.answered_at)


# -- when the item, the attempt or its limits move -------------------------------------------------------------------


def move_on(
    *,
    attempt: Attempt,
    moves: Sequence[Move],
    paper: Paper,
    attempts: Attempts,
    responses: Responses,
    jobs: Jobs,
    now: datetime,
    epoch: int | None = None,
) -> Attempt:
    """Makes these moves (see `usecases.make_moves`), and what they close is to be scored. Safe to repeat.

    A part, and what is closed last of all, is handed in before the attempt is written as well: were it done only
    afterwards, a crash in between would leave a finished part, or a submitted attempt, whose answers can still be
    changed. Is it not closed after all, a save makes its answer a draft again.
    """
    model.check_lease(attempt, epoch)
    seen = refresh(attempt, attempts=attempts, now=now)
    ahead = moved(seen, moves, paper, now=now)
    finishing = [part.first_position for part in ahead.finished_parts[len(seen.finished_parts) :]]
    if ahead.state is AttemptState.SUBMITTED and seen.is_running:
        finishing.append(paper.total_items - 1)
    hand_in(attempt=seen, positions=finishing, paper=paper, responses=responses, jobs=jobs, now=now)
    after = make_moves(attempt=seen, moves=moves, paper=paper, attempts=attempts, now=now, epoch=epoch)
    closed = [move.position for move in moves if move.kind is MoveKind.CLOSE and move.position < after.position]
    hand_in(attempt=after, positions=closed, paper=paper, responses=responses, jobs=jobs, now=now)
    return after


def hand_in(
    *, attempt: Attempt, positions: Sequence[int], paper: Paper, responses: Responses, jobs: Jobs, now: datetime
) -> None:
    """The items at these positions were closed, alone or with their part: what was typed there is to be scored. Spoken
    ones are passed over.

    One write each; safe to repeat. A crash before it leaves drafts: `hand_in_all` finds them when the attempt is over.
    """
    closed = {each for position in positions for each in paper.window_of(position)}
    for position in sorted(closed):
        response_id = rules.response_id(attempt.id, position)
        if not paper.get_item(position).is_spoken and responses.hand_in(response_id, now=now):
            hand_over(jobs, SCORE_RESPONSE, response_id)


def hand_in_all(*, attempt: Attempt, paper: Paper, responses: Responses, jobs: Jobs, now: datetime) -> None:
    """The attempt is over: every draft of it is to be scored. Safe to repeat."""
    drafts = [each.position for each in responses.list_by_attempt(attempt.id) if each.state is ResponseState.DRAFT]
    hand_in(attempt=attempt, positions=drafts, paper=paper, responses=responses, jobs=jobs, now=now)


def move_limits(attempt: Attempt, *, paper: Paper, responses: Responses, now: datetime) -> None:
    """The attempt's clock was changed (extended, paused, resumed, reopened): drafts of what is open get their new end.

    To be called after the attempt was written. A save that comes first moves the end as well, so losing this call
    costs one slower save and nothing else. The answer that is stored came under the old beginning and keeps it.
    """
    began_at = window_begin(attempt, attempt.position, None)
    if attempt.is_over or began_at is None or attempt.position >= paper.total_items:
        return
    ends_at = window_end(attempt, paper.get_item(attempt.position), None, at=now)
    for position in attempt.open_positions:
        responses.move_answer_limit(
            rules.response_id(attempt.id, position),
            window_began_at=began_at,
            window_ends_at=ends_at,
            answer_until=ends_at + ANSWER_GRACE,
        )
