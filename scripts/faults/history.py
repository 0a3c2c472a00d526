"""What the checker reads: the stores' final content, reduced to what candidates were promised. Times are seconds since
1970; digests are sha256 in hex."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

OVER = frozenset({"submitted", "expired"})
WAITING = frozenset({"queued", "claimed", "draft"})


class Kind(StrEnum):
    """What a finding is about."""

    LOST = "lost"  # acknowledged, and not there, or not what was scored
    LATE = "late"  # accepted after the deadline and its grace
    DOUBLED = "doubled"  # twice what there may be once
    PHANTOM = "phantom"  # stored, and nobody sent it
    BACKWARDS = "backwards"  # a later reply, or the store, is behind an earlier reply
    RESUME = "resume"  # a resumed attempt is not where, or when, it was
    UNDRAINED = "undrained"  # still waiting although the time to drain is over
    TAMPERED = "tampered"  # the audit log's chain does not verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    kind: Kind
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What an attempt still waits for, in words."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttempt:
    id: str
    delivery_id: str
    student_id: str
    state: str
    position: int
    is_item_open: bool = False
    deadline_s: float | None = None
    ended_s: float | None = None
    is_settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecording:
    """`kept` is the digest of the bytes that the object store gives back; None when it gives none."""

    recording_id: str
    digest: str
    kept: str | None
    stored_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """`scored_from` is the digest of what the stored score was taken from; None without a score, or where unknown."""

    attempt_id: str
    position: int
    state: str
    recordings: tuple[StoredRecording, ...] = ()
    sequence: tuple[int, int] | None = None
    digest: str | None = None
    saved_s: float | None = None
    scored_from: str | None = None
    should_be_scored_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    id: str
    attempt_id: str
    settlement: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMail:
    """One mail that was planned; `accepted` counts how often the provider took it as a new one."""

    id: str
    state: str
    accepted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """`mails_planned` are the ids of the mails that must exist; `audit_problems` what its verification said."""

    attempts: Mapping[str, StoredAttempt] = field(default_factory=dict)
    answers: Mapping[tuple[str, int], StoredAnswer] = field(default_factory=dict)
    results: tuple[StoredResult, ...] = ()
    mails: tuple[StoredMail, ...] = ()
    mails_planned: frozenset[str] = frozenset()
    audit_problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`slack_s`: how far two readings of one machine's clock may differ. `resume_s`: how far a resumed timer may."""

    upload_grace_s: float = 24 * 3600
    answer_grace_s: float = 0
    following_s: float = 0
    slack_s: float = 0.05
    resume_s: float = 1.0
    expire_within_s: float = 60
