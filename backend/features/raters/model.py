"""Ratings by people: immutable, by a rubric's criteria; what two of them come to, and when a third one decides. Pure.

    (nobody) --rating--> done, or waits for a second --rating--> done, or differs --adjudication--> done

Two ratings differ when they are more than one level apart on any criterion. Raters see no name.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from backend.core.errors import Conflict, RuleViolation
from backend.features.attempts.responses import Response, ResponseState
from backend.scoring.rubrics import Criterion, Rubric
from backend.scoring.score import ItemScore, ScoreStatus

NOTES_MAX = 2000
_RATED_BY_PEOPLE = 0.9  # confidence of a score that people gave
RATABLE = frozenset({ResponseState.NEEDS_RATER, ResponseState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One rater's levels for one answer, by criterion. Its `id` makes a second one by the same rater impossible."""

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


def rating_id(response_id: str, rater_id: str) -> str:
    return f"{response_id}:{rater_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingPlan:
    """How a delivery is rated: `id` is the delivery's; `is_double`: every answer by two people."""

    id: str
    campus_id: str
    is_double: bool = False
    revision: int = 0


def planned(plan: RatingPlan, *, is_double: bool) -> RatingPlan:
    """So already: the same plan."""
    return plan if plan.is_double is is_double else replace(plan, is_double=is_double, revision=plan.revision + 1)


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
    third = [each for each in ratings if each.is_adjudication]
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
