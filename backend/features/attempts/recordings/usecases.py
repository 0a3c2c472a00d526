"""Recordings: received in one request or in parts, checked, and kept for good by one write.

Every call may be sent again at any time. Once `receive` says that a recording is stored, it survives whatever
happens to any process: the bytes lie under their content hash, and one write has put them into the response as queued.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from backend.core.errors import Conflict, PermanentFailure, RuleViolation, TemporaryFailure
from backend.core.jobs import hand_over
from backend.core.ports import Blobs, Jobs
from backend.features.attempts import model
from backend.features.attempts import responses as rules
from backend.features.attempts.engine.moves import catches_up_until
from backend.features.attempts.engine.pauses import up_to_now
from backend.features.attempts.late.model import kept_apart
from backend.features.attempts.late.usecases import keep_recording
from backend.features.attempts.model import Attempt
from backend.features.attempts.paper import Paper
from backend.features.attempts.recordings.incoming import forget_upload
from backend.features.attempts.recordings.model import Upload, WrongOffset, believed, check_upload, upload_id, with_part
from backend.features.attempts.repository import LateAnswers, Responses, Uploads
from backend.features.attempts.responses import Recording, Response, ResponseState
from backend.features.attempts.usecases import SCORE_RESPONSE, fresh_response

_RACES = 8
_PART_TYPE = "application/octet-stream"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """Where recordings go, and who is told."""

    responses: Responses
    late_answers: LateAnswers
    uploads: Uploads
    blobs: Blobs
    jobs: Jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """`offset` is how many bytes have arrived; of a stored recording all of them."""

    recording_id: str
    is_stored: bool
    offset: int
    sha256: str


def receive(
    *,
    attempt: Attempt,
    announced: Upload,
    offset: int,
    data: bytes,
    is_cut: bool = False,
    paper: Paper,
    shelves: Shelves,
    now: datetime,
    max_bytes: int = rules.MAX_RECORDING_BYTES,
    is_brought: bool = False,
) -> Receipt:
    """Takes the bytes of a recording from `offset` on; with the last of them the recording is stored and queued.

    `is_cut`: the line broke before all of this request's bytes had come; what came is kept as a part. `is_brought`:
    staff bring it, at whatever time. Refused: what `check_upload` and `model.check_accepts` refuse; WrongOffset;
    `upload_mismatch` (send it again from the beginning); `empty_recording`, `not_audio`, `not_spoken`;
    `recording_differs` for another recording under the same id; and `answer_late` once it is stored apart, because its
    item was never opened and no moves can open it any more.
    """
    item = paper.get_item(announced.position)
    if not item.is_spoken:
        raise rules.refused("not_spoken", "X-Position", "This item is not answered by speaking.")
    check_upload(announced, max_bytes=max_bytes)
    announced = believed(announced, window_ms=attempt.conditions.stretched(item.window_ms))
    if offset + len(data) > announced.size:
        raise rules.refused("too_large", "Upload-Length", "More has arrived than was announced.")
    seen = up_to_now(attempt, now=now)
    try:
        model.check_accepts(seen, announced.position, at=_judged_at(seen, now) if is_brought else now)
    except Conflict as refusal:
        # Sent again after its time, because our reply was lost: what is stored stays stored.
        if _is_stored(announced, shelves):
            return _stored(announced)
        if refusal.code != "item_not_open" or not (is_brought or _is_beyond_moves(seen, paper, now)):
            raise
    if offset == 0 and len(data) == announced.size:
        return _store_whole(attempt, announced, data, paper, shelves, now)
    return _take_part(attempt, announced, offset, data, is_cut, paper, shelves, now)


def find_receipt(*, attempt: Attempt, recording_id: str, shelves: Shelves) -> Receipt:
    """How much of a recording has arrived; of one that nobody has heard of, nothing."""
    for response in shelves.responses.list_by_attempt(attempt.id):
        for recording in response.recordings:
            if recording.recording_id == recording_id:
                return Receipt(
                    recording_id=recording_id, is_stored=True, offset=recording.size, sha256=recording.sha256
                )
    upload = shelves.uploads.find(upload_id(attempt.id, recording_id))
    received = 0 if upload is None else upload.received
    return Receipt(recording_id=recording_id, is_stored=False, offset=received, sha256="")


def _judged_at(attempt: Attempt, now: datetime) -> datetime:
    """For what staff bring: now, or the last moment at which the candidate could have sent it."""
    until = attempt.upload_until
    return now if until is None else min(now, until - timedelta(milliseconds=1))


def _is_beyond_moves(attempt: Attempt, paper: Paper, now: datetime) -> bool:
    """Whether it is over, and moves that would open an item come too late."""
    until = catches_up_until(attempt, paper)
    return attempt.is_over and (until is None or now >= until)


# -- in parts --------------------------------------------------------------------------------------------------------


def _take_part(
    attempt: Attempt,
    announced: Upload,
    offset: int,
    data: bytes,
    is_cut: bool,
    paper: Paper,
    shelves: Shelves,
    now: datetime,
) -> Receipt:
    upload = shelves.uploads.find(announced.id)
    if upload is not None and not upload.is_same_as(announced):
        raise _differs()
    before = upload or announced
    if offset != before.received:
        if _is_stored(announced, shelves):
            return _stored(announced)
        raise WrongOffset(before.received)
    if offset + len(data) == announced.size:
        return _store_parts(attempt, before, data, paper, shelves, now)
    if not data:
        return Receipt(recording_id=announced.recording_id, is_stored=False, offset=offset, sha256="")
    after = _keep_part(before, offset, data, is_new=upload is None, shelves=shelves)
    if is_cut:
        log.info("upload_cut", attempt_id=attempt.id, recording_id=announced.recording_id, received=after.received)
    return Receipt(recording_id=announced.recording_id, is_stored=False, offset=after.received, sha256="")


def _keep_part(before: Upload, offset: int, data: bytes, *, is_new: bool, shelves: Shelves) -> Upload:
    after = with_part(before, start=offset, end=offset + len(data))
    shelves.blobs.put(after.part_keys[-1], data, content_type=_PART_TYPE)
    written = shelves.uploads.add(after) if is_new else shelves.uploads.save(after, seen=before)
    if written:
        return after
    # Another request was quicker: what it says holds, and this one's part is at most a blob to be tidied away.
    winner = shelves.uploads.find(before.id)
    raise WrongOffset(0 if winner is None else winner.received)


def _store_parts(
    attempt: Attempt, upload: Upload, last: bytes, paper: Paper, shelves: Shelves, now: datetime
) -> Receipt:
    try:
        data = b"".join([*(shelves.blobs.get(key) for key in upload.part_keys), last])
    except PermanentFailure:
        # A part has gone, because another request has just stored the whole, or has found it damaged.
        if _is_stored(upload, shelves):
            return _stored(upload)
        forget_upload(upload, uploads=shelves.uploads, blobs=shelves.blobs)
        raise WrongOffset(0) from None
    try:
        receipt = _store_whole(attempt, upload, data, paper, shelves, now)
    except (Conflict, RuleViolation):
        forget_upload(upload, uploads=shelves.uploads, blobs=shelves.blobs)
        raise
    forget_upload(upload, uploads=shelves.uploads, blobs=shelves.blobs)
    return receipt


# -- for good --------------------------------------------------------------------------------------------------------


def _store_whole(
    attempt: Attempt, upload: Upload, data: bytes, paper: Paper, shelves: Shelves, now: datetime
) -> Receipt:
    if hashlib.sha256(data).hexdigest() != upload.sha256:
        raise Conflict("upload_mismatch", "The recording arrived damaged. It has to be sent again.")
    rules.check_sniffed(data)
    shelves.blobs.put(upload.blob_key, data, content_type=upload.content_type)
    if not attempt.was_opened(upload.position):
        fresh = fresh_response(attempt, upload.position, paper)
        keep_recording(fresh, _recording_of(upload, now), late_answers=shelves.late_answers, now=now)
        raise kept_apart()
    response = _write_response(attempt, upload, paper, shelves.responses, now)
    log.info("recording_stored", attempt_id=attempt.id, position=upload.position, recording_id=upload.recording_id)
    if response.state is ResponseState.QUEUED:
        hand_over(shelves.jobs, SCORE_RESPONSE, response.id)
    return _stored(upload)


def _write_response(attempt: Attempt, upload: Upload, paper: Paper, responses: Responses, now: datetime) -> Response:
    """The response with this recording, by one write: most have none before, so adding is tried first."""
    recording = _recording_of(upload, now)
    fresh = fresh_response(attempt, upload.position, paper)
    is_settled = attempt.settled_at is not None
    seen: Response | None = None
    for _ in range(_RACES):
        after = rules.with_recording(seen, recording, fresh=fresh, is_settled=is_settled, at=now)
        if after is seen:
            _check_same(after, upload)
            return after
        if responses.add(after) if seen is None else responses.save(after, seen=seen):
            return after
        seen = responses.find(fresh.id)
    raise TemporaryFailure("response_contended")


def _recording_of(upload: Upload, now: datetime) -> Recording:
    return Recording(
        recording_id=upload.recording_id,
        segment=upload.segment,
        blob_key=upload.blob_key,
        sha256=upload.sha256,
        size=upload.size,
        content_type=upload.content_type,
        duration_ms=upload.duration_ms,
        stored_at=now,
        ended_by=upload.ended_by,
    )


def _check_same(response: Response, upload: Upload) -> None:
    for recording in response.recordings:
        if recording.recording_id == upload.recording_id and recording.sha256 != upload.sha256:
            raise _differs()


def _differs() -> Conflict:
    return Conflict("recording_differs", "Another recording has this identification.")


def _is_stored(upload: Upload, shelves: Shelves) -> bool:
    response = shelves.responses.find(rules.response_id(upload.attempt_id, upload.position))
    return response is not None and response.has_recording(upload.recording_id)


def _stored(upload: Upload) -> Receipt:
    return Receipt(recording_id=upload.recording_id, is_stored=True, offset=upload.size, sha256=upload.sha256)
