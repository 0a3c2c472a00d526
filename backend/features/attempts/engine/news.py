"""What a candidate's page hears at once: that its attempt has changed. The page reads it again by HTTP."""

from backend.core.ports import Feed
from backend.features.attempts.model import Attempt
from backend.features.attempts.monitor import Json

NAMESPACE = "/exam"
CHANGED = "attempt_changed"


def room_of_attempt(attempt_id: str) -> str:
    """The room of a candidate's pages."""
    return f"attempt:{attempt_id}"


def announce_change(attempt: Attempt, *, feed: Feed) -> None:
    """Staff, or another page of the candidate, changed the attempt."""
    event: Json = {"attempt_id": attempt.id, "version": attempt.revision}
    feed.publish(room_of_attempt(attempt.id), CHANGED, event, namespace=NAMESPACE)
