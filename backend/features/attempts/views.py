"""The exam's API, and the page a candidate sits it on."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

from flask import Blueprint, render_template, request
from flask.wrappers import Response as Reply

from backend.core.actor import Role
from backend.core.errors import Conflict, LeaseRequired, NotFound, RuleViolation
from backend.core.ports import PresenceMark
from backend.features.assessments import conditions
from backend.features.assessments.access import access_own_delivery
from backend.features.assessments.model import Delivery
from backend.features.attempts import answers, monitor, usecases
from backend.features.attempts.access import access_own_attempt
from backend.features.attempts.engine.moves import Move, MoveKind
from backend.features.attempts.engine.news import announce_change
from backend.features.attempts.engine.tasks import control_room_of
from backend.features.attempts.engine.usecases import keep_abreast
from backend.features.attempts.model import Attempt, check_lease
from backend.features.attempts.paper import Paper
from backend.features.attempts.responses import Answer, Response, response_id
from backend.features.attempts.schemas import (
    AnswerSchema,
    AttemptSnapshotSchema,
    DeviceCheckSchema,
    EnterSchema,
    HeartbeatSchema,
    MovesSchema,
    NothingSchema,
    PulseSchema,
    SavedSchema,
)
from backend.features.attempts.snapshot import AttemptSnapshot, take_snapshot
from backend.web import limits
from backend.web.blueprints import ApiBlueprint
from backend.web.gates import current_actor, get_services, public, roles
from backend.web.pages import read_built

pages = Blueprint("attempts", __name__)
api = ApiBlueprint("exam", __name__, url_prefix="/api", description="The candidate's client")

Fields = dict[str, object]

EPOCH_HEADER = "X-Attempt-Epoch"
SEB_HEADER = "X-SafeExamBrowser-ConfigKeyHash"
SEB_PAGE_HEADER = "X-Viva-Page-ConfigKeyHash"

# By account, never by address: a whole campus may share one. An hour's exam that is replayed at once stays below it.
REQUESTS_A_MINUTE = 600


@api.before_request
def slow_down() -> None:
    """Before every call of a candidate's client."""
    limits.slow_down(current_actor().account_id, most_a_minute=REQUESTS_A_MINUTE)


# -- pages -----------------------------------------------------------------------------------------------------------


@pages.get("/sit/<delivery_id>")
@roles(Role.STUDENT)
def sit(delivery_id: str) -> str:
    """The exam client. It begins or resumes through the API."""
    return render_template("attempts/sit.html", delivery=_own_delivery(delivery_id))


@pages.get("/sit/worker.js")
@public
def exam_worker() -> Reply:
    """The exam's service worker. Its address is its scope: it answers for pages under /sit/ only."""
    # Before the first build: a worker that does nothing, as pages have no scripts then.
    reply = Reply(read_built("src/exam/worker.ts") or b"", mimetype="text/javascript")
    reply.headers["Cache-Control"] = "no-cache"
    return reply


# -- the attempt -----------------------------------------------------------------------------------------------------


@api.post("/deliveries/<delivery_id>/attempts")
@roles(Role.STUDENT)
@api.arguments(EnterSchema, required=False)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def enter(body: Fields, delivery_id: str) -> AttemptSnapshot:
    """Begins an attempt (state checking) or resumes the one that is there; the page takes the lease."""
    services, actor = get_services(), current_actor()
    delivery = _own_delivery(delivery_id)
    check_conditions(delivery)
    attempt = usecases.enter_attempt(
        delivery=delivery,
        student_id=actor.account_id,
        attempts=services.attempts,
        now=services.now(),
        new_id=services.new_id,
        client_id=cast("str | None", body.get("client_id")),
        conditions=services.granted_conditions.find(actor.account_id),
    )
    paper = services.papers.get(attempt.form_id)
    attempt = _abreast(attempt, delivery)
    announce_change(attempt, feed=services.feed, now=services.now())  # an older page hears that it may only read now
    monitor.announce_progress(attempt, paper, feed=services.feed, now=services.now())
    return _snapshot(attempt, delivery, paper)


@api.get("/attempts/<attempt_id>")
@roles(Role.STUDENT)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def show_attempt(attempt_id: str) -> AttemptSnapshot:
    """The whole state of the attempt, with the open item's clock."""
    services = get_services()
    attempt = own_attempt(attempt_id)
    delivery, paper = _delivery_of(attempt), services.papers.get(attempt.form_id)
    attempt = usecases.refresh(_abreast(attempt, delivery), attempts=services.attempts, now=services.now())
    return _snapshot(attempt, delivery, paper)


