"""What we need from storage, and of the forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.paper import Paper
from backend.features.attempts.responses import Response, ResponseState, Upload


class Attempts(Protocol):
    """Writes are compare-and-set: they happen only over the revision that was read."""

    def find(self, attempt_id: str) -> Attempt | None: ...

    def add(self, attempt: Attempt) -> None:
        """Raises Conflict when the student has an attempt of that number at that delivery."""

    def save(self, attempt: Attempt, *, seen_revision: int) -> bool:
        """Writes the attempt if its stored revision still is `seen_revision`; says whether it did."""

    def list_by_student(self, delivery_id: str, student_id: str) -> Sequence[Attempt]:
        """By number."""

    def list_by_delivery(self, delivery_id: str) -> Sequence[Attempt]: ...

    def list_all_of_student(self, student_id: str) -> Sequence[Attempt]: ...

    def list_due(self, state: AttemptState, *, at: datetime, limit: int) -> Sequence[Attempt]:
        """Attempts in that state whose `due_at` has come, the longest due first."""


class Responses(Protocol):
    """As Attempts: a response is written only over the revision that was read."""

    def find(self, response_id: str) -> Response | None: ...

    def add(self, response: Response) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, response: Response, *, seen_revision: int) -> bool: ...

    def list_by_attempt(self, attempt_id: str) -> Sequence[Response]:
        """By position."""

    def list_by_delivery(self, delivery_id: str, states: Sequence[ResponseState]) -> Sequence[Response]: ...

    def count_by_attempt(self, attempt_id: str) -> Mapping[ResponseState, int]:
        """How many responses are in each state; states without any are left out."""

    def count_by_delivery(self, delivery_id: str) -> Mapping[str, Mapping[ResponseState, int]]:
        """The same for each attempt of a delivery."""

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Response]:
        """Queued responses that may be claimed at that moment, the longest waiting first."""

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Response]:
        """Claimed responses whose lease has run out."""


class Uploads(Protocol):
    """Announced recordings; forgotten once the attempt is settled."""

    def find(self, upload_id: str) -> Upload | None: ...

    def add(self, upload: Upload) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def list_by_attempt(self, attempt_id: str) -> Sequence[Upload]: ...

    def remove_of_attempt(self, attempt_id: str) -> None: ...


class Papers(Protocol):
    """Forms as papers, told by the feature that has them (items)."""

    def get(self, form_id: str) -> Paper:
        """Raises NotFound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """As much of a student as an exam needs."""

    student_id: str
    campus_id: str
    batch_id: str | None
    name: str
    roll_number: str


class Candidates(Protocol):
    """Students as candidates, told by the feature that has them (students)."""

    def find(self, student_id: str) -> Candidate | None: ...

    def list_by_batch(self, batch_id: str) -> Sequence[Candidate]:
        """By roll number."""
