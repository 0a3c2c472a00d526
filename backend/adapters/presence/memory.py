"""Presence in this process."""

from collections.abc import Mapping, Sequence

from backend.core.ports import Presence, PresenceMark


class MemoryPresence(Presence):
    def __init__(self) -> None:
        self._marks: dict[str, PresenceMark] = {}

    def mark(self, attempt_id: str, mark: PresenceMark) -> None:
        self._marks[attempt_id] = mark

    def read(self, attempt_ids: Sequence[str]) -> Mapping[str, PresenceMark]:
        return {attempt_id: self._marks[attempt_id] for attempt_id in attempt_ids if attempt_id in self._marks}
