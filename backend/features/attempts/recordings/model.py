"""An upload: what a recording must turn out to be, and how much of it has arrived. Pure.

A recording that comes in one request leaves no upload behind. One that comes in several keeps its parts as blobs under
`incoming/`, each named by its place, and an `Upload` that says where the next one begins; both are forgotten when the
recording is stored, or when the attempt is settled.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from backend.core.errors import Conflict
from backend.features.attempts.responses import MAX_SEGMENTS, WINDOW_SLACK_MS, is_recorded_type, refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """`cuts` are the ends of the parts that have arrived, in bytes from the beginning; the parts have no gap."""

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
    ended_by: str = ""
    cuts: tuple[int, ...] = ()
    revision: int = 0

    @property
    def id(self) -> str:
        return upload_id(self.attempt_id, self.recording_id)

    @property
    def received(self) -> int:
        """How many bytes from the beginning have arrived: where the next part begins."""
        return self.cuts[-1] if self.cuts else 0

    @property
    def blob_key(self) -> str:
        return f"recordings/{self.campus_id}/{self.sha256}"

    @property
    def part_keys(self) -> tuple[str, ...]:
        """The keys of the parts that have arrived, in order."""
        starts = (0, *self.cuts)
        return tuple(self.part_key(start, end) for start, end in zip(starts, self.cuts, strict=False))

    def part_key(self, start: int, end: int) -> str:
        return f"incoming/{self.campus_id}/{self.attempt_id}/{self.recording_id}/{start}-{end}"

    def is_same_as(self, other: "Upload") -> bool:
        """Whether the other announces this very recording."""
        same = replace(other, registered_at=self.registered_at, cuts=self.cuts, revision=self.revision)
        return same == self


def upload_id(attempt_id: str, recording_id: str) -> str:
    """The client chooses the recording's id; with the attempt's before it, no candidate can touch another's."""
    return f"{attempt_id}:{recording_id}"


def believed(upload: Upload, *, window_ms: int) -> Upload:
    """With no more than its window for a length: a page that slept counts its sleep. Decoding measures the truth."""
    return replace(upload, duration_ms=min(upload.duration_ms, window_ms + WINDOW_SLACK_MS))


def check_upload(upload: Upload, *, max_bytes: int) -> None:
    """Refuses what cannot be a recording of this item: RuleViolation with the mistake by field."""
    if upload.size <= 0:
        raise refused("empty_recording", "Upload-Length", "The recording is empty. Check the microphone.")
    if upload.size > max_bytes:
        raise refused("too_large", "Upload-Length", f"A recording has at most {max_bytes // 1_000_000} MB.")
    if not is_recorded_type(upload.content_type):
        raise refused("unsupported_type", "Content-Type", "This kind of recording is not supported.")
    if not 0 <= upload.segment < MAX_SEGMENTS:
        raise refused("too_many_segments", "X-Segment", f"At most {MAX_SEGMENTS} parts for one item.")


class WrongOffset(Conflict):
    """The part does not begin where the last one ended: go on at `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__("upload_offset", "Send the recording from where it stopped.", facts={"offset": offset})


def with_part(upload: Upload, *, start: int, end: int) -> Upload:
    """The upload with one more part. Raises WrongOffset for any other part than the next."""
    if start != upload.received:
        raise WrongOffset(upload.received)
    return replace(upload, cuts=(*upload.cuts, end), revision=upload.revision + 1)
