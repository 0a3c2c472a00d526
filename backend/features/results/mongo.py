"""Results and releases as documents."""

from collections.abc import Mapping, Sequence

from backend.features.results.model import Release, Result
from backend.features.results.repository import Releases, Results
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records, RevisedRecords

COLLECTIONS = (
    CollectionSpec(
        name="results",
        indexes=(
            IndexSpec(keys=(("attempt_id", 1), ("settlement", 1)), unique=True),
            IndexSpec(keys=(("delivery_id", 1),)),
            IndexSpec(keys=(("number", 1), ("settlement", 1)), unique=True),
        ),
    ),
    CollectionSpec(
        name="result_releases",
        indexes=(
            IndexSpec(keys=(("attempt_id", 1),)),
            IndexSpec(keys=(("delivery_id", 1),)),
            IndexSpec(keys=(("student_id", 1),)),
        ),
    ),
)


class MongoResults(Results):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "results", Result)

    def find(self, result_id: str) -> Result | None:
        return self._records.find(result_id)

    def find_many(self, result_ids: Sequence[str]) -> Mapping[str, Result]:
        return self._records.find_many(result_ids)

    def add(self, result: Result) -> bool:
        return self._records.insert_if_absent(result)

    def list_by_attempt(self, attempt_id: str) -> Sequence[Result]:
        return self._records.list_by({"attempt_id": attempt_id}, sort=[("settlement", 1)])

    def list_by_delivery(self, delivery_id: str) -> Sequence[Result]:
        return self._records.list_by({"delivery_id": delivery_id})

    def list_by_number(self, number: str) -> Sequence[Result]:
        return self._records.list_by({"number": number}, sort=[("settlement", 1)])


class MongoReleases(Releases):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "result_releases", Release)

    def find(self, result_id: str) -> Release | None:
        return self._records.find(result_id)

    def add(self, release: Release) -> bool:
        return self._records.insert_if_absent(release)

    def save(self, release: Release, *, seen: Release) -> bool:
        return self._records.save(release, seen=seen)

    def list_by_attempt(self, attempt_id: str) -> Sequence[Release]:
        return self._records.list_by({"attempt_id": attempt_id})

    def list_by_delivery(self, delivery_id: str) -> Sequence[Release]:
        return self._records.list_by({"delivery_id": delivery_id})

    def list_by_student(self, student_id: str) -> Sequence[Release]:
        return self._records.list_by({"student_id": student_id})
