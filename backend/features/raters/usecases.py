"""The queue of answers that need a person, rating them, and how far raters and the machine's hints agree."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from backend.core.actor import Actor
from backend.core.errors import Conflict, NotFound, TemporaryFailure
from backend.core.ids import IdSource
from backend.features.assessments.model import Delivery
from backend.features.assessments.repository import Deliveries
from backend.features.attempts import model as attempt_rules
from backend.features.attempts import responses as response_rules
from backend.features.attempts.responses import Response, ResponseState
from backend.features.attempts.usecases import change
from backend.features.audit.usecases import record
from backend.features.raters import model
from backend.features.raters.model import RATABLE, Rating, RatingPlan, Standing, Step
from backend.features.raters.repository import RatersDesk
from backend.features.ratings.usecases import review_judged
from backend.features.results.evidence import Word, mapping, rows
from backend.features.results.explanation import Timeline, Typed, heard_words, timeline_of, typed_pieces
from backend.scoring.agreement import Agreement, agreement_of
from backend.scoring.rubrics import Criterion, Rubric

SWEEP = "raters.sweep"
SWEPT_BACK = timedelta(days=7)
_RACES = 8

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """One answer that people judge. `holds_back`: a result waits for it. `may_rate`: by who is asking."""

    response_id: str
    code: str
    section_letter: str
    number: int
    task: str
    step: Step
    holds_back: bool
    may_rate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    plan: RatingPlan
    lines: tuple[QueueLine, ...]

    def count(self, step: Step) -> int:
        return sum(line.step is step for line in self.lines)

    @property
    def open_to_me(self) -> tuple[QueueLine, ...]:
        return tuple(line for line in self.lines if line.may_rate)


def plan_of(delivery: Delivery, raters: RatersDesk) -> RatingPlan:
    return raters.plans.find(delivery.id) or RatingPlan(id=delivery.id, campus_id=delivery.campus_id)


def get_queue(*, actor: Actor, delivery: Delivery, raters: RatersDesk) -> Queue:
    """Answers that a rubric is for, one question after the other; within a question in no order of persons."""
    plan = plan_of(delivery, raters)
    by_response = _by_response(raters.ratings.list_by_delivery(delivery.id))
    found = raters.desk.responses.list_by_delivery(delivery.id, sorted({*RATABLE, ResponseState.SCORED}))
    lines = []
    for response in found:
        ratings = model.list_counting(by_response.get(response.id, ()), response)
        if not response.has_content or (response.state is ResponseState.SCORED and not ratings):
            continue
        rubric = _rubric_of(response, ratings, raters)
        if rubric is not None:
            lines.append((response, _line(response, ratings, rubric, plan, actor, raters)))
    lines.sort(key=lambda pair: (pair[0].item_id, pair[0].item_version, _shuffled(pair[0].id)))
    return Queue(plan=plan, lines=tuple(line for _, line in lines))


def _shuffled(response_id: str) -> str:
    return hashlib.sha256(response_id.encode()).hexdigest()


def _line(
    response: Response,
    ratings: Sequence[Rating],
    rubric: Rubric,
    plan: RatingPlan,
    actor: Actor,
    raters: RatersDesk,
) -> QueueLine:
    standing = model.standing_of(ratings, rubric, is_double=plan.is_double)
    place = _place(response, raters)
    return QueueLine(
        response_id=response.id,
        code=model.code_of(response.id),
        section_letter=place[0],
        number=place[1],
        task=response.task,
        step=Step.DONE if response.state is ResponseState.SCORED else standing.step,
        holds_back=response.is_blocking,
        may_rate=response.state in RATABLE and standing.may_rate(actor.account_id),
    )


def _place(response: Response, raters: RatersDesk) -> tuple[str, int]:
    attempt = raters.desk.attempts.find(response.attempt_id)
    if attempt is None:
        return "", response.position + 1
    item = raters.desk.papers.get(attempt.form_id).get_item(response.position)
    return item.section_letter, item.number


def _by_response(ratings: Sequence[Rating]) -> dict[str, list[Rating]]:
    found: dict[str, list[Rating]] = {}
    for rating in ratings:
        found.setdefault(rating.response_id, []).append(rating)
    return found


def _rubric_of(response: Response, ratings: Sequence[Rating], raters: RatersDesk) -> Rubric | None:
    """The rubric that the answer's first rating used, so that all of them use one; else the newest."""
    if ratings:
        first = min(ratings, key=lambda each: (each.rated_at, each.id))
        return raters.rubrics.get(first.rubric_id, first.rubric_version)
    return raters.rubrics.find_for(response.task)


