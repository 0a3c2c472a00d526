"""Scoring a response, following an attempt to its result, sweeping up after crashes, and what a person decides."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from backend.core.actor import Actor
from backend.core.errors import Conflict, NotFound, TemporaryFailure
from backend.core.ids import IdSource
from backend.core.jobs import hand_over
from backend.features.attempts import answers, monitor
from backend.features.attempts import model as attempt_rules
from backend.features.attempts import responses as rules
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.paper import Paper
from backend.features.attempts.repository import Candidate, Responses
from backend.features.attempts.responses import Response, ResponseState
from backend.features.attempts.usecases import REVIEW_ATTEMPT, SCORE_RESPONSE, catch_up, change, fresh_response
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.ratings.judging import judge
from backend.features.ratings.model import (
    DEVICE,
    TROUBLES,
    Outlook,
    Progress,
    Review,
    Trouble,
    Unscored,
    Waiting,
    moves_until,
    reason_text,
    review,
)
from backend.features.ratings.moving import FINISH_MOVE
from backend.features.ratings.repository import Desk, Judges

SETTLE_ATTEMPT = "results.settle_attempt"
SWEEP = "attempts.sweep"
SWEEP_DEADLINES = "attempts.sweep_deadlines"
Hold = Callable[[Response], AbstractContextManager[object]]
LEFT_THE_BATCH = "A student who left the batch"
SWEPT_AT_ONCE = 200
_DEADLINE_PASSES = 10
# With more jobs than this in the queue, what the database has queued is in the queue too.
QUEUE_IS_SHORT = 20
_RACES = 8

log = structlog.get_logger()


# -- one response ----------------------------------------------------------------------------------------------------


def score_response(
    *, response_id: str, desk: Desk, judges: Judges, clock: Callable[[], datetime], hold: Hold = nullcontext
) -> ResponseState | None:
    """Claims the response, has it judged and stores; the state it ended in, or None when there was nothing to do.

    Safe to repeat and to run twice at once: whoever claims it first scores it. A temporary failure puts it back, a
    permanent one hands it to a person with the reason; a worker that dies leaves a lease that runs out. `hold` keeps
    the claim alive while the answer is judged.
    """
    claimed = _claim(response_id, desk.responses, clock())
    if claimed is None:
        return None
    with hold(claimed):
        after = judge(claimed, desk, judges, clock)
    if not after.is_waiting:
        after = replace(after, judged_at=clock())
    if not desk.responses.save(after, seen=claimed):
        # Another part of the answer arrived meanwhile: it was queued again, with both.
        return None
    log.info(
        "response_scored", response_id=response_id, state=after.state.value, reason=after.reason, tries=after.tries
    )
    _follow(after, desk, clock())
    return after.state


def _claim(response_id: str, responses: Responses, now: datetime) -> Response | None:
    seen = responses.find(response_id)
    claimed = rules.claimed(seen, at=now) if seen is not None else None
    if seen is None or claimed is None or not responses.save(claimed, seen=seen):
        return None
    return claimed


def _follow(response: Response, desk: Desk, now: datetime) -> None:
    """What comes after a response moved: its next try, the news, and perhaps the attempt's result."""
    if response.state is ResponseState.QUEUED:
        delay = (response.not_before - now).total_seconds() if response.not_before else 0
        hand_over(desk.jobs, SCORE_RESPONSE, response.id, delay_s=max(0.0, delay))
    attempt = desk.attempts.find(response.attempt_id)
    if attempt is None:
        return
    announce(attempt, desk, now)
    if attempt.is_over and not response.is_waiting:
        review_judged(attempt_id=attempt.id, desk=desk, now=now)


def announce(attempt: Attempt, desk: Desk, now: datetime) -> None:
    """Tells those who watch how the attempt and its scoring stand."""
    monitor.announce_scoring(
        attempt, desk.papers.get(attempt.form_id), responses=desk.responses, feed=desk.feed, now=now
    )


# -- one attempt -----------------------------------------------------------------------------------------------------


def review_attempt(*, attempt_id: str, desk: Desk, now: datetime) -> Outlook | None:
    """Looks at an attempt that is over: notes what is missing, waits, or hands it over to be settled. Safe to repeat.

    The hand-over is repeated by the sweep until `settled_at` is set. None for an attempt that is not over, or settled.
    """
    attempt = desk.attempts.find(attempt_id)
    if attempt is None or not attempt.is_over or attempt.settled_at is not None:
        return None
    paper = desk.papers.get(attempt.form_id)
    if not paper.is_spoken:
        answers.hand_in_all(attempt=attempt, paper=paper, responses=desk.responses, jobs=desk.jobs, now=now)
    found = _review(attempt, desk, now)
    if found.outlook not in DEVICE:
        _note_missing(attempt, found.absent, desk)
    if found.outlook is Outlook.RESULT:
        hand_over(desk.jobs, SETTLE_ATTEMPT, attempt_id)
    _look_again(attempt, found.next_at, desk, now)
    if found.absent and found.outlook not in DEVICE:
        announce(attempt, desk, now)
    return found.outlook


