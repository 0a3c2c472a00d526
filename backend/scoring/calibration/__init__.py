"""From an engine's numbers to what experts would say. Pure: the data come as an argument, evaluated in numpy.

A calibration is a set of models, one per mode (`read`: the text is known; `open`: it is not). Each is, per aspect, a
ridge line and a sum of small regression trees, averaged; beside them a line over a recogniser's inner states, and small
networks over both. All are arrays, so nothing executable is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.scoring.evidence import Aspects

ASPECTS = ("accuracy", "fluency", "prosodic", "total")
Floats = npt.NDArray[np.float64]
_FARTHEST = 4.0  # standard deviations that a state may stray from the training data


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Regression trees as flat arrays. `feature` is -1 at a leaf; children are indexes into the same arrays."""

    roots: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int64]
    threshold: Floats
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    value: Floats

    def predict(self, x: Floats) -> float:
        """The sum over trees of the leaf that `x` (one row) falls into."""
        at = self.roots.copy()
        while (inner := self.feature[at] >= 0).any():
            goes_left = x[self.feature[at]] <= self.threshold[at]
            at = np.where(inner, np.where(goes_left, self.left[at], self.right[at]), at)
        return float(self.value[at].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class AspectModel:
    """`share` is the weight of the trees against the line."""

    intercept: float
    slopes: Floats
    base: float
    trees: Trees
    share: float

    def predict(self, x: Floats, standard: Floats) -> float:
        line = self.intercept + float(self.slopes @ standard)
        return self.share * (self.base + self.trees.predict(x)) + (1 - self.share) * line


@dataclass(frozen=True, slots=True, kw_only=True)
class Nets:
    """Networks of one hidden layer that see features and the main directions of the states, and give every aspect.

    `directions` (states, kept) and `offset` make the kept ones; `hidden` (nets, inputs, units), `bias` (nets, units),
    `out` (nets, units, aspects), `out_bias` (nets, aspects). `share`: their weight against the rest.
    """

    directions: Floats
    offset: Floats
    hidden: Floats
    bias: Floats
    out: Floats
    out_bias: Floats
    share: float

    def marks(self, standard: Floats, states: Floats) -> dict[str, float]:
        """0..10 an aspect: the mean of the networks."""
        given = np.concatenate([standard, states @ self.directions + self.offset])
        units = np.maximum(np.einsum("i,niu->nu", given, self.hidden) + self.bias, 0.0)
        found = (np.einsum("nu,nua->na", units, self.out) + self.out_bias).mean(axis=0)
        return {aspect: float(np.clip(mark, 0, 10)) for aspect, mark in zip(ASPECTS, found, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeModel:
    """`names` orders the features; `centre`, `spread`, `low`, `high` are the training data's (missing: the centre)."""

    names: tuple[str, ...]
    centre: Floats
    spread: Floats
    low: Floats
    high: Floats
    aspects: Mapping[str, AspectModel]
    nets: Nets | None = None

    def row(self, features: Mapping[str, float]) -> Floats:
        raw = np.array([features.get(name, np.nan) for name in self.names], dtype=np.float64)
        return np.where(np.isfinite(raw), raw, self.centre)

    def unfamiliar(self, x: Floats) -> float:
        """The share of features outside what 99 % of the training data showed."""
        return float(((x < self.low) | (x > self.high)).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class StateModel:
    """Marks straight from a recogniser's inner states: one line per aspect over standardised, bounded states. `shares`
    are the weights of these marks against the rest of the calibration."""

    centre: Floats
    spread: Floats
    intercepts: Mapping[str, float]
    slopes: Mapping[str, Floats]
    shares: Mapping[str, float]

    def standard(self, states: npt.NDArray[Any] | None) -> Floats | None:
        """The states that were trained on, standardised and bounded. None: these are no states of that engine."""
        if states is None or len(states) < len(self.centre):
            return None
        known = np.asarray(states[: len(self.centre)], dtype=np.float64)
        return np.clip((known - self.centre) / self.spread, -_FARTHEST, _FARTHEST)

    def mark(self, aspect: str, standard: Floats) -> float:
        """0..10."""
        return float(np.clip(self.intercepts[aspect] + self.slopes[aspect] @ standard, 0, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class WordJudge:
    """What experts would say of single words. Words whose predicted mark (0..1) is below `flag_below` are doubtful."""

    model: ModeModel
    flag_below: float

    def predict(self, features: Mapping[str, float]) -> float:
        """0..1 for one word's features."""
        x = np.clip(self.model.row(features), self.model.low, self.model.high)
        standard = (x - self.model.centre) / self.model.spread
        return min(max(self.model.aspects["accuracy"].predict(x, standard) / 10, 0.0), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`words` is None in a calibration that was trained without marks for words, `states` in one without an engine's
    states."""

    name: str
    modes: Mapping[str, ModeModel]
    words: WordJudge | None = None
    states: StateModel | None = None

    def predict(self, features: Mapping[str, float], *, mode: str, states: npt.NDArray[Any] | None = None) -> Aspects:
        """Aspects 0..1. Without the engine's states the features speak alone. Confidence is 0.8 (0.6 for free speech,
        which no expert scored) less what is unfamiliar."""
        model = self.modes[mode]
        x = model.row(features)
        bounded = np.clip(x, model.low, model.high)
        standard = (bounded - model.centre) / model.spread
        marks = {aspect: each.predict(bounded, standard) for aspect, each in model.aspects.items()}
        inner = self.states.standard(states) if self.states is not None else None
        if self.states is not None and inner is not None:
            said = {aspect: self.states.mark(aspect, inner) for aspect in marks}
            marks = {aspect: _mixed(mark, said[aspect], self.states.shares[aspect]) for aspect, mark in marks.items()}
            if model.nets is not None:
                seen = model.nets.marks(standard, inner)
                marks = {aspect: _mixed(mark, seen[aspect], model.nets.share) for aspect, mark in marks.items()}
        values = {aspect: min(max(mark / 10, 0.0), 1.0) for aspect, mark in marks.items()}
        trusted = (0.8 if mode == "read" else 0.6) * max(0.0, 1 - 2 * model.unfamiliar(x))
        return Aspects(**values, confidence=trusted, calibration=self.name)


def _mixed(one: float, other: float, share: float) -> float:
    return (1 - share) * one + share * other


def calibration_from_arrays(name: str, arrays: Mapping[str, Any]) -> Calibration:
    """The inverse of `scripts.train_calibration`: keys are "<mode>/<field>" and "<mode>/<aspect>/<field>"."""
    modes = sorted({key.split("/")[0] for key in arrays if "/" in key} - {"word", "state"})
    words = None
    if "word/names" in arrays:
        words = WordJudge(model=_mode("word", arrays), flag_below=float(arrays["word/flag_below"]))
    states = _states(arrays) if "state/centre" in arrays else None
    return Calibration(
        name=name,
        modes={mode: _mode(mode, arrays) for mode in modes},
        words=words,
        states=states,
    )


def _states(arrays: Mapping[str, Any]) -> StateModel:
    return StateModel(
        centre=np.asarray(arrays["state/centre"], dtype=np.float64),
        spread=np.asarray(arrays["state/spread"], dtype=np.float64),
        intercepts={aspect: float(arrays[f"state/{aspect}/intercept"]) for aspect in ASPECTS},
        slopes={aspect: np.asarray(arrays[f"state/{aspect}/slopes"], dtype=np.float64) for aspect in ASPECTS},
        shares={aspect: float(arrays[f"state/{aspect}/share"]) for aspect in ASPECTS},
    )


def _mode(mode: str, arrays: Mapping[str, Any]) -> ModeModel:
    def floats(field: str) -> Floats:
        return np.asarray(arrays[f"{mode}/{field}"], dtype=np.float64)

    return ModeModel(
        names=tuple(str(name) for name in _strings(arrays[f"{mode}/names"])),
        centre=floats("centre"),
        spread=floats("spread"),
        low=floats("low"),
        high=floats("high"),
        aspects={
            aspect: _aspect(f"{mode}/{aspect}", arrays) for aspect in ASPECTS if f"{mode}/{aspect}/base" in arrays
        },
        nets=_nets(mode, arrays) if f"{mode}/net/hidden" in arrays else None,
    )


def _nets(mode: str, arrays: Mapping[str, Any]) -> Nets:
    fields = ("directions", "offset", "hidden", "bias", "out", "out_bias")
    found = {field: np.asarray(arrays[f"{mode}/net/{field}"], dtype=np.float64) for field in fields}
    return Nets(**found, share=float(arrays[f"{mode}/net/share"]))


def _strings(array: Any) -> Sequence[str]:
    return list(array)


def _aspect(prefix: str, arrays: Mapping[str, Any]) -> AspectModel:
    def whole(field: str) -> npt.NDArray[np.int64]:
        return np.asarray(arrays[f"{prefix}/{field}"], dtype=np.int64)

    return AspectModel(
        intercept=float(arrays[f"{prefix}/intercept"]),
        slopes=np.asarray(arrays[f"{prefix}/slopes"], dtype=np.float64),
        base=float(arrays[f"{prefix}/base"]),
        share=float(arrays[f"{prefix}/share"]),
        trees=Trees(
            roots=whole("roots"),
            feature=whole("feature"),
            threshold=np.asarray(arrays[f"{prefix}/threshold"], dtype=np.float64),
            left=whole("left"),
            right=whole("right"),
            value=np.asarray(arrays[f"{prefix}/value"], dtype=np.float64),
        ),
    )
