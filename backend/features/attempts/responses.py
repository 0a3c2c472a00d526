"""A response: what one candidate said to one item, and how its scoring stands.

    queued -> claimed -> scored | needs_rater | failed
    claimed -> queued              a temporary failure, or a worker that died (its lease ran out)
    failed -> queued               "score again"
    scored, failed -> queued       contested, after the result was settled: a new result then takes its place
    missing                        no recording came before the upload grace ended; a late one makes it queued
    practice                       stored, never scored

The first stored recording writes the document: *stored and queued are one write*. A later recording (the rest after a
reload) queues it again. A failed or missing response blocks its attempt's result until it is scored after all, or until
somebody decides to settle without it (`waived_by`). Failing to score is never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.errors import Conflict, RuleViolation

MAX_TRIES = 4
LEASE = timedelta(minutes=3)
MAX_SEGMENTS = 20
MAX_RECORDING_BYTES = 10_000_000
WINDOW_SLACK_MS = 10_000
CONTENT_TYPES = frozenset(
    {"audio/webm", "audio/ogg", "audio/mp4", "audio/mpeg", "audio/aac", "audio/wav", "audio/x-m4a"}
)


class ResponseState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    SCORED = "scored"
    NEEDS_RATER = "needs_rater"
    FAILED = "failed"
    MISSING = "missing"
    PRACTICE = "practice"


WAITING = frozenset({ResponseState.QUEUED, ResponseState.CLAIMED})
BLOCKING = frozenset({ResponseState.FAILED, ResponseState.MISSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A recording that a client announced: what it must turn out to be when it arrives."""

    attempt_id: str
    recording_id: str
    campus_id: str
    position: int
    segment: int
    sha256: str
    size: int
    content_type: str
    duration_ms: int
    registered_at: datetime

    @property
    def id(self) -> str:
        return upload_id(self.attempt_id, self.recording_id)

    @property
    def incoming_key(self) -> str:
        return f"incoming/{self.campus_id}/{self.attempt_id}/{self.recording_id}"

    @property
    def blob_key(self) -> str:
        return f"recordings/{self.campus_id}/{self.sha256}"

    def is_same_as(self, other: "Upload") -> bool:
        """Whether the other announcement is this one, sent again."""
        return replace(other, registered_at=self.registered_at) == self


