"""Batches of a campus, and one batch with its students."""

from dataclasses import asdict

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import NotFound, RuleViolation
from backend.features.accounts.model import invalid
from backend.features.batches import usecases
from backend.features.batches.access import access_batch
from backend.features.batches.model import Batch, BatchState
from backend.features.batches.schemas import BatchForm, BatchList, BatchNameForm, BatchReply
from backend.features.campuses.access import access_own_campus
from backend.features.courses.access import access_course
from backend.web.blueprints import ApiBlueprint
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("batches", __name__)
api = ApiBlueprint("batches_api", __name__, url_prefix="/api/batches", description="Batches of one's campus")
BLUEPRINTS = (pages, api)

PAGE_SIZE = 100


def _campus_id() -> str:
    return access_own_campus(current_actor(), campuses=get_services().campuses).id


def _batch(batch_id: str) -> Batch:
    return access_batch(current_actor(), batch_id, batches=get_services().batches)


@pages.get("/batches")
@roles(Role.CAMPUS)
def list_batches() -> ResponseReturnValue:
    return _list_page(FormInput(raw={"course_id": request.args.get("course", "")}))


def _list_page(form: FormInput) -> str:
    services, campus_id = get_services(), _campus_id()
    state = BatchState.ARCHIVED if request.args.get("state") == "archived" else BatchState.ACTIVE
    batches = services.batches.list_by_campus(campus_id, state=state)
    courses = services.courses.list_by_campus(campus_id)
    return render_template(
        "batches/list.html",
        batches=batches,
        counts={batch.id: services.students.count_by_batch(batch.id) for batch in batches},
        courses={course.id: course for course in courses},
        course_options=[(course.id, f"{course.code} – {course.name}") for course in courses],
        archived=state is BatchState.ARCHIVED,
        form=form,
    )


@pages.post("/batches")
@roles(Role.CAMPUS)
def create_batch() -> ResponseReturnValue:
    form = read_form(BatchForm)
    if form.is_valid:
        try:
            batch = _create(form.raw["course_id"], form.raw["name"])
            flash(f"The batch {batch.name} is there. Now add its students.", "success")
            return redirect(url_for("batches.show_batch", batch_id=batch.id))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _list_page(form), 422


def _create(course_id: str, name: str) -> Batch:
    services, actor = get_services(), current_actor()
    try:
        course = access_course(actor, course_id, courses=services.courses)
    except NotFound:
        raise invalid("course_id", "Choose a course from the list.") from None
    return usecases.create_batch(
        actor=actor,
        course=course,
        name=name,
        batches=services.batches,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


@pages.get("/batches/<batch_id>")
@roles(Role.CAMPUS)
def show_batch(batch_id: str) -> ResponseReturnValue:
    batch = _batch(batch_id)
    return _batch_page(batch, FormInput(raw={"name": batch.name}))


def _batch_page(batch: Batch, form: FormInput) -> str:
    services = get_services()
    after = request.args.get("after", "")
    students = services.students.list_by_batch(batch.id, after=after, limit=PAGE_SIZE + 1)
    shown = students[:PAGE_SIZE]
    return render_template(
        "batches/show.html",
        batch=batch,
        course=services.courses.find(batch.course_id),
        students=shown,
        accounts=services.accounts.find_many([student.id for student in shown]),
        total=services.students.count_by_batch(batch.id),
        next_after=shown[-1].roll_key if len(students) > PAGE_SIZE else None,
        is_first=not after,
        form=form,
    )


@pages.post("/batches/<batch_id>")
@roles(Role.CAMPUS)
def rename_batch(batch_id: str) -> ResponseReturnValue:
    services, batch = get_services(), _batch(batch_id)
    form = read_form(BatchNameForm)
    if form.is_valid:
        try:
            usecases.rename_batch(
                actor=current_actor(),
                batch=batch,
                name=form.raw["name"],
                batches=services.batches,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            flash("The batch is renamed.", "success")
            return redirect(url_for("batches.show_batch", batch_id=batch.id))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _batch_page(batch, form), 422


@pages.post("/batches/<batch_id>/archive")
@roles(Role.CAMPUS)
def archive_batch(batch_id: str) -> ResponseReturnValue:
    return _set_state(batch_id, BatchState.ARCHIVED, "The batch is archived. Its results stay readable.")


@pages.post("/batches/<batch_id>/activate")
@roles(Role.CAMPUS)
def activate_batch(batch_id: str) -> ResponseReturnValue:
    return _set_state(batch_id, BatchState.ACTIVE, "The batch is active again.")


def _set_state(batch_id: str, state: BatchState, message: str) -> ResponseReturnValue:
    services, batch = get_services(), _batch(batch_id)
    usecases.set_batch_state(
        actor=current_actor(),
        batch=batch,
        state=state,
        batches=services.batches,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash(message, "success")
    return redirect(url_for("batches.show_batch", batch_id=batch.id))


# -- API -------------------------------------------------------------------------------------------------------------


@api.get("")
@roles(Role.CAMPUS)
@api.response(200, BatchList)
def get_batches() -> dict[str, object]:
    """The active batches of one's campus, the newest first."""
    return {"batches": [asdict(batch) for batch in get_services().batches.list_by_campus(_campus_id())]}


@api.post("")
@roles(Role.CAMPUS)
@api.arguments(BatchForm)
@api.response(201, BatchReply)
def post_batch(body: dict[str, str]) -> dict[str, object]:
    """Creates a batch of a course."""
    return asdict(_create(body["course_id"], body["name"]))


@api.get("/<batch_id>")
@roles(Role.CAMPUS)
@api.response(200, BatchReply)
def get_batch(batch_id: str) -> dict[str, object]:
    """One batch."""
    return asdict(_batch(batch_id))
