"""Tests as the campus admin sees them: the list, a new one, one with its actions."""

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import cast

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import NotFound, RuleViolation
from backend.features.assessments import usecases
from backend.features.assessments.access import access_delivery
from backend.features.assessments.model import LOCAL_FORMAT, Delivery, Window, invalid, read_window
from backend.features.assessments.schemas import DeliveryList, DeliveryReply, ParticularsForm, ScheduleForm
from backend.features.assessments.usecases import Particulars
from backend.features.batches.access import access_batch
from backend.features.batches.model import Batch, check_active
from backend.features.batches.usecases import name_batches
from backend.features.campuses.access import access_open_campus, access_own_campus
from backend.features.campuses.model import Campus
from backend.web.blueprints import ApiBlueprint
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("assessments", __name__)
api = ApiBlueprint("tests_api", __name__, url_prefix="/api/tests", description="Tests of one's campus")


# -- the list and a new one --------------------------------------------------------------------------------------------


@pages.get("/tests")
@roles(Role.CAMPUS)
def list_deliveries() -> str:
    """The campus's tests, the latest to open first."""
    services, campus = get_services(), _campus()
    deliveries = services.deliveries.list_by_campus(campus.id)
    batches = services.batches.find_many({delivery.batch_id for delivery in deliveries})
    return render_template(
        "assessments/list.html",
        deliveries=deliveries,
        batch_names=name_batches(batches.values(), courses=services.courses),
        campus=campus,
        now=services.now(),
    )


@pages.get("/tests/new")
@roles(Role.CAMPUS)
def new_delivery() -> str:
    return _schedule_page(FormInput(raw={"attempts_allowed": "1"}))


@pages.post("/tests/new")
@roles(Role.CAMPUS)
def schedule_delivery() -> ResponseReturnValue:
    form = read_form(ScheduleForm)
    if not form.is_valid:
        return _schedule_page(form), 422
    try:
        delivery = _schedule(form.values)
    except RuleViolation as refusal:
        return _schedule_page(form.refused(refusal)), 422
    flash("The test is scheduled.", "success")
    return redirect(url_for("assessments.show_delivery", delivery_id=delivery.id))


# -- one test ----------------------------------------------------------------------------------------------------------


@pages.get("/tests/<delivery_id>")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def show_delivery(delivery_id: str) -> str:
    """The test with what can be done about it now."""
    services, delivery = get_services(), _delivery(delivery_id)
    batch = services.batches.find(delivery.batch_id)
    return render_template(
        "assessments/show.html",
        delivery=delivery,
        phase=delivery.phase(services.now()),
        batch_name=name_batches([batch] if batch else [], courses=services.courses).get(delivery.batch_id),
        offered=services.offered_formats.find_offered(delivery.format_id),
        counts=services.delivery_counts.count(delivery),
        link=f"{services.settings.public_url}/sit/{delivery.id}",
    )


@pages.get("/tests/<delivery_id>/edit")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def edit_delivery(delivery_id: str) -> str:
    delivery = _delivery(delivery_id)
    raw = {
        "title": delivery.title,
        "opens": delivery.opens_locally().strftime(LOCAL_FORMAT),
        "closes": delivery.closes_locally().strftime(LOCAL_FORMAT),
        "attempts_allowed": str(delivery.attempts_allowed),
    }
    return _edit_page(delivery, FormInput(raw=raw))


@pages.post("/tests/<delivery_id>/edit")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def save_delivery(delivery_id: str) -> ResponseReturnValue:
    services, delivery = get_services(), _delivery(delivery_id)
    form = read_form(ParticularsForm)
    if not form.is_valid:
        return _edit_page(delivery, form), 422
    try:
        usecases.edit_delivery(
            actor=current_actor(),
            delivery=delivery,
            particulars=_particulars(form.values, delivery.time_zone),
            deliveries=services.deliveries,
            formats=services.offered_formats,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        )
    except RuleViolation as refusal:
        return _edit_page(delivery, form.refused(refusal)), 422
    flash("Saved.", "success")
    return redirect(url_for("assessments.show_delivery", delivery_id=delivery.id))


@pages.post("/tests/<delivery_id>/cancel")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def cancel_delivery(delivery_id: str) -> ResponseReturnValue:
    services = get_services()
    usecases.cancel_delivery(
        actor=current_actor(),
        delivery=_delivery(delivery_id),
        deliveries=services.deliveries,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash("The test is cancelled. Nobody can begin it any more.", "success")
    return redirect(url_for("assessments.show_delivery", delivery_id=delivery_id))


# -- API ---------------------------------------------------------------------------------------------------------------


@api.get("")
@roles(Role.CAMPUS)
@api.response(HTTPStatus.OK, DeliveryList)
def get_deliveries() -> dict[str, object]:
    """The tests of one's campus, the latest to open first."""
    return {"tests": [_reply(delivery) for delivery in get_services().deliveries.list_by_campus(_campus().id)]}


@api.post("")
@roles(Role.CAMPUS)
@api.arguments(ScheduleForm)
@api.response(HTTPStatus.CREATED, DeliveryReply)
def post_delivery(body: dict[str, object]) -> dict[str, object]:
    """Schedules a test for a batch; the times are local ones of the campus."""
    return _reply(_schedule(body))


@api.get("/<delivery_id>")
@roles(Role.CAMPUS, Role.SUPERADMIN)
@api.response(HTTPStatus.OK, DeliveryReply)
def get_delivery(delivery_id: str) -> dict[str, object]:
    """One test."""
    return _reply(_delivery(delivery_id))


def _reply(delivery: Delivery) -> dict[str, object]:
    return {**asdict(delivery), "phase": delivery.phase(get_services().now()).value}


# -- shared by the above -----------------------------------------------------------------------------------------------


def _schedule(values: Mapping[str, object]) -> Delivery:
    services, actor = get_services(), current_actor()
    campus = access_open_campus(actor, actor.campus_id, campuses=services.campuses)
    return usecases.schedule_delivery(
        actor=actor,
        campus_id=campus.id,
        batch_id=_chosen_batch(str(values["batch_id"])).id,
        format_id=str(values["format_id"]),
        particulars=_particulars(values, campus.time_zone),
        deliveries=services.deliveries,
        formats=services.offered_formats,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


def _campus() -> Campus:
    return access_own_campus(current_actor(), campuses=get_services().campuses)


def _delivery(delivery_id: str) -> Delivery:
    return access_delivery(current_actor(), delivery_id, deliveries=get_services().deliveries)


def _chosen_batch(batch_id: str) -> Batch:
    """The batch that was chosen; one that is not there, or not yours, is a mistake in the form."""
    try:
        batch = access_batch(current_actor(), batch_id, batches=get_services().batches)
    except NotFound:
        raise invalid({"batch_id": ["Choose a batch from the list."]}) from None
    check_active(batch)
    return batch


def _particulars(values: Mapping[str, object], time_zone: str) -> Particulars:
    window: Window = read_window(opens=str(values["opens"]), closes=str(values["closes"]), time_zone=time_zone)
    return Particulars(
        title=str(values["title"]), window=window, attempts_allowed=cast("int", values["attempts_allowed"])
    )


def _schedule_page(form: FormInput) -> str:
    services, campus = get_services(), _campus()
    return render_template(
        "assessments/new.html",
        form=form,
        campus=campus,
        batch_names=name_batches(services.batches.list_by_campus(campus.id), courses=services.courses),
        offered=services.offered_formats.list_offered(),
    )


def _edit_page(delivery: Delivery, form: FormInput) -> str:
    return render_template("assessments/edit.html", delivery=delivery, form=form)


BLUEPRINTS = (pages, api)
