"""Answers without a score: why, and what a campus admin can do about each."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import NotFound, RuleViolation
from backend.features.assessments.access import access_delivery
from backend.features.assessments.model import Delivery
from backend.features.attempts.access import access_attempt
from backend.features.attempts.late.usecases import get_late
from backend.features.attempts.responses import Response, ResponseState
from backend.features.ratings import late, moving, usecases, watching
from backend.features.ratings.access import access_response
from backend.features.ratings.schemas import EngineForm
from backend.features.ratings.tasks import desk_of
from backend.features.ratings.watching import MEASURED_OVER
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles
from backend.web.recordings import send_recording

pages = Blueprint("ratings", __name__)


@pages.get("/scoring")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def show_scoring() -> str:
    """What waits to be scored, how fast it goes, and what needs a person. The page asks anew every ten seconds."""
    services = get_services()
    rows = watching.list_queue(
        actor=current_actor(),
        deliveries=services.deliveries,
        campuses=services.campuses,
        responses=services.responses,
        cohorts=services.cohorts,
        now=services.now(),
    )
    pace = watching.measure_pace(responses=services.responses, now=services.now())
    return render_template("ratings/scoring.html", rows=rows, pace=pace, measured_over=MEASURED_OVER)


@pages.get("/tests/<delivery_id>/unscored")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def list_unscored(delivery_id: str) -> str:
    """What holds results back, what waits for raters, how far scoring is, and which speech engine does it."""
    return _unscored_page(_delivery(delivery_id), FormInput())


def _unscored_page(delivery: Delivery, form: FormInput) -> str:
    services = get_services()
    candidates = services.candidates.list_by_batch(delivery.batch_id)
    desk = desk_of(services)
    engine = watching.describe_engine(
        delivery_id=delivery.id,
        engines=services.listener.engines,
        cohorts=services.cohorts,
        responses=services.responses,
    )
    return render_template(
        "ratings/unscored.html",
        delivery=delivery,
        lines=usecases.list_unscored(delivery_id=delivery.id, candidates=candidates, desk=desk),
        late=late.list_late(delivery_id=delivery.id, candidates=candidates, desk=desk),
        waiting=usecases.list_waiting(delivery_id=delivery.id, candidates=candidates, desk=desk, now=services.now()),
        scoring=usecases.count_scoring(delivery_id=delivery.id, responses=services.responses),
        engine=engine,
        movers=services.accounts.find_many({move.by for move in engine.moves if move.by} if engine else set()),
        switch_minutes=services.settings.speech_switch_minutes,
        form=form,
    )


@pages.post("/tests/<delivery_id>/unscored/engine")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def change_engine(delivery_id: str) -> ResponseReturnValue:
    """Has every spoken answer of the test scored by another engine that is set up, or by one version of its own."""
    services, delivery, form = get_services(), _delivery(delivery_id), read_form(EngineForm)
    if form.is_valid:
        try:
            moving.move_to(
                actor=current_actor(),
                delivery_id=delivery.id,
                engine=form.raw["engine"],
                engines=services.listener.engines,
                reason=form.raw["reason"],
                desk=desk_of(services),
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            flash("The spoken answers of this test are being scored again, all by one engine.", "success")
            return _back(delivery_id)
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _unscored_page(delivery, form), 422


@pages.get("/tests/<delivery_id>/unscored/<response_id>/recordings/<int:number>")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def play_recording(delivery_id: str, response_id: str, number: int) -> ResponseReturnValue:
    """The stored recording. `number` counts an answer's parts from 0."""
    services = get_services()
    recordings = _response(delivery_id, response_id).spoken_segments()
    if number >= len(recordings):
        raise NotFound()
    return send_recording(services.blobs, recordings[number].blob_key, recordings[number].content_type)


@pages.post("/tests/<delivery_id>/unscored/score-again")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def score_all_again(delivery_id: str) -> ResponseReturnValue:
    services, delivery = get_services(), _delivery(delivery_id)
    queued = usecases.score_all_again(delivery_id=delivery.id, desk=desk_of(services), now=services.now())
    flash("Nothing could be scored again." if not queued else f"Scoring again: {queued}.", "success")
    return _back(delivery_id)


