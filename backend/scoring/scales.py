"""From points to a scale: raw share of points -> scaled score -> band, each table versioned data.

Nothing is loaded here: `scale_from_dict` and `descriptors_from_dict` take what a YAML file held. Promises, tested as
properties: more points never lower a score, scaling never reorders candidates, raising a cut never raises a band.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from backend.scoring.score import ItemScore, ScoreStatus, Trait


class InvalidScale(ValueError):
    """A table that would break a promise, or lacks something. The text names what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The lowest scaled score of a band."""

    band: str
    lowest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CutTable:
    """Bands from the lowest up; the first begins at the scale's lowest score."""

    id: str
    source: str
    cuts: tuple[Cut, ...]

    def band_of(self, scaled: int) -> str:
        return next((cut.band for cut in reversed(self.cuts) if scaled >= cut.lowest), self.cuts[0].band)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitScale:
    """`weight` in the overall score; `curve` from raw share of points (0..1) to scaled score, straight between points.

    `sources` says which points count, task by task; without it the points of the trait's own name, of every task.
    `min_items`: fewer scored items than this give no number. `prior_sd` is the spread of raw item values (0..1) that
    the standard error assumes before it has seen this candidate's own. `machine_sd`: the spread between candidates of
    what the machine gets wrong about one in every item alike (raw share), which more items do not remove.
    """

    trait: Trait
    weight: float
    curve: tuple[tuple[float, float], ...]
    min_items: int
    prior_sd: float
    sources: Mapping[str, tuple[Trait, ...]] | None = None
    machine_sd: float = 0.0

    def points_of(self, score: ItemScore) -> tuple[float, float] | None:
        """What an item gives to this trait, as (value, weight); None where it gives nothing."""
        wanted = (self.trait,) if self.sources is None else self.sources.get(score.task, ())
        found = [score.points[trait] for trait in wanted if trait in score.points and score.points[trait].weight > 0]
        if not found:
            return None
        weight = math.fsum(points.weight for points in found)
        return math.fsum(points.value * points.weight for points in found) / weight, weight / len(found)

    def counts(self, score: ItemScore) -> bool:
        """Whether this item should have given something."""
        if score.feeds:
            return self.trait in score.feeds
        if self.sources is not None:
            return score.task in self.sources
        return self.trait in TASK_TRAITS.get(score.task, ())

    def scaled(self, raw: float) -> float:
        return _interpolate(self.curve, raw)


