"""The page of the scoring queue: what each test waits for, and how fast it goes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from backend.core.actor import Actor
from backend.features.assessments.model import Delivery, Phase
from backend.features.assessments.repository import Deliveries
from backend.features.attempts.repository import Responses
from backend.features.attempts.responses import ResponseState
from backend.features.campuses.repository import Campuses
from backend.features.ratings.model import Trouble, reason_text
from backend.features.ratings.queue import MEASURED_OVER, Pace, QueueRow
from backend.features.ratings.repository import Cohorts

# A test that opened longer ago than this, and from which nothing waits, is history.
_RECENT = timedelta(days=45)


def measure_pace(*, responses: Responses, now: datetime) -> Pace:
    return Pace(waiting=responses.count_waiting(), judged=responses.count_judged_since(now - MEASURED_OVER, at=now))


def list_queue(
    *,
    actor: Actor,
    deliveries: Deliveries,
    campuses: Campuses,
    responses: Responses,
    cohorts: Cohorts,
    now: datetime,
) -> list[QueueRow]:
    """The actor's recent tests that have begun, those with something to do first, the longest wait before others."""
    names = {campus.id: campus.name for campus in campuses.list_all() if actor.may_administer(campus.id)}
    rows = [
        _row(delivery, names, responses, cohorts, now)
        for campus_id in names
        for delivery in _begun(deliveries.list_by_campus(campus_id), now)
    ]
    return sorted(rows, key=lambda row: (row.is_quiet, -(row.longest_wait or timedelta()).total_seconds(), row.title))


def _begun(found: Sequence[Delivery], now: datetime) -> list[Delivery]:
    return [each for each in found if each.phase(now) is not Phase.UPCOMING and each.opens_at > now - _RECENT]


def _row(
    delivery: Delivery, names: Mapping[str, str], responses: Responses, cohorts: Cohorts, now: datetime
) -> QueueRow:
    def count(state: ResponseState) -> int:
        return responses.count_in(delivery.id, state)

    queued = count(ResponseState.QUEUED)
    first = responses.find_longest_waiting(delivery.id) if queued else None
    cohort = cohorts.find(delivery.id)
    is_down = cohort is not None and cohort.down_since is not None
    return QueueRow(
        delivery_id=delivery.id,
        title=delivery.title,
        campus_name=names[delivery.campus_id],
        queued=queued,
        claimed=count(ResponseState.CLAIMED),
        scored=count(ResponseState.SCORED),
        failed=count(ResponseState.FAILED),
        missing=count(ResponseState.MISSING),
        for_people=count(ResponseState.NEEDS_RATER),
        longest_wait=now - first.arrived_at if first is not None and first.arrived_at is not None else None,
        engine=cohort.engine if cohort is not None else "",
        engine_down=reason_text(cohort.down_reason, Trouble.FAILED) if cohort is not None and is_down else "",
    )
