"""A whole delivery goes to another speech engine, or to one version of its own: because its own stays down, or because
staff decide so."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from backend.core.actor import Actor
from backend.core.errors import Conflict, NotFound
from backend.core.ids import IdSource
from backend.core.jobs import hand_over
from backend.features.attempts import model as attempt_rules
from backend.features.attempts import responses as rules
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.responses import Response, ResponseState
from backend.features.attempts.usecases import SCORE_RESPONSE, change
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.ratings import cohort as cohort_rules
from backend.features.ratings.cohort import Cohort
from backend.features.ratings.model import ENGINE_REASONS
from backend.features.ratings.repository import Cohorts, Desk, Judges

FINISH_MOVE = "ratings.finish_move"
_RACES = 8

log = structlog.get_logger()


def move(cohort: Cohort, desk: Desk, judges: Judges, now: datetime) -> None:
    """By itself, to the next engine that this delivery has not left. Safe to repeat."""
    engine = cohort_rules.next_engine(cohort, judges.listener.engines)
    if engine is not None:
        after = cohort_rules.moved(cohort, engine, by=None, reason=cohort.down_reason or "", at=now)
        _leave(cohort, after, desk)


def move_to(
    *,
    actor: Actor,
    delivery_id: str,
    engine: str,
    engines: Sequence[str],
    reason: str,
    desk: Desk,
    audit_log: AuditLog,
    now: datetime,
    new_id: IdSource,
) -> Cohort:
    """Staff's decision: every spoken answer of the delivery is scored by that engine, which is one of `engines`, those
    of the installation; where it is the delivery's already, by its latest version. Written to the audit log first; the
    reason stays with the cohort.

    Refused: NotFound before any answer was heard, `same_engine`, `engine_not_moved`, `changed_meanwhile`.
    """
    cohort = desk.cohorts.find(delivery_id)
    if cohort is None or not actor.may_administer(cohort.campus_id):
        raise NotFound()
    cohort_rules.check_move(cohort, engine, tuple(engines), reason=reason)
    record(
        actor_id=actor.account_id,
        campus_id=cohort.campus_id,
        action="speech_engine_changed",
        subject_kind="delivery",
        subject_id=delivery_id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
        from_engine=cohort.engine,
        to_engine=engine,
    )
    after = cohort_rules.moved(cohort, engine, by=actor.account_id, reason=reason, at=now)
    if not _leave(cohort, after, desk):
        raise Conflict("changed_meanwhile", "This changed meanwhile. Load the page again.")
    return after


def _leave(cohort: Cohort, after: Cohort, desk: Desk) -> bool:
    """From this write on nothing is heard by the old engine; what it scored is queued again by a job, and by the sweep
    where that is lost."""
    if not desk.cohorts.save(after, seen=cohort):
        return False
    log.warning("cohort_moved", delivery_id=cohort.id, from_engine=cohort.engine, to_engine=after.engine)
    hand_over(desk.jobs, FINISH_MOVE, cohort.id)
    return True


def finish_move(*, delivery_id: str, desk: Desk, now: datetime) -> int:
    """Queues again every answer that another engine than the delivery's heard, or an older version of it, attempt by
    attempt; settled attempts settle once more. How many. Safe to repeat, and to break off: what is queued already is
    passed over."""
    cohort = desk.cohorts.find(delivery_id)
    if cohort is None or cohort.leaving is None:
        return 0
    queued = 0
    for attempt in desk.attempts.list_by_delivery(delivery_id):
        if attempt.state is not AttemptState.VOIDED:
            queued += _queue_again(attempt, cohort, desk, now)
    _note_finished(cohort, desk.cohorts)
    return queued


def _queue_again(attempt: Attempt, cohort: Cohort, desk: Desk, now: datetime) -> int:
    return sum(
        _heard_anew(response, cohort, desk, now)
        for response in desk.responses.list_by_attempt(attempt.id)
        if response.recordings
    )


def _heard_anew(response: Response, cohort: Cohort, desk: Desk, now: datetime) -> bool:
    seen: Response | None = response
    for _ in range(_RACES):
        if seen is None or not _must_be_heard(seen, cohort):
            return False
        if seen.state in rules.JUDGED:
            change(seen.attempt_id, lambda each: attempt_rules.unsettled(each, at=now), attempts=desk.attempts)
        if desk.responses.save(rules.requeued(seen, at=now), seen=seen):
            hand_over(desk.jobs, SCORE_RESPONSE, seen.id)
            return True
        seen = desk.responses.find(response.id)
    return False


def _must_be_heard(response: Response, cohort: Cohort) -> bool:
    """Scored by another engine or version, or by none because one failed; also what a worker has in hand, which may be
    listening with the old one: what that finds is then not saved."""
    if response.state is ResponseState.CLAIMED:
        return True
    if response.state in rules.JUDGED and _was_heard_otherwise(response, cohort):
        return True
    return response.state in (ResponseState.FAILED, ResponseState.QUEUED) and response.reason in ENGINE_REASONS


def _was_heard_otherwise(response: Response, cohort: Cohort) -> bool:
    engine = engine_of(response)
    if engine is None or engine != cohort.engine:
        return engine is not None
    latest = cohort_rules.latest_version(cohort)
    return latest is not None and response.heard_by != latest


def _note_finished(cohort: Cohort, cohorts: Cohorts) -> None:
    """Not where the delivery was moved once more meanwhile: that move is another one to finish."""
    seen: Cohort | None = cohort
    for _ in range(_RACES):
        if seen is None or seen.bound_at != cohort.bound_at:
            return
        if cohorts.save(cohort_rules.rescored(seen), seen=seen):
            return
        seen = cohorts.find(cohort.id)


def engine_of(response: Response) -> str | None:
    """The name of the engine that heard it, as its explanation says; None where people or no engine judged it."""
    held = response.score.get("explanation") if response.score else None
    if not isinstance(held, dict) or rules.is_rated_by_people(response.score):
        return None
    engine = held.get("engine")
    return str(engine["name"]) if isinstance(engine, dict) and engine.get("name") else None