class ErrorsTogether(StrEnum):
    """How far the errors of subscores go the same way, which decides the overall's standard error.

    `always`: wholly, so that the overall's is their weighted sum. `shared_items`: what single answers add as far as two
    subscores are made of the same answers, and wholly what the machine gets wrong in every item alike.
    """

    ALWAYS = "always"
    SHARED_ITEMS = "shared_items"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntelligibilityLabel:
    lowest: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypingGate:
    """Typing above so many words a minute and at least so accurate; below it these traits get no number."""

    above_words_per_minute: float
    least_accuracy: float
    traits: tuple[Trait, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """`descriptors` names the words that its bands are told in."""

    id: str
    version: str
    name: str
    lowest: int
    highest: int
    traits: tuple[TraitScale, ...]
    cut_table: CutTable
    intelligibility: tuple[IntelligibilityLabel, ...]
    low_confidence_below: float
    most_silent_share: float
    typing_gate: TypingGate | None = None
    errors_together: ErrorsTogether = ErrorsTogether.ALWAYS
    descriptors: str = "descriptors_en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscore:
    """`value` and `band` are None when the evidence was not enough (`insufficient_evidence`): never a zero."""

    trait: Trait
    value: int | None
    band: str | None
    sem: float | None
    n_items: int
    n_missing: int
    confidence: float
    insufficient_evidence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledOutcome:
    """`n_missing` items should have counted and had no score; `warnings` are constant codes."""

    overall: int | None
    band: str | None
    sem: float | None
    subscores: Mapping[Trait, Subscore]
    intelligibility: str | None
    confidence: float
    n_items: int
    n_missing: int
    warnings: tuple[str, ...]
    scale_id: str
    scale_version: str
    cut_table_id: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what a result stores."""
        return {
            "overall": self.overall,
            "band": self.band,
            "sem": _rounded(self.sem),
            "intelligibility": self.intelligibility,
            "confidence": round(self.confidence, 4),
            "n_items": self.n_items,
            "n_missing": self.n_missing,
            "warnings": list(self.warnings),
            "scale_id": self.scale_id,
            "scale_version": self.scale_version,
            "cut_table_id": self.cut_table_id,
            "subscores": {
                trait.value: {
                    "value": each.value,
                    "band": each.band,
                    "sem": _rounded(each.sem),
                    "n_items": each.n_items,
                    "n_missing": each.n_missing,
                    "confidence": round(each.confidence, 4),
                    "insufficient_evidence": each.insufficient_evidence,
                }
                for trait, each in self.subscores.items()
            },
        }


# Which traits a task feeds; an item that could not be scored is missing from exactly these.
TASK_TRAITS: dict[str, tuple[Trait, ...]] = {
    "read_aloud": (Trait.FLUENCY, Trait.PRONUNCIATION),
    "repeat": (Trait.SENTENCE_MASTERY, Trait.FLUENCY, Trait.PRONUNCIATION),
    "short_answer": (Trait.VOCABULARY,),
    "sentence_build": (Trait.SENTENCE_MASTERY, Trait.FLUENCY, Trait.PRONUNCIATION),
    "retelling": (Trait.SENTENCE_MASTERY, Trait.VOCABULARY, Trait.FLUENCY, Trait.PRONUNCIATION),
    "open_question": (),
    "conversation": (Trait.VOCABULARY,),
    "sentence_completion": (Trait.VOCABULARY,),
    "dictation": (Trait.LISTENING, Trait.WRITING),
    "passage_reconstruction": (Trait.READING_COMPREHENSION, Trait.GRAMMAR),
    "email": (Trait.GRAMMAR, Trait.VOCABULARY, Trait.ORGANIZATION, Trait.VOICE_AND_TONE),
    "essay": (Trait.GRAMMAR, Trait.VOCABULARY, Trait.ORGANIZATION),
    "typing": (),
}
# Chosen answers speak for the skill that their item names; a scale counts them by `sources`.
CHOSEN = ("multiple_choice", "multiple_response", "gap_fill", "ordering", "matching")
_CHOSEN_TRAITS = (Trait.READING, Trait.LISTENING, Trait.GRAMMAR, Trait.VOCABULARY)
TASK_TRAITS |= dict.fromkeys(CHOSEN, _CHOSEN_TRAITS)


_LEAST_SEM = 1.0  # a scale tells whole numbers


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _interpolate(curve: Sequence[tuple[float, float]], raw: float) -> float:
    """The curve's value at `raw`, flat beyond its ends."""
    if raw <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if raw <= x1:
            return y0 + (y1 - y0) * (raw - x0) / (x1 - x0)
    return curve[-1][1]


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _raw(pairs: Sequence[tuple[float, float]]) -> float:
    """The weighted mean of (value, weight)."""
    total = math.fsum(weight for _, weight in pairs)
    return math.fsum(value * weight for value, weight in pairs) / total


def _raw_sem(pairs: Sequence[tuple[float, float]], prior_sd: float) -> float:
    """The standard error of the raw mean: the candidate's own spread, drawn to the prior as if it were four items."""
    mean, count = _raw(pairs), len(pairs)
    squares = math.fsum((value - mean) ** 2 for value, _ in pairs)
    variance = (squares + 4 * prior_sd**2) / (max(count - 1, 0) + 4)
    return math.sqrt(variance / count)


def _slope(trait: TraitScale, raw: float) -> float:
    """Scaled points per raw share around `raw`."""
    return (trait.scaled(min(raw + 0.05, 1.0)) - trait.scaled(max(raw - 0.05, 0.0))) / (
        min(raw + 0.05, 1.0) - max(raw - 0.05, 0.0)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A subscore before rounding, with its error in two parts: what single answers add, and what the machine gets wrong
    in every item alike. `shares` are the weights of the items that it is made of, by their place."""

    exact: float
    of_items: float
    of_machine: float
    shares: Mapping[int, float]

    @property
    def sem(self) -> float:
        return max(math.hypot(self.of_items, self.of_machine), _LEAST_SEM)


def _subscore(
    item_scores: Sequence[ItemScore], trait: TraitScale, scale: Scale, withheld: frozenset[Trait]
) -> tuple[Subscore, _Measured | None]:
    """The subscore and what it was rounded from."""
    given = {
        place: pair
        for place, each in enumerate(item_scores)
        if each.status is ScoreStatus.SCORED and (pair := trait.points_of(each)) is not None
    }
    scored = [item_scores[place] for place in given]
    missing = sum(each.status is ScoreStatus.NEEDS_HUMAN and trait.counts(each) for each in item_scores)
    pairs = list(given.values())
    confidence = sum(each.confidence for each in scored) / len(scored) if scored else 0.0
    confidence *= len(scored) / max(len(scored) + missing, 1)
    if len(pairs) < trait.min_items or trait.trait in withheld:
        empty = Subscore(
            trait=trait.trait,
            value=None,
            band=None,
            sem=None,
            n_items=len(pairs),
            n_missing=missing,
            confidence=confidence,
            insufficient_evidence=True,
        )
        return empty, None
    raw = _raw(pairs)
    slope = _slope(trait, raw)
    measured = _Measured(
        exact=trait.scaled(raw),
        of_items=_raw_sem(pairs, trait.prior_sd) * slope,
        of_machine=trait.machine_sd * slope,
        shares={place: weight for place, (_, weight) in given.items()},
    )
    value = _half_up(measured.exact)
    return Subscore(
        trait=trait.trait,
        value=value,
        band=scale.cut_table.band_of(value),
        sem=measured.sem,
        n_items=len(pairs),
        n_missing=missing,
        confidence=confidence,
        insufficient_evidence=False,
    ), measured


def _overall_sem(parts: Sequence[tuple[float, _Measured]], together: ErrorsTogether) -> float:
    """The standard error of the weighted mean of subscores; the weights add up to 1."""
    if together is ErrorsTogether.ALWAYS:
        return math.fsum(weight * each.sem for weight, each in parts)
    variance = math.fsum(
        one_weight * other_weight * one.of_items * other.of_items * _overlap(one.shares, other.shares)
        for one_weight, one in parts
        for other_weight, other in parts
    )
    machine = math.fsum(weight * each.of_machine for weight, each in parts)
    return max(math.hypot(math.sqrt(variance), machine), _LEAST_SEM)


def _overlap(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    """How far two subscores are made of the same items, 0 to 1: the correlation of their errors if within an item the
    error is the same one."""
    both = math.fsum(one[place] * other[place] for place in one.keys() & other.keys())
    squares = [math.fsum(weight**2 for weight in each.values()) for each in (one, other)]
    return both / math.sqrt(squares[0] * squares[1])


def _warnings(
    item_scores: Sequence[ItemScore], subscores: Mapping[Trait, Subscore], confidence: float, scale: Scale
) -> list[str]:
    found = []
    missing = sum(each.status is ScoreStatus.NEEDS_HUMAN for each in item_scores)
    if missing:
        found.append("items_missing")
    if any(each.insufficient_evidence for each in subscores.values()):
        found.append("insufficient_evidence")
    if _is_mostly_silent(item_scores, scale):
        found.append("mostly_silent")
    if _withheld(item_scores, scale):
        found.append("typing_too_slow")
    if confidence < scale.low_confidence_below:
        found.append("low_confidence")
    return found


def _withheld(item_scores: Sequence[ItemScore], scale: Scale) -> frozenset[Trait]:
    """The traits without a number because the candidate types too slowly, or not as it is printed."""
    gate = scale.typing_gate
    if gate is None:
        return frozenset()
    typed = [each.explanation for each in item_scores if each.task == "typing" and each.status is ScoreStatus.SCORED]
    slow = any(
        float(each.get("words_per_minute", 0)) <= gate.above_words_per_minute
        or float(each.get("accuracy", 0)) < gate.least_accuracy
        for each in typed
    )
    return frozenset(gate.traits) if slow else frozenset()


def _is_mostly_silent(item_scores: Sequence[ItemScore], scale: Scale) -> bool:
    """Whether so many answers were silence that a dead microphone is likelier than a candidate who said nothing."""
    machine = [each for each in item_scores if TASK_TRAITS.get(each.task)]
    silent = sum(each.reason in ("no_speech", "microphone_silent") for each in machine)
    return bool(machine) and silent / len(machine) >= scale.most_silent_share


def scale_attempt(item_scores: Sequence[ItemScore], scale: Scale) -> ScaledOutcome:
    """Subscores and overall of one attempt, from every item that counts (practice items left out by the caller).

    Items without a score are left out and counted in `n_missing`. The overall needs every trait with a weight, and an
    attempt that is almost all silence gets no numbers but the warning `mostly_silent`: a person must look first.
    """
    if _is_mostly_silent(item_scores, scale):
        usable: Sequence[ItemScore] = [each for each in item_scores if each.status is not ScoreStatus.SCORED]
    else:
        usable = item_scores
    withheld = _withheld(item_scores, scale)
    both = {trait.trait: _subscore(usable, trait, scale, withheld) for trait in scale.traits}
    subscores = {trait: pair[0] for trait, pair in both.items()}
    total = math.fsum(trait.weight for trait in scale.traits)
    parts = [(trait.weight, both[trait.trait][1]) for trait in scale.traits]
    known = [(weight, measured) for weight, measured in parts if measured is not None]
    confidence = math.fsum(subscores[trait.trait].confidence * trait.weight for trait in scale.traits) / total
    overall = sem = None
    if len(known) == len(parts):
        overall = _half_up(math.fsum(measured.exact * weight for weight, measured in known) / total)
        sem = _overall_sem([(weight / total, measured) for weight, measured in known], scale.errors_together)
    pronunciation = subscores.get(Trait.PRONUNCIATION)
    return ScaledOutcome(
        overall=overall,
        band=None if overall is None else scale.cut_table.band_of(overall),
        sem=sem,
        subscores=subscores,
        intelligibility=intelligibility_of(pronunciation.value if pronunciation else None, scale),
        confidence=confidence,
        n_items=sum(each.status is ScoreStatus.SCORED for each in usable),
        n_missing=sum(each.status is ScoreStatus.NEEDS_HUMAN for each in item_scores),
        warnings=tuple(_warnings(item_scores, subscores, confidence, scale)),
        scale_id=scale.id,
        scale_version=scale.version,
        cut_table_id=scale.cut_table.id,
    )


def intelligibility_of(pronunciation: int | None, scale: Scale) -> str | None:
    """The label of a pronunciation subscore, or None without one."""
    if pronunciation is None:
        return None
    return next((each.label for each in reversed(scale.intelligibility) if pronunciation >= each.lowest), None)


def _check(condition: bool, what: str) -> None:
    if not condition:
        raise InvalidScale(what)


def _trait(name: str, data: Mapping[str, Any], lowest: int, highest: int) -> TraitScale:
    curve = tuple((float(raw), float(scaled)) for raw, scaled in data["curve"])
    xs, ys = [x for x, _ in curve], [y for _, y in curve]
    _check(len(curve) >= 2 and xs[0] == 0 and xs[-1] == 1, f"traits.{name}.curve: from raw 0 to raw 1")
    _check(all(a < b for a, b in pairwise(xs)), f"traits.{name}.curve: raw values rise")
    _check(all(a <= b for a, b in pairwise(ys)), f"traits.{name}.curve: scaled values never fall")
    _check(ys[0] >= lowest and ys[-1] <= highest, f"traits.{name}.curve: stays on the scale")
    _check(float(data["weight"]) > 0, f"traits.{name}.weight: above 0")
    _check(float(data.get("machine_sd", 0.0)) >= 0, f"traits.{name}.machine_sd: not below 0")
    _check(int(data["min_items"]) >= 1, f"traits.{name}.min_items: at least 1")
    return TraitScale(
        trait=Trait(name),
        weight=float(data["weight"]),
        curve=curve,
        min_items=int(data["min_items"]),
        prior_sd=float(data["prior_sd"]),
        machine_sd=float(data.get("machine_sd", 0.0)),
        sources=_sources(data["sources"]) if "sources" in data else None,
    )


def _sources(data: Mapping[str, Any]) -> dict[str, tuple[Trait, ...]]:
    unknown = sorted(set(data) - set(TASK_TRAITS))
    _check(not unknown, f"sources: no such task: {', '.join(unknown)}")
    return {str(task): tuple(Trait(name) for name in names) for task, names in data.items()}


def _typing_gate(data: Mapping[str, Any]) -> TypingGate:
    return TypingGate(
        above_words_per_minute=float(data["above_words_per_minute"]),
        least_accuracy=float(data["least_accuracy"]),
        traits=tuple(Trait(name) for name in data["traits"]),
    )


def _cut_table(data: Mapping[str, Any], lowest: int) -> CutTable:
    cuts = tuple(Cut(band=str(each["band"]), lowest=int(each["lowest"])) for each in data["cuts"])
    edges = [cut.lowest for cut in cuts]
    _check(bool(cuts) and edges[0] == lowest, "cut_table.cuts: the first begins at the scale's lowest score")
    _check(all(a < b for a, b in pairwise(edges)), "cut_table.cuts: rise")
    return CutTable(id=str(data["id"]), source=str(data["source"]), cuts=cuts)


def scale_from_dict(data: Mapping[str, Any]) -> Scale:
    """A scale as `config/scales/*.yaml` writes it. InvalidScale, KeyError or ValueError when it is wrong."""
    lowest, highest = int(data["lowest"]), int(data["highest"])
    _check(lowest < highest, "lowest: below highest")
    labels = tuple(
        IntelligibilityLabel(lowest=int(each["lowest"]), label=str(each["label"])) for each in data["intelligibility"]
    )
    return Scale(
        id=str(data["id"]),
        version=str(data["version"]),
        name=str(data["name"]),
        lowest=lowest,
        highest=highest,
        traits=tuple(_trait(name, each, lowest, highest) for name, each in data["traits"].items()),
        cut_table=_cut_table(data["cut_table"], lowest),
        intelligibility=labels,
        low_confidence_below=float(data["low_confidence_below"]),
        most_silent_share=float(data["most_silent_share"]),
        typing_gate=_typing_gate(data["typing_gate"]) if "typing_gate" in data else None,
        errors_together=ErrorsTogether(data.get("errors_together", ErrorsTogether.ALWAYS)),
        descriptors=str(data.get("descriptors", "descriptors_en")),
    )
