"""Recordings over HTTP: one address a recording, which takes its bytes and says how much of it is here."""

import re
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ClientDisconnected

from backend.core.actor import Role
from backend.core.errors import RuleViolation
from backend.features.attempts.model import Attempt
from backend.features.attempts.recordings import usecases
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.recordings.schemas import ReceiptSchema
from backend.features.attempts.recordings.usecases import Receipt, Shelves
from backend.features.attempts.responses import ENDINGS
from backend.features.attempts.views import own_attempt, slow_down
from backend.web.blueprints import ApiBlueprint
from backend.web.gates import get_services, roles

api = ApiBlueprint("recordings", __name__, url_prefix="/api", description="A candidate's recordings")
api.before_request(slow_down)

_READ_AT_ONCE = 64 * 1024
# What each header must look like, and what it is there for.
_HEADERS = {
    "Upload-Offset": (r"\d{1,12}", "Where this request's bytes begin: a whole number."),
    "Upload-Length": (r"\d{1,12}", "How long the whole recording is, in bytes."),
    "Upload-Digest": (r"[0-9a-f]{64}", "The SHA-256 of the whole recording: 64 hex digits."),
    "X-Position": (r"\d{1,4}", "Which item it answers: a whole number."),
    "X-Segment": (r"\d{1,4}", "Which part of that item's window: a whole number."),
    "X-Duration-Ms": (r"\d{1,12}", "How long it sounds, in milliseconds: at most its window counts."),
    "Content-Type": (r"[a-z]+/[a-z0-9.+-]+(;\s?codecs=[\"A-Za-z0-9., -]+)?", "A media type."),
}
_ENDED_BY = "X-Ended-By"
_RECORDING_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_IN_DOCS = [
    {"in": "header", "name": name, "description": text, "required": True, "schema": {"type": "string"}}
    for name, (_, text) in _HEADERS.items()
] + [
    {
        "in": "header",
        "name": _ENDED_BY,
        "description": f"What ended it: {', '.join(ENDINGS)}. After a fault a person listens rather than give a zero.",
        "required": False,
        "schema": {"type": "string", "enum": list(ENDINGS)},
    }
]


@api.put("/attempts/<attempt_id>/recordings/<recording_id>")
@roles(Role.STUDENT)
@api.doc(parameters=_IN_DOCS, requestBody={"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}})
@api.alt_response(HTTPStatus.OK, schema=ReceiptSchema, success=True, description="a part has arrived")
@api.response(HTTPStatus.ACCEPTED, ReceiptSchema)
def receive_recording(attempt_id: str, recording_id: str) -> ResponseReturnValue:
    """Takes a recording, whole or from `Upload-Offset` on. 202 means that it will not be lost. Safe to repeat.

    Refused: `attempt_not_open`; `item_not_open`: send the moves that opened its item, then this again; `answer_late`:
    it is stored apart, and staff decide.
    """
    services, attempt = get_services(), own_attempt(attempt_id)
    now = services.now()
    announced, offset = _read_headers(attempt, recording_id, now)
    data, is_cut = _read_body(min(announced.size, services.settings.max_recording_bytes) - offset)
    receipt = usecases.receive(
        attempt=attempt,
        announced=announced,
        offset=offset,
        data=data,
        is_cut=is_cut,
        paper=services.papers.get(attempt.form_id),
        shelves=_shelves(),
        now=now,
        max_bytes=services.settings.max_recording_bytes,
    )
    return _shown(receipt), HTTPStatus.ACCEPTED if receipt.is_stored else HTTPStatus.OK


@api.get("/attempts/<attempt_id>/recordings/<recording_id>")
@roles(Role.STUDENT)
@api.response(HTTPStatus.OK, ReceiptSchema)
def show_recording(attempt_id: str, recording_id: str) -> dict[str, object]:
    """How much of a recording is here: where to go on after a break."""
    attempt = own_attempt(attempt_id)
    return _shown(usecases.find_receipt(attempt=attempt, recording_id=recording_id, shelves=_shelves()))


def _read_headers(attempt: Attempt, recording_id: str, now: datetime) -> tuple[Upload, int]:
    """What the headers announce, and the offset. RuleViolation with every header that is missing or wrong."""
    errors = {
        name: [text]
        for name, (pattern, text) in _HEADERS.items()
        if re.fullmatch(pattern, request.headers.get(name, "")) is None
    }
    ended_by = request.headers.get(_ENDED_BY, "")
    if ended_by not in ("", *ENDINGS):
        errors[_ENDED_BY] = [f"One of {', '.join(ENDINGS)}, or nothing."]
    if not _RECORDING_ID.fullmatch(recording_id):
        errors["recording_id"] = ["8 to 64 letters, digits and -."]
    if errors:
        raise RuleViolation("invalid_input", "Some of the recording's headers need another look.", errors=errors)
    headers = request.headers
    upload = Upload(
        attempt_id=attempt.id,
        recording_id=recording_id,
        campus_id=attempt.campus_id,
        position=int(headers["X-Position"]),
        segment=int(headers["X-Segment"]),
        sha256=headers["Upload-Digest"],
        size=int(headers["Upload-Length"]),
        content_type=headers["Content-Type"],
        duration_ms=int(headers["X-Duration-Ms"]),
        registered_at=now,
        ended_by=ended_by,
    )
    return upload, int(headers["Upload-Offset"])


def _read_body(most: int) -> tuple[bytes, bool]:
    """At most a byte more than `most`, which tells too much from enough; and whether the line broke before."""
    pieces: list[bytes] = []
    is_cut = False
    try:
        pieces.extend(_pieces(most + 1))
    except (ClientDisconnected, OSError):
        is_cut = True
    return b"".join(pieces), is_cut


def _pieces(most: int) -> Iterator[bytes]:
    left = most
    while left > 0 and (piece := request.stream.read(min(left, _READ_AT_ONCE))):
        left -= len(piece)
        yield piece


def _shelves() -> Shelves:
    services = get_services()
    return Shelves(
        responses=services.responses,
        late_answers=services.late_answers,
        uploads=services.uploads,
        blobs=services.blobs,
        jobs=services.jobs,
    )


def _shown(receipt: Receipt) -> dict[str, object]:
    shown: dict[str, object] = {"recording_id": receipt.recording_id, "stored": receipt.is_stored}
    return shown | ({"sha256": receipt.sha256} if receipt.is_stored else {"offset": receipt.offset})


BLUEPRINTS = (api,)
