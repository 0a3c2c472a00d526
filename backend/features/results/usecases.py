"""Settling attempts, releasing their results, and answering who asks whether a report is genuine."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from backend.core.actor import Actor
from backend.core.errors import Conflict, NotFound, TemporaryFailure
from backend.core.ids import IdSource
from backend.core.jobs import hand_over
from backend.core.ports import Jobs
from backend.features.assessments.repository import Deliveries
from backend.features.attempts import model as attempt_rules
from backend.features.attempts import responses as rules
from backend.features.attempts import usecases as attempt_usecases
from backend.features.attempts.model import Attempt
from backend.features.attempts.paper import Paper
from backend.features.attempts.repository import Attempts, Papers, Responses
from backend.features.attempts.responses import Response
from backend.features.attempts.usecases import SCORE_RESPONSE
from backend.features.audit import usecases as audit
from backend.features.audit.repository import AuditLog
from backend.features.results import model
from backend.features.results.model import Release, Result
from backend.features.results.repository import People, Releases, Results, Scales
from backend.features.results.settlement import Sitting, settle
from backend.scoring.scales import Scale

_RACES = 8

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What settling reads and writes."""

    attempts: Attempts
    responses: Responses
    deliveries: Deliveries
    papers: Papers
    scales: Scales
    results: Results
    software: str


