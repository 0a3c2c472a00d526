"""The monitor's calls, and what a candidate's page says of itself and of messages."""

from dataclasses import replace
from http import HTTPStatus
from typing import cast

from backend.core.actor import Role
from backend.features.attempts.access import access_own_attempt
from backend.features.attempts.engine import usecases as engine
from backend.features.attempts.engine.controls import Control, ControlKind
from backend.features.attempts.engine.schemas import ControlReportSchema, ControlSchema
from backend.features.attempts.engine.tasks import control_room_of
from backend.features.attempts.engine.usecases import Outcome
from backend.features.attempts.model import Attempt
from backend.features.invigilation import model, schemas, usecases
from backend.features.invigilation.access import Watch, access_watch
from backend.features.invigilation.model import IdentityCheck, Incident, IncidentKind, Means, Message, Receipt
from backend.features.invigilation.signals import Signal, SignalKind
from backend.features.invigilation.timeline import Happening, Kept, tell
from backend.features.invigilation.usecases import Acting
from backend.web import limits
from backend.web.blueprints import ApiBlueprint
from backend.web.gates import current_actor, get_services, roles

api = ApiBlueprint("invigilation_api", __name__, url_prefix="/api", description="Overseeing an exam")

WATCHERS = (Role.CAMPUS, Role.SUPERADMIN, Role.INVIGILATOR)
# A page sends signals together, every few seconds at most.
SIGNALS_A_MINUTE = 30

Fields = dict[str, object]


# -- for those who watch ---------------------------------------------------------------------------------------------


@api.post("/deliveries/<delivery_id>/messages")
@roles(*WATCHERS)
@api.arguments(schemas.MessageBody)
@api.response(HTTPStatus.CREATED, schemas.MessageReply)
def send_message(body: Fields, delivery_id: str) -> Message:
    """Sends a message to the named candidates, or to all."""
    services, watch = get_services(), get_watch(delivery_id)
    return usecases.send_message(
        delivery=watch.delivery,
        text=str(body["text"]),
        student_ids=cast("list[str]", body["student_ids"]),
        is_urgent=bool(body["is_urgent"]),
        known=known_students(watch),
        messages=services.messages,
        attempts=services.attempts,
        feed=services.feed,
        acting=acting(),
    )


@api.post("/deliveries/<delivery_id>/incidents")
@roles(*WATCHERS)
@api.arguments(schemas.IncidentBody)
@api.response(HTTPStatus.CREATED, schemas.IncidentReply)
def note_incident(body: Fields, delivery_id: str) -> Incident:
    """Notes an incident about the named candidates, or about the whole room."""
    services, watch = get_services(), get_watch(delivery_id)
    return usecases.note_incident(
        delivery=watch.delivery,
        kind=IncidentKind(str(body["kind"])),
        text=str(body["text"]),
        student_ids=cast("list[str]", body["student_ids"]),
        happened_at=cast("None", body["happened_at"]) or services.now(),
        known=known_students(watch),
        incidents=services.incidents,
        acting=acting(),
    )


@api.post("/deliveries/<delivery_id>/identity")
@roles(*WATCHERS)
@api.arguments(schemas.IdentityBody)
@api.response(HTTPStatus.OK, schemas.IdentityReply)
def check_identity(body: dict[str, str], delivery_id: str) -> IdentityCheck:
    """Checks a candidate off: by the code on the card, or, with a reason that is noted, without it."""
    services, watch = get_services(), get_watch(delivery_id)
    known = known_students(watch)
    if body["code"]:
        student_id = usecases.find_by_code(body["code"], student_ids=known, secret=services.settings.viva_secret_key)
        return _checked(watch, student_id, Means.CARD, known)
    usecases.note_incident(
        delivery=watch.delivery,
        kind=IncidentKind.IDENTITY,
        text=model.check_text(body["reason"], longest=model.TEXT_MAX, field="reason"),
        student_ids=[body["student_id"]],
        happened_at=services.now(),
        known=known,
        incidents=services.incidents,
        acting=acting(),
    )
    return _checked(watch, body["student_id"], Means.DOCUMENT, known)


def _checked(watch: Watch, student_id: str, means: Means, known: list[str]) -> IdentityCheck:
    services = get_services()
    return usecases.check_identity(
        delivery=watch.delivery,
        student_id=student_id,
        means=means,
        known=known,
        checks=services.identity_checks,
        feed=services.feed,
        acting=acting(),
    )


@api.get("/deliveries/<delivery_id>/candidates/<student_id>/timeline")
@roles(*WATCHERS)
@api.response(HTTPStatus.OK, schemas.TimelineReply)
def show_timeline(delivery_id: str, student_id: str) -> dict[str, list[Happening]]:
    """What happened to one candidate, the latest first."""
    watch = get_watch(delivery_id)
    model.check_named([student_id], known=known_students(watch))
    return {"happenings": with_names(tell(_kept(watch, student_id)))}


