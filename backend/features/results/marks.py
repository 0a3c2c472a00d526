"""Which results are out, as the list of tests and the control of attempts need to know it."""

from collections.abc import Mapping

from backend.features.assessments.repository import ReleasedResults
from backend.features.attempts.repository import ReleasedAttempts
from backend.features.results.access import list_visible
from backend.features.results.repository import Releases, Results


class ReleasedFromResults(ReleasedResults):
    def __init__(self, results: Results, releases: Releases) -> None:
        self._results = results
        self._releases = releases

    def list_released(self, student_id: str) -> Mapping[str, str]:
        latest_first = list_visible(student_id, results=self._results, releases=self._releases)
        return {result.delivery_id: result.id for result in reversed(latest_first)}


class ReleasedAttemptsFromResults(ReleasedAttempts):
    def __init__(self, releases: Releases) -> None:
        self._releases = releases

    def is_released(self, attempt_id: str) -> bool:
        return any(release.is_open for release in self._releases.list_by_attempt(attempt_id))
