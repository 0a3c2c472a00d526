"""A student's accommodations: what is in force and what was, granting, ending."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import RuleViolation
from backend.features.accommodations import usecases
from backend.features.accommodations.access import access_accommodation
from backend.features.accommodations.model import Accommodation, Measures, in_force
from backend.features.accommodations.schemas import AccommodationForm
from backend.features.campuses.access import access_own_campus
from backend.features.students.access import access_student
from backend.features.students.model import Student
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("accommodations", __name__)
BLUEPRINTS = (pages,)

SOMEBODY_GONE = "somebody who is no longer here"


@pages.get("/students/<student_id>/accommodations")
@roles(Role.CAMPUS)
def list_accommodations(student_id: str) -> str:
    """What is different for this student in every test, why, and who said so."""
    return _page(_student(student_id), FormInput(raw={"accommodation_id": get_services().new_id()}))


@pages.post("/students/<student_id>/accommodations")
@roles(Role.CAMPUS)
def grant_accommodation(student_id: str) -> ResponseReturnValue:
    student, form, services = _student(student_id), read_form(AccommodationForm), get_services()
    if not form.is_valid:
        return _page(student, form), HTTPStatus.UNPROCESSABLE_ENTITY
    values = cast("dict[str, Any]", form.values)
    names = ("extra_time", "break_minutes", "replays", "larger_text", "no_silence_end")
    try:
        usecases.grant_accommodation(
            actor=current_actor(),
            student=student,
            accommodation_id=values["accommodation_id"],
            measures=Measures(**{name: values[name] for name in names}),
            reason=values["reason"],
            accommodations=services.accommodations,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        )
    except RuleViolation as refusal:
        return _page(student, form.refused(refusal)), HTTPStatus.UNPROCESSABLE_ENTITY
    flash("Granted. It holds for every test that the student begins from now on.", "success")
    return _back(student)


@pages.post("/students/<student_id>/accommodations/<accommodation_id>/end")
@roles(Role.CAMPUS)
def end_accommodation(student_id: str, accommodation_id: str) -> ResponseReturnValue:
    student, services = _student(student_id), get_services()
    found = access_accommodation(
        current_actor(), accommodation_id, student_id=student.id, accommodations=services.accommodations
    )
    usecases.end_accommodation(
        actor=current_actor(),
        accommodation=found,
        accommodations=services.accommodations,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash("Ended. A test that the student has begun already keeps it.", "success")
    return _back(student)


def _student(student_id: str) -> Student:
    return access_student(current_actor(), student_id, students=get_services().students)


def _back(student: Student) -> ResponseReturnValue:
    return redirect(url_for("accommodations.list_accommodations", student_id=student.id))


def _page(student: Student, form: FormInput) -> str:
    services = get_services()
    granted = services.accommodations.list_by_student(student.id)
    return render_template(
        "accommodations/list.html",
        student=student,
        batch=services.batches.find(student.batch_id),
        zone=access_own_campus(current_actor(), campuses=services.campuses).time_zone,
        accommodations=granted,
        measures=in_force(granted),
        names=_names(granted),
        form=form,
    )


def _names(granted: Sequence[Accommodation]) -> dict[str, str]:
    """Of those who granted and ended, by account."""
    accounts = get_services().accounts
    ids = {each.granted_by for each in granted} | {each.ended_by for each in granted if each.ended_by}
    found = {account_id: accounts.find(account_id) for account_id in ids}
    return {account_id: account.display_name if account else SOMEBODY_GONE for account_id, account in found.items()}
