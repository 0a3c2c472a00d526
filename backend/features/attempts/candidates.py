"""Students as candidates."""

from collections.abc import Sequence

from backend.features.attempts.repository import Candidate, Candidates
from backend.features.students.model import Student
from backend.features.students.repository import Students


class CandidatesFromStudents(Candidates):
    def __init__(self, students: Students) -> None:
        self._students = students

    def find(self, student_id: str) -> Candidate | None:
        student = self._students.find(student_id)
        return None if student is None or not student.is_active else _candidate(student)

    def list_by_batch(self, batch_id: str) -> Sequence[Candidate]:
        return [_candidate(student) for student in self._students.list_by_batch(batch_id)]


def _candidate(student: Student) -> Candidate:
    return Candidate(
        student_id=student.id,
        campus_id=student.campus_id,
        batch_id=student.batch_id,
        name=student.name,
        roll_number=student.roll_number,
    )
