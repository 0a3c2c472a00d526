"""Attempts as the lists of deliveries need them: a student's own, and how far a delivery has come."""

from collections.abc import Sequence

from backend.features.assessments.model import Delivery
from backend.features.assessments.repository import AttemptMark, AttemptMarks, DeliveryCount, DeliveryCounts
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.monitor import latest_attempts
from backend.features.attempts.repository import Attempts, Candidates, Responses
from backend.features.attempts.responses import BLOCKING


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
        is_running=attempt.is_running,
        is_paused=attempt.state is AttemptState.PAUSED,
        deadline_at=attempt.deadline_at,
    )


class CountsFromAttempts(DeliveryCounts):
    def __init__(self, attempts: Attempts, responses: Responses, candidates: Candidates) -> None:
        self._attempts = attempts
        self._responses = responses
        self._candidates = candidates

    def count(self, delivery: Delivery) -> DeliveryCount:
        latest = latest_attempts(self._attempts.list_by_delivery(delivery.id)).values()
        unscored = self._responses.list_by_delivery(delivery.id, list(BLOCKING))
        return DeliveryCount(
            candidates=len(self._candidates.list_by_batch(delivery.batch_id)),
            started=sum(1 for attempt in latest if attempt.started_at is not None),
            running=sum(1 for attempt in latest if attempt.is_running),
            finished=sum(1 for attempt in latest if attempt.is_over),
            settled=sum(1 for attempt in latest if attempt.settled_at is not None),
            unscored=sum(1 for response in unscored if response.is_blocking),
        )
