"""Accommodations in memory."""

from collections.abc import Sequence

from backend.features.accommodations.model import Accommodation
from backend.features.accommodations.repository import Accommodations


class MemoryAccommodations(Accommodations):
    def __init__(self) -> None:
        self._kept: dict[str, Accommodation] = {}

    def find(self, accommodation_id: str) -> Accommodation | None:
        return self._kept.get(accommodation_id)

    def add(self, accommodation: Accommodation) -> bool:
        is_new = accommodation.id not in self._kept
        self._kept.setdefault(accommodation.id, accommodation)
        return is_new

    def end(self, accommodation: Accommodation) -> bool:
        seen = self._kept.get(accommodation.id)
        if seen is None or not seen.is_in_force:
            return False
        self._kept[accommodation.id] = accommodation
        return True

    def list_by_student(self, student_id: str) -> Sequence[Accommodation]:
        mine = [each for each in self._kept.values() if each.student_id == student_id]
        return sorted(mine, key=lambda each: each.granted_at, reverse=True)

    def list_by_campus(self, campus_id: str) -> Sequence[Accommodation]:
        return [each for each in self._kept.values() if each.campus_id == campus_id]