def upload_id(attempt_id: str, recording_id: str) -> str:
    """The client chooses the recording's id; with the attempt's before it, no candidate can touch another's."""
    return f"{attempt_id}:{recording_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A stored, immutable recording under its content hash."""

    recording_id: str
    segment: int
    blob_key: str
    sha256: str
    size: int
    content_type: str
    duration_ms: int
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`score` is what the scorer gave (see backend.scoring), `evidence_key` the blob with what it was taken from."""

    id: str
    attempt_id: str
    campus_id: str
    delivery_id: str
    position: int
    task: str
    item_id: str
    item_version: int
    state: ResponseState
    recordings: tuple[Recording, ...] = ()
    tries: int = 0
    not_before: datetime | None = None
    lease_until: datetime | None = None
    reason: str | None = None
    score: Mapping[str, object] | None = None
    evidence_key: str | None = None
    waived_by: str | None = None
    waived_at: datetime | None = None
    revision: int = 0

    def has_recording(self, recording_id: str) -> bool:
        return any(recording.recording_id == recording_id for recording in self.recordings)

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING

    @property
    def is_blocking(self) -> bool:
        return self.state in BLOCKING and self.waived_by is None

    def spoken_segments(self) -> tuple[Recording, ...]:
        """The recordings to score, in order: of two for the same segment (two tabs) the one that was stored first."""
        first: dict[int, Recording] = {}
        for recording in self.recordings:
            first.setdefault(recording.segment, recording)
        return tuple(first[segment] for segment in sorted(first))


def response_id(attempt_id: str, position: int) -> str:
    return f"{attempt_id}:{position}"


def check_upload(upload: Upload, *, window_ms: int, max_bytes: int = MAX_RECORDING_BYTES) -> None:
    """Refuses what cannot be a recording of this item: RuleViolation with the mistake by field."""
    if upload.size <= 0:
        raise _refused("empty_recording", "size", "The recording is empty. Check the microphone and record again.")
    if upload.size > max_bytes:
        raise _refused("too_large", "size", f"A recording has at most {max_bytes // 1_000_000} MB.")
    if base_type(upload.content_type) not in CONTENT_TYPES:
        raise _refused("unsupported_type", "content_type", "This kind of recording is not supported.")
    if upload.duration_ms > window_ms + WINDOW_SLACK_MS:
        raise _refused("too_long", "duration_ms", "The recording is longer than the item's window.")
    if not 0 <= upload.segment < MAX_SEGMENTS:
        raise _refused("too_many_segments", "segment", f"At most {MAX_SEGMENTS} parts for one item.")


def base_type(content_type: str) -> str:
    """ "audio/webm;codecs=opus" -> "audio/webm"."""
    return content_type.split(";", 1)[0].strip().lower()


def _refused(code: str, field: str, text: str) -> RuleViolation:
    return RuleViolation(code, text, errors={field: [text]})


_OTHER_FILES = (
    b"<",
    b"{",
    b"%PDF",
    b"PK\x03\x04",
    b"#EXTM3U",
    b"#!",
    b"\x7fELF",
    b"MZ",
    b"GIF8",
    b"\x89PNG",
    b"\xff\xd8\xff",
)


def check_sniffed(data: bytes) -> None:
    """Refuses what clearly is another kind of file. The decoder, in its own process, judges the rest."""
    if not data:
        raise _refused("empty_recording", "size", "The recording is empty. Check the microphone and record again.")
    if data[:64].lstrip().startswith(_OTHER_FILES):
        raise _refused("not_audio", "content_type", "This is not a recording.")


def with_recording(
    response: Response | None, recording: Recording, *, fresh: Response, is_settled: bool, at: datetime
) -> Response:
    """The response with one more recording, queued to be scored; stored already: the same response.

    `fresh` is the response to begin with when there is none. A practice item's is only kept. After the result was
    settled a recording is kept as well, and nothing else moves.
    """
    before = response or fresh
    if before.has_recording(recording.recording_id):
        return before
    after = replace(before, recordings=(*before.recordings, recording), revision=before.revision + 1)
    if is_settled or before.state is ResponseState.PRACTICE:
        return after
    return _queued(after, at=at)


def _queued(response: Response, *, at: datetime) -> Response:
    return replace(
        response,
        state=ResponseState.QUEUED,
        tries=0,
        not_before=at,
        lease_until=None,
        reason=None,
        waived_by=None,
        waived_at=None,
    )


def claimed(response: Response, *, at: datetime) -> Response | None:
    """Claimed by a worker until its lease ends; None when there is nothing to claim now."""
    if response.state is not ResponseState.QUEUED or (response.not_before is not None and at < response.not_before):
        return None
    return _changed(
        response, state=ResponseState.CLAIMED, tries=response.tries + 1, lease_until=at + LEASE, not_before=None
    )


def scored(response: Response, *, score: Mapping[str, object], evidence_key: str) -> Response:
    return _changed(
        response, state=ResponseState.SCORED, score=score, evidence_key=evidence_key, lease_until=None, reason=None
    )


def left_to_rater(
    response: Response, *, score: Mapping[str, object], evidence_key: str, reason: str | None
) -> Response:
    """Recorded for people; `score` has no points, only what may help them."""
    return _changed(
        response,
        state=ResponseState.NEEDS_RATER,
        score=score,
        evidence_key=evidence_key,
        lease_until=None,
        reason=reason,
    )


def failed(
    response: Response, *, reason: str, score: Mapping[str, object] | None = None, evidence_key: str | None = None
) -> Response:
    """Another try would end the same way: a person decides. Never a zero: a `score` here has no points."""
    return _changed(
        response,
        state=ResponseState.FAILED,
        score=score,
        evidence_key=evidence_key,
        reason=reason,
        lease_until=None,
        not_before=None,
    )


def put_back(response: Response, *, reason: str, wait: timedelta, at: datetime) -> Response:
    """Queued again after a temporary failure; failed for good after MAX_TRIES."""
    if response.tries >= MAX_TRIES:
        return failed(response, reason=reason)
    return _changed(response, state=ResponseState.QUEUED, not_before=at + wait, lease_until=None, reason=reason)


def backoff(tries: int) -> timedelta:
    """How long to wait after the n-th try: 10 s, 40 s, 160 s ..."""
    return timedelta(seconds=10 * 4 ** max(0, tries - 1))


def asked_again(response: Response, *, at: datetime) -> Response:
    """Queued by a person after a failure. On its way already: the same response. Refused where nothing failed."""
    if response.is_waiting:
        return response
    if not response.recordings or response.state is not ResponseState.FAILED:
        raise Conflict("nothing_to_score", "There is no failed recording to score again.")
    return replace(_queued(response, at=at), score=None, revision=response.revision + 1)


def contested(response: Response, *, at: datetime) -> Response:
    """Queued by a person who doubts its score, or its failure, after the result was settled. On its way already: the
    same response. Refused where there is nothing to score."""
    if response.is_waiting:
        return response
    if not response.recordings or response.state not in (ResponseState.SCORED, ResponseState.FAILED):
        raise Conflict("nothing_to_score", "There is no recording that could be scored again.")
    return replace(_queued(response, at=at), score=None, revision=response.revision + 1)


def waived(response: Response, *, by: str, at: datetime) -> Response:
    """The result is to be settled without this response: a person's decision. Safe to repeat."""
    if response.state not in BLOCKING:
        raise Conflict("not_blocking", "This answer does not hold the result back.")
    if response.waived_by is not None:
        return response
    return _changed(response, waived_by=by, waived_at=at)


def missing(fresh: Response) -> Response:
    return replace(fresh, state=ResponseState.MISSING, reason="no_recording")


def _changed(response: Response, **changes: object) -> Response:
    return replace(response, revision=response.revision + 1, **changes)  # type: ignore[arg-type] # as in model.py
