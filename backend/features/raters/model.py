"""Ratings by people: immutable, by a rubric's criteria; what two of them come to, and when a third one decides. Pure.

    (nobody) --rating--> done, or waits for a second --rating--> done, or differs --adjudication--> done

Two ratings differ when they are more than one level apart on any criterion. Raters see no name. A rating belongs to an
answer as it was judged: once that is another one, or is looked at again, it no longer counts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

from backend.core.errors import Conflict, RuleViolation
from backend.features.attempts.responses import Response, ResponseState, is_rated_by_people
from backend.scoring.rubrics import Criterion, Rubric
from backend.scoring.score import ItemScore, ScoreStatus

NOTES_MAX = 2000
_RATED_BY_PEOPLE = 0.9  # confidence of a score that people gave
RATABLE = frozenset({ResponseState.NEEDS_RATER, ResponseState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One rater's levels for one answer, by criterion. Its `id` makes a second one by the same rater impossible.

    `fingerprint`: of what was judged; "" in ratings from before it was kept.
    """

    id: str
    response_id: str
    delivery_id: str
    campus_id: str
    rater_id: str
    task: str
    rubric_id: str
    rubric_version: str
    levels: Mapping[str, int]
    notes: str
    is_adjudication: bool
    rated_at: datetime
    fingerprint: str = ""


def rating_id(response_id: str, rater_id: str, fingerprint: str) -> str:
    return f"{response_id}:{rater_id}:{fingerprint}"


def fingerprint_of(response: Response) -> str:
    """Of what people judge: the recordings that are heard, what was typed, and how often it was looked at again."""
    judged = [
        [recording.recording_id for recording in response.spoken_segments()],
        None if response.answer is None else asdict(response.answer),
        sum(is_rated_by_people(each.score) for each in response.earlier),
    ]
    return hashlib.sha256(json.dumps(judged).encode()).hexdigest()[:16]


def list_counting(ratings: Sequence[Rating], response: Response) -> list[Rating]:
    """The ratings of an answer as it stands. One without a fingerprint counts if nothing changed since."""
    if not ratings:  # nearly every answer: the machine scored it
        return []
    fingerprint = fingerprint_of(response)
    return [
        each
        for each in ratings
        if each.fingerprint == fingerprint or (not each.fingerprint and _is_as_it_was(response, each.rated_at))
    ]