@pages.post("/tests/<delivery_id>/unscored/<response_id>/score-again")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def score_again(delivery_id: str, response_id: str) -> ResponseReturnValue:
    services = get_services()
    response = _response(delivery_id, response_id)
    usecases.score_again(response=response, desk=desk_of(services), now=services.now())
    flash("The answer is being scored again.", "success")
    return _back(delivery_id)


@pages.post("/tests/<delivery_id>/unscored/<response_id>/settle-without")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def settle_without(delivery_id: str, response_id: str) -> ResponseReturnValue:
    services = get_services()
    after = usecases.settle_without(
        actor=current_actor(),
        response=_response(delivery_id, response_id),
        desk=desk_of(services),
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    stands = after.state is ResponseState.SCORED
    without = "with what people gave first" if stands else "without this answer, and will say so"
    flash(f"The result will be settled {without}.", "success")
    return _back(delivery_id)


@pages.post("/tests/<delivery_id>/unscored/settle-without")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def settle_without_all(delivery_id: str) -> ResponseReturnValue:
    services, delivery = get_services(), _delivery(delivery_id)
    settled = usecases.settle_without_all(
        actor=current_actor(),
        delivery_id=delivery.id,
        desk=desk_of(services),
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash(f"Settled without: {settled}. Each result says how many answers are missing.", "success")
    return _back(delivery_id)


@pages.post("/tests/<delivery_id>/unscored/attempts/<attempt_id>/stop-waiting")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def stop_waiting(delivery_id: str, attempt_id: str) -> ResponseReturnValue:
    services = get_services()
    attempt = access_attempt(current_actor(), attempt_id, attempts=services.attempts)
    if attempt.delivery_id != delivery_id:
        raise NotFound()
    usecases.stop_waiting(
        actor=current_actor(),
        attempt=attempt,
        desk=desk_of(services),
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash("The answers that did not arrive are listed as missing.", "success")
    return _back(delivery_id)


@pages.get("/tests/<delivery_id>/unscored/late/<response_id>/recordings/<int:number>")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def play_late_recording(delivery_id: str, response_id: str, number: int) -> ResponseReturnValue:
    """A recording that is kept apart. `number` counts those of its question from 0, as they came."""
    services, delivery = get_services(), _delivery(delivery_id)
    kept = get_late(late_id=response_id, delivery_id=delivery.id, late_answers=services.late_answers)
    if number >= len(kept.recordings):
        raise NotFound()
    return send_recording(services.blobs, kept.recordings[number].blob_key, kept.recordings[number].content_type)


@pages.post("/tests/<delivery_id>/unscored/late/<response_id>/accept")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def accept_late(delivery_id: str, response_id: str) -> ResponseReturnValue:
    return _decide_late(delivery_id, response_id, accept=True)


@pages.post("/tests/<delivery_id>/unscored/late/<response_id>/leave")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def leave_late(delivery_id: str, response_id: str) -> ResponseReturnValue:
    return _decide_late(delivery_id, response_id, accept=False)


def _decide_late(delivery_id: str, response_id: str, *, accept: bool) -> ResponseReturnValue:
    services, delivery = get_services(), _delivery(delivery_id)
    late.decide_late(
        actor=current_actor(),
        delivery_id=delivery.id,
        late_id=response_id,
        accept=accept,
        desk=desk_of(services),
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash("The late answer is being scored." if accept else "The late answer does not count.", "success")
    return _back(delivery_id)


def _delivery(delivery_id: str) -> Delivery:
    return access_delivery(current_actor(), delivery_id, deliveries=get_services().deliveries)


def _response(delivery_id: str, response_id: str) -> Response:
    return access_response(current_actor(), response_id, delivery_id=delivery_id, responses=get_services().responses)


def _back(delivery_id: str) -> ResponseReturnValue:
    return redirect(url_for("ratings.list_unscored", delivery_id=delivery_id))


BLUEPRINTS = (pages,)
