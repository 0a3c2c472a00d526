"""The response file: what it looks like, and what reading it refuses. Pure.

    VIVA-ANSWERS-1 newline
    {"attempt_id": ..., "made_at": ...} newline
    sealed with the attempt's storage key, label "answers:<attempt_id>":
        4 bytes, length of the head || head as JSON || the recordings' bytes, one after another

The head (`schemas.HeadSchema`) says what the server had not acknowledged when the file was made: moves, drafts, and of
each recording what is said of it when it is uploaded. It comes from a device that we do not run, so everything in it is
checked as if the device had sent it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.core.errors import RuleViolation
from backend.core.sealing import Unreadable, derive_key, unseal

MAGIC = b"VIVA-ANSWERS-1\n"
_MOST_OUTSIDE = 1_000
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFile:
    """Sealed: only whose it says to be can be read."""

    attempt_id: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledRecording:
    """A recording in the file; `data` are its bytes, `is_whole` whether they are what the device says they were."""

    recording_id: str
    position: int
    segment: int
    sha256: str
    content_type: str
    duration_ms: int
    data: bytes
    ended_by: str = ""

    @property
    def is_whole(self) -> bool:
        return hashlib.sha256(self.data).hexdigest() == self.sha256


class Fate(StrEnum):
    """What became of one answer of the file."""

    STORED = "stored"
    KNOWN = "known"
    LATE = "late"
    DAMAGED = "damaged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One answer of the file and its fate; `reason` is a code where it was refused."""

    position: int
    is_recording: bool
    fate: Fate
    reason: str = ""


def read_file(data: bytes) -> ResponseFile:
    """Raises RuleViolation("not_a_response_file")."""
    try:
        magic, outside, sealed = data.split(b"\n", 2)
        names = json.loads(outside) if magic + b"\n" == MAGIC and len(outside) <= _MOST_OUTSIDE else None
    except ValueError:
        raise _not_one() from None
    attempt_id = names.get("attempt_id") if isinstance(names, dict) else None
    if not isinstance(attempt_id, str) or not attempt_id:
        raise _not_one()
    return ResponseFile(attempt_id=attempt_id, sealed=sealed)


def open_file(file: ResponseFile, *, secret: str) -> tuple[Mapping[str, object], bytes]:
    """The head as JSON says it, and the recordings' bytes. Raises RuleViolation("file_damaged")."""
    key = derive_key(secret, "storage", file.attempt_id)
    try:
        inside = unseal(key, file.sealed, label=f"answers:{file.attempt_id}")
        length = int.from_bytes(inside[:_LENGTH_BYTES], "big")
        head = json.loads(inside[_LENGTH_BYTES : _LENGTH_BYTES + length])
    except (Unreadable, ValueError):
        raise damaged() from None
    if not isinstance(head, dict):
        raise damaged()
    return head, inside[_LENGTH_BYTES + length :]


def split_recordings(described: Sequence[Mapping[str, object]], data: bytes) -> tuple[FiledRecording, ...]:
    """The recordings with their bytes, by the sizes that the head gives. Raises RuleViolation("file_damaged")."""
    found: list[FiledRecording] = []
    at = 0
    for each in described:
        rest = dict(each)
        size = int(str(rest.pop("size")))
        found.append(FiledRecording(**rest, data=data[at : at + size]))  # type: ignore[arg-type] # the schema's fields
        at += size
    if at != len(data):
        raise damaged()
    return tuple(found)


def _not_one() -> RuleViolation:
    text = "This is not a file of saved answers. Choose the file that the exam's page saved; its name ends in .viva."
    return RuleViolation("not_a_response_file", text, errors={"file": [text]})


def damaged() -> RuleViolation:
    text = "The file is damaged, or was made on another Viva. Copy it from the device once more."
    return RuleViolation("file_damaged", text, errors={"file": [text]})
