"""What a candidate does: enter, begin, open and close items, hand in recordings.

Each of these may be sent again at any time, after a reload or a lost reply, and then changes nothing more. What two
requests do at once is decided by the revision in storage: one of them wins, the other reads again.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from backend.core.errors import AdapterError, Conflict, PermanentFailure, TemporaryFailure
from backend.core.ids import IdSource
from backend.core.ports import Blobs, Feed, Jobs, Presence, PresenceMark, PresignedPut
from backend.features.assessments.model import Delivery, DeliveryState, Phase
from backend.features.attempts import model
from backend.features.attempts import responses as rules
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.monitor import announce_presence
from backend.features.attempts.paper import Paper
from backend.features.attempts.repository import Attempts, Responses, Uploads
from backend.features.attempts.responses import Recording, Response, ResponseState, Upload

SCORE_RESPONSE = "ratings.score_response"
REVIEW_ATTEMPT = "ratings.review_attempt"
_RACES = 8

log = structlog.get_logger()


# -- entering and beginning ------------------------------------------------------------------------------------------


def enter_attempt(
    *, delivery: Delivery, student_id: str, attempts: Attempts, now: datetime, new_id: IdSource
) -> Attempt:
    """The student's attempt to go on with, or a new one in state checking.

    Refused: `delivery_not_open` (nothing to go on with and the test cannot be entered), `attempts_used_up`.
    """
    for _ in range(_RACES):
        mine = [
            refresh(attempt, attempts=attempts, now=now)
            for attempt in attempts.list_by_student(delivery.id, student_id)
        ]
        running = _find_resumable(mine, delivery, now)
        if running is not None:
            return running
        attempt = _new_attempt(mine, delivery, student_id, now, new_id)
        try:
            attempts.add(attempt)
        except Conflict:
            continue
        log.info("attempt_entered", attempt_id=attempt.id, delivery_id=delivery.id, number=attempt.number)
        return attempt
    raise TemporaryFailure("attempt_contended")


def _find_resumable(mine: list[Attempt], delivery: Delivery, now: datetime) -> Attempt | None:
    for attempt in mine:
        if attempt.state is AttemptState.IN_PROGRESS:
            return attempt
        if attempt.state is AttemptState.CHECKING and delivery.lets_check(now):
            return attempt
    return None


def _new_attempt(mine: list[Attempt], delivery: Delivery, student_id: str, now: datetime, new_id: IdSource) -> Attempt:
    used = sum(1 for attempt in mine if attempt.state is not AttemptState.VOIDED)
    if used >= delivery.attempts_allowed:
        raise Conflict("attempts_used_up", "You have used all attempts at this test.")
    if not delivery.lets_check(now):
        raise _delivery_not_open(delivery, now)
    return Attempt(
        id=new_id(),
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        student_id=student_id,
        number=len(mine) + 1,
        form_id=choose_form(delivery, student_id, number=len(mine) + 1),
        state=AttemptState.CHECKING,
        created_at=now,
    )


def _delivery_not_open(delivery: Delivery, now: datetime) -> Conflict:
    texts = {
        Phase.UPCOMING: "This test has not opened yet.",
        Phase.CLOSED: "This test is closed.",
        Phase.CANCELLED: "This test was cancelled.",
        Phase.OPEN: "This test is not open.",
    }
    return Conflict("delivery_not_open", texts[delivery.phase(now)])


def choose_form(delivery: Delivery, student_id: str, *, number: int) -> str:
    """The parallel form of a student's n-th attempt: half of the students begin with each, then they take turns."""
    digest = hashlib.sha256(f"{delivery.id}:{student_id}".encode()).digest()
    return delivery.form_ids[(digest[0] + number - 1) % len(delivery.form_ids)]


def store_check(*, attempt: Attempt, outcomes: Mapping[str, str], attempts: Attempts, now: datetime) -> Attempt:
    """Keeps the outcome of the device check."""
    refresh(attempt, attempts=attempts, now=now)
    return change(attempt.id, lambda seen: model.checked(seen, outcomes), attempts=attempts)


def begin_attempt(*, attempt: Attempt, delivery: Delivery, paper: Paper, attempts: Attempts, now: datetime) -> Attempt:
    """Starts the clock, once. Refused: `delivery_not_open`, `attempt_not_open`."""
    if delivery.state is DeliveryState.CANCELLED and attempt.state is AttemptState.CHECKING:
        raise _delivery_not_open(delivery, now)

    def start(seen: Attempt) -> Attempt:
        return model.begun(
            seen, opens_at=delivery.opens_at, closes_at=delivery.closes_at, allowed=paper.allowed, at=now
        )

    refresh(attempt, attempts=attempts, now=now)
    after = change(attempt.id, start, attempts=attempts)
    log.info("attempt_begun", attempt_id=after.id, delivery_id=after.delivery_id)
    return after


