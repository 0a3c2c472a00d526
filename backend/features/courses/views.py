"""Courses of a campus."""

from dataclasses import asdict

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import RuleViolation
from backend.features.campuses.access import access_own_campus
from backend.features.courses import usecases
from backend.features.courses.access import access_course
from backend.features.courses.model import Course
from backend.features.courses.schemas import CourseForm, CourseList, CourseReply
from backend.web.blueprints import ApiBlueprint
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("courses", __name__)
api = ApiBlueprint("courses_api", __name__, url_prefix="/api/courses", description="Courses of one's campus")
BLUEPRINTS = (pages, api)


def _campus_id() -> str:
    return access_own_campus(current_actor(), campuses=get_services().campuses).id


@pages.get("/courses")
@roles(Role.CAMPUS)
def list_courses() -> ResponseReturnValue:
    return _list_page(FormInput())


def _list_page(form: FormInput) -> str:
    courses = get_services().courses.list_by_campus(_campus_id())
    return render_template("courses/list.html", courses=courses, form=form)


@pages.post("/courses")
@roles(Role.CAMPUS)
def create_course() -> ResponseReturnValue:
    form = read_form(CourseForm)
    if form.is_valid:
        try:
            course = _create(form.raw["name"], form.raw["code"])
            flash(f"The course {course.code} is there. Now add a batch to it.", "success")
            return redirect(url_for("courses.list_courses"))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _list_page(form), 422


def _create(name: str, code: str) -> Course:
    services = get_services()
    return usecases.create_course(
        actor=current_actor(),
        campus_id=_campus_id(),
        name=name,
        code=code,
        courses=services.courses,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


@pages.get("/courses/<course_id>")
@roles(Role.CAMPUS)
def show_course(course_id: str) -> ResponseReturnValue:
    course = access_course(current_actor(), course_id, courses=get_services().courses)
    return _course_page(course, FormInput(raw={"name": course.name, "code": course.code}))


def _course_page(course: Course, form: FormInput) -> str:
    services = get_services()
    batches = [b for b in services.batches.list_by_campus(course.campus_id) if b.course_id == course.id]
    return render_template("courses/show.html", course=course, form=form, batches=batches)


@pages.post("/courses/<course_id>")
@roles(Role.CAMPUS)
def change_course(course_id: str) -> ResponseReturnValue:
    services = get_services()
    course = access_course(current_actor(), course_id, courses=services.courses)
    form = read_form(CourseForm)
    if form.is_valid:
        try:
            usecases.change_course(
                actor=current_actor(),
                course=course,
                name=form.raw["name"],
                code=form.raw["code"],
                courses=services.courses,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            flash("The course is changed.", "success")
            return redirect(url_for("courses.list_courses"))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _course_page(course, form), 422


# -- API -------------------------------------------------------------------------------------------------------------


@api.get("")
@roles(Role.CAMPUS)
@api.response(200, CourseList)
def get_courses() -> dict[str, object]:
    """The courses of one's campus, by code."""
    return {"courses": [asdict(course) for course in get_services().courses.list_by_campus(_campus_id())]}


@api.post("")
@roles(Role.CAMPUS)
@api.arguments(CourseForm)
@api.response(201, CourseReply)
def post_course(body: dict[str, str]) -> dict[str, object]:
    """Creates a course."""
    return asdict(_create(body["name"], body["code"]))


@api.get("/<course_id>")
@roles(Role.CAMPUS)
@api.response(200, CourseReply)
def get_course(course_id: str) -> dict[str, object]:
    """One course."""
    return asdict(access_course(current_actor(), course_id, courses=get_services().courses))
