"""Keeping what came late, and scoring what staff accept of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from backend.core.errors import NotFound, TemporaryFailure
from backend.features.attempts import responses as rules
from backend.features.attempts.late.model import LateAnswer, undecided
from backend.features.attempts.model import Attempt
from backend.features.attempts.paper import Paper
from backend.features.attempts.repository import LateAnswers, Responses
from backend.features.attempts.responses import Answer, Recording, Response
from backend.features.attempts.usecases import fresh_response

_RACES = 8

log = structlog.get_logger()

# -- keeping ---------------------------------------------------------------------------------------------------------


def keep_answer(fresh: Response, answer: Answer, rank: int, *, late_answers: LateAnswers, now: datetime) -> None:
    """Keeps a typed answer, if it is the newest to its item, with nothing decided about it yet. Safe to repeat."""

    def step(seen: LateAnswer) -> LateAnswer:
        return seen if seen.answer_rank >= rank else undecided(seen, answer=answer, answer_rank=rank, received_at=now)

    _keep(fresh, step, late_answers, now)


def keep_recording(fresh: Response, recording: Recording, *, late_answers: LateAnswers, now: datetime) -> None:
    """Keeps a recording with those of its item that came before, with nothing decided about them yet. Safe to
    repeat."""

    def step(seen: LateAnswer) -> LateAnswer:
        if any(each.recording_id == recording.recording_id for each in seen.recordings):
            return seen
        return undecided(seen, recordings=(*seen.recordings, recording), received_at=now)

    _keep(fresh, step, late_answers, now)


def _keep(fresh: Response, step: Callable[[LateAnswer], LateAnswer], late_answers: LateAnswers, now: datetime) -> None:
    first = LateAnswer(
        id=fresh.id,
        attempt_id=fresh.attempt_id,
        campus_id=fresh.campus_id,
        delivery_id=fresh.delivery_id,
        position=fresh.position,
        received_at=now,
    )
    for _ in range(_RACES):
        seen = late_answers.find(first.id)
        before = seen or first
        after = step(before)
        if after is before:
            return
        if seen is None:
            written = late_answers.add(after)
        else:
            written = late_answers.save(replace(after, revision=seen.revision + 1), seen=seen)
        if written:
            log.info("answer_kept_late", attempt_id=first.attempt_id, position=first.position)
            return
    raise TemporaryFailure("response_contended")


# -- what staff decide -----------------------------------------------------------------------------------------------


def accept_late(*, late: LateAnswer, attempt: Attempt, paper: Paper, responses: Responses, now: datetime) -> Response:
    """The response with the late answer, queued to be scored: a person's decision; one that came in time is kept as an
    earlier one, recordings are added to those that came in time. Safe to repeat."""
    fresh = fresh_response(attempt, late.position, paper)
    for _ in range(_RACES):
        seen = responses.find(fresh.id)
        before = seen or fresh
        after = _with_recordings(_with_answer(before, late, attempt, now), late, now)
        if after is before:
            return before
        if responses.add(after) if seen is None else responses.save(after, seen=before):
            return after
    raise TemporaryFailure("response_contended")


def _with_answer(before: Response, late: LateAnswer, attempt: Attempt, now: datetime) -> Response:
    if late.answer is None or before.answer_rank >= late.answer_rank:
        return before
    return replace(
        rules.queued(rules.set_aside(before, with_answer=True, at=now), at=now),
        student_id=attempt.student_id,
        answer=late.answer,
        answer_rank=late.answer_rank,
        answered_at=late.received_at,
        answer_until=None,
        revision=before.revision + 1,
    )


def _with_recordings(before: Response, late: LateAnswer, now: datetime) -> Response:
    after = before
    for recording in late.recordings:
        after = rules.with_recording(after, recording, fresh=before, is_settled=False, at=now)
    return after if after is before else replace(after, revision=before.revision + 1)


def get_late(*, late_id: str, delivery_id: str, late_answers: LateAnswers) -> LateAnswer:
    """Raises NotFound, also for one of another delivery."""
    late = late_answers.find(late_id)
    if late is None or late.delivery_id != delivery_id:
        raise NotFound()
    return late
