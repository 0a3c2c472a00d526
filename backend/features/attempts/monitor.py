"""The live monitor: one row a candidate. A join answers with all rows; then small events say what moved.

An event carries `student_id`, `attempt_id`, `version` and any other parts of the row that it knows, never a name: what
it leaves out is unchanged. `version` is the moment of the news in milliseconds; an older one than the row's is ignored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.core.ports import Feed, Presence, PresenceMark
from backend.features.attempts.model import Attempt
from backend.features.attempts.paper import Paper
from backend.features.attempts.repository import Attempts, Candidate, Papers, Responses
from backend.features.attempts.responses import ResponseState

PROGRESSED = "attempt_progressed"
NOT_STARTED = "not_started"
SCORED = "scored"

Json = dict[str, object]
Counts = Mapping[ResponseState, int]


def room_of(delivery_id: str) -> str:
    """The room of those who watch a delivery."""
    return f"delivery:{delivery_id}"


def version_at(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitored:
    """What the monitor needs to read."""

    attempts: Attempts
    responses: Responses
    papers: Papers
    presence: Presence


def describe_progress(attempt: Attempt, paper: Paper) -> Json:
    """Where the candidate stands."""
    return {
        "state": SCORED if attempt.settled_at is not None else attempt.state.value,
        "section_letter": paper.section_letter_at(attempt.position),
        "position": attempt.position,
        "total_items": paper.total_items,
    }


def describe_presence(mark: PresenceMark | None) -> Json:
    if mark is None:
        return {"last_seen_at": None, "uploads_pending": 0, "microphone": "unknown"}
    return {
        "last_seen_at": iso(mark.seen_at),
        "uploads_pending": mark.uploads_pending,
        "microphone": mark.microphone,
    }


def describe_responses(counts: Counts) -> Json:
    """How scoring stands; what is missing counts as failed: both need a person."""
    waiting = counts.get(ResponseState.QUEUED, 0) + counts.get(ResponseState.CLAIMED, 0)
    return {
        "responses": {
            "queued": waiting,
            "scored": counts.get(ResponseState.SCORED, 0),
            "failed": counts.get(ResponseState.FAILED, 0) + counts.get(ResponseState.MISSING, 0),
            "needs_rater": counts.get(ResponseState.NEEDS_RATER, 0),
        }
    }


def _event(attempt: Attempt, at: datetime, *parts: Json) -> Json:
    event: Json = {"student_id": attempt.student_id, "attempt_id": attempt.id, "version": version_at(at)}
    for part in parts:
        event |= part
    return event


def announce_progress(attempt: Attempt, paper: Paper, *, feed: Feed, now: datetime) -> None:
    """The candidate moved: entered, began, opened an item, ended."""
    event = _event(attempt, now, describe_progress(attempt, paper), {"last_seen_at": iso(now)})
    feed.publish(room_of(attempt.delivery_id), PROGRESSED, event)


def announce_presence(attempt: Attempt, mark: PresenceMark, *, feed: Feed, now: datetime) -> None:
    feed.publish(room_of(attempt.delivery_id), PROGRESSED, _event(attempt, now, describe_presence(mark)))


def announce_scoring(attempt: Attempt, paper: Paper, *, responses: Responses, feed: Feed, now: datetime) -> None:
    """Scoring moved on: where the candidate stands, with the counts."""
    counts = describe_responses(responses.count_by_attempt(attempt.id))
    event = _event(attempt, now, describe_progress(attempt, paper), counts)
    feed.publish(room_of(attempt.delivery_id), PROGRESSED, event)


def list_rows(delivery_id: str, candidates: Sequence[Candidate], *, seen: Monitored, now: datetime) -> list[Json]:
    """A row for each candidate of the batch, in the order given, from each one's latest attempt."""
    latest = latest_attempts(seen.attempts.list_by_delivery(delivery_id))
    marks = seen.presence.read([attempt.id for attempt in latest.values()])
    counts = seen.responses.count_by_delivery(delivery_id)
    return [
        {
            "student_id": candidate.student_id,
            "student_name": candidate.name,
            "roll_number": candidate.roll_number,
            "version": version_at(now),
            **_describe(latest.get(candidate.student_id), seen.papers, marks, counts),
        }
        for candidate in candidates
    ]


def latest_attempts(attempts: Iterable[Attempt]) -> dict[str, Attempt]:
    """Each student's attempt with the highest number."""
    latest: dict[str, Attempt] = {}
    for attempt in sorted(attempts, key=lambda attempt: attempt.number):
        latest[attempt.student_id] = attempt
    return latest


def _describe(
    attempt: Attempt | None,
    papers: Papers,
    marks: Mapping[str, PresenceMark],
    counts: Mapping[str, Counts],
) -> Json:
    if attempt is None:
        nowhere: Json = {
            "attempt_id": None,
            "state": NOT_STARTED,
            "section_letter": None,
            "position": 0,
            "total_items": 0,
        }
        return nowhere | describe_presence(None) | describe_responses({})
    where: Json = {"attempt_id": attempt.id}
    return (
        where
        | describe_progress(attempt, papers.get(attempt.form_id))
        | describe_presence(marks.get(attempt.id))
        | describe_responses(counts.get(attempt.id, {}))
    )
