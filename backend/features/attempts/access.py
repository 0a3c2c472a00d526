"""The only way a view gets an attempt."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.attempts.model import Attempt
from backend.features.attempts.repository import Attempts


def access_own_attempt(actor: Actor, attempt_id: str, *, attempts: Attempts) -> Attempt:
    """The attempt, for the student whose it is; anybody else hears NotFound."""
    attempt = attempts.find(attempt_id)
    if attempt is None or not actor.is_student or attempt.student_id != actor.account_id:
        raise NotFound()
    return attempt


def access_attempt(actor: Actor, attempt_id: str, *, attempts: Attempts) -> Attempt:
    """The attempt, for those who run its campus; anybody else hears NotFound."""
    attempt = attempts.find(attempt_id)
    if attempt is None or not actor.may_administer(attempt.campus_id):
        raise NotFound()
    return attempt