@api.post("/attempts/<attempt_id>/check")
@roles(Role.STUDENT)
@api.arguments(DeviceCheckSchema)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def store_check(body: dict[str, str], attempt_id: str) -> AttemptSnapshot:
    """Stores the device check's outcome."""
    services = get_services()
    attempt = usecases.store_check(
        attempt=held_attempt(attempt_id), outcomes=body, attempts=services.attempts, now=services.now()
    )
    return show_snapshot(attempt)


@api.post("/attempts/<attempt_id>/begin")
@roles(Role.STUDENT)
@api.arguments(NothingSchema, required=False)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def begin(_body: Fields, attempt_id: str) -> AttemptSnapshot:
    """Starts the clock, once."""
    services, attempt = get_services(), held_attempt(attempt_id)
    delivery, paper = _delivery_of(attempt), services.papers.get(attempt.form_id)
    check_conditions(delivery)
    usecases.check_identified(attempt=attempt, delivery=delivery, oversight=services.oversight)
    after = usecases.begin_attempt(
        attempt=attempt,
        delivery=delivery,
        paper=paper,
        attempts=services.attempts,
        deliveries=services.deliveries,
        now=services.now(),
        conditions=services.granted_conditions.find(attempt.student_id),
    )
    monitor.announce_progress(after, paper, feed=services.feed, now=services.now())
    return _snapshot(after, delivery, paper)


@api.post("/attempts/<attempt_id>/moves")
@roles(Role.STUDENT)
@api.arguments(MovesSchema)
@api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def make_moves(body: Fields, attempt_id: str) -> AttemptSnapshot:
    """Opens and closes items, in this order; there is no way back, and closing the last one submits. Safe to repeat.

    Usually `[close n, open n+1]`. A part with a time limit is opened at its first item and closed at its last, with all
    of them. Each move has the moment at which it was made, also long ago, off-line.
    """
    services, attempt = get_services(), held_attempt(attempt_id)
    paper, now, made = services.papers.get(attempt.form_id), services.now(), cast("list[Move]", body["moves"])
    delivery = _delivery_of(attempt)
    if any(move.kind is MoveKind.OPEN for move in made):  # what was opened under the conditions may always be closed
        check_conditions(delivery)
    attempt = _abreast(attempt, delivery)
    after = answers.move_on(
        attempt=attempt,
        moves=made,
        paper=paper,
        attempts=services.attempts,
        responses=services.responses,
        jobs=services.jobs,
        now=now,
        epoch=read_epoch(),
    )
    if after.is_over:
        monitor.announce_scoring(after, paper, responses=services.responses, feed=services.feed, now=now)
    elif after.revision != attempt.revision:
        monitor.announce_progress(after, paper, feed=services.feed, now=now)
    return _snapshot(after, delivery, paper, responses=_at_open_item(attempt, after))


# -- typed and chosen answers ----------------------------------------------------------------------------------------


@api.put("/attempts/<attempt_id>/answers/<int:position>")
@roles(Role.STUDENT)
@api.arguments(AnswerSchema)
@api.response(HTTPStatus.OK, SavedSchema)
def save_answer(body: Fields, attempt_id: str, position: int) -> answers.Saved:
    """Saves a typed or chosen answer as it is now; the newest sequence wins. Safe to repeat.

    Refused: `attempt_not_open`; `item_not_open`: send the moves that opened its item, then this again; `answer_late`:
    it came after its time and is kept for staff.
    """
    services, now = get_services(), get_services().now()
    answer, rank = read_answer(body)
    saved = answers.save_newer(
        attempt_id=attempt_id,
        position=position,
        student_id=current_actor().account_id,
        answer=answer,
        rank=rank,
        responses=services.responses,
        now=now,
    )
    if saved is not None:
        return saved
    attempt = own_attempt(attempt_id)
    return answers.save_answer(
        attempt=_abreast(attempt, _delivery_of(attempt)),
        position=position,
        answer=answer,
        rank=rank,
        paper=services.papers.get(attempt.form_id),
        responses=services.responses,
        late_answers=services.late_answers,
        jobs=services.jobs,
        now=now,
    )


def read_answer(body: Fields) -> tuple[Answer, int]:
    """The answer and its rank, from a body that AnswerSchema has read."""
    epoch, number = cast("list[int]", body["sequence"])
    content = cast("dict[str, Any]", body["content"])
    answer = Answer(
        text=content.get("text"), texts=tuple(content.get("texts", ())), choices=tuple(content.get("choices", ()))
    )
    return answer, answers.rank_of(epoch, number)


