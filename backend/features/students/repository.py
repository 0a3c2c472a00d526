"""What we need from storage."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from backend.features.students.model import Student


class Students(Protocol):
    def find(self, student_id: str) -> Student | None: ...

    def find_many(self, student_ids: Iterable[str]) -> Mapping[str, Student]:
        """Those that exist, by id."""

    def find_by_rolls(self, campus_id: str, roll_keys: Iterable[str]) -> Mapping[str, Student]:
        """Those that exist, by folded roll number."""

    def add(self, student: Student) -> None:
        """Raises Conflict when the campus has this roll number."""

    def add_many(self, students: Sequence[Student]) -> None:
        """All of them, or Conflict with some of them added."""

    def change(self, student_id: str, **changes: object) -> None:
        """Raises Conflict when the campus has this roll number."""

    def list_by_batch(self, batch_id: str, *, after: str = "", limit: int = 0) -> Sequence[Student]:
        """By roll number; those after the folded roll number `after`. `limit` 0 is all."""

    def search(self, campus_id: str, prefix: str, *, limit: int = 50) -> Sequence[Student]:
        """Whose roll number or name begins with `prefix` (folded): by roll number first, then by name."""

    def count_by_batch(self, batch_id: str) -> int: ...

    def count_by_campus(self, campus_id: str) -> int: ...
