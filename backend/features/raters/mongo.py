"""Ratings and plans as documents."""

from collections.abc import Sequence
from datetime import datetime

from backend.features.raters.model import Rating, RatingPlan
from backend.features.raters.repository import RatingPlans, Ratings
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records, RevisedRecords, storage_errors, to_value

COLLECTIONS = (
    CollectionSpec(
        name="ratings",
        indexes=(
            IndexSpec(keys=(("response_id", 1),)),
            IndexSpec(keys=(("delivery_id", 1),)),
            IndexSpec(keys=(("rated_at", 1),)),
        ),
    ),
    CollectionSpec(name="rating_plans", indexes=()),
)


class MongoRatings(Ratings):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "ratings", Rating)

    def add(self, rating: Rating) -> bool:
        return self._records.insert_if_absent(rating)

    def find(self, rating_id: str) -> Rating | None:
        return self._records.find(rating_id)

    def list_by_response(self, response_id: str) -> Sequence[Rating]:
        return self._records.list_by({"response_id": response_id})

    def list_by_delivery(self, delivery_id: str) -> Sequence[Rating]:
        return self._records.list_by({"delivery_id": delivery_id})

    @storage_errors()
    def list_deliveries_since(self, moment: datetime) -> Sequence[str]:
        wanted = to_value({"rated_at": {"$gte": moment}})
        return sorted({each["delivery_id"] for each in self._records.collection.find(wanted, {"delivery_id": 1})})


class MongoRatingPlans(RatingPlans):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "rating_plans", RatingPlan)

    def find(self, delivery_id: str) -> RatingPlan | None:
        return self._records.find(delivery_id)

    def add(self, plan: RatingPlan) -> bool:
        return self._records.insert_if_absent(plan)

    def save(self, plan: RatingPlan, *, seen: RatingPlan) -> bool:
        return self._records.save(plan, seen=seen)
