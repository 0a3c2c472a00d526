"""Deliveries as documents."""

from collections.abc import Sequence
from datetime import UTC, datetime

from backend.features.assessments.model import Delivery
from backend.features.assessments.repository import Deliveries
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, RevisedRecords

# A range needs both ends here: an absent moment must never count as one that has come.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

COLLECTIONS = (
    CollectionSpec(
        name="deliveries",
        indexes=(
            IndexSpec(keys=(("campus_id", 1), ("opens_at", -1))),
            IndexSpec(keys=(("batch_id", 1), ("opens_at", -1))),
            IndexSpec(keys=(("under_way_since", 1),)),
        ),
    ),
)


class MongoDeliveries(Deliveries):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "deliveries", Delivery)

    def find(self, delivery_id: str) -> Delivery | None:
        return self._records.find(delivery_id)

    def add(self, delivery: Delivery) -> None:
        self._records.insert(delivery)

    def save(self, delivery: Delivery, *, seen: Delivery) -> bool:
        return self._records.save(delivery, seen=seen)

    def list_by_campus(self, campus_id: str, *, limit: int = 200) -> Sequence[Delivery]:
        return self._records.list_by({"campus_id": campus_id}, sort=[("opens_at", -1)], limit=limit)

    def list_by_batch(self, batch_id: str) -> Sequence[Delivery]:
        return self._records.list_by({"batch_id": batch_id}, sort=[("opens_at", -1)])

    def list_under_way(self, *, before: datetime, limit: int) -> Sequence[Delivery]:
        since = {"$gt": _LONG_AGO, "$lt": before}
        return self._records.list_by({"under_way_since": since}, sort=[("under_way_since", 1)], limit=limit)
