"""The exam's API, the page a candidate sits it on, and the live monitor's page."""

from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_smorest import Blueprint as ApiBlueprint
from limits import parse

from backend.core.actor import Role
from backend.core.errors import NotFound
from backend.core.ports import PresenceMark
from backend.features.assessments.access import access_delivery, access_own_delivery
from backend.features.assessments.model import Delivery
from backend.features.attempts import monitor, usecases
from backend.features.attempts.access import access_own_attempt
from backend.features.attempts.model import Attempt
from backend.features.attempts.paper import Paper
from backend.features.attempts.responses import Upload
from backend.features.attempts.schemas import (
    AttemptSnapshotSchema,
    DeviceCheckSchema,
    HeartbeatSchema,
    ItemViewSchema,
    NothingSchema,
    PulseSchema,
    RecordingSchema,
    RegistrationSchema,
    StoredSchema,
)
from backend.features.attempts.snapshot import AttemptSnapshot, ItemView, take_snapshot, view_item
from backend.web import limits
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("attempts", __name__)
api = ApiBlueprint("exam", __name__, url_prefix="/api", description="The candidate's client")

Fields = dict[str, object]

# By account, never by address: a whole campus may share one. An hour's exam that is replayed at once stays below it.
REQUESTS_BY_ACCOUNT = parse("600 per minute")


@api.before_request
def _slow_down() -> None:
    limits.spend(limits.Count(item=REQUESTS_BY_ACCOUNT, key=f"exam:{current_actor().account_id}"))


# -- pages -----------------------------------------------------------------------------------------------------------


@pages.get("/sit/<delivery_id>")
@roles(Role.STUDENT)
def sit(delivery_id: str) -> str:
    """The exam client. It begins or resumes through the API."""
    return render_template("attempts/sit.html", delivery=_own_delivery(delivery_id))


@pages.get("/tests/<delivery_id>/monitor")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def show_monitor(delivery_id: str) -> str:
    """Who is where, live. The rows come through the socket."""
    delivery = access_delivery(current_actor(), delivery_id, deliveries=get_services().deliveries)
    return render_template("attempts/monitor.html", delivery=delivery)


# -- the attempt -----------------------------------------------------------------------------------------------------


@api.post("/deliveries/<delivery_id>/attempts")
@roles(Role.STUDENT)
@api.arguments(NothingSchema, required=False)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def enter(_body: Fields, delivery_id: str) -> AttemptSnapshot:
    """Begins an attempt (state checking) or resumes the one that is there."""
    services, actor = get_services(), current_actor()
    delivery = _own_delivery(delivery_id)
    attempt = usecases.enter_attempt(
        delivery=delivery,
        student_id=actor.account_id,
        attempts=services.attempts,
        now=services.now(),
        new_id=services.new_id,
    )
    paper = services.papers.get(attempt.form_id)
    monitor.announce_progress(attempt, paper, feed=services.feed, now=services.now())
    return _snapshot(attempt, delivery, paper)


@api.get("/attempts/<attempt_id>")
@roles(Role.STUDENT)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def show_attempt(attempt_id: str) -> AttemptSnapshot:
    """The whole state of the attempt, with the open item's clock."""
    services = get_services()
    attempt = usecases.refresh(_own_attempt(attempt_id), attempts=services.attempts, now=services.now())
    return _snapshot(attempt, _delivery_of(attempt), services.papers.get(attempt.form_id))


@api.post("/attempts/<attempt_id>/check")
@roles(Role.STUDENT)
@api.arguments(DeviceCheckSchema)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def store_check(body: dict[str, str], attempt_id: str) -> AttemptSnapshot:
    """Stores the device check's outcome."""
    services = get_services()
    attempt = usecases.store_check(
        attempt=_own_attempt(attempt_id), outcomes=body, attempts=services.attempts, now=services.now()
    )
    return _snapshot(attempt, _delivery_of(attempt), services.papers.get(attempt.form_id))


@api.post("/attempts/<attempt_id>/begin")
@roles(Role.STUDENT)
@api.arguments(NothingSchema, required=False)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def begin(_body: Fields, attempt_id: str) -> AttemptSnapshot:
    """Starts the clock, once."""
    services, attempt = get_services(), _own_attempt(attempt_id)
    delivery, paper = _delivery_of(attempt), services.papers.get(attempt.form_id)
    after = usecases.begin_attempt(
        attempt=attempt, delivery=delivery, paper=paper, attempts=services.attempts, now=services.now()
    )
    monitor.announce_progress(after, paper, feed=services.feed, now=services.now())
    return _snapshot(after, delivery, paper)


@api.post("/attempts/<attempt_id>/items/<int:position>/open")
@roles(Role.STUDENT)
@api.arguments(NothingSchema, required=False)
@api.response(HTTPStatus.OK, ItemViewSchema)
def open_item(_body: Fields, attempt_id: str, position: int) -> ItemView:
    """Opens the next item, once; again: the same with its clock gone on."""
    services, attempt = get_services(), _own_attempt(attempt_id)
    paper = services.papers.get(attempt.form_id)
    now = services.now()
    after = usecases.open_item(attempt=attempt, position=position, paper=paper, attempts=services.attempts, now=now)
    if after.item_opened_at == now:
        monitor.announce_progress(after, paper, feed=services.feed, now=now)
    item = view_item(after, paper, blobs=services.blobs, now=now)
    if item is None:
        raise NotFound()
    return item


