"""Results and releases in memory."""

import threading
from collections.abc import Mapping, Sequence

from backend.core.changes import write_over
from backend.features.results.model import Release, Result
from backend.features.results.repository import Releases, Results


class MemoryResults(Results):
    def __init__(self) -> None:
        self._results: dict[str, Result] = {}
        self._lock = threading.Lock()

    def find(self, result_id: str) -> Result | None:
        return self._results.get(result_id)

    def find_many(self, result_ids: Sequence[str]) -> Mapping[str, Result]:
        return {each: self._results[each] for each in result_ids if each in self._results}

    def add(self, result: Result) -> bool:
        with self._lock:
            if result.id in self._results:
                return False
            self._results[result.id] = result
            return True

    def list_by_attempt(self, attempt_id: str) -> Sequence[Result]:
        return self._sorted([each for each in self._results.values() if each.attempt_id == attempt_id])

    def list_by_delivery(self, delivery_id: str) -> Sequence[Result]:
        return [each for each in self._results.values() if each.delivery_id == delivery_id]

    def list_by_number(self, number: str) -> Sequence[Result]:
        return self._sorted([each for each in self._results.values() if each.number == number])

    def _sorted(self, results: list[Result]) -> list[Result]:
        return sorted(results, key=lambda each: each.settlement)


class MemoryReleases(Releases):
    def __init__(self) -> None:
        self._releases: dict[str, Release] = {}
        self._lock = threading.Lock()

    def find(self, result_id: str) -> Release | None:
        return self._releases.get(result_id)

    def add(self, release: Release) -> bool:
        with self._lock:
            if release.id in self._releases:
                return False
            self._releases[release.id] = release
            return True

    def save(self, release: Release, *, seen: Release) -> bool:
        with self._lock:
            return write_over(self._releases, release, seen=seen)

    def list_by_attempt(self, attempt_id: str) -> Sequence[Release]:
        return [each for each in self._releases.values() if each.attempt_id == attempt_id]

    def list_by_delivery(self, delivery_id: str) -> Sequence[Release]:
        return [each for each in self._releases.values() if each.delivery_id == delivery_id]

    def list_by_student(self, student_id: str) -> Sequence[Release]:
        return [each for each in self._releases.values() if each.student_id == student_id]