def _ratings_of(response: Response, raters: RatersDesk) -> list[Rating]:
    """Those that count."""
    return model.list_counting(raters.ratings.list_by_response(response.id), response)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a rater sees of one answer. `earlier` are the two ratings that differ, for who adjudicates; else none.
    `fingerprint`: of the answer as it is shown."""

    response: Response
    fingerprint: str
    code: str
    section_letter: str
    number: int
    question: str
    rubric: Rubric
    criteria: tuple[Criterion, ...]
    standing: Standing
    earlier: tuple[Rating, ...]
    mine: Rating | None
    words: tuple[Word, ...]
    timeline: Timeline | None
    typed: tuple[Typed, ...]


def get_sheet(*, actor: Actor, delivery: Delivery, response: Response, raters: RatersDesk) -> Sheet:
    """NotFound where no rubric is for the answer's task."""
    ratings = _ratings_of(response, raters)
    rubric = _rubric_of(response, ratings, raters)
    if rubric is None or not response.has_content:
        raise NotFound()
    standing = model.standing_of(ratings, rubric, is_double=plan_of(delivery, raters).is_double)
    letter, number = _place(response, raters)
    version = raters.items.find_version(response.item_id, response.item_version)
    mine = next((each for each in ratings if each.rater_id == actor.account_id), None)
    held = mapping(response.score.get("explanation") if response.score else None)
    adjudicates = standing.step is Step.ADJUDICATION and standing.may_rate(actor.account_id)
    return Sheet(
        response=response,
        fingerprint=model.fingerprint_of(response),
        code=model.code_of(response.id),
        section_letter=letter,
        number=number,
        question=version.headline if version is not None else "",
        rubric=rubric,
        criteria=rubric.criteria_for(response.task),
        standing=standing,
        earlier=tuple(sorted(ratings, key=lambda each: each.rated_at)) if adjudicates else (),
        mine=mine,
        words=heard_words(held),
        timeline=timeline_of(held),
        typed=typed_pieces(held) or _bare_text(response),
    )


def _bare_text(response: Response) -> tuple[Typed, ...]:
    """A typed answer that no scorer has explained."""
    answer = response.answer
    text = "" if answer is None else answer.text or "\n".join(answer.texts)
    return (Typed(text=text, advice=""),) if text else ()


def rate_answer(
    *,
    actor: Actor,
    delivery: Delivery,
    response: Response,
    fingerprint: str,
    saw_others: bool,
    levels: Mapping[str, int],
    notes: str,
    raters: RatersDesk,
    now: datetime,
    new_id: IdSource,
) -> Step:
    """Stores one immutable rating; what the answer waits for now. Safe to repeat: the same rater's first one stands.

    An answer that held its result back gets its points when the ratings agree. Written to the audit log, without
    levels. `fingerprint` and `saw_others` are what the rater's sheet showed. Refused: `not_ratable`, `rated_already`,
    `answer_changed`, `raters_differ`, a level that is missing by field.
    """
    sheet = get_sheet(actor=actor, delivery=delivery, response=response, raters=raters)
    if sheet.mine is not None:
        return _conclude(delivery, response, sheet.rubric, raters, now)
    model.check_ratable(response)
    if not sheet.standing.may_rate(actor.account_id):
        raise Conflict("rated_already", "This answer has its ratings already. Choose another one from the list.")
    model.check_seen(response, sheet.standing, fingerprint=fingerprint, saw_others=saw_others)
    rating = Rating(
        id=model.rating_id(response.id, actor.account_id, fingerprint),
        response_id=response.id,
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        rater_id=actor.account_id,
        task=response.task,
        rubric_id=sheet.rubric.id,
        rubric_version=sheet.rubric.version,
        levels=model.check_levels(levels, sheet.rubric, response.task),
        notes=notes.strip()[: model.NOTES_MAX],
        is_adjudication=sheet.standing.step is Step.ADJUDICATION,
        rated_at=now,
        fingerprint=fingerprint,
    )
    if raters.ratings.add(rating):
        record(
            actor_id=actor.account_id,
            campus_id=delivery.campus_id,
            action="answer_adjudicated" if rating.is_adjudication else "answer_rated",
            subject_kind="response",
            subject_id=response.id,
            audit_log=raters.audit_log,
            now=now,
            new_id=new_id,
            rubric=f"{rating.rubric_id}-{rating.rubric_version}",
        )
    return _conclude(delivery, response, sheet.rubric, raters, now)


