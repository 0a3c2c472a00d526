"""Ratings and plans in memory."""

import threading
from collections.abc import Sequence
from datetime import datetime

from backend.core.changes import write_over
from backend.features.raters.model import Rating, RatingPlan
from backend.features.raters.repository import RatingPlans, Ratings


class MemoryRatings(Ratings):
    def __init__(self) -> None:
        self._ratings: dict[str, Rating] = {}
        self._lock = threading.Lock()

    def add(self, rating: Rating) -> bool:
        with self._lock:
            if rating.id in self._ratings:
                return False
            self._ratings[rating.id] = rating
            return True

    def find(self, rating_id: str) -> Rating | None:
        return self._ratings.get(rating_id)

    def list_by_response(self, response_id: str) -> Sequence[Rating]:
        return [each for each in self._ratings.values() if each.response_id == response_id]

    def list_by_delivery(self, delivery_id: str) -> Sequence[Rating]:
        return [each for each in self._ratings.values() if each.delivery_id == delivery_id]

    def list_deliveries_since(self, moment: datetime) -> Sequence[str]:
        return sorted({each.delivery_id for each in self._ratings.values() if each.rated_at >= moment})


class MemoryRatingPlans(RatingPlans):
    def __init__(self) -> None:
        self._plans: dict[str, RatingPlan] = {}
        self._lock = threading.Lock()

    def find(self, delivery_id: str) -> RatingPlan | None:
        return self._plans.get(delivery_id)

    def add(self, plan: RatingPlan) -> bool:
        with self._lock:
            if plan.id in self._plans:
                return False
            self._plans[plan.id] = plan
            return True

    def save(self, plan: RatingPlan, *, seen: RatingPlan) -> bool:
        with self._lock:
            return write_over(self._plans, plan, seen=seen)
