"""What a candidate's page hears at once: that its attempt has changed, and how its clock stands since.

A page that knows the version before takes the clock from here; any other reads the attempt again by HTTP.
"""

from datetime import datetime

from backend.core.ports import Feed
from backend.features.attempts.model import Attempt
from backend.features.attempts.monitor import Json, iso

NAMESPACE = "/exam"
CHANGED = "attempt_changed"


def room_of_attempt(attempt_id: str) -> str:
    """The room of a candidate's pages."""
    return f"attempt:{attempt_id}"


def tell_clock(attempt: Attempt, *, now: datetime) -> Json:
    """The attempt's state and clock, without anything of its items."""
    return {
        "attempt_id": attempt.id,
        "version": attempt.revision,
        "epoch": attempt.epoch,
        "state": attempt.state.value,
        "position": attempt.position,
        "server_now": iso(now),
        "deadline_at": iso(attempt.deadline_at),
        "paused_at": iso(attempt.paused_at),
        "break_until": iso(attempt.break_until),
        "item_opened_at": iso(attempt.item_opened_at),
    }


def announce_change(attempt: Attempt, *, feed: Feed, now: datetime) -> None:
    """Staff, or another page of the candidate, changed the attempt."""
    feed.publish(room_of_attempt(attempt.id), CHANGED, tell_clock(attempt, now=now), namespace=NAMESPACE)