# -- items -----------------------------------------------------------------------------------------------------------


def open_item(*, attempt: Attempt, position: int, paper: Paper, attempts: Attempts, now: datetime) -> Attempt:
    """Opens the next item, once; open already: as it is. Refused as `model.opened_item` and for unknown positions."""
    clock = paper.get_item(position).clock
    seen = refresh(attempt, attempts=attempts, now=now)
    return change(
        attempt.id, lambda seen: model.opened_item(seen, position, clock, at=now), attempts=attempts, first=seen
    )


def close_item(*, attempt: Attempt, position: int, paper: Paper, attempts: Attempts, now: datetime) -> Attempt:
    """Moves on, past the last item to submitted. Safe to repeat. Refused as `model.closed_item`."""
    seen = refresh(attempt, attempts=attempts, now=now)
    after = change(
        attempt.id,
        lambda seen: model.closed_item(seen, position, total_items=paper.total_items, at=now),
        attempts=attempts,
        first=seen,
    )
    if after.state is AttemptState.SUBMITTED and after.submitted_at == now:
        log.info("attempt_submitted", attempt_id=after.id, delivery_id=after.delivery_id)
    return after


def refresh(attempt: Attempt, *, attempts: Attempts, now: datetime) -> Attempt:
    """The attempt, expired first when its deadline has passed."""
    if not attempt.is_past_deadline(now):
        return attempt
    return expire_attempt(attempt_id=attempt.id, attempts=attempts, now=now)


def expire_attempt(*, attempt_id: str, attempts: Attempts, now: datetime) -> Attempt:
    """Ends the attempt when its deadline has passed, exactly once however many ask."""
    after = change(attempt_id, lambda seen: model.expired(seen, at=now), attempts=attempts)
    if after.state is AttemptState.EXPIRED and after.due_at == now:
        log.info("attempt_expired", attempt_id=attempt_id, delivery_id=after.delivery_id)
    return after


def settle_attempt(*, attempt_id: str, attempts: Attempts, uploads: Uploads, blobs: Blobs, now: datetime) -> Attempt:
    """To be called once the result is stored: nothing waits for this attempt any more. Safe to repeat."""
    after = change(attempt_id, lambda seen: model.settled(seen, at=now), attempts=attempts)
    for upload in uploads.list_by_attempt(attempt_id):
        _tidy(upload, blobs)
    uploads.remove_of_attempt(attempt_id)
    return after


def change(
    attempt_id: str, step: Callable[[Attempt], Attempt], *, attempts: Attempts, first: Attempt | None = None
) -> Attempt:
    """The attempt after `step`, written over exactly what `step` saw; a step that changes nothing writes nothing.

    `first` is what the caller has just read: a read less, and no risk, because only its revision is written over.
    """
    seen = first
    for _ in range(_RACES):
        seen = seen or attempts.find(attempt_id)
        if seen is None:
            raise PermanentFailure("attempt_missing")
        after = step(seen)
        if after is seen or attempts.save(after, seen_revision=seen.revision):
            return after
        seen = None
    raise TemporaryFailure("attempt_contended")


def note_presence(*, attempt: Attempt, mark: PresenceMark, presence: Presence, feed: Feed, now: datetime) -> None:
    """Keeps what the client said of itself and tells those who watch. Best effort: an exam never waits for it."""
    try:
        presence.mark(attempt.id, mark)
    except AdapterError as failure:
        log.warning("presence_not_kept", attempt_id=attempt.id, reason=failure.reason)
    announce_presence(attempt, mark, feed=feed, now=now)


# -- recordings ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Where to send a recording; `upload` is None when it is stored already."""

    recording_id: str
    upload: PresignedPut | None


def register_recording(
    *,
    attempt: Attempt,
    announced: Upload,
    paper: Paper,
    attempts: Attempts,
    responses: Responses,
    uploads: Uploads,
    blobs: Blobs,
    now: datetime,
    max_bytes: int = rules.MAX_RECORDING_BYTES,
) -> Registration:
    """Announces a recording and gives the address to send it to, bound to its type and length.

    Sent again: the same, with a fresh address. Refused: what `rules.check_upload` and `model.check_accepts` refuse;
    Conflict("recording_differs") for another recording under the same id.
    """
    item = paper.get_item(announced.position)
    rules.check_upload(announced, window_ms=item.window_ms, max_bytes=max_bytes)
    stored = responses.find(rules.response_id(attempt.id, announced.position))
    if stored is not None and stored.has_recording(announced.recording_id):
        return Registration(recording_id=announced.recording_id, upload=None)
    model.check_accepts(refresh(attempt, attempts=attempts, now=now), announced.position, at=now)
    if not uploads.add(announced):
        known = uploads.find(announced.id)
        if known is not None and not known.is_same_as(announced):
            raise Conflict("recording_differs", "Another recording has this identification.")
    permit = blobs.presign_put(
        announced.incoming_key, content_type=announced.content_type, size=announced.size, now=now
    )
    return Registration(recording_id=announced.recording_id, upload=permit)


