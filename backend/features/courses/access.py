"""The only way a view gets a course."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.courses.model import Course
from backend.features.courses.repository import Courses


def access_course(actor: Actor, course_id: str, *, courses: Courses) -> Course:
    """The course, for those who run its campus; anybody else hears NotFound."""
    course = courses.find(course_id)
    if course is None or not actor.may_administer(course.campus_id):
        raise NotFound()
    return course