@api.post("/attempts/<attempt_id>/heartbeat")
@roles(Role.STUDENT)
@api.arguments(HeartbeatSchema)
@api.response(HTTPStatus.OK, PulseSchema)
def heartbeat(body: Fields, attempt_id: str) -> Fields:
    """Says that the candidate is there; replies with the server's clock and what the attempt has become."""
    services = get_services()
    now = services.now()
    attempt = usecases.refresh(held_attempt(attempt_id), attempts=services.attempts, now=now)
    mark = PresenceMark(seen_at=now, **body)  # type: ignore[arg-type] # HeartbeatSchema has these very fields
    usecases.note_presence(attempt=attempt, mark=mark, presence=services.presence, feed=services.feed, now=now)
    notices = services.oversight.list_notices(attempt.delivery_id, attempt.student_id, now=now)
    return {
        "server_now": now,
        "state": attempt.state.value,
        "version": attempt.revision,
        "deadline_at": attempt.deadline_at,
        "messages": notices,
    }


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


def check_conditions(delivery: Delivery) -> None:
    """Refuses a candidate outside the delivery's networks or browser; whoever watches is told."""
    if delivery.conditions.are_open:
        return
    services = get_services()
    try:
        conditions.check_network(delivery.conditions, address=request.remote_addr)
        conditions.check_browser(delivery.conditions, shown=_shown_hashes(delivery))
    except Conflict as refusal:
        services.oversight.note_refusal(delivery, current_actor().account_id, refusal.code, now=services.now())
        raise


def _shown_hashes(delivery: Delivery) -> list[tuple[str, str]]:
    """What Safe Exam Browser says of its settings: in a header of each request, or, on macOS and iOS, through the
    page, which asks it by JavaScript and sends what it says of the page's own address."""
    own = get_services().settings.public_url
    sent, asked = request.headers.get(SEB_HEADER, ""), request.headers.get(SEB_PAGE_HEADER, "")
    page = f"/sit/{delivery.id}"
    urls = [(request.url, sent), (f"{own}{request.full_path.rstrip('?')}", sent)]
    pages_of = [(f"{request.host_url.rstrip('/')}{page}", asked), (f"{own}{page}", asked)]
    return [pair for pair in (*urls, *pages_of) if pair[1]]


def own_attempt(attempt_id: str) -> Attempt:
    """The signed-in student's attempt; NotFound for any other."""
    return access_own_attempt(current_actor(), attempt_id, attempts=get_services().attempts)


def held_attempt(attempt_id: str) -> Attempt:
    """The same, for a page that holds the lease: Conflict("attempt_elsewhere") once another page took it,
    LeaseRequired("epoch_missing") from who does not say. Every route that changes an attempt begins with it."""
    attempt = own_attempt(attempt_id)
    check_lease(attempt, read_epoch())
    return attempt


def read_epoch() -> int:
    """The lease of the page that asks."""
    text = request.headers.get(EPOCH_HEADER)
    if text is None:
        raise LeaseRequired("epoch_missing", f"Send {EPOCH_HEADER}: the epoch that entering the test gave this page.")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise RuleViolation("invalid_input", f"{EPOCH_HEADER} is the epoch of this page's snapshot.")
    return int(text)


def _abreast(attempt: Attempt, delivery: Delivery) -> Attempt:
    """With what staff gave for everybody, also when it has not been written to this attempt yet."""
    services = get_services()
    return keep_abreast(attempt=attempt, delivery=delivery, room=control_room_of(services), now=services.now())


def _delivery_of(attempt: Attempt) -> Delivery:
    delivery = get_services().deliveries.find(attempt.delivery_id)
    if delivery is None:
        raise NotFound()
    return delivery


def show_snapshot(attempt: Attempt) -> AttemptSnapshot:
    """What the candidate's page is told of its attempt."""
    return _snapshot(attempt, _delivery_of(attempt), get_services().papers.get(attempt.form_id))


def _at_open_item(before: Attempt, after: Attempt) -> list[Response] | None:
    """What there is of what is open already; of what this very request opened, nothing. None: all, it is over, or a
    whole part is open."""
    if after.is_over:
        return None
    is_fresh = (after.position > before.position or before.is_untouched) and after.revision == before.revision + 1
    if not after.is_item_open or is_fresh:
        return []
    if after.items_open > 1:
        return None
    found = get_services().responses.find(response_id(after.id, after.position))
    return [] if found is None else [found]


def _snapshot(
    attempt: Attempt, delivery: Delivery, paper: Paper, *, responses: Sequence[Response] | None = None
) -> AttemptSnapshot:
    """With all that is stored of the attempt, unless `responses` says what is asked for."""
    services = get_services()
    if responses is None:
        responses = [] if attempt.is_untouched else services.responses.list_by_attempt(attempt.id)
    return take_snapshot(
        attempt,
        paper,
        delivery,
        student_name=current_actor().display_name,
        responses=responses,
        secret=services.settings.viva_secret_key,
        blobs=services.blobs,
        now=services.now(),
    )


BLUEPRINTS = (pages, api)
