"""Listening to an answer with the engine of its delivery: bound by the first, waited for, left only as a whole."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from backend.core.errors import AdapterError, Conflict, EngineFailure, PermanentFailure
from backend.core.jobs import hand_over
from backend.features.attempts import model as attempt_rules
from backend.features.attempts import responses as rules
from backend.features.attempts.responses import Response, ResponseState
from backend.features.attempts.usecases import SCORE_RESPONSE, change
from backend.features.ratings import cohort as cohort_rules
from backend.features.ratings.cohort import Cohort
from backend.features.ratings.repository import Desk, Judges
from backend.scoring.evidence import Evidence
from backend.scoring.keys import AnswerKey

log = structlog.get_logger()


class EngineIsDown(EngineFailure):
    """The delivery's engine fails and another may not stand in for it: the answer waits, and no try is counted."""


def hear(claimed: Response, key: AnswerKey, desk: Desk, judges: Judges, now: datetime) -> Evidence:
    """The evidence of a spoken answer, by its delivery's engine; of the first answer by the first engine that works.

    PermanentFailure: the recordings cannot be decoded, or the only engine needs mending. EngineIsDown: wait.
    """
    recordings = [desk.blobs.get(recording.blob_key) for recording in claimed.spoken_segments()]

    prompt = _prompt(claimed, desk)

    def gather(engine: str) -> Evidence:
        return judges.listener.gather(recordings, task=claimed.task, key=key, engine=engine, prompt=prompt)

    cohort = judges.cohorts.find(claimed.delivery_id)
    if cohort is None:
        return _bind(claimed, _first_that_works(gather, judges), gather, judges, now)
    if cohort.leaving is not None:
        finish_move(cohort, desk, judges, now)
    try:
        evidence = gather(cohort.engine)
    except EngineFailure as failure:
        raise _while_down(cohort, failure, desk, judges, now) from failure
    if cohort.down_since is not None:
        judges.cohorts.save(cohort_rules.came_back(cohort), seen_revision=cohort.revision)
    return evidence


def _prompt(response: Response, desk: Desk) -> bytes | None:
    """The sound that the answer's item began with. None where it has none, or it is gone: an answer counts without."""
    attempt = desk.attempts.find(response.attempt_id)
    if attempt is None:
        return None
    blob_key = desk.papers.get(attempt.form_id).get_item(response.position).prompt_key
    try:
        return desk.blobs.get(blob_key) if blob_key else None
    except PermanentFailure:
        return None


def _first_that_works(gather: Callable[[str], Evidence], judges: Judges) -> Evidence:
    failure: EngineFailure | None = None
    for engine in judges.listener.engines:
        try:
            return gather(engine)
        except EngineFailure as failed:
            log.warning("engine_failed", engine=engine, reason=failed.reason)
            failure = failure or failed
    if failure is not None and failure.is_permanent:
        raise PermanentFailure(failure.reason)
    raise failure or PermanentFailure("engine_not_set_up")


def _bind(
    claimed: Response, evidence: Evidence, gather: Callable[[str], Evidence], judges: Judges, now: datetime
) -> Evidence:
    """The first answer in which an engine heard words binds the delivery. Who comes second listens again."""
    if not evidence.words:
        return evidence
    mine = Cohort(
        id=claimed.delivery_id,
        campus_id=claimed.campus_id,
        engine=evidence.engine,
        engine_version=evidence.engine_version,
        bound_at=now,
    )
    if judges.cohorts.add(mine):
        return evidence
    bound = judges.cohorts.find(claimed.delivery_id)
    return evidence if bound is None or bound.engine == evidence.engine else gather(bound.engine)


def _while_down(cohort: Cohort, failure: EngineFailure, desk: Desk, judges: Judges, now: datetime) -> AdapterError:
    """Notes it, and after the installation's patience moves the whole delivery. With one engine there is nothing to
    wait for: its failure is the answer's."""
    engines = judges.listener.engines
    if engines == (cohort.engine,):
        return PermanentFailure(failure.reason) if failure.is_permanent else failure
    noted = cohort_rules.went_down(cohort, reason=failure.reason, at=now)
    if noted is not cohort and not judges.cohorts.save(noted, seen_revision=cohort.revision):
        return EngineIsDown(failure.reason)
    if cohort_rules.must_move(noted, engines, patience=judges.patience, at=now):
        move(noted, desk, judges, now)
    return EngineIsDown(failure.reason)


def move(cohort: Cohort, desk: Desk, judges: Judges, now: datetime) -> None:
    """Binds the whole delivery to the next engine and queues again what the last one scored. Safe to repeat."""
    engine = cohort_rules.next_engine(cohort, judges.listener.engines)
    if engine is None:
        return
    after = cohort_rules.moved(cohort, engine, at=now)
    if judges.cohorts.save(after, seen_revision=cohort.revision):
        log.warning("cohort_moved", delivery_id=cohort.id, from_engine=cohort.engine, to_engine=engine)
        finish_move(after, desk, judges, now)


def finish_move(cohort: Cohort, desk: Desk, judges: Judges, now: datetime) -> None:
    """What a crash left: every answer that the last engine heard is queued; settled attempts settle once more."""
    found = desk.responses.list_by_delivery(cohort.id, [ResponseState.SCORED, ResponseState.FAILED])
    _queue_again([each for each in found if engine_of(each) == cohort.leaving], desk, now)
    judges.cohorts.save(cohort_rules.rescored(cohort), seen_revision=cohort.revision)


def _queue_again(heard: Sequence[Response], desk: Desk, now: datetime) -> None:
    for response in heard:
        try:
            after = rules.contested(response, at=now)
        except Conflict:
            continue
        change(response.attempt_id, lambda seen: attempt_rules.unsettled(seen, at=now), attempts=desk.attempts)
        if after is not response and desk.responses.save(after, seen_revision=response.revision):
            hand_over(desk.jobs, SCORE_RESPONSE, response.id)


def engine_of(response: Response) -> str | None:
    """The name of the engine that heard it, as its explanation says; None where people or no engine judged it."""
    held = response.score.get("explanation") if response.score else None
    if not isinstance(held, dict) or "rated_by_people" in held:
        return None
    engine = held.get("engine")
    return str(engine["name"]) if isinstance(engine, dict) and engine.get("name") else None


def postponed(claimed: Response, *, reason: str, at: datetime) -> Response:
    """Queued again after the engine's failure: it waits, and the try is not counted."""
    waiting = rules.put_back(replace(claimed, tries=1), reason=reason, wait=rules.backoff(2), at=at)
    return replace(waiting, tries=claimed.tries - 1)
