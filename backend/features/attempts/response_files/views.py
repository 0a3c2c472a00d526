"""The page on which staff bring a response file."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import Blueprint, render_template, request
from marshmallow import ValidationError

from backend.core.actor import Role
from backend.core.errors import NotFound, RuleViolation
from backend.features.assessments.access import access_delivery
from backend.features.assessments.model import Delivery
from backend.features.attempts.access import access_attempt
from backend.features.attempts.model import Attempt
from backend.features.attempts.recordings.usecases import Shelves
from backend.features.attempts.response_files import model, usecases
from backend.features.attempts.response_files.model import Fate, Line
from backend.features.attempts.response_files.schemas import HeadSchema
from backend.features.attempts.response_files.usecases import Contents, FiledDraft, Taking
from backend.features.attempts.views import read_answer
from backend.web import limits
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("response_files", __name__)
BLUEPRINTS = (pages,)

# An hour's test that was never sent: 60 answers of half a minute.
MAX_FILE_BYTES = 40_000_000
FATES: Mapping[Fate, tuple[str, str]] = {
    Fate.STORED: ("Stored, and scored", "green"),
    Fate.KNOWN: ("Was here already", "muted"),
    Fate.LATE: ("Came after its time: decide on the page of answers without a score", "yellow"),
    Fate.DAMAGED: ("Damaged on the device", "red"),
    Fate.REFUSED: ("Cannot be an answer to its item", "red"),
}


@pages.url_value_preprocessor
def _let_large_files_in(endpoint: str | None, _values: object) -> None:
    """Before anything reads the form: these files are larger than anything else that people upload."""
    if endpoint == "response_files.take_response_file":
        request.max_content_length = MAX_FILE_BYTES


@pages.get("/tests/<delivery_id>/response-file")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def show_response_file(delivery_id: str) -> str:
    """What such a file is, and where to put it."""
    return _page(_delivery(delivery_id))


@pages.post("/tests/<delivery_id>/response-file")
@roles(Role.CAMPUS, Role.SUPERADMIN)
def take_response_file(delivery_id: str) -> str | tuple[str, int]:
    """Takes what the file holds and shows what became of each answer."""
    services, actor = get_services(), current_actor()
    delivery = _delivery(delivery_id)
    limits.spend(limits.Count(item=limits.UPLOADS_BY_ACCOUNT, key=f"response_file:{actor.account_id}"))
    chosen = request.files.get("file")
    try:
        file = model.read_file(chosen.read() if chosen else b"")
        attempt = _attempt(file.attempt_id, delivery)
        contents = _read(*model.open_file(file, secret=services.settings.viva_secret_key))
    except RuleViolation as refusal:
        return _page(delivery, errors=refusal.errors), 422
    lines = usecases.take_contents(
        actor=actor,
        attempt=attempt,
        contents=contents,
        paper=services.papers.get(attempt.form_id),
        taking=Taking(
            attempts=services.attempts,
            shelves=Shelves(
                responses=services.responses,
                late_answers=services.late_answers,
                uploads=services.uploads,
                blobs=services.blobs,
                jobs=services.jobs,
            ),
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        ),
        max_bytes=services.settings.max_recording_bytes,
    )
    return _page(delivery, lines=lines, attempt=attempt)


def _delivery(delivery_id: str) -> Delivery:
    return access_delivery(current_actor(), delivery_id, deliveries=get_services().deliveries)


def _attempt(attempt_id: str, delivery: Delivery) -> Attempt:
    """The attempt of the file; one of another test, or of nobody, is refused in the same words."""
    try:
        attempt = access_attempt(current_actor(), attempt_id, attempts=get_services().attempts)
    except NotFound:
        attempt = None
    if attempt is None or attempt.delivery_id != delivery.id:
        text = "This file belongs to another test. Open that test's page and bring it there."
        raise RuleViolation("file_of_other_test", text, errors={"file": [text]})
    return attempt


def _read(head: Mapping[str, object], data: bytes) -> Contents:
    try:
        read: dict[str, Any] = HeadSchema().load(dict(head))
    except ValidationError:
        raise model.damaged() from None
    drafts = []
    for each in cast("list[dict[str, Any]]", read["drafts"]):
        answer, rank = read_answer(each)
        drafts.append(FiledDraft(position=each["position"], answer=answer, rank=rank))
    return Contents(
        moves=tuple(read["moves"]), drafts=tuple(drafts), recordings=model.split_recordings(read["recordings"], data)
    )


def _page(
    delivery: Delivery,
    *,
    lines: Sequence[Line] | None = None,
    attempt: Attempt | None = None,
    errors: Mapping[str, Sequence[str]] | None = None,
) -> str:
    services = get_services()
    candidate = services.candidates.find(attempt.student_id) if attempt else None
    return render_template(
        "attempts/response_file.html",
        delivery=delivery,
        lines=lines,
        counts=list(usecases.count_fates(lines or ())),
        fates=FATES,
        paper=services.papers.get(attempt.form_id) if attempt else None,
        attempt=attempt,
        candidate=candidate,
        errors=errors or {},
    )
