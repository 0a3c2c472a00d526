"""Listening to an answer with the engine of its delivery: bound by the first, and waited for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from backend.core.errors import AdapterError, EngineFailure, PermanentFailure
from backend.features.attempts import responses as rules
from backend.features.attempts.responses import Response
from backend.features.ratings import cohort as cohort_rules
from backend.features.ratings.cohort import Cohort
from backend.features.ratings.model import ENGINE_REASONS
from backend.features.ratings.moving import move
from backend.features.ratings.repository import Desk, Judges
from backend.scoring.evidence import Evidence
from backend.scoring.keys import AnswerKey

_RACES = 8

log = structlog.get_logger()


class EngineIsDown(EngineFailure):
    """The delivery's engine fails and another may not stand in for it: the answer waits, and no try is counted."""


def hear(claimed: Response, key: AnswerKey, desk: Desk, judges: Judges, now: datetime) -> Evidence:
    """The evidence of a spoken answer, by its delivery's engine; of the first answer by the first engine that works.

    PermanentFailure: the recordings cannot be decoded, or the only engine needs mending. EngineIsDown: wait.
    """
    takes = claimed.spoken_segments()[: rules.MAX_SEGMENTS]  # more are some client's mischief: people can play all
    recordings = [desk.blobs.get(take.blob_key) for take in takes]
    prompt = _prompt(claimed, desk)

    def gather(engine: str) -> Evidence:
        return judges.listener.gather(recordings, task=claimed.task, key=key, engine=engine, prompt=prompt)

    cohort = desk.cohorts.find(claimed.delivery_id)
    if cohort is None:
        return _bind(claimed, _first_that_works(gather, judges), gather, desk, now)
    try:
        evidence = gather(cohort.engine)
    except EngineFailure as failure:
        raise _while_down(claimed, cohort, failure, desk, judges, now) from failure
    _note_heard(cohort, evidence, desk)
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
    claimed: Response, evidence: Evidence, gather: Callable[[str], Evidence], desk: Desk, now: datetime
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
        versions=(evidence.heard_by,),
    )
    if desk.cohorts.add(mine):
        return evidence
    bound = desk.cohorts.find(claimed.delivery_id)
    if bound is None:
        return evidence
    if bound.engine != evidence.engine:
        evidence = gather(bound.engine)
    _note_heard(bound, evidence, desk)
    return evidence


def _note_heard(cohort: Cohort, evidence: Evidence, desk: Desk) -> None:
    """That the delivery's engine answers, and which version of it heard words: once for each, not for each answer."""
    seen: Cohort | None = cohort
    for _ in range(_RACES):
        if seen is None or seen.engine != evidence.engine:
            return  # moved meanwhile: what this worker found is not saved
        after = cohort_rules.came_back(seen) if evidence.voice.has_speech else seen  # in silence nobody is asked
        if evidence.words:
            after = cohort_rules.heard(after, engine_version=evidence.engine_version, heard_by=evidence.heard_by)
        if after is seen:
            return
        if desk.cohorts.save(after, seen=seen):
            if cohort_rules.older_versions(after) and after.versions != seen.versions:
                log.warning("cohort_heard_by_versions", delivery_id=cohort.id, versions=list(after.versions))
            return
        seen = desk.cohorts.find(cohort.id)


def _while_down(
    claimed: Response, cohort: Cohort, failure: EngineFailure, desk: Desk, judges: Judges, now: datetime
) -> AdapterError:
    """Notes it, and after the installation's patience moves the whole delivery. With one engine there is nothing to
    wait for, and an engine that fails at this answer alone is not down: the failure is the answer's, and a try."""
    engines = judges.listener.engines
    if engines == (cohort.engine,):
        return PermanentFailure(failure.reason) if failure.is_permanent else failure
    is_its_own = cohort_rules.fails_at_one(
        cohort, claimed.id, failed_before=claimed.reason in ENGINE_REASONS, patience=judges.patience, at=now
    )
    if is_its_own:
        noted = cohort_rules.failed_at_one(cohort, claimed.id)
    else:
        noted = cohort_rules.went_down(cohort, claimed.id, reason=failure.reason, at=now)
    if noted is not cohort and not desk.cohorts.save(noted, seen=cohort):
        return EngineIsDown(failure.reason)
    if is_its_own:
        return failure
    if cohort_rules.must_move(noted, engines, patience=judges.patience, at=now):
        move(noted, desk, judges, now)
    return EngineIsDown(failure.reason)


def postponed(claimed: Response, *, reason: str, at: datetime) -> Response:
    """Queued again after the engine's failure: it waits, and the try is not counted."""
    waiting = rules.put_back(replace(claimed, tries=1), reason=reason, wait=rules.backoff(2), at=at)
    return replace(waiting, tries=claimed.tries - 1)
