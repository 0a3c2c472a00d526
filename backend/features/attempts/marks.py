"""Attempts as others need them: a student's own, how far a delivery has come, what keeps a campus open."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.features.assessments.model import Delivery, DeliveryState
from backend.features.assessments.repository import AttemptMark, AttemptMarks, Deliveries, DeliveryCount, DeliveryCounts
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.monitor import counting_attempts, settled_attempts
from backend.features.attempts.repository import Attempts, Candidates, Responses
from backend.features.attempts.responses import BLOCKING
from backend.features.campuses.repository import OngoingTest, OngoingTests

# Extra time and extensions end attempts after their test has closed, hours later at most.
_STILL_SAT = timedelta(days=2)


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
        attempts = self._attempts.list_by_delivery(delivery.id)
        counting = counting_attempts(attempts).values()
        unscored = self._responses.list_by_delivery(delivery.id, list(BLOCKING))
        return DeliveryCount(
            candidates=len(self._candidates.list_by_batch(delivery.batch_id)),
            started=sum(1 for attempt in counting if attempt.started_at is not None),
            running=sum(1 for attempt in counting if attempt.is_running),
            finished=sum(1 for attempt in counting if attempt.is_over),
            settled=len(settled_attempts(attempts)),
            unscored=sum(1 for response in unscored if response.is_blocking),
        )


class OngoingFromAttempts(OngoingTests):
    def __init__(self, deliveries: Deliveries, attempts: Attempts) -> None:
        self._deliveries = deliveries
        self._attempts = attempts

    def list_ongoing(self, campus_id: str, *, at: datetime) -> Sequence[OngoingTest]:
        recent = [
            delivery for delivery in self._deliveries.list_by_campus(campus_id) if delivery.closes_at + _STILL_SAT > at
        ]
        ongoing = [(delivery, self._count_sitting(delivery)) for delivery in recent]
        return [
            OngoingTest(
                delivery_id=delivery.id,
                title=delivery.title,
                opens_at=delivery.opens_at,
                closes_at=delivery.closes_at,
                sitting=sitting,
            )
            for delivery, sitting in ongoing
            if sitting or (delivery.state is DeliveryState.SCHEDULED and delivery.closes_at > at)
        ]

    def _count_sitting(self, delivery: Delivery) -> int:
        return sum(1 for attempt in self._attempts.list_by_delivery(delivery.id) if attempt.is_running)