def _conclude(delivery: Delivery, response: Response, rubric: Rubric, raters: RatersDesk, now: datetime) -> Step:
    """Gives a failed answer its points once its ratings are done, and follows its attempt to the result."""
    for _ in range(_RACES):
        seen = raters.desk.responses.find(response.id) or response
        ratings = _ratings_of(seen, raters)
        standing = model.standing_of(ratings, rubric, is_double=plan_of(delivery, raters).is_double)
        if standing.step is not Step.DONE or seen.state is not ResponseState.FAILED:
            return standing.step
        change(
            seen.attempt_id,
            lambda attempt: attempt_rules.unsettled(attempt, at=now),
            attempts=raters.desk.attempts,
        )
        score = model.score_by_people(seen, rubric, standing.levels)
        if raters.desk.responses.save(response_rules.rated(seen, score=score.to_dict()), seen=seen):
            log.info("response_rated", response_id=seen.id, rubric=rubric.id)
            review_judged(attempt_id=seen.attempt_id, desk=raters.desk, now=now)
            return standing.step
    raise TemporaryFailure("response_contended")


def conclude_rated(*, delivery: Delivery, raters: RatersDesk, now: datetime) -> int:
    """Gives its points to every failed answer of a delivery whose ratings are done: those that a crash left without,
    and those that one person judged before one was enough. How many. Safe to repeat."""
    failed = raters.desk.responses.list_by_delivery(delivery.id, [ResponseState.FAILED])
    by_response = _by_response(raters.ratings.list_by_delivery(delivery.id)) if failed else {}
    concluded = 0
    for response in failed:
        ratings = model.list_counting(by_response.get(response.id, ()), response)
        rubric = _rubric_of(response, ratings, raters)
        if ratings and rubric is not None:
            concluded += _conclude(delivery, response, rubric, raters, now) is Step.DONE
    return concluded


def sweep(*, deliveries: Deliveries, raters: RatersDesk, now: datetime) -> int:
    """`conclude_rated` wherever people rated lately; how many answers. Two at once do no harm."""
    found = map(deliveries.find, raters.ratings.list_deliveries_since(now - SWEPT_BACK))
    concluded = sum(conclude_rated(delivery=each, raters=raters, now=now) for each in found if each is not None)
    if concluded:
        log.info("ratings_concluded", count=concluded)
    return concluded


def choose_plan(
    *, actor: Actor, delivery: Delivery, is_double: bool, raters: RatersDesk, now: datetime, new_id: IdSource
) -> RatingPlan:
    """One rating an answer, or two; what is done by that gets its points. Written to the audit log. Safe to repeat."""
    before = plan_of(delivery, raters)
    after = model.planned(before, is_double=is_double, at=now)
    if after is not before:
        _store_plan(actor, delivery, before, after, raters, now, new_id)
    conclude_rated(delivery=delivery, raters=raters, now=now)
    return after


def _store_plan(
    actor: Actor,
    delivery: Delivery,
    before: RatingPlan,
    after: RatingPlan,
    raters: RatersDesk,
    now: datetime,
    new_id: IdSource,
) -> None:
    stored = raters.plans.find(delivery.id) is not None
    written = raters.plans.save(after, seen=before) if stored else raters.plans.add(after)
    if not written:
        raise Conflict("changed_meanwhile", "Somebody else has just changed this. Look at it again.")
    record(
        actor_id=actor.account_id,
        campus_id=delivery.campus_id,
        action="double_rating_chosen" if after.is_double else "single_rating_chosen",
        subject_kind="delivery",
        subject_id=delivery.id,
        audit_log=raters.audit_log,
        now=now,
        new_id=new_id,
    )