def settle_attempt(*, attempt_id: str, settling: Settling, now: datetime) -> Result:
    """The attempt's result, written once. Safe to repeat: as long as no score changed, the same result comes back.

    After a response was scored again a new result, on the same scale, supersedes the last; both stay. Refused:
    Conflict `attempt_running`, `still_scoring`, `answers_unscored`; NotFound for an unknown attempt.
    """
    for _ in range(_RACES):
        earlier = settling.results.list_by_attempt(attempt_id)
        previous = earlier[-1] if earlier else None
        sitting = _sitting(attempt_id, previous, settling)
        result = settle(sitting, previous=previous, now=now)
        if result is previous:
            return result
        if settling.results.add(result):
            log.info("result_settled", result_id=result.id, attempt_id=attempt_id, settlement=result.settlement)
            return result
    raise TemporaryFailure("result_contended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contesting:
    """What having an answer scored again works on."""

    attempts: Attempts
    responses: Responses
    jobs: Jobs
    audit_log: AuditLog


def _sitting(attempt_id: str, previous: Result | None, settling: Settling) -> Sitting:
    attempt = settling.attempts.find(attempt_id)
    delivery = None if attempt is None else settling.deliveries.find(attempt.delivery_id)
    if attempt is None or delivery is None:
        raise NotFound()
    paper = settling.papers.get(attempt.form_id)
    return Sitting(
        attempt=attempt,
        delivery=delivery,
        paper=paper,
        responses=tuple(settling.responses.list_by_attempt(attempt_id)),
        scale=_scale(paper, previous, settling.scales),
        software=settling.software,
    )


def _scale(paper: Paper, previous: Result | None, scales: Scales) -> Scale:
    """The version that the sitting was settled on before, so that one contested answer moves no other subscore."""
    if previous is None:
        return scales.get_newest(paper.scale)
    return scales.get(previous.versions.scale_id, previous.versions.scale_version)


def score_again(
    *, actor: Actor, result: Result, response: Response, contesting: Contesting, now: datetime, new_id: IdSource
) -> Response:
    """Has one answer of a settled attempt scored again, by people where people scored it; a new result supersedes this
    one if its score changes.

    The attempt is opened for settling first: a crash after that only settles the same result again. Safe to repeat.
    Refused: `nothing_to_score`.
    """
    after = rules.contested(response, at=now)
    attempt_usecases.change(
        result.attempt_id, lambda seen: attempt_rules.unsettled(seen, at=now), attempts=contesting.attempts
    )
    if after is not response and not contesting.responses.save(after, seen=response):
        raise Conflict("changed_meanwhile", "This answer changed meanwhile. Load the page again.")
    audit.record(
        actor_id=actor.account_id,
        campus_id=result.campus_id,
        action="answer_contested",
        subject_kind="response",
        subject_id=response.id,
        audit_log=contesting.audit_log,
        now=now,
        new_id=new_id,
        result_id=result.id,
    )
    if after.is_waiting:
        hand_over(contesting.jobs, SCORE_RESPONSE, response.id)
    return after


# -- release ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasing:
    """Who releases, and what for: the audit log gets an entry a result."""

    actor_id: str
    attempts: Attempts
    releases: Releases
    audit_log: AuditLog
    now: datetime
    new_id: IdSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSummary:
    """How many changed, were so already, and could not, by the refusal's code."""

    changed: int
    unchanged: int
    refused: Mapping[str, int]


def release_results(*, chosen: Iterable[Result], releasing: Releasing) -> ReleaseSummary:
    """Releases each; what is released stays so, what `release_result` refuses is counted. Safe to repeat."""
    changed = unchanged = 0
    refused: Counter[str] = Counter()
    for result in chosen:
        try:
            did = release_result(result=result, releasing=releasing)
        except Conflict as refusal:
            refused[refusal.code] += 1
            continue
        changed, unchanged = changed + did, unchanged + (not did)
    return ReleaseSummary(changed=changed, unchanged=unchanged, refused=refused)


def release_result(*, result: Result, releasing: Releasing) -> bool:
    """Lets the student see it; whether that is new.

    Refused: `nothing_to_release` when there is no score in it, `attempt_not_over` when staff reopened or voided it,
    `not_settled` while a later result may take its place.
    """
    model.check_may_release(result)
    attempt = releasing.attempts.find(result.attempt_id)
    if attempt is not None:
        _check_settled(attempt)
    fresh = model.release_of(result, by=releasing.actor_id, at=releasing.now)
    if releasing.releases.add(fresh):
        _record(releasing, "result_released", fresh)
        is_new = True
    else:
        is_new = _change(
            result.id,
            lambda seen: model.released_again(seen, by=releasing.actor_id, at=releasing.now),
            releasing,
            "result_released",
        )
    if is_new and attempt is not None:
        _hold_against_reopening(result, releasing)
    return is_new


def _check_settled(attempt: Attempt) -> None:
    if not attempt.is_over:
        raise Conflict("attempt_not_over", "This test was reopened or voided: its earlier result does not count.")
    if attempt.settled_at is None:
        raise Conflict("not_settled", "Answers of this test are still being dealt with: the result may change.")


def _hold_against_reopening(result: Result, releasing: Releasing) -> None:
    """Of a release and a reopening (voiding, contesting) at the same moment one loses. Who reopens writes over the
    revision that it saw before it asked for a release: either that write fails and finds ours, or we find its."""

    def step(seen: Attempt) -> Attempt:
        _check_settled(seen)
        return attempt_rules.touched(seen)

    try:
        attempt_usecases.change(result.attempt_id, step, attempts=releasing.attempts)
    except Conflict:
        _withdraw(result.id, releasing)
        raise


def withdraw_result(*, result: Result, releasing: Releasing) -> bool:
    """Takes back all that the student sees of this sitting, or an earlier result would show instead; whether there was
    any. Safe to repeat."""
    opened = [each.id for each in releasing.releases.list_by_attempt(result.attempt_id) if each.is_open]
    return sum(_withdraw(result_id, releasing) for result_id in opened) > 0


def _withdraw(result_id: str, releasing: Releasing) -> bool:
    return _change(
        result_id,
        lambda seen: model.withdrawn(seen, by=releasing.actor_id, at=releasing.now),
        releasing,
        "result_withdrawn",
    )


def _change(result_id: str, step: Callable[[Release], Release], releasing: Releasing, action: str) -> bool:
    for _ in range(_RACES):
        seen = releasing.releases.find(result_id)
        if seen is None:
            raise NotFound()
        after = step(seen)
        if after is seen:
            return False
        if releasing.releases.save(after, seen=seen):
            _record(releasing, action, after)
            return True
    raise TemporaryFailure("release_contended")


def _record(releasing: Releasing, action: str, release: Release) -> None:
    audit.record(
        actor_id=releasing.actor_id,
        campus_id=release.campus_id,
        action=action,
        subject_kind="result",
        subject_id=release.id,
        audit_log=releasing.audit_log,
        now=releasing.now,
        new_id=releasing.new_id,
        delivery_id=release.delivery_id,
    )


def list_released(delivery_id: str, *, results: Results, releases: Releases) -> Sequence[Result]:
    """Of each sitting of the delivery the latest result that is released."""
    open_ids = {release.id for release in releases.list_by_delivery(delivery_id) if release.is_open}
    seen = [each for each in results.list_by_delivery(delivery_id) if each.id in open_ids]
    return list(model.latest_of(seen).values())


def get_released(result_id: str, *, results: Results, releases: Releases) -> Result | None:
    """The result while its release is open; None once it was withdrawn, or never released."""
    return results.find(result_id) if _is_open(result_id, releases) else None


def is_superseded(result: Result, *, results: Results, releases: Releases) -> bool:
    """Whether the student sees a later result of the same sitting."""
    later = [each for each in results.list_by_attempt(result.attempt_id) if each.settlement > result.settlement]
    return any(_is_open(each.id, releases) for each in later)


def _is_open(result_id: str, releases: Releases) -> bool:
    release = releases.find(result_id)
    return release is not None and release.is_open


# -- verification ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What anybody with a report in hand may be told. `name_agrees` is None when no name was asked about."""

    result: Result
    name_agrees: bool | None


def verify_number(
    *, typed: str, name: str, results: Results, releases: Releases, people: People
) -> Verification | None:
    """Whether a released result has this number: then its figures, and whether the name is the candidate's.

    The name itself is never told. None: no such number, or nothing released under it; the two look alike.
    """
    number = model.read_number(typed)
    if number is None:
        return None
    seen = [each for each in results.list_by_number(number) if _is_open(each.id, releases)]
    if not seen:
        return None
    return Verification(result=seen[-1], name_agrees=_agrees(name, seen[-1].student_id, people) if name else None)


def _agrees(name: str, student_id: str, people: People) -> bool:
    person = people.find(student_id)
    return person is not None and _comparable(person.name) == _comparable(name)


def _comparable(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
