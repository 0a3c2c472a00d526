"""Students in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.core.errors import Conflict
from backend.features.students.model import Student
from backend.features.students.repository import Students


class MemoryStudents(Students):
    def __init__(self) -> None:
        self._students: dict[str, Student] = {}

    def find(self, student_id: str) -> Student | None:
        return self._students.get(student_id)

    def find_many(self, student_ids: Iterable[str]) -> Mapping[str, Student]:
        return {key: self._students[key] for key in student_ids if key in self._students}

    def find_by_rolls(self, campus_id: str, roll_keys: Iterable[str]) -> Mapping[str, Student]:
        wanted = set(roll_keys)
        return {s.roll_key: s for s in self._of(campus_id=campus_id) if s.roll_key in wanted}

    def _of(self, **fields: str) -> list[Student]:
        """Those with these values, by roll number."""
        mine = [s for s in self._students.values() if all(getattr(s, name) == want for name, want in fields.items())]
        return sorted(mine, key=lambda student: student.roll_key)

    def add(self, student: Student) -> None:
        if student.id in self._students:
            raise Conflict("already_exists", "This exists already.")
        self._check_free(student)
        self._students[student.id] = student

    def add_many(self, students: Sequence[Student]) -> None:
        for student in students:
            self.add(student)

    def change(self, student_id: str, **changes: Any) -> None:
        if student_id in self._students:
            changed = replace(self._students[student_id], **changes)
            self._check_free(changed)
            self._students[student_id] = changed

    def _check_free(self, student: Student) -> None:
        same = self._of(campus_id=student.campus_id, roll_key=student.roll_key)
        if any(other.id != student.id for other in same):
            raise Conflict("already_exists", "This exists already.")

    def list_by_batch(self, batch_id: str, *, after: str = "", limit: int = 0) -> Sequence[Student]:
        found = [student for student in self._of(batch_id=batch_id) if student.roll_key > after]
        return found[:limit] if limit else found

    def search(self, campus_id: str, prefix: str, *, limit: int = 50) -> Sequence[Student]:
        mine = self._of(campus_id=campus_id)
        by_roll = [student for student in mine if student.roll_key.startswith(prefix)]
        by_name = [s for s in sorted(mine, key=lambda s: s.name_key) if s.name_key.startswith(prefix)]
        return list({student.id: student for student in [*by_roll, *by_name]}.values())[:limit]

    def count_by_batch(self, batch_id: str) -> int:
        return len(self._of(batch_id=batch_id))

    def count_by_campus(self, campus_id: str) -> int:
        return len(self._of(campus_id=campus_id))
