"""Reads the stores' final content, past every proxy, as the checker takes it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from backend.core.errors import AdapterError
from backend.features.attempts.answers import ANSWER_GRACE, follow_until, sequence_of
from backend.features.attempts.engine.moves import BELIEVED
from backend.features.attempts.model import Attempt
from backend.features.attempts.responses import Answer, Recording, Response
from backend.features.ratings.model import REST_GRACE
from backend.wiring import Services
from scripts.faults.doubles import HEARD, digest_of
from scripts.faults.exam_calls import digest_of_text
from scripts.faults.history import (
    WAITING,
    Stored,
    StoredAnswer,
    StoredAttempt,
    StoredMail,
    StoredRecording,
    StoredResult,
    Waiting,
)


def read_stored(services: Services, deliveries: Sequence[str], *, accepted: Mapping[str, int] | None = None) -> Stored:
    """Everything of these deliveries. `accepted`: how often the mail provider took each mail, by idempotency key."""
    attempts = [each for delivery in deliveries for each in services.attempts.list_by_delivery(delivery)]
    results = [each for delivery in deliveries for each in services.results.list_by_delivery(delivery)]
    return replace(
        _stored(services, attempts),
        results=tuple(
            StoredResult(id=each.id, attempt_id=each.attempt_id, settlement=each.settlement) for each in results
        ),
        mails=_mails(services, deliveries, accepted or {}),
    )


def read_attempts(services: Services, attempt_ids: Iterable[str]) -> Stored:
    """These attempts, as far as they are there, with their answers."""
    found = [services.attempts.find(each) for each in attempt_ids]
    return _stored(services, [each for each in found if each is not None])


def _stored(services: Services, attempts: Sequence[Attempt]) -> Stored:
    responses = [each for attempt in attempts for each in services.responses.list_by_attempt(attempt.id)]
    answers = [_answer(each, services) for each in responses]
    return Stored(
        attempts={each.id: _attempt(each) for each in attempts},
        answers={(each.attempt_id, each.position): each for each in answers},
    )


def list_waiting(services: Services, deliveries: Sequence[str]) -> list[Waiting]:
    """The answers and ended attempts of these deliveries that still wait for something that no person must do."""
    now = services.now()
    return [
        Waiting(subject=attempt.id, text=text)
        for delivery in deliveries
        for attempt in services.attempts.list_by_delivery(delivery)
        for text in _waits_for(attempt, services.responses.list_by_attempt(attempt.id), now)
    ]


def _waits_for(attempt: Attempt, responses: Sequence[Response], now: datetime) -> Iterator[str]:
    for each in responses:
        state = each.state.value
        if state in WAITING if attempt.is_over else state in ("queued", "claimed"):
            yield f"answer {each.position} is {state}{_lease(each, now)}"
    if attempt.is_past_deadline(now):
        yield "past its deadline and not over"
    is_whole = not any(each.is_blocking for each in responses)
    is_due = attempt.due_at is not None and attempt.due_at not in _ends_of_waiting_for_a_device(attempt)
    if attempt.is_over and attempt.settled_at is None and is_whole and is_due:
        yield f"{attempt.state.value} and not settled, due {_ago(attempt.due_at, now)}"


def _ends_of_waiting_for_a_device(attempt: Attempt) -> tuple[datetime | None, ...]:
    """Of a recording that was never begun to be sent, of one of which a part has come, of moves made off-line, and of
    what follows a submission made off-line."""
    ended_at = attempt.submitted_at
    if ended_at is None:
        return ()
    following = (follow_until(attempt) or ended_at) + ANSWER_GRACE
    return attempt.upload_until, ended_at + REST_GRACE, ended_at + BELIEVED + ANSWER_GRACE, following


def _lease(response: Response, now: datetime) -> str:
    return "" if response.lease_until is None else f", its lease ended {_ago(response.lease_until, now)}"


def _ago(due_at: datetime | None, now: datetime) -> str:
    return "never" if due_at is None else f"{(now - due_at).total_seconds():.1f} s ago"


def _attempt(attempt: Attempt) -> StoredAttempt:
    return StoredAttempt(
        id=attempt.id,
        delivery_id=attempt.delivery_id,
        student_id=attempt.student_id,
        state=attempt.state.value,
        position=attempt.position,
        is_item_open=attempt.is_item_open,
        deadline_s=attempt.deadline_at.timestamp() if attempt.deadline_at else None,
        ended_s=attempt.submitted_at.timestamp() if attempt.submitted_at else None,
        is_settled=attempt.settled_at is not None,
    )


def _answer(response: Response, services: Services) -> StoredAnswer:
    kept = {each.recording_id: _bytes(each, services) for each in response.recordings}
    recordings = tuple(_recording(each, kept[each.recording_id]) for each in response.recordings)
    spoken = [kept[each.recording_id] for each in response.spoken_segments()]
    typed = response.answer
    return StoredAnswer(
        attempt_id=response.attempt_id,
        position=response.position,
        state=response.state.value,
        recordings=recordings,
        sequence=sequence_of(response.answer_rank) if typed is not None else None,
        digest=_digest(typed) if typed is not None else None,
        saved_s=response.answered_at.timestamp() if response.answered_at else None,
        scored_from=_scored_from(response, services),
        should_be_scored_from=digest_of([each for each in spoken if each is not None]) if spoken else None,
    )


def _bytes(recording: Recording, services: Services) -> bytes | None:
    try:
        return services.blobs.get(recording.blob_key)
    except AdapterError:
        return None


def _recording(recording: Recording, kept: bytes | None) -> StoredRecording:
    return StoredRecording(
        recording_id=recording.recording_id,
        digest=recording.sha256,
        kept=hashlib.sha256(kept).hexdigest() if kept is not None else None,
        stored_s=recording.stored_at.timestamp(),
    )


def _digest(answer: Answer) -> str:
    return digest_of_text(answer.text or "")


def _scored_from(response: Response, services: Services) -> str | None:
    """What the ears were given, as the stored evidence of a spoken answer says."""
    if response.evidence_key is None or not response.recordings or response.score is None:
        return None
    try:
        evidence = json.loads(services.blobs.get(response.evidence_key))
    except AdapterError:
        return "lost"
    return str(evidence["versions"].get(HEARD))


def _mails(services: Services, deliveries: Sequence[str], accepted: Mapping[str, int]) -> tuple[StoredMail, ...]:
    return tuple(
        StoredMail(id=each.id, state=each.state.value, accepted=accepted.get(each.id, 0))
        for delivery in deliveries
        for each in services.dispatches.list_by_delivery(delivery)
    )
