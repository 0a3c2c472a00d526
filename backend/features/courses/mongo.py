"""Courses as documents."""

from collections.abc import Iterable, Mapping, Sequence

from backend.features.courses.model import Course
from backend.features.courses.repository import Courses
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records

COLLECTIONS = (
    CollectionSpec(name="courses", indexes=(IndexSpec(keys=(("campus_id", 1), ("code_key", 1)), unique=True),)),
)


class MongoCourses(Courses):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "courses", Course)

    def find(self, course_id: str) -> Course | None:
        return self._records.find(course_id)

    def find_many(self, course_ids: Iterable[str]) -> Mapping[str, Course]:
        return self._records.find_many(course_ids)

    def add(self, course: Course) -> None:
        self._records.insert(course)

    def change(self, course_id: str, **changes: object) -> None:
        self._records.change(course_id, {}, changes)

    def list_by_campus(self, campus_id: str) -> Sequence[Course]:
        return self._records.list_by({"campus_id": campus_id}, sort=[("code_key", 1)])