# -- agreement -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionAgreement:
    """How people agree with each other, and the machine's hints with people, on one criterion."""

    rubric: str
    criterion: Criterion
    people: Agreement
    machine: Agreement


def measure_agreement(*, delivery: Delivery, raters: RatersDesk) -> list[CriterionAgreement]:
    """Criterion by criterion, of every rubric that was used in the delivery. Adjudications are left out: they are seen
    with the others at hand; so are ratings of what an answer was earlier."""
    by_response = _by_response([r for r in raters.ratings.list_by_delivery(delivery.id) if not r.is_adjudication])
    responses = {response_id: raters.desk.responses.find(response_id) for response_id in by_response}
    pairs: dict[tuple[str, str], list[list[Rating]]] = {}
    for response_id, given in by_response.items():
        response = responses[response_id]
        ratings = model.list_counting(given, response) if response is not None else given
        ratings.sort(key=lambda each: (each.rated_at, each.id))
        if ratings:
            pairs.setdefault((ratings[0].rubric_id, ratings[0].rubric_version), []).append(ratings)
    found = []
    for (rubric_id, version), groups in sorted(pairs.items()):
        rubric = raters.rubrics.get(rubric_id, version)
        hints = {group[0].response_id: _hints(responses[group[0].response_id]) for group in groups}
        for criterion in rubric.criteria:
            asked = [group for group in groups if criterion.id in group[0].levels]
            if asked:
                found.append(_agreement(rubric, criterion, asked, hints))
    return found


def _agreement(
    rubric: Rubric, criterion: Criterion, groups: Sequence[Sequence[Rating]], hints: Mapping[str, Mapping[str, int]]
) -> CriterionAgreement:
    people = [(g[0].levels[criterion.id], g[1].levels[criterion.id]) for g in groups if len(g) > 1]
    machine = [
        (hints[rating.response_id][criterion.id], rating.levels[criterion.id])
        for group in groups
        for rating in group
        if hints[rating.response_id].get(criterion.id) in criterion.numbers
    ]
    return CriterionAgreement(
        rubric=rubric.name,
        criterion=criterion,
        people=agreement_of(people, criterion.numbers),
        machine=agreement_of(machine, criterion.numbers),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What the machine would give on a criterion: a level, how sure it is (0..1), and from what."""

    level: int
    confidence: float
    because: str


def hints_of(response: Response) -> dict[str, Hint]:
    """By criterion; empty where its scorer gives none."""
    held = mapping(response.score.get("explanation") if response.score else None)
    return {
        str(row["criterion"]): Hint(
            level=int(str(row["level"])), confidence=float(str(row["confidence"])), because=str(row["because"])
        )
        for row in map(mapping, rows(held.get("hints")))
    }


def _hints(response: Response | None) -> dict[str, int]:
    return {} if response is None else {name: hint.level for name, hint in hints_of(response).items()}


# -- beside a result ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedAnswer:
    """An answer that people judged and that feeds no trait: (criterion, mean level, highest level) in words' order."""

    position: int
    rubric: str
    levels: tuple[tuple[str, float, int], ...]


def list_rated(*, delivery: Delivery, attempt_id: str, raters: RatersDesk) -> list[RatedAnswer]:
    """The open answers of an attempt whose ratings are done, by position."""
    plan = plan_of(delivery, raters)
    found = []
    for response in raters.desk.responses.list_by_attempt(attempt_id):
        if response.state is not ResponseState.NEEDS_RATER:
            continue
        ratings = _ratings_of(response, raters)
        rubric = _rubric_of(response, ratings, raters)
        given = model.levels_of(ratings, rubric, plan) if rubric is not None else {}
        if rubric is not None and given:
            levels = tuple((each.name, given[each.id], each.numbers[-1]) for each in rubric.criteria_for(response.task))
            found.append(RatedAnswer(position=response.position, rubric=rubric.name, levels=levels))
    return found
