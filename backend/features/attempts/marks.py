"""A student's attempts as the list of deliveries needs them."""

from collections.abc import Sequence

from backend.features.assessments.repository import AttemptMark, AttemptMarks
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.repository import Attempts


class MarksFromAttempts(AttemptMarks):
    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    def list_marks(self, student_id: str) -> Sequence[AttemptMark]:
        return [_mark(attempt) for attempt in self._attempts.list_all_of_student(student_id)]


def _mark(attempt: Attempt) -> AttemptMark:
    return AttemptMark(
        delivery_id=attempt.delivery_id,
        attempt_id=attempt.id,
        number=attempt.number,
        began=attempt.started_at is not None and attempt.state is not AttemptState.VOIDED,
        is_running=attempt.state is AttemptState.IN_PROGRESS,
        deadline_at=attempt.deadline_at,
    )