def review_judged(*, attempt_id: str, desk: Desk, now: datetime) -> Outlook | None:
    """`review_attempt` after one of its answers was judged: settled around that answer, it is settled once more. Where
    the result counts it already, settling finds the same result. Safe to repeat."""
    change(attempt_id, lambda seen: attempt_rules.unsettled(seen, at=now), attempts=desk.attempts)
    return review_attempt(attempt_id=attempt_id, desk=desk, now=now)


def _review(attempt: Attempt, desk: Desk, now: datetime) -> Review:
    return review(
        attempt,
        desk.papers.get(attempt.form_id),
        desk.responses.list_by_attempt(attempt.id),
        desk.uploads.list_by_attempt(attempt.id),
        at=now,
    )


def _note_missing(attempt: Attempt, positions: Sequence[int], desk: Desk) -> None:
    paper = desk.papers.get(attempt.form_id)
    for position in positions:
        reason = "no_recording" if paper.get_item(position).is_spoken else "no_answer"
        desk.responses.add(rules.missing(fresh_response(attempt, position, paper), reason=reason))


def _look_again(attempt: Attempt, next_at: datetime | None, desk: Desk, now: datetime) -> None:
    """Writes when to look again; not where the sweep looks soon enough anyway."""
    if next_at is not None and attempt.due_at is not None and now < attempt.due_at <= next_at:
        return
    change(attempt.id, lambda seen: attempt_rules.reviewed(seen, next_at=next_at), attempts=desk.attempts)


# -- the sweep -------------------------------------------------------------------------------------------------------


def sweep_deadlines(*, desk: Desk, now: datetime) -> int:
    """Ends attempts at their deadline, and breaks that are used up; how many. Runs every second, and may run twice.

    Whoever looks at an attempt ends it too: this is for those at which nobody looks any more.
    """
    ended: list[Attempt] = []
    for _ in range(_DEADLINE_PASSES):
        due = [
            attempt
            for state in (AttemptState.IN_PROGRESS, AttemptState.PAUSED)
            for attempt in desk.attempts.list_due(state, at=now, limit=SWEPT_AT_ONCE)
        ]
        ended += [catch_up(attempt_id=each.id, attempts=desk.attempts, now=now, first=each) for each in due]
        if len(due) < SWEPT_AT_ONCE:
            break
    for attempt in ended:  # once all have ended: telling takes longer
        announce(attempt, desk, now)
    return len(ended)


def sweep(*, desk: Desk, now: datetime) -> dict[str, int]:
    """Follows attempts that are over, and hands over what a crash left behind.

    Runs every 15 seconds; two at once do no harm. Says how many of each it moved.
    """
    moved = {
        "reviewed": _sweep_reviews(desk, now),
        "abandoned": _sweep_abandoned(desk, now),
        "moving": _sweep_moves(desk),
        "handed_over": _sweep_waiting(desk, now),
    }
    if any(moved.values()):
        log.info("swept", **moved)
    return moved


def _sweep_reviews(desk: Desk, now: datetime) -> int:
    due = [
        attempt
        for state in (AttemptState.SUBMITTED, AttemptState.EXPIRED)
        for attempt in desk.attempts.list_due(state, at=now, limit=SWEPT_AT_ONCE)
    ]
    for attempt in due:
        review_attempt(attempt_id=attempt.id, desk=desk, now=now)
    return len(due)


def _sweep_abandoned(desk: Desk, now: datetime) -> int:
    abandoned = desk.responses.list_abandoned(at=now, limit=SWEPT_AT_ONCE)
    for response in abandoned:
        # The first time at once: it waited for the lease already. Answers that kill their worker wait longer.
        wait = rules.backoff(response.tries - 1) if response.tries > 1 else timedelta()
        after = rules.put_back(response, reason="worker_lost", wait=wait, at=now)
        if desk.responses.save(after, seen=response):
            _follow(after, desk, now)
    return len(abandoned)


def _sweep_moves(desk: Desk) -> int:
    """Deliveries that go to another speech engine and are not there yet; not while what they queued fills the queue."""
    leaving = desk.cohorts.list_leaving(limit=SWEPT_AT_ONCE)
    if not leaving or _is_busy(desk):
        return 0
    return sum(hand_over(desk.jobs, FINISH_MOVE, cohort.id) for cohort in leaving)


