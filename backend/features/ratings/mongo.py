"""Which engine each delivery has, as documents."""

from collections.abc import Sequence

from backend.features.ratings.cohort import Cohort
from backend.features.ratings.repository import Cohorts
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, RevisedRecords

COLLECTIONS = (CollectionSpec(name="speech_cohorts", indexes=(IndexSpec(keys=(("leaving", 1),)),)),)


class MongoCohorts(Cohorts):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "speech_cohorts", Cohort)

    def find(self, delivery_id: str) -> Cohort | None:
        return self._records.find(delivery_id)

    def add(self, cohort: Cohort) -> bool:
        return self._records.insert_if_absent(cohort)

    def save(self, cohort: Cohort, *, seen: Cohort) -> bool:
        return self._records.save(cohort, seen=seen)

    def list_leaving(self, *, limit: int) -> Sequence[Cohort]:
        return self._records.list_by({"leaving": {"$gt": ""}}, limit=limit)
