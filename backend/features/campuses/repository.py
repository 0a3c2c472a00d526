"""What we need from storage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.features.campuses.model import Campus


class Campuses(Protocol):
    def find(self, campus_id: str) -> Campus | None: ...

    def find_many(self, campus_ids: Iterable[str]) -> Mapping[str, Campus]: ...

    def add(self, campus: Campus) -> None:
        """Raises Conflict when the slug is taken."""

    def change(self, campus_id: str, **changes: object) -> None:
        """Sets fields; never the slug."""

    def list_all(self) -> Sequence[Campus]:
        """In the order of slugs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OngoingTest:
    """A test that keeps a campus from being closed. `sitting` is how many are in it now."""

    delivery_id: str
    title: str
    opens_at: datetime
    closes_at: datetime
    sitting: int


class OngoingTests(Protocol):
    """Told by the feature that has the attempts."""

    def list_ongoing(self, campus_id: str, *, at: datetime) -> Sequence[OngoingTest]:
        """Those that are open, still to come, or being sat after their closing."""