def _sweep_waiting(desk: Desk, now: datetime) -> int:
    if _is_busy(desk):
        return 0
    waiting = desk.responses.list_waiting(at=now, limit=SWEPT_AT_ONCE)
    return sum(hand_over(desk.jobs, SCORE_RESPONSE, response.id) for response in waiting)


def _is_busy(desk: Desk) -> bool:
    try:
        return desk.jobs.waiting(SCORE_RESPONSE) > QUEUE_IS_SHORT
    except TemporaryFailure:
        return True


# -- what a person decides -------------------------------------------------------------------------------------------


def list_unscored(*, delivery_id: str, candidates: Sequence[Candidate], desk: Desk) -> list[Unscored]:
    """The answers of a delivery without a score: what holds results back first, then those for raters."""
    people = {candidate.student_id: candidate for candidate in candidates}
    attempts = {attempt.id: attempt for attempt in desk.attempts.list_by_delivery(delivery_id)}
    lines = [
        _line(response, attempts[response.attempt_id], people, desk)
        for response in desk.responses.list_by_delivery(delivery_id, list(TROUBLES))
        if response.attempt_id in attempts
    ]
    order = list(Trouble)
    return sorted(lines, key=lambda line: (line.is_waived, order.index(line.trouble), line.roll_number, line.number))


def _line(response: Response, attempt: Attempt, people: dict[str, Candidate], desk: Desk) -> Unscored:
    item = desk.papers.get(attempt.form_id).get_item(response.position)
    person = people.get(attempt.student_id)
    trouble = TROUBLES[response.state]
    return Unscored(
        response_id=response.id,
        attempt_id=attempt.id,
        student_id=attempt.student_id,
        student_name=person.name if person else LEFT_THE_BATCH,
        roll_number=person.roll_number if person else "",
        section_letter=item.section_letter,
        number=item.number,
        task=response.task,
        trouble=trouble,
        reason=reason_text(response.reason, trouble),
        recordings=len(response.spoken_segments()),
        is_waived=response.waived_by is not None,
        is_looked_at_again=response.is_looked_at_again,
        may_score_again=(
            response.has_content
            and trouble is Trouble.FAILED
            and attempt.settled_at is None
            and not response.is_looked_at_again
        ),
    )


def list_waiting(*, delivery_id: str, candidates: Sequence[Candidate], desk: Desk, now: datetime) -> list[Waiting]:
    """Attempts that are over and still wait for something from the candidate's device.

    Three queries beside the attempts, however many there are: their counts as last taken, what is arriving, and the
    responses of those of which something may be missing.
    """
    people = {candidate.student_id: candidate for candidate in candidates}
    over = [each for each in desk.attempts.list_by_delivery(delivery_id) if each.is_over and each.settled_at is None]
    arriving = _by_attempt(desk.uploads.list_by_attempts([attempt.id for attempt in over]))
    counts = desk.responses.recall_counts(delivery_id, [attempt.id for attempt in over])
    looked_at = [
        attempt
        for attempt in over
        if attempt.id in arriving or _may_lack(attempt, desk.papers.get(attempt.form_id), counts.get(attempt.id, {}))
    ]
    responses = _by_attempt(desk.responses.list_by_attempts([attempt.id for attempt in looked_at]))
    lines = []
    for attempt in over:
        paper = desk.papers.get(attempt.form_id)
        until = moves_until(attempt, paper)
        found = Review(outlook=Outlook.MOVES, next_at=until) if until is not None and now < until else None
        if attempt in looked_at:
            found = review(attempt, paper, responses.get(attempt.id, []), arriving.get(attempt.id, []), at=now)
        if found is not None and found.outlook in DEVICE and found.next_at is not None:
            person = people.get(attempt.student_id)
            lines.append(
                Waiting(
                    attempt_id=attempt.id,
                    student_name=person.name if person else LEFT_THE_BATCH,
                    answers=len(found.absent),
                    until=found.next_at,
                    for_moves=found.outlook is Outlook.MOVES,
                )
            )
    return lines


class _OfAttempt(Protocol):
    @property
    def attempt_id(self) -> str: ...


_Part = TypeVar("_Part", bound=_OfAttempt)


def _by_attempt(parts: Iterable[_Part]) -> dict[str, list[_Part]]:
    found: dict[str, list[_Part]] = {}
    for part in parts:
        found.setdefault(part.attempt_id, []).append(part)
    return found


