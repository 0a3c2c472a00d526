"""Rubrics: what people judge an answer by. Criteria with levels, versioned data, immutable once used. Pure.

A level has a number (the higher the better), a share of the points (0..1) and a description. A criterion may feed
traits of the scale; one that feeds none is shown beside the result.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from backend.scoring.scales import TASK_TRAITS
from backend.scoring.score import Points, Trait


class InvalidRubric(ValueError):
    """A rubric that cannot be rated by. The text names what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    number: int
    points: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """`levels` from the lowest up."""

    id: str
    name: str
    question: str
    traits: tuple[Trait, ...]
    levels: tuple[Level, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(level.number for level in self.levels)

    def points_at(self, level: float) -> float:
        """The share of points of a level, also of a mean of two: straight between levels."""
        for low, high in pairwise(self.levels):
            if level <= high.number:
                share = (level - low.number) / (high.number - low.number)
                return low.points + (high.points - low.points) * min(max(share, 0.0), 1.0)
        return self.levels[-1].points


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """`tasks`: the kinds of items that it is for."""

    id: str
    version: str
    name: str
    tasks: tuple[str, ...]
    criteria: tuple[Criterion, ...]

    def criteria_for(self, task: str) -> tuple[Criterion, ...]:
        """Those that are asked for a task: the ones that feed a trait of it, and the ones that feed none."""
        wanted = set(TASK_TRAITS.get(task, ()))
        return tuple(each for each in self.criteria if not each.traits or wanted & set(each.traits))

    def points_of(self, task: str, levels: Mapping[str, float]) -> dict[Trait, Points]:
        """What the levels earn: for each trait of the task the mean of its criteria. `levels` holds all of them."""
        points = {}
        for trait in TASK_TRAITS.get(task, ()):
            shares = [each.points_at(levels[each.id]) for each in self.criteria_for(task) if trait in each.traits]
            if shares:
                points[trait] = Points(value=math.fsum(shares) / len(shares))
        return points


def rubric_from_dict(data: Mapping[str, Any]) -> Rubric:
    """A rubric as `config/rubrics/*.yaml` writes it. InvalidRubric, KeyError or ValueError when it is wrong."""
    rubric = Rubric(
        id=str(data["id"]),
        version=str(data["version"]),
        name=str(data["name"]),
        tasks=tuple(str(task) for task in data["tasks"]),
        criteria=tuple(_criterion(each) for each in data["criteria"]),
    )
    names = [each.id for each in rubric.criteria]
    _check(bool(names) and len(set(names)) == len(names), f"{rubric.id}: criteria need ids of their own")
    for task in rubric.tasks:
        fed = {trait for each in rubric.criteria for trait in each.traits}
        _check(set(TASK_TRAITS.get(task, ())) <= fed, f"{rubric.id}: not every trait of {task} has a criterion")
    return rubric


def _criterion(data: Mapping[str, Any]) -> Criterion:
    levels = tuple(
        Level(number=int(each["level"]), points=float(each["points"]), text=" ".join(str(each["text"]).split()))
        for each in data["levels"]
    )
    name = str(data["id"])
    _check(len(levels) >= 2, f"{name}: at least two levels")
    _check(all(a.number < b.number and a.points < b.points for a, b in pairwise(levels)), f"{name}: levels rise")
    _check(levels[0].points >= 0 and levels[-1].points <= 1, f"{name}: points from 0 to 1")
    return Criterion(
        id=name,
        name=str(data["name"]),
        question=str(data["question"]),
        traits=tuple(Trait(each) for each in data.get("traits", ())),
        levels=levels,
    )


def _check(condition: bool, what: str) -> None:
    if not condition:
        raise InvalidRubric(what)


def rubric_for(task: str, rubrics: Sequence[Rubric]) -> Rubric | None:
    """The newest version of the rubric that is for this task."""
    known = [each for each in rubrics if task in each.tasks]
    return max(known, key=lambda each: _number(each.version), default=None)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
