"""What we need from storage."""

from collections.abc import Sequence
from typing import Protocol

from backend.features.accommodations.model import Accommodation


class Accommodations(Protocol):
    def find(self, accommodation_id: str) -> Accommodation | None: ...

    def add(self, accommodation: Accommodation) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def end(self, accommodation: Accommodation) -> bool:
        """Writes by whom and when it was ended, if it was still in force; says whether it was."""

    def list_by_student(self, student_id: str) -> Sequence[Accommodation]:
        """The latest first."""

    def list_by_campus(self, campus_id: str) -> Sequence[Accommodation]:
        """Of all its students, in no order: few have any."""
