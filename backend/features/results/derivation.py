"""How a result's points became its numbers: points -> mean -> curve -> score -> band, step by step. Pure.

The steps are taken again from the stored result and the scale it names, so that a reader can check them with a pencil.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from backend.features.attempts.paper import Paper
from backend.features.results.model import ItemOutcome, Result, TraitResult
from backend.scoring.scales import Scale, TraitScale
from backend.scoring.score import ItemScore, Points, ScoreStatus, Trait


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """The answers of one section to one trait: how many, the sum of their weights, and their weighted mean (0..100)."""

    section_letter: str
    task: str
    count: int
    weight: float
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The piece of the curve in which the mean lies: points 0..100 against scores."""

    from_points: float
    to_points: float
    from_score: float
    to_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitDerivation:
    """One subscore. `mean` 0..100 and `exact` are None where there were too few answers; `band_from` is the band's
    lowest score and `band_below` the lowest score of the next band (None: it is the highest). `share` is the weight in
    the overall score, in percent."""

    trait: str
    settled: TraitResult
    contributions: tuple[Contribution, ...]
    mean: float | None
    exact: float | None
    stretch: Stretch | None
    curve: tuple[tuple[float, float], ...]
    share: float
    band_from: int | None
    band_below: int | None
    min_items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """`exact` is the overall score before rounding, None where a subscore is missing."""

    scale: Scale
    traits: tuple[TraitDerivation, ...]
    exact: float | None


def derive(result: Result, paper: Paper, scale: Scale) -> Derivation:
    """`scale` is the version that the result names."""
    total = math.fsum(each.weight for each in scale.traits)
    traits = tuple(_derive_trait(each, result, paper, scale, total) for each in scale.traits)
    known = [(each.exact, each.share) for each in traits if each.exact is not None]
    whole = len(known) == len(traits) and result.outcome.overall is not None
    exact = math.fsum(value * share for value, share in known) / 100 if whole else None
    return Derivation(scale=scale, traits=traits, exact=exact)


def _derive_trait(trait: TraitScale, result: Result, paper: Paper, scale: Scale, total: float) -> TraitDerivation:
    name = trait.trait.value
    settled = result.get_subscore(name) or _nothing(name)
    contributions = _contributions(trait, result, paper)
    weight = math.fsum(each.weight for each in contributions)
    has_score = settled.value is not None and weight > 0
    mean = math.fsum(each.mean * each.weight for each in contributions) / weight if has_score else None
    lowest, below = _edges(settled.value, scale)
    return TraitDerivation(
        trait=name,
        settled=settled,
        contributions=contributions,
        mean=mean,
        exact=None if mean is None else trait.scaled(mean / 100),
        stretch=None if mean is None else _stretch(trait.curve, mean / 100),
        curve=tuple((100 * raw, scaled) for raw, scaled in trait.curve),
        share=100 * trait.weight / total,
        band_from=lowest,
        band_below=below,
        min_items=trait.min_items,
    )


def _nothing(trait: str) -> TraitResult:
    return TraitResult(trait=trait, value=None, band=None, sem=None, n_items=0, n_missing=0, confidence=0.0)


def _contributions(trait: TraitScale, result: Result, paper: Paper) -> tuple[Contribution, ...]:
    """By section, in the form's order; answers that give the trait nothing are left out."""
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for item in result.items:
        pair = trait.points_of(_score_of(item))
        if pair is not None:
            letter = paper.get_item(item.position).section_letter
            groups.setdefault((letter, item.task), []).append(pair)
    return tuple(_contribution(letter, task, pairs) for (letter, task), pairs in groups.items())


def _score_of(item: ItemOutcome) -> ItemScore:
    """The item's points as the scale reads them."""
    points = {Trait(name): Points(value=each.value, weight=each.weight) for name, each in item.points.items()}
    return ItemScore(task=item.task, scorer_version=item.scorer_version, status=ScoreStatus.SCORED, points=points)


def _contribution(letter: str, task: str, pairs: Sequence[tuple[float, float]]) -> Contribution:
    weight = math.fsum(each for _, each in pairs)
    mean = 100 * math.fsum(value * each for value, each in pairs) / weight
    return Contribution(section_letter=letter, task=task, count=len(pairs), weight=weight, mean=mean)


def _stretch(curve: Sequence[tuple[float, float]], raw: float) -> Stretch:
    low, high = next(
        ((low, high) for low, high in pairwise(curve) if raw <= high[0]),
        (curve[-2], curve[-1]),
    )
    return Stretch(from_points=100 * low[0], to_points=100 * high[0], from_score=low[1], to_score=high[1])


def _edges(value: int | None, scale: Scale) -> tuple[int | None, int | None]:
    if value is None:
        return None, None
    cuts = scale.cut_table.cuts
    reached = [cut.lowest for cut in cuts if value >= cut.lowest]
    above = [cut.lowest for cut in cuts if value < cut.lowest]
    return (reached[-1] if reached else cuts[0].lowest), (above[0] if above else None)
