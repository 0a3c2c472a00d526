"""Students as the persons of results."""

from collections.abc import Mapping, Sequence

from backend.features.results.repository import People, Person
from backend.features.students.model import Student
from backend.features.students.repository import Students


class PeopleFromStudents(People):
    def __init__(self, students: Students) -> None:
        self._students = students

    def find(self, student_id: str) -> Person | None:
        student = self._students.find(student_id)
        return None if student is None else _person(student)

    def find_many(self, student_ids: Sequence[str]) -> Mapping[str, Person]:
        return {each.id: _person(each) for each in self._students.find_many(student_ids).values()}

    def list_by_batch(self, batch_id: str) -> Sequence[Person]:
        return [_person(student) for student in self._students.list_by_batch(batch_id)]


def _person(student: Student) -> Person:
    return Person(
        student_id=student.id, name=student.name, roll_number=student.roll_number, email=student.email or None
    )
