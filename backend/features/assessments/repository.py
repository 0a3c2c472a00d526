"""What we need from storage, and of the test formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from backend.features.assessments.model import Delivery


class Deliveries(Protocol):
    def find(self, delivery_id: str) -> Delivery | None: ...

    def add(self, delivery: Delivery) -> None: ...

    def save(self, delivery: Delivery, *, seen: Delivery) -> bool:
        """Replaces the delivery if its revision still is that of `seen`; says whether it did."""

    def list_by_campus(self, campus_id: str, *, limit: int = 200) -> Sequence[Delivery]:
        """The latest to open first."""

    def list_by_batch(self, batch_id: str) -> Sequence[Delivery]:
        """The latest to open first."""

    def list_under_way(self, *, before: datetime, limit: int) -> Sequence[Delivery]:
        """Those with a control for everybody under way since before that moment, the longest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedFormat:
    """A test format as the scheduling page offers it. `form_ids` are its published parallel forms, in order."""

    id: str
    version: str
    title: str
    item_count: int
    allowed: timedelta
    form_ids: tuple[str, ...]


class Formats(Protocol):
    """The formats that can be scheduled: those with at least one form."""

    def list_offered(self) -> Sequence[OfferedFormat]: ...

    def find_offered(self, format_id: str) -> OfferedFormat | None: ...


class Standing(StrEnum):
    """How a student stands with a delivery."""

    UPCOMING = "upcoming"
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    RELEASED = "released"
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptMark:
    """As much of an attempt as a list needs. `began` is whether its clock ever started; while it stands (`is_paused`)
    the deadline means nothing."""

    delivery_id: str
    attempt_id: str
    number: int
    began: bool
    is_running: bool
    deadline_at: datetime | None
    is_paused: bool = False


class AttemptMarks(Protocol):
    """What a student's attempts are, told by the feature that has them (attempts)."""

    def list_marks(self, student_id: str) -> Sequence[AttemptMark]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCount:
    """How far a delivery has come, in candidates, and in answers for `unscored` (that hold a result back). `settled`
    counts also who is sitting it once more."""

    candidates: int
    started: int
    running: int
    finished: int
    settled: int
    unscored: int


class DeliveryCounts(Protocol):
    """Told by the feature that has the attempts."""

    def count(self, delivery: Delivery) -> DeliveryCount: ...


class ReleasedResults(Protocol):
    """Which results a student may read, told by the feature that has them (results)."""

    def list_released(self, student_id: str) -> Mapping[str, str]:
        """Delivery id -> the id of the student's latest released result."""
