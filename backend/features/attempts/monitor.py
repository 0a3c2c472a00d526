"""What the live monitor tells of an attempt; its rows are made in the feature invigilation.

An event carries `student_id`, `attempt_id`, `version` and any other parts of the row that it knows, never a name: what
it leaves out is unchanged. `version` is the moment of the news in milliseconds: of each part, an older one than the
row's is ignored. Where the candidate stands goes by the attempt's `revision` instead: a control takes time, and a
heartbeat that came meanwhile must not keep it off the row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from backend.core.ports import Feed, PresenceMark
from backend.features.attempts.engine.controls import reopening_position
from backend.features.attempts.model import USUAL, Attempt, AttemptState, Conditions
from backend.features.attempts.paper import Paper
from backend.features.attempts.repository import Responses
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


def describe_progress(attempt: Attempt, paper: Paper) -> Json:
    """Where the candidate stands."""
    return {
        "revision": attempt.revision,
        "state": SCORED if attempt.settled_at is not None else attempt.state.value,
        "section_letter": paper.section_letter_at(attempt.position),
        "position": attempt.position,
        "items_open": attempt.items_open,
        "total_items": paper.total_items,
        "offline": bool(attempt.offline_stretches),
        "reopens_at": reopening_position(attempt, paper),
        "conditions": describe_conditions(attempt.conditions),
    }


def describe_conditions(conditions: Conditions) -> Json | None:
    """What is different for the candidate, never why: the reason may be of health. None where nothing is."""
    return None if conditions.are_usual else asdict(conditions)


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


def latest_attempts(attempts: Iterable[Attempt]) -> dict[str, Attempt]:
    """Each student's attempt with the highest number."""
    latest: dict[str, Attempt] = {}
    for attempt in sorted(attempts, key=lambda attempt: attempt.number):
        latest[attempt.student_id] = attempt
    return latest


def counting_attempts(attempts: Sequence[Attempt]) -> dict[str, Attempt]:
    """Each student's attempt that counts: the latest that began and is not voided; where there is none, the latest."""
    begun = [each for each in attempts if each.started_at is not None and each.state is not AttemptState.VOIDED]
    return latest_attempts(attempts) | latest_attempts(begun)


def settled_attempts(attempts: Iterable[Attempt]) -> dict[str, Attempt]:
    """Each student's latest attempt that is settled; a later one may be under way."""
    return latest_attempts(each for each in attempts if each.settled_at is not None)


NOWHERE: Json = {
    "attempt_id": None,
    "revision": 0,
    "state": NOT_STARTED,
    "section_letter": None,
    "position": 0,
    "items_open": 1,
    "total_items": 0,
    "offline": False,
    "reopens_at": None,
    "conditions": describe_conditions(USUAL),
    **describe_presence(None),
    **describe_responses({}),
}


def recall_counts(delivery_id: str, attempts: Iterable[Attempt], *, responses: Responses) -> Mapping[str, Counts]:
    """How scoring stands with each attempt that has been answered at all, as it was last counted."""
    answered = [attempt.id for attempt in attempts if attempt.position or attempt.is_item_open or attempt.is_over]
    return responses.recall_counts(delivery_id, answered)