@api.post("/attempts/<attempt_id>/items/<int:position>/close")
@roles(Role.STUDENT)
@api.arguments(NothingSchema, required=False)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def close_item(_body: Fields, attempt_id: str, position: int) -> AttemptSnapshot:
    """Moves on; there is no way back. The last one submits. Safe to repeat."""
    services, attempt = get_services(), _own_attempt(attempt_id)
    paper = services.papers.get(attempt.form_id)
    after = usecases.close_item(
        attempt=attempt, position=position, paper=paper, attempts=services.attempts, now=services.now()
    )
    if after.is_over:
        monitor.announce_scoring(after, paper, responses=services.responses, feed=services.feed, now=services.now())
    return _snapshot(after, _delivery_of(after), paper)


# -- recordings ------------------------------------------------------------------------------------------------------


@api.post("/attempts/<attempt_id>/recordings")
@roles(Role.STUDENT)
@api.arguments(RecordingSchema)
@api.alt_response(HTTPStatus.OK, schema=RegistrationSchema, success=True, description="stored already")
@api.response(HTTPStatus.CREATED, RegistrationSchema)
def register_recording(body: Fields, attempt_id: str) -> ResponseReturnValue:
    """Announces a recording; replies with the address to PUT it to."""
    services, attempt = get_services(), _own_attempt(attempt_id)
    now = services.now()
    registration = usecases.register_recording(
        attempt=attempt,
        announced=_announced(body, attempt, now=now),
        paper=services.papers.get(attempt.form_id),
        attempts=services.attempts,
        responses=services.responses,
        uploads=services.uploads,
        blobs=services.blobs,
        now=now,
        max_bytes=services.settings.max_recording_bytes,
    )
    if registration.upload is None:
        return {"recording_id": registration.recording_id, "stored": True}, HTTPStatus.OK
    permit = registration.upload
    upload = {"url": permit.url, "headers": dict(permit.headers), "expires_at": permit.expires_at}
    return {"recording_id": registration.recording_id, "stored": False, "upload": upload}, HTTPStatus.CREATED


@api.post("/attempts/<attempt_id>/recordings/<recording_id>/confirm")
@roles(Role.STUDENT)
@api.arguments(NothingSchema, required=False)
@api.response(HTTPStatus.ACCEPTED, StoredSchema)
def confirm_recording(_body: Fields, attempt_id: str, recording_id: str) -> Fields:
    """Checks the upload and keeps it for good; the reply means that it will not be lost. Safe to repeat."""
    services, attempt = get_services(), _own_attempt(attempt_id)
    response = usecases.confirm_recording(
        attempt=attempt,
        recording_id=recording_id,
        paper=services.papers.get(attempt.form_id),
        responses=services.responses,
        uploads=services.uploads,
        blobs=services.blobs,
        jobs=services.jobs,
        now=services.now(),
    )
    stored = next(recording for recording in response.recordings if recording.recording_id == recording_id)
    return {"recording_id": recording_id, "stored": True, "sha256": stored.sha256}


@api.post("/attempts/<attempt_id>/heartbeat")
@roles(Role.STUDENT)
@api.arguments(HeartbeatSchema)
@api.response(HTTPStatus.OK, PulseSchema)
def heartbeat(body: Fields, attempt_id: str) -> Fields:
    """Says that the candidate is there; replies with the server's clock and what the attempt has become."""
    services = get_services()
    now = services.now()
    attempt = usecases.refresh(_own_attempt(attempt_id), attempts=services.attempts, now=now)
    mark = PresenceMark(seen_at=now, **body)  # type: ignore[arg-type] # HeartbeatSchema has these very fields
    usecases.note_presence(attempt=attempt, mark=mark, presence=services.presence, feed=services.feed, now=now)
    return {"server_now": now, "state": attempt.state.value, "deadline_at": attempt.deadline_at}


# -- shared by the above ---------------------------------------------------------------------------------------------


def _own_delivery(delivery_id: str) -> Delivery:
    services, actor = get_services(), current_actor()
    candidate = services.candidates.find(actor.account_id)
    return access_own_delivery(
        actor,
        delivery_id,
        batch_id=candidate.batch_id if candidate else None,
        deliveries=services.deliveries,
    )


def _own_attempt(attempt_id: str) -> Attempt:
    return access_own_attempt(current_actor(), attempt_id, attempts=get_services().attempts)


def _delivery_of(attempt: Attempt) -> Delivery:
    delivery = get_services().deliveries.find(attempt.delivery_id)
    if delivery is None:
        raise NotFound()
    return delivery


def _snapshot(attempt: Attempt, delivery: Delivery, paper: Paper) -> AttemptSnapshot:
    services = get_services()
    return take_snapshot(
        attempt,
        paper,
        delivery,
        student_name=current_actor().display_name,
        stored_recordings=usecases.list_stored_recordings(attempt_id=attempt.id, responses=services.responses),
        blobs=services.blobs,
        now=services.now(),
    )


def _announced(body: Fields, attempt: Attempt, *, now: datetime) -> Upload:
    # RecordingSchema has exactly the fields that are left.
    return Upload(attempt_id=attempt.id, campus_id=attempt.campus_id, registered_at=now, **body)  # type: ignore[arg-type]


BLUEPRINTS = (pages, api)
