"""How far scoring is: what each test waits for, which engine does it, and an honest time to finish: measured over the
last minutes, or said to be unknown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.core.actor import Actor
from backend.features.assessments.model import Delivery, Phase
from backend.features.assessments.repository import Deliveries
from backend.features.attempts.repository import Responses
from backend.features.attempts.responses import ResponseState
from backend.features.campuses.repository import Campuses
from backend.features.ratings import cohort as cohort_rules
from backend.features.ratings.cohort import EngineMove
from backend.features.ratings.model import Trouble, engine_name, reason_text
from backend.features.ratings.repository import Cohorts

MEASURED_OVER = timedelta(minutes=5)
_FEWEST_TO_MEASURE = 5  # of fewer answers nobody can tell a pace
# A test that opened longer ago than this, and from which nothing waits, is history.
_RECENT = timedelta(days=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the whole installation does, because all tests share one queue: `judged` answers in the last
    `MEASURED_OVER`, `waiting` answers now."""

    waiting: int
    judged: int

    @property
    def per_minute(self) -> float | None:
        """None: too few were measured."""
        if self.judged < _FEWEST_TO_MEASURE:
            return None
        return self.judged / (MEASURED_OVER.total_seconds() / 60)

    @property
    def minutes_left(self) -> int | None:
        """Until everything that waits now has its turn, rounded up; None: not known. 0: nothing waits."""
        if not self.waiting:
            return 0
        pace = self.per_minute
        return None if pace is None else max(1, math.ceil(self.waiting / pace))


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMove:
    """A test's earlier engine, why it was left and by whom; `by`: an account id, None where nobody decided.
    `to_version`: not another engine, but one version of this one for all answers."""

    engine: str
    to_version: bool
    until: datetime
    by: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    """Which engine one test is scored by, all names in plain words. `down_since` and `down_reason`: while it fails;
    `is_moving`: what another engine scored is still being queued again; `heard_otherwise`: answers that older versions
    of it heard, `heard_by`: its latest; `choices`: (code, name) of those that staff may have all answers scored with;
    `moves`: the latest first."""

    name: str
    version: str
    down_since: datetime | None
    down_reason: str
    is_moving: bool
    heard_otherwise: int
    heard_by: str
    choices: tuple[tuple[str, str], ...]
    moves: tuple[PastMove, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One delivery: answers that wait, are being scored, failed, are missing, or are for people. `longest_wait`: of the
    answer whose turn comes first. `engine_down`: why its speech engine fails, in plain words."""

    delivery_id: str
    title: str
    campus_name: str
    queued: int
    claimed: int
    scored: int
    failed: int
    missing: int
    for_people: int
    longest_wait: timedelta | None
    engine: str
    engine_down: str

    @property
    def waiting(self) -> int:
        return self.queued + self.claimed

    @property
    def is_quiet(self) -> bool:
        """Nothing waits, and nobody has to act."""
        return not (self.waiting or self.failed or self.missing or self.for_people)


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
        engine=engine_name(cohort.engine) if cohort is not None else "",
        engine_down=reason_text(cohort.down_reason, Trouble.FAILED) if cohort is not None and is_down else "",
    )


def describe_engine(
    *, delivery_id: str, engines: Sequence[str], cohorts: Cohorts, responses: Responses
) -> EngineView | None:
    """The engine of a test, of which `engines` are those of the installation; None before any answer was heard."""
    cohort = cohorts.find(delivery_id)
    if cohort is None:
        return None
    is_down = cohort.down_since is not None
    heard_otherwise = sum(responses.count_heard_by(cohort.id, each) for each in cohort_rules.older_versions(cohort))
    choices = [(each, engine_name(each)) for each in cohort_rules.others(cohort, tuple(engines))]
    if heard_otherwise and cohort.engine in engines:
        choices.insert(0, (cohort.engine, f"{engine_name(cohort.engine)}, as it is now"))
    return EngineView(
        name=engine_name(cohort.engine),
        version=cohort.engine_version,
        down_since=cohort.down_since,
        down_reason=reason_text(cohort.down_reason, Trouble.FAILED) if is_down else "",
        is_moving=cohort.leaving is not None,
        heard_otherwise=heard_otherwise,
        heard_by=cohort_rules.latest_version(cohort) or "",
        choices=tuple(choices),
        moves=tuple(_past(move) for move in reversed(cohort.moves)),
    )


def _past(move: EngineMove) -> PastMove:
    reason = move.reason if move.by is not None else reason_text(move.reason, Trouble.FAILED)
    return PastMove(
        engine=engine_name(move.from_engine),
        to_version=move.to_engine == move.from_engine,
        until=move.at,
        by=move.by,
        reason=reason,
    )
