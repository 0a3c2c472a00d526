"""The only way a view gets a result."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.assessments.repository import Deliveries
from backend.features.results.explanation import Audience
from backend.features.results.model import Release, Result
from backend.features.results.repository import Releases, Results


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenResult:
    """A result as somebody may see it. `replaced_by` is a later result of the same sitting that they may see too."""

    result: Result
    release: Release | None
    replaced_by: str | None


def access_result(actor: Actor, result_id: str, *, results: Results, releases: Releases) -> SeenResult:
    """The result: for those who run its campus, and, once released, for the student whose it is. Else NotFound."""
    result = results.find(result_id)
    if result is None:
        raise NotFound()
    is_staff = actor.may_administer(result.campus_id)
    own = actor.is_student and actor.account_id == result.student_id
    if not is_staff and not own:
        raise NotFound()
    by_id = {release.id: release for release in releases.list_by_attempt(result.attempt_id)}
    release = by_id.get(result.id)
    if own and (release is None or not release.is_open):
        raise NotFound()
    later = [each for each in results.list_by_attempt(result.attempt_id) if each.settlement > result.settlement]
    seen = [each for each in later if is_staff or (each.id in by_id and by_id[each.id].is_open)]
    return SeenResult(result=result, release=release, replaced_by=seen[-1].id if seen else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedResult:
    """A result whose answers somebody may follow, and which form of the explanation is theirs."""

    result: Result
    audience: Audience


def access_explained_result(
    actor: Actor, result_id: str, *, results: Results, releases: Releases, deliveries: Deliveries
) -> ExplainedResult:
    """The result with its answers: for those who run its campus; for its student once it is released and the campus
    shows the answers of that test. Else NotFound."""
    seen = access_result(actor, result_id, results=results, releases=releases)
    if not actor.is_student:
        return ExplainedResult(result=seen.result, audience=Audience.STAFF)
    delivery = deliveries.find(seen.result.delivery_id)
    if delivery is None or not delivery.shows_answers:
        raise NotFound()
    return ExplainedResult(result=seen.result, audience=Audience.STUDENT)


def access_campus_result(actor: Actor, result_id: str, *, results: Results) -> Result:
    """The result, for those who run its campus only; anybody else hears NotFound."""
    result = results.find(result_id)
    if result is None or not actor.may_administer(result.campus_id):
        raise NotFound()
    return result


def list_visible(student_id: str, *, results: Results, releases: Releases) -> Sequence[Result]:
    """A student's released results, of each sitting the latest that is released; the latest sitting first."""
    open_ids = [release.id for release in releases.list_by_student(student_id) if release.is_open]
    latest: dict[str, Result] = {}
    for result in sorted(results.find_many(open_ids).values(), key=lambda each: each.settlement):
        latest[result.attempt_id] = result
    return sorted(latest.values(), key=lambda each: each.completed_at, reverse=True)
