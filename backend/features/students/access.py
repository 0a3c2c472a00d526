"""The only way a view gets a student."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.students.model import Student
from backend.features.students.repository import Students


def access_student(actor: Actor, student_id: str, *, students: Students) -> Student:
    """The student, for those who run the campus; anybody else, the student too, hears NotFound."""
    student = students.find(student_id)
    if student is None or not actor.may_administer(student.campus_id):
        raise NotFound()
    return student


def access_own_student(actor: Actor, *, students: Students) -> Student:
    """The student that the actor is."""
    student = students.find(actor.account_id) if actor.is_student else None
    if student is None:
        raise NotFound()
    return student
