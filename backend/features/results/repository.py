"""What we need from storage, and of the scales."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.features.results.model import Release, Result
from backend.scoring.scales import Scale


class Results(Protocol):
    """Append-only: a result is never changed."""

    def find(self, result_id: str) -> Result | None: ...

    def find_many(self, result_ids: Sequence[str]) -> Mapping[str, Result]:
        """Those that exist, by id."""

    def add(self, result: Result) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def list_by_attempt(self, attempt_id: str) -> Sequence[Result]:
        """By settlement."""

    def list_by_delivery(self, delivery_id: str) -> Sequence[Result]: ...

    def list_by_number(self, number: str) -> Sequence[Result]:
        """The settlements of the sitting with that public identification, by settlement."""


class Releases(Protocol):
    """Writes are compare-and-set on `revision`."""

    def find(self, result_id: str) -> Release | None: ...

    def add(self, release: Release) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, release: Release, *, seen: Release) -> bool:
        """Writes it if its stored revision still is that of `seen`; says whether it did."""

    def list_by_attempt(self, attempt_id: str) -> Sequence[Release]: ...

    def list_by_delivery(self, delivery_id: str) -> Sequence[Release]: ...

    def list_by_student(self, student_id: str) -> Sequence[Release]: ...


class Scales(Protocol):
    """Scales with their cut tables."""

    def get_newest(self, scale_id: str) -> Scale:
        """The newest version of the scale that a form names. Raises PermanentFailure("scale_missing")."""

    def get(self, scale_id: str, version: str) -> Scale:
        """A scale as a result names it. Raises PermanentFailure("scale_missing")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """As much of a student as a result needs, also of one disabled since. `email` is None where none is known."""

    student_id: str
    name: str
    roll_number: str
    email: str | None


class People(Protocol):
    """Students as the persons of results, told by the feature that has them (students)."""

    def find(self, student_id: str) -> Person | None: ...

    def find_many(self, student_ids: Sequence[str]) -> Mapping[str, Person]:
        """Those that exist, by id."""

    def list_by_batch(self, batch_id: str) -> Sequence[Person]:
        """By roll number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMark:
    """How the mail about a result stands: `state` is waiting, sent, failed or unknown."""

    mailing_id: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingMark:
    """A mailing of a delivery, as a list of links needs it."""

    mailing_id: str
    created_at: datetime
    results: int


class MailMarks(Protocol):
    """What was mailed, told by the feature that mails (mailings)."""

    def list_marks(self, delivery_id: str) -> Mapping[str, MailMark]:
        """By result."""

    def list_mailings(self, delivery_id: str) -> Sequence[MailingMark]:
        """The latest first."""
