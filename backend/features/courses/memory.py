"""Courses in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.core.errors import Conflict
from backend.features.courses.model import Course
from backend.features.courses.repository import Courses


class MemoryCourses(Courses):
    def __init__(self) -> None:
        self._courses: dict[str, Course] = {}

    def find(self, course_id: str) -> Course | None:
        return self._courses.get(course_id)

    def find_many(self, course_ids: Iterable[str]) -> Mapping[str, Course]:
        return {key: self._courses[key] for key in course_ids if key in self._courses}

    def add(self, course: Course) -> None:
        self._check_free(course)
        self._courses[course.id] = course

    def change(self, course_id: str, **changes: Any) -> None:
        if course_id in self._courses:
            changed = replace(self._courses[course_id], **changes)
            self._check_free(changed)
            self._courses[course_id] = changed

    def _check_free(self, course: Course) -> None:
        mine = (course.campus_id, course.code_key)
        if any((c.campus_id, c.code_key) == mine and c.id != course.id for c in self._courses.values()):
            raise Conflict("already_exists", "This exists already.")

    def list_by_campus(self, campus_id: str) -> Sequence[Course]:
        mine = [course for course in self._courses.values() if course.campus_id == campus_id]
        return sorted(mine, key=lambda course: course.code_key)
