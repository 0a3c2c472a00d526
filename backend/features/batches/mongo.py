"""Batches as documents."""

from collections.abc import Iterable, Mapping, Sequence

from backend.features.batches.model import Batch, BatchState
from backend.features.batches.repository import Batches
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records

COLLECTIONS = (
    CollectionSpec(
        name="batches",
        indexes=(
            IndexSpec(keys=(("course_id", 1), ("name_key", 1)), unique=True),
            IndexSpec(keys=(("campus_id", 1), ("state", 1), ("created_at", -1))),
        ),
    ),
)


class MongoBatches(Batches):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "batches", Batch)

    def find(self, batch_id: str) -> Batch | None:
        return self._records.find(batch_id)

    def find_many(self, batch_ids: Iterable[str]) -> Mapping[str, Batch]:
        return self._records.find_many(batch_ids)

    def add(self, batch: Batch) -> None:
        self._records.insert(batch)

    def change(self, batch_id: str, **changes: object) -> None:
        self._records.change(batch_id, {}, changes)

    def list_by_campus(self, campus_id: str, *, state: BatchState = BatchState.ACTIVE) -> Sequence[Batch]:
        return self._records.list_by({"campus_id": campus_id, "state": state}, sort=[("created_at", -1)])

    def count_by_campus(self, campus_id: str, *, state: BatchState = BatchState.ACTIVE) -> int:
        return self._records.count_by({"campus_id": campus_id, "state": state})
