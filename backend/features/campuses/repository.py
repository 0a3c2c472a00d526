"""What we need from storage."""

from collections.abc import Iterable, Mapping, Sequence
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