def confirm_recording(
    *,
    attempt: Attempt,
    recording_id: str,
    paper: Paper,
    responses: Responses,
    uploads: Uploads,
    blobs: Blobs,
    jobs: Jobs,
    now: datetime,
) -> Response:
    """Keeps an uploaded recording for good: once this returns, it survives whatever happens to any process.

    Reads the upload and checks length and hash ourselves, keeps it under its content hash, then writes it into the
    response as queued, in one write; the job and the tidying up that follow may be lost without harm. Safe to repeat
    from any point. Refused: `upload_missing` (announce and send it again), `upload_mismatch` (send it again),
    `empty_recording`, `not_audio`, and what `model.check_accepts` refuses.
    """
    upload = uploads.find(rules.upload_id(attempt.id, recording_id))
    if upload is None:
        raise _upload_missing()
    known = responses.find(rules.response_id(attempt.id, upload.position))
    if known is not None and known.has_recording(recording_id):
        return known
    model.check_accepts(attempt, upload.position, at=now)
    data = _read_upload(upload, blobs)
    blobs.put(upload.blob_key, data, content_type=upload.content_type)
    response = _store(attempt, upload, paper, responses, now)
    log.info("recording_stored", attempt_id=attempt.id, position=upload.position, recording_id=recording_id)
    _hand_over(response, jobs)
    _tidy(upload, blobs)
    return response


def _upload_missing() -> Conflict:
    return Conflict("upload_missing", "The recording has not arrived. It has to be sent again.")


def _read_upload(upload: Upload, blobs: Blobs) -> bytes:
    found = blobs.find(upload.incoming_key)
    if found is None:
        raise _upload_missing()
    if found.size != upload.size:
        raise _upload_mismatch()
    data = blobs.get(upload.incoming_key)
    if len(data) != upload.size or hashlib.sha256(data).hexdigest() != upload.sha256:
        raise _upload_mismatch()
    rules.check_sniffed(data)
    return data


def _upload_mismatch() -> Conflict:
    return Conflict("upload_mismatch", "The recording arrived damaged. It has to be sent again.")


def _store(attempt: Attempt, upload: Upload, paper: Paper, responses: Responses, now: datetime) -> Response:
    recording = Recording(
        recording_id=upload.recording_id,
        segment=upload.segment,
        blob_key=upload.blob_key,
        sha256=upload.sha256,
        size=upload.size,
        content_type=upload.content_type,
        duration_ms=upload.duration_ms,
        stored_at=now,
    )
    fresh = fresh_response(attempt, upload.position, paper)
    for _ in range(_RACES):
        seen = responses.find(fresh.id)
        after = rules.with_recording(seen, recording, fresh=fresh, is_settled=attempt.settled_at is not None, at=now)
        if after is seen:
            return after
        if responses.add(after) if seen is None else responses.save(after, seen_revision=seen.revision):
            return after
    raise TemporaryFailure("response_contended")


def fresh_response(attempt: Attempt, position: int, paper: Paper) -> Response:
    """The response to an item before any recording."""
    item = paper.get_item(position)
    return Response(
        id=rules.response_id(attempt.id, position),
        attempt_id=attempt.id,
        campus_id=attempt.campus_id,
        delivery_id=attempt.delivery_id,
        position=position,
        task=item.task,
        item_id=item.item_id,
        item_version=item.item_version,
        state=ResponseState.PRACTICE if item.practice else ResponseState.QUEUED,
    )


def _hand_over(response: Response, jobs: Jobs) -> None:
    if response.state is not ResponseState.QUEUED:
        return
    try:
        jobs.enqueue(SCORE_RESPONSE, response.id)
    except AdapterError as failure:
        # The response is stored as queued: the sweep hands it over.
        log.warning("job_not_handed_over", response_id=response.id, reason=failure.reason)


def _tidy(upload: Upload, blobs: Blobs) -> None:
    try:
        blobs.delete(upload.incoming_key)
    except AdapterError as failure:
        log.warning("incoming_not_deleted", attempt_id=upload.attempt_id, reason=failure.reason)


def list_stored_recordings(*, attempt_id: str, responses: Responses) -> list[str]:
    """The ids of all recordings of the attempt that are kept for good."""
    return [
        recording.recording_id
        for response in responses.list_by_attempt(attempt_id)
        for recording in response.recordings
    ]
