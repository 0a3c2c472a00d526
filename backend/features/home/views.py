"""The start page of a campus and of a student; a superadmin's are the campuses."""

from collections.abc import Callable, Mapping

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Actor, Role
from backend.features.assessments import usecases as assessment_usecases
from backend.features.assessments.model import Phase
from backend.features.batches.usecases import name_batches
from backend.features.students.access import access_own_student
from backend.web.gates import find_actor, get_services, public

pages = Blueprint("home", __name__)
BLUEPRINTS = (pages,)

UPCOMING_SHOWN = 5


@pages.get("/")
@public
def start() -> ResponseReturnValue:
    actor = find_actor()
    if actor is None:
        return redirect(url_for("accounts.sign_in"))
    if actor.is_superadmin:
        return redirect(url_for("campuses.list_campuses"))
    return render_template(f"home/{actor.role.value}.html", **PANELS[actor.role](actor))


def _campus(actor: Actor) -> dict[str, object]:
    services, campus_id, now = get_services(), actor.campus_id or "", get_services().now()
    batches = services.batches.list_by_campus(campus_id)
    deliveries = services.deliveries.list_by_campus(campus_id)
    coming = [one for one in deliveries if one.phase(now) in (Phase.OPEN, Phase.UPCOMING)]
    return {
        "campus": services.campuses.find(campus_id),
        "batches": batches,
        "courses": services.courses.list_by_campus(campus_id),
        "counts": {batch.id: services.students.count_by_batch(batch.id) for batch in batches},
        "students": services.students.count_by_campus(campus_id),
        "open_now": sum(one.phase(now) is Phase.OPEN for one in coming),
        "coming": sorted(coming, key=lambda one: one.opens_at)[:UPCOMING_SHOWN],
        "closed": sum(one.phase(now) is Phase.CLOSED for one in deliveries),
        "batch_names": name_batches(batches, courses=services.courses),
        "now": now,
    }


def _student(actor: Actor) -> dict[str, object]:
    services = get_services()
    student = access_own_student(actor, students=services.students)
    tests = assessment_usecases.list_for_student(
        student_id=student.id,
        batch_id=student.batch_id,
        deliveries=services.deliveries,
        attempt_marks=services.attempt_marks,
        released_results=services.released_results,
        now=services.now(),
    )
    return {"student": student, "tests": tests, "batch": services.batches.find(student.batch_id)}


def _invigilator(actor: Actor) -> dict[str, object]:
    """The deliveries that this invigilator was assigned to, and nothing else."""
    services = get_services()
    duties = services.duties.list_by_account(actor.account_id)
    found = [services.deliveries.find(duty.delivery_id) for duty in duties]
    deliveries = sorted((each for each in found if each is not None), key=lambda each: each.opens_at, reverse=True)
    return {"deliveries": deliveries, "now": services.now()}


PANELS: Mapping[Role, Callable[[Actor], dict[str, object]]] = {
    Role.CAMPUS: _campus,
    Role.STUDENT: _student,
    Role.INVIGILATOR: _invigilator,
}