def _kept(watch: Watch, student_id: str) -> Kept:
    services, delivery_id = get_services(), watch.delivery.id
    attempts = services.attempts.list_by_student(delivery_id, student_id)
    records = [services.signal_records.find(attempt.id) for attempt in attempts]
    return Kept(
        attempts=attempts,
        papers={attempt.id: services.papers.get(attempt.form_id) for attempt in attempts},
        responses=[each for attempt in attempts for each in services.responses.list_by_attempt(attempt.id)],
        records=[record for record in records if record is not None],
        incidents=[each for each in services.incidents.list_by_delivery(delivery_id) if each.concerns(student_id)],
        messages=[each for each in services.messages.list_by_delivery(delivery_id) if each.is_for(student_id)],
        receipts=services.messages.list_receipts_of(delivery_id, student_id),
        check=services.identity_checks.find(model.identity_check_id(delivery_id, student_id)),
    )


def with_names(happenings: list[Happening]) -> list[Happening]:
    people = get_services().accounts.find_many({each.by for each in happenings if each.by})
    named = {account_id: account.display_name for account_id, account in people.items()}
    return [replace(each, by=named.get(each.by, "Somebody who left") if each.by else None) for each in happenings]


# -- controls ---------------------------------------------------------------------------------------------------------


@api.post("/deliveries/<delivery_id>/controls")
@roles(*WATCHERS)
@api.arguments(ControlSchema)
@api.response(HTTPStatus.OK, ControlReportSchema)
def control(body: Fields, delivery_id: str) -> Fields:
    """Extends, pauses, resumes, reopens or voids attempts of a delivery, for one, some or all. Safe to repeat."""
    services, actor = get_services(), current_actor()
    watch = get_watch(delivery_id)
    delivery, kind = watch.delivery, cast("ControlKind", body["action"])
    model.check_may(actor, watch.controls, kind)
    asked = Control(
        id=cast("str", body["control_id"]),
        kind=kind,
        by=actor.account_id,
        reason=cast("str", body["reason"]),
        minutes=cast("int | None", body["minutes"]),
    )
    chosen = cast("list[str] | str", body["attempt_ids"])
    room, now = control_room_of(services), services.now()
    if isinstance(chosen, str):
        report = engine.control_all(delivery=delivery, control=asked, room=room, now=now)
    else:
        report = engine.control_attempts(delivery=delivery, control=asked, attempt_ids=chosen, room=room, now=now)
    return {
        "control_id": asked.id,
        "changed": report.ids(Outcome.CHANGED),
        "unchanged": report.ids(Outcome.UNCHANGED),
        "refused": report.refused,
    }


# -- for the candidate's page ----------------------------------------------------------------------------------------


@api.post("/attempts/<attempt_id>/signals")
@roles(Role.STUDENT)
@api.arguments(schemas.SignalsBody)
@api.response(HTTPStatus.OK, schemas.SignalsReply)
def record_signals(body: dict[str, list[Fields]], attempt_id: str) -> Fields:
    """Keeps what the page noticed. Safe to repeat. It has no effect on any score."""
    services, actor, now = get_services(), current_actor(), get_services().now()
    limits.slow_down(f"signals:{actor.account_id}", most_a_minute=SIGNALS_A_MINUTE)
    heard = [
        Signal(received_at=now, **each | {"kind": SignalKind(str(each["kind"]))})  # type: ignore[arg-type] # SignalBody
        for each in body["signals"]
    ]
    known = usecases.record_signals(
        attempt=_own_attempt(attempt_id), heard=heard, records=services.signal_records, feed=services.feed, now=now
    )
    return {"known": known}


@api.post("/attempts/<attempt_id>/messages/<message_id>/seen")
@roles(Role.STUDENT)
@api.response(HTTPStatus.OK, schemas.SeenReply)
def acknowledge_message(attempt_id: str, message_id: str) -> Receipt:
    """The candidate has seen the message. Safe to repeat."""
    services = get_services()
    return usecases.acknowledge_message(
        attempt=_own_attempt(attempt_id), message_id=message_id, messages=services.messages, now=services.now()
    )


# -- shared ----------------------------------------------------------------------------------------------------------


def get_watch(delivery_id: str) -> Watch:
    services = get_services()
    return access_watch(current_actor(), delivery_id, deliveries=services.deliveries, duties=services.duties)


def acting() -> Acting:
    services = get_services()
    return Acting(
        actor_id=current_actor().account_id, audit_log=services.audit_log, now=services.now(), new_id=services.new_id
    )


def known_students(watch: Watch) -> list[str]:
    """The batch's students, and those who sat the test and left it since."""
    services, delivery = get_services(), watch.delivery
    batch = [each.student_id for each in services.candidates.list_by_batch(delivery.batch_id)]
    sat = [each.student_id for each in services.attempts.list_by_delivery(delivery.id)]
    return list(dict.fromkeys([*batch, *sat]))


def _own_attempt(attempt_id: str) -> Attempt:
    return access_own_attempt(current_actor(), attempt_id, attempts=get_services().attempts)


BLUEPRINTS = (api,)
