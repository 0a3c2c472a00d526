"""From an engine's numbers to what experts would say. Pure: the data come as an argument, evaluated in numpy.

A calibration is a set of models, one per mode (`read`: the text is known; `open`: it is not). Each is, per aspect, a
ridge line and a sum of small regression trees, averaged; beside them a line over a recogniser's inner states, small
networks over both, and small networks of attention over the words. All are arrays, so nothing executable is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.scoring.calibration.attention import Attention, Words, attention_from_arrays
from backend.scoring.calibration.inputs import Inputs, inputs_from_arrays
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

    def whole(self, standard: Floats, states: Floats) -> Floats:
        """What is seen of an utterance: its features and the main directions of the states."""
        return np.concatenate([standard, states @ self.directions + self.offset])

    def marks(self, whole: Floats) -> Floats:
        """0..10 an aspect: the mean of the networks."""
        units = np.maximum(np.einsum("i,niu->nu", whole, self.hidden) + self.bias, 0.0)
        return np.asarray(np.clip((np.einsum("nu,nua->na", units, self.out) + self.out_bias).mean(axis=0), 0, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeModel:
    """`nets` and the `attention` beside them need the engine's states; None where the calibration has none."""

    inputs: Inputs
    aspects: Mapping[str, AspectModel]
    nets: Nets | None = None
    attention: Attention | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateModel:
    """Marks straight from a recogniser's inner states: one line per aspect over standardised, bounded states (`slopes`:
    aspects, states). `shares` are the weights of these marks against features alone."""

    centre: Floats
    spread: Floats
    intercepts: Floats
    slopes: Floats
    shares: Floats

    def standard(self, states: npt.NDArray[Any] | None) -> Floats | None:
        """The states that were trained on, standardised and bounded. None: these are no states of that engine."""
        if states is None or len(states) < len(self.centre):
            return None
        known = np.asarray(states[: len(self.centre)], dtype=np.float64)
        return np.clip((known - self.centre) / self.spread, -_FARTHEST, _FARTHEST)

    def marks(self, standard: Floats) -> Floats:
        """0..10 an aspect."""
        return np.clip(self.intercepts + self.slopes @ standard, 0, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordJudge:
    """What experts would say of single words, by themselves and their neighbours. `attention_share` is the weight that
    the attention of read text has beside it. Words whose mark (0..1) is below `flag_below` are doubtful."""

    model: ModeModel
    flag_below: float
    attention_share: float = 0.0

    def mark(self, features: Mapping[str, float]) -> float:
        """0..10 for one word's features."""
        inputs = self.model.inputs
        x = inputs.bounded(inputs.row(features))
        return float(np.clip(self.model.aspects["accuracy"].predict(x, inputs.standard(x)), 0, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`words` is None in a calibration that was trained without marks for words, `states` in one without an engine's
    states."""

    name: str
    modes: Mapping[str, ModeModel]
    words: WordJudge | None = None
    states: StateModel | None = None

    def predict(
        self,
        features: Mapping[str, float],
        *,
        mode: str,
        states: npt.NDArray[Any] | None = None,
        words: Sequence[Words] = (),
    ) -> Aspects:
        """Aspects 0..1. `words`: features of each word of each stretch of speech. Without the engine's states the
        features speak alone, without words everything but the attention. Confidence is 0.8 (0.6 for free speech, which
        no expert scored) less what is unfamiliar."""
        model = self.modes[mode]
        row = model.inputs.row(features)
        bounded = model.inputs.bounded(row)
        standard = model.inputs.standard(bounded)
        marks = np.array([model.aspects[aspect].predict(bounded, standard) for aspect in ASPECTS])
        inner = self.states.standard(states) if self.states is not None else None
        if self.states is not None and inner is not None:
            marks = _mixed(marks, self.states.marks(inner), self.states.shares)
            if model.nets is not None:
                whole = model.nets.whole(standard, inner)
                marks = _mixed(marks, model.nets.marks(whole), model.nets.share)
                said = model.attention.marks(words, whole) if model.attention is not None else None
                if model.attention is not None and said is not None:
                    marks = _mixed(marks, said, model.attention.share)
        values = dict(zip(ASPECTS, (float(each) for each in np.clip(marks / 10, 0.0, 1.0)), strict=True))
        trusted = (0.8 if mode == "read" else 0.6) * max(0.0, 1 - 2 * model.inputs.unfamiliar(row))
        return Aspects(**values, confidence=trusted, calibration=self.name)

    def judge(
        self, words: Words, features: Mapping[str, float], states: npt.NDArray[Any] | None = None
    ) -> list[float | None]:
        """0..1 for each word of a text that was read in one stretch, whose `features` and `states` are the whole's.
        None: nothing is known of the word, or this calibration knows no words."""
        if self.words is None:
            return [None] * len(words)
        share = self.words.attention_share
        alone = [self.words.mark(row) if row else None for row in words]
        attended = self._attended(words, features, states) or alone
        return [
            None if one is None or other is None else ((1 - share) * one + share * other) / 10
            for one, other in zip(alone, attended, strict=True)
        ]

    def _attended(
        self, words: Words, features: Mapping[str, float], states: npt.NDArray[Any] | None
    ) -> list[float | None] | None:
        model = self.modes.get("read")
        inner = self.states.standard(states) if self.states is not None else None
        if model is None or model.attention is None or model.nets is None or inner is None:
            return None
        standard = model.inputs.standard(model.inputs.bounded(model.inputs.row(features)))
        return model.attention.words(words, model.nets.whole(standard, inner))


def _mixed(one: Floats, other: Floats, share: Floats | float) -> Floats:
    return (1 - share) * one + share * other


def calibration_from_arrays(name: str, arrays: Mapping[str, Any]) -> Calibration:
    """The inverse of `scripts.train_calibration`: keys are "<mode>/<field>" and "<mode>/<aspect>/<field>"."""
    modes = sorted({key.split("/")[0] for key in arrays if "/" in key} - {"word", "state"})
    words = None
    if "word/names" in arrays:
        words = WordJudge(
            model=_mode("word", arrays),
            flag_below=float(arrays["word/flag_below"]),
            attention_share=float(arrays.get("word/attention_share", 0.0)),
        )
    states = _states(arrays) if "state/centre" in arrays else None
    return Calibration(
        name=name,
        modes={mode: _mode(mode, arrays) for mode in modes},
        words=words,
        states=states,
    )


def _states(arrays: Mapping[str, Any]) -> StateModel:
    def of_aspects(field: str) -> Floats:
        return np.array([arrays[f"state/{aspect}/{field}"] for aspect in ASPECTS], dtype=np.float64)

    return StateModel(
        centre=np.asarray(arrays["state/centre"], dtype=np.float64),
        spread=np.asarray(arrays["state/spread"], dtype=np.float64),
        intercepts=of_aspects("intercept"),
        slopes=of_aspects("slopes"),
        shares=of_aspects("share"),
    )


def _mode(mode: str, arrays: Mapping[str, Any]) -> ModeModel:
    return ModeModel(
        inputs=inputs_from_arrays(mode, arrays),
        aspects={
            aspect: _aspect(f"{mode}/{aspect}", arrays) for aspect in ASPECTS if f"{mode}/{aspect}/base" in arrays
        },
        nets=_nets(mode, arrays) if f"{mode}/net/hidden" in arrays else None,
        attention=(attention_from_arrays(f"{mode}/attention", arrays) if f"{mode}/attention/share" in arrays else None),
    )


def _nets(mode: str, arrays: Mapping[str, Any]) -> Nets:
    fields = ("directions", "offset", "hidden", "bias", "out", "out_bias")
    found = {field: np.asarray(arrays[f"{mode}/net/{field}"], dtype=np.float64) for field in fields}
    return Nets(**found, share=float(arrays[f"{mode}/net/share"]))


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
