"""Students as documents."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from backend.features.students.model import Student
from backend.features.students.repository import Students
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records

T = TypeVar("T")
CHUNK = 500
# Above every character that a folded name or roll number can begin with.
_LAST = "\U0010ffff"

COLLECTIONS = (
    CollectionSpec(
        name="students",
        indexes=(
            IndexSpec(keys=(("campus_id", 1), ("roll_key", 1)), unique=True),
            IndexSpec(keys=(("campus_id", 1), ("name_key", 1))),
            IndexSpec(keys=(("batch_id", 1), ("roll_key", 1))),
        ),
    ),
)


class MongoStudents(Students):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "students", Student)

    def find(self, student_id: str) -> Student | None:
        return self._records.find(student_id)

    def find_many(self, student_ids: Iterable[str]) -> Mapping[str, Student]:
        found: dict[str, Student] = {}
        for chunk in _chunks(student_ids):
            found |= self._records.find_many(chunk)
        return found

    def find_by_rolls(self, campus_id: str, roll_keys: Iterable[str]) -> Mapping[str, Student]:
        found: dict[str, Student] = {}
        for chunk in _chunks(roll_keys):
            wanted = {"campus_id": campus_id, "roll_key": {"$in": chunk}}
            found |= {student.roll_key: student for student in self._records.list_by(wanted)}
        return found

    def add(self, student: Student) -> None:
        self._records.insert(student)

    def add_many(self, students: Sequence[Student]) -> None:
        for chunk in _chunks(students):
            self._records.insert_many(chunk)

    def change(self, student_id: str, **changes: object) -> None:
        self._records.change(student_id, {}, changes)

    def list_by_batch(self, batch_id: str, *, after: str = "", limit: int = 0) -> Sequence[Student]:
        wanted = {"batch_id": batch_id, "roll_key": {"$gt": after, "$lt": _LAST}}
        return self._records.list_by(wanted, sort=[("roll_key", 1)], limit=limit)

    def search(self, campus_id: str, prefix: str, *, limit: int = 50) -> Sequence[Student]:
        found: dict[str, Student] = {}
        for field in ("roll_key", "name_key"):
            wanted = {"campus_id": campus_id, field: {"$gte": prefix, "$lt": prefix + _LAST}}
            found |= {student.id: student for student in self._records.list_by(wanted, sort=[(field, 1)], limit=limit)}
        return list(found.values())[:limit]

    def count_by_batch(self, batch_id: str) -> int:
        return self._records.count_by({"batch_id": batch_id})

    def count_by_campus(self, campus_id: str) -> int:
        return self._records.count_by({"campus_id": campus_id})


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
