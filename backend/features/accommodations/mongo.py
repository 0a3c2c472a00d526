"""Accommodations as documents."""

from collections.abc import Sequence

from backend.features.accommodations.model import Accommodation
from backend.features.accommodations.repository import Accommodations
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records

COLLECTIONS = (
    CollectionSpec(
        name="accommodations",
        indexes=(IndexSpec(keys=(("student_id", 1), ("granted_at", -1))), IndexSpec(keys=(("campus_id", 1),))),
    ),
)


class MongoAccommodations(Accommodations):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "accommodations", Accommodation)

    def find(self, accommodation_id: str) -> Accommodation | None:
        return self._records.find(accommodation_id)

    def add(self, accommodation: Accommodation) -> bool:
        return self._records.insert_if_absent(accommodation)

    def end(self, accommodation: Accommodation) -> bool:
        changes = {"ended_by": accommodation.ended_by, "ended_at": accommodation.ended_at}
        return self._records.change(accommodation.id, {"ended_at": None}, changes)

    def list_by_student(self, student_id: str) -> Sequence[Accommodation]:
        return self._records.list_by({"student_id": student_id}, sort=[("granted_at", -1)])

    def list_by_campus(self, campus_id: str) -> Sequence[Accommodation]:
        return self._records.list_by({"campus_id": campus_id})