def _is_as_it_was(response: Response, moment: datetime) -> bool:
    if response.arrived_at is not None and response.arrived_at > moment:
        return False
    return not any(
        each.replaced_at > moment and (each.answer is not None or is_rated_by_people(each.score))
        for each in response.earlier
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingPlan:
    """How a delivery is rated: `id` is the delivery's; `is_double`: every answer by two people, lastly since
    `doubled_at`: what one person had judged by then was done."""

    id: str
    campus_id: str
    is_double: bool = False
    doubled_at: datetime | None = None
    revision: int = 0


def planned(plan: RatingPlan, *, is_double: bool, at: datetime) -> RatingPlan:
    """So already: the same plan."""
    if plan.is_double is is_double:
        return plan
    doubled_at = at if is_double else plan.doubled_at
    return replace(plan, is_double=is_double, doubled_at=doubled_at, revision=plan.revision + 1)


class Step(StrEnum):
    """What an answer waits for."""

    RATING = "rating"
    SECOND = "second"
    ADJUDICATION = "adjudication"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`levels` by criterion once it is done: of two ratings that agree the mean, after an adjudication its levels."""

    step: Step
    levels: Mapping[str, float]
    raters: frozenset[str]

    def may_rate(self, rater_id: str) -> bool:
        """Everybody judges an answer once."""
        return self.step is not Step.DONE and rater_id not in self.raters


def standing_of(ratings: Sequence[Rating], rubric: Rubric, *, is_double: bool) -> Standing:
    """Where an answer stands; `ratings` in any order."""
    raters = frozenset(each.rater_id for each in ratings)
    first = sorted((each for each in ratings if not each.is_adjudication), key=lambda each: (each.rated_at, each.id))
    third = sorted((each for each in ratings if each.is_adjudication), key=lambda each: (each.rated_at, each.id))
    if third:
        return Standing(step=Step.DONE, levels=dict(third[0].levels), raters=raters)
    if not first:
        return Standing(step=Step.RATING, levels={}, raters=raters)
    if len(first) == 1:
        done = not is_double
        return Standing(step=Step.DONE if done else Step.SECOND, levels=dict(first[0].levels), raters=raters)
    if list_differing(first[0], first[1], rubric):
        return Standing(step=Step.ADJUDICATION, levels={}, raters=raters)
    levels = {name: (level + first[1].levels[name]) / 2 for name, level in first[0].levels.items()}
    return Standing(step=Step.DONE, levels=levels, raters=raters)


def levels_of(ratings: Sequence[Rating], rubric: Rubric, plan: RatingPlan) -> Mapping[str, float]:
    """What people gave, once it is done; it stays while a second person, asked for later, is waited for. Else empty."""
    standing = standing_of(ratings, rubric, is_double=plan.is_double)
    if standing.step is not Step.DONE and plan.doubled_at is not None:
        before = [each for each in ratings if each.rated_at < plan.doubled_at]
        standing = standing_of(before, rubric, is_double=False)
    return standing.levels if standing.step is Step.DONE else {}


def list_differing(one: Rating, other: Rating, rubric: Rubric) -> list[Criterion]:
    """The criteria on which two ratings are more than one level apart."""
    found = []
    for criterion in rubric.criteria_for(one.task):
        numbers = criterion.numbers
        if abs(numbers.index(one.levels[criterion.id]) - numbers.index(other.levels[criterion.id])) > 1:
            found.append(criterion)
    return found


def check_levels(levels: Mapping[str, int], rubric: Rubric, task: str) -> dict[str, int]:
    """A level for each criterion of the task, and no other; every mistake by field."""
    errors = {}
    for criterion in rubric.criteria_for(task):
        if levels.get(criterion.id) not in criterion.numbers:
            errors[criterion.id] = [f"{criterion.name}: choose a level."]
    if errors:
        raise RuleViolation("invalid_input", "Some of the input needs another look.", errors=errors)
    return {criterion.id: levels[criterion.id] for criterion in rubric.criteria_for(task)}


def check_ratable(response: Response) -> None:
    """Refuses what has no recording or text, or needs no person."""
    if response.state not in RATABLE or not response.has_content:
        raise Conflict("not_ratable", "This answer needs no rater any more. Choose another one from the list.")


def check_seen(response: Response, standing: Standing, *, fingerprint: str, saw_others: bool) -> None:
    """Refuses levels for another answer than the one that was judged (`answer_changed`), and a deciding rating by who
    did not see that two others differ (`raters_differ`)."""
    if fingerprint != fingerprint_of(response):
        raise Conflict("answer_changed", "This answer changed while you judged it. Judge it as it is now.")
    if standing.step is Step.ADJUDICATION and not saw_others:
        raise Conflict("raters_differ", "Two others judged this answer meanwhile, and differ. Look at their levels.")


def score_by_people(response: Response, rubric: Rubric, levels: Mapping[str, float]) -> ItemScore:
    """The score of an answer that the machine did not trust itself with. The machine's explanation stays beside it."""
    held = response.score.get("explanation") if response.score else None
    explanation = dict(held) if isinstance(held, Mapping) else {}
    return ItemScore(
        task=response.task,
        scorer_version=f"rubric {rubric.id}-{rubric.version}",
        status=ScoreStatus.SCORED,
        points=rubric.points_of(response.task, levels),
        confidence=_RATED_BY_PEOPLE,
        reason=None,
        explanation={**explanation, "rated_by_people": dict(levels)},
    )


def code_of(response_id: str) -> str:
    """How raters speak of an answer without a name: four letters and digits, always the same."""
    return hashlib.sha256(f"rater\n{response_id}".encode()).hexdigest()[:4].upper()
