"""What we need from storage, and of the scales."""

from collections.abc import Mapping, Sequence
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

    def save(self, release: Release, *, seen_revision: int) -> bool:
        """Writes it if its stored revision still is `seen_revision`; says whether it did."""

    def list_by_attempt(self, attempt_id: str) -> Sequence[Release]: ...

    def list_by_delivery(self, delivery_id: str) -> Sequence[Release]: ...

    def list_by_student(self, student_id: str) -> Sequence[Release]: ...


class Scales(Protocol):
    """The scale of a test format, with its cut table."""

    def get_for(self, format_id: str) -> Scale:
        """The scale that a format is reported on. Raises PermanentFailure("scale_missing")."""

    def get(self, scale_id: str, version: str) -> Scale:
        """A scale as a result names it. Raises PermanentFailure("scale_missing")."""
