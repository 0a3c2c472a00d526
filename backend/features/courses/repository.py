"""What we need from storage."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from backend.features.courses.model import Course


class Courses(Protocol):
    def find(self, course_id: str) -> Course | None: ...

    def find_many(self, course_ids: Iterable[str]) -> Mapping[str, Course]: ...

    def add(self, course: Course) -> None:
        """Raises Conflict when the campus has this code."""

    def change(self, course_id: str, **changes: object) -> None:
        """Raises Conflict when the campus has this code."""

    def list_by_campus(self, campus_id: str) -> Sequence[Course]:
        """In the order of codes."""
