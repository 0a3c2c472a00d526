"""Campuses in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.core.errors import Conflict
from backend.features.campuses.model import Campus
from backend.features.campuses.repository import Campuses


class MemoryCampuses(Campuses):
    def __init__(self) -> None:
        self._campuses: dict[str, Campus] = {}

    def find(self, campus_id: str) -> Campus | None:
        return self._campuses.get(campus_id)

    def find_many(self, campus_ids: Iterable[str]) -> Mapping[str, Campus]:
        return {key: self._campuses[key] for key in campus_ids if key in self._campuses}

    def add(self, campus: Campus) -> None:
        if any(campus.slug == other.slug or campus.id == other.id for other in self._campuses.values()):
            raise Conflict("already_exists", "This exists already.")
        self._campuses[campus.id] = campus

    def change(self, campus_id: str, **changes: Any) -> None:
        if campus_id in self._campuses:
            self._campuses[campus_id] = replace(self._campuses[campus_id], **changes)

    def list_all(self) -> Sequence[Campus]:
        return sorted(self._campuses.values(), key=lambda campus: campus.slug)
