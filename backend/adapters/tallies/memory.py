"""Counts in this process."""

from collections.abc import Mapping, Sequence

from backend.core.ports import Tallies


class MemoryTallies(Tallies):
    def __init__(self) -> None:
        self._counts: dict[str, Mapping[str, int]] = {}

    def keep(self, attempt_id: str, counts: Mapping[str, int]) -> None:
        self._counts[attempt_id] = dict(counts)

    def read(self, attempt_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        return {attempt_id: self._counts[attempt_id] for attempt_id in attempt_ids if attempt_id in self._counts}