def _may_lack(attempt: Attempt, paper: Paper, counts: Mapping[ResponseState, int]) -> bool:
    """Whether there are fewer responses than scored items that were opened. A count may be too low, never too high."""
    opened = sum(1 for item in paper.items if not item.practice and attempt.was_opened(item.position))
    return sum(counts.values()) - counts.get(ResponseState.PRACTICE, 0) < opened


def count_scoring(*, delivery_id: str, responses: Responses) -> Progress:
    """How far scoring a delivery is."""
    waiting = done = 0
    for counts in responses.count_by_delivery(delivery_id).values():
        waiting += counts.get(ResponseState.QUEUED, 0) + counts.get(ResponseState.CLAIMED, 0)
        done += counts.get(ResponseState.SCORED, 0) + sum(counts.get(state, 0) for state in TROUBLES)
    return Progress(done=done, total=done + waiting)


def score_again(*, response: Response, desk: Desk, now: datetime) -> Response:
    """Queues one response again. Refused: `nothing_to_score`, `already_settled`."""
    attempt = desk.attempts.find(response.attempt_id)
    if attempt is None or attempt.settled_at is not None:
        raise Conflict("already_settled", "The result is settled: it no longer changes.")
    after = _change(response.id, lambda seen: rules.asked_again(seen, at=now), desk.responses)
    hand_over(desk.jobs, SCORE_RESPONSE, response.id)
    announce(attempt, desk, now)
    return after


def score_all_again(*, delivery_id: str, desk: Desk, now: datetime) -> int:
    """Queues every failed response of the delivery that has a recording; how many."""
    queued = 0
    for response in desk.responses.list_by_delivery(delivery_id, [ResponseState.FAILED]):
        if not response.has_content:
            continue
        try:
            score_again(response=response, desk=desk, now=now)
        except Conflict:
            continue
        queued += 1
    return queued


def settle_without(
    *, actor: Actor, response: Response, desk: Desk, audit_log: AuditLog, now: datetime, new_id: IdSource
) -> Response:
    """A person's decision that the result is settled without this answer. Written to the audit log; the result says so.

    Refused: `not_blocking`. Safe to repeat.
    """
    if rules.waived(response, by=actor.account_id, at=now) is not response:
        record(
            actor_id=actor.account_id,
            campus_id=response.campus_id,
            action="response_waived",
            subject_kind="response",
            subject_id=response.id,
            audit_log=audit_log,
            now=now,
            new_id=new_id,
            reason=response.reason or "",
        )
    after = _change(response.id, lambda seen: rules.waived(seen, by=actor.account_id, at=now), desk.responses)
    hand_over(desk.jobs, REVIEW_ATTEMPT, response.attempt_id)
    return after


def settle_without_all(
    *, actor: Actor, delivery_id: str, desk: Desk, audit_log: AuditLog, now: datetime, new_id: IdSource
) -> int:
    """The same decision for every answer that holds back the result of an attempt that is over; how many.

    Each is written to the audit log by itself. Safe to repeat.
    """
    over = {attempt.id for attempt in desk.attempts.list_by_delivery(delivery_id) if attempt.is_over}
    blocking = [
        response
        for response in desk.responses.list_by_delivery(delivery_id, sorted(rules.BLOCKING))
        if response.is_blocking and response.attempt_id in over
    ]
    for response in blocking:
        settle_without(actor=actor, response=response, desk=desk, audit_log=audit_log, now=now, new_id=new_id)
    return len(blocking)


def stop_waiting(
    *, actor: Actor, attempt: Attempt, desk: Desk, audit_log: AuditLog, now: datetime, new_id: IdSource
) -> None:
    """A person's decision that nothing more will arrive: what did not come is missing now. Written to the audit log.

    A recording that comes after all is still kept and scored, as long as the result is not settled. Safe to repeat.
    """
    if not attempt.is_over or attempt.settled_at is not None:
        raise Conflict("not_waiting", "Nothing is being waited for.")
    absent = _review(attempt, desk, now).absent
    if absent:
        _note_missing(attempt, absent, desk)
        record(
            actor_id=actor.account_id,
            campus_id=attempt.campus_id,
            action="uploads_given_up",
            subject_kind="attempt",
            subject_id=attempt.id,
            audit_log=audit_log,
            now=now,
            new_id=new_id,
            answers=len(absent),
        )
        announce(attempt, desk, now)
    hand_over(desk.jobs, REVIEW_ATTEMPT, attempt.id)


def _change(response_id: str, step: Callable[[Response], Response], responses: Responses) -> Response:
    for _ in range(_RACES):
        seen = responses.find(response_id)
        if seen is None:
            raise NotFound()
        after = step(seen)
        if after is seen or responses.save(after, seen=seen):
            return after
    raise TemporaryFailure("response_contended")
