"""The raters' pages: the queue of a test, one answer to judge, agreement."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import Conflict, NotFound, RuleViolation
from backend.features.assessments.access import access_delivery
from backend.features.assessments.model import Delivery
from backend.features.attempts.responses import Response
from backend.features.raters import usecases
from backend.features.raters.model import Step
from backend.features.raters.repository import RatersDesk
from backend.features.raters.tasks import raters_desk_of
from backend.features.ratings.access import access_response
from backend.web.gates import current_actor, get_services, roles
from backend.web.recordings import send_recording

pages = Blueprint("raters", __name__)

STAFF = (Role.CAMPUS, Role.SUPERADMIN)
_NOT_TYPED = ("csrf_token", "fingerprint", "saw_others")
_STALE = {"answer_changed": False, "raters_differ": True}  # whether what was typed is still about this answer
_SAID = {
    Step.SECOND: "Stored. A second person judges this answer too.",
    Step.ADJUDICATION: "Stored. The two ratings differ: a third person decides.",
    Step.DONE: "Stored. This answer is done.",
}


@pages.get("/tests/<delivery_id>/ratings")
@roles(*STAFF)
def show_queue(delivery_id: str) -> str:
    """What waits for people, without names."""
    delivery = _delivery(delivery_id)
    queue = usecases.get_queue(actor=current_actor(), delivery=delivery, raters=raters_desk())
    return render_template("raters/queue.html", delivery=delivery, queue=queue, Step=Step)


@pages.post("/tests/<delivery_id>/ratings/plan")
@roles(*STAFF)
def choose_plan(delivery_id: str) -> ResponseReturnValue:
    """One rating an answer, or two (`double` is yes)."""
    services = get_services()
    plan = usecases.choose_plan(
        actor=current_actor(),
        delivery=_delivery(delivery_id),
        is_double=request.form.get("double") == "yes",
        raters=raters_desk(),
        now=services.now(),
        new_id=services.new_id,
    )
    flash("Two people now judge each answer." if plan.is_double else "One person now judges each answer.", "success")
    return redirect(url_for("raters.show_queue", delivery_id=delivery_id))


@pages.get("/tests/<delivery_id>/ratings/agreement")
@roles(*STAFF)
def show_agreement(delivery_id: str) -> str:
    """How far people agree with each other, and the machine's hints with people."""
    delivery = _delivery(delivery_id)
    rows = usecases.measure_agreement(delivery=delivery, raters=raters_desk())
    return render_template("raters/agreement.html", delivery=delivery, rows=rows)


@pages.get("/tests/<delivery_id>/ratings/<response_id>")
@roles(*STAFF)
def show_sheet(delivery_id: str, response_id: str) -> str:
    """One answer to judge, without a name."""
    return _sheet_page(_delivery(delivery_id), _response(delivery_id, response_id))


@pages.post("/tests/<delivery_id>/ratings/<response_id>")
@roles(*STAFF)
def rate_answer(delivery_id: str, response_id: str) -> ResponseReturnValue:
    """Stores the rating and goes on to the next answer."""
    services, delivery = get_services(), _delivery(delivery_id)
    response = _response(delivery_id, response_id)
    typed = {name: value for name, value in request.form.items() if name not in _NOT_TYPED}
    levels = {name: int(value) for name, value in typed.items() if name != "notes" and value.isdigit()}
    try:
        step = usecases.rate_answer(
            actor=current_actor(),
            delivery=delivery,
            response=response,
            fingerprint=request.form.get("fingerprint", ""),
            saw_others=request.form.get("saw_others") == "yes",
            levels=levels,
            notes=typed.get("notes", ""),
            raters=raters_desk(),
            now=services.now(),
            new_id=services.new_id,
        )
    except RuleViolation as refusal:
        return _sheet_page(delivery, response, typed=typed, errors=dict(refusal.errors)), 422
    except Conflict as refusal:
        if refusal.code not in _STALE:
            raise
        flash(f"{refusal.detail} Nothing is stored yet.", "warning")
        return _sheet_page(delivery, response, typed=typed if _STALE[refusal.code] else None), 409
    flash(_SAID.get(step, "Stored."), "success")
    return redirect(_next_address(delivery))


@pages.get("/tests/<delivery_id>/ratings/<response_id>/recordings/<int:number>")
@roles(*STAFF)
def play_recording(delivery_id: str, response_id: str, number: int) -> ResponseReturnValue:
    """The recording to judge. `number` counts an answer's parts from 0."""
    recordings = _response(delivery_id, response_id).spoken_segments()
    if number >= len(recordings):
        raise NotFound()
    return send_recording(get_services().blobs, recordings[number].blob_key, recordings[number].content_type)


def _sheet_page(
    delivery: Delivery,
    response: Response,
    *,
    typed: dict[str, str] | None = None,
    errors: dict[str, object] | None = None,
) -> str:
    sheet = usecases.get_sheet(actor=current_actor(), delivery=delivery, response=response, raters=raters_desk())
    return render_template(
        "raters/sheet.html",
        delivery=delivery,
        sheet=sheet,
        hints=usecases.hints_of(response),
        typed=typed or {},
        errors=errors or {},
        Step=Step,
    )


def _next_address(delivery: Delivery) -> str:
    queue = usecases.get_queue(actor=current_actor(), delivery=delivery, raters=raters_desk())
    if queue.open_to_me:
        return url_for("raters.show_sheet", delivery_id=delivery.id, response_id=queue.open_to_me[0].response_id)
    return url_for("raters.show_queue", delivery_id=delivery.id)


def raters_desk() -> RatersDesk:
    """The part of the wiring that rating works on."""
    return raters_desk_of(get_services())


def _delivery(delivery_id: str) -> Delivery:
    return access_delivery(current_actor(), delivery_id, deliveries=get_services().deliveries)


def _response(delivery_id: str, response_id: str) -> Response:
    return access_response(current_actor(), response_id, delivery_id=delivery_id, responses=get_services().responses)


BLUEPRINTS = (pages,)
