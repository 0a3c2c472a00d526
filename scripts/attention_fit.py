"""Training the networks of backend/scoring/calibration/attention.py in plain numpy. Their gradients are short enough to
write down, so nobody needs a framework to train or cross-validate a calibration, and a seed gives the same again.

AdamW, the step rising and falling once (Smith 2018), dropout; beside the marks of utterances those of their words.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.scoring.calibration.attention import HEADS, SMALLEST_VARIANCE

Floats = npt.NDArray[Any]
Weights = dict[str, Floats]

UNITS, LAYERS, EPOCHS, BATCH = 32, 2, 25, 64
STEP, DECAY, DROPPED, WORD_WEIGHT = 1.5e-3, 0.2, 0.2, 0.3
_RISING, _FIRST, _LAST = 0.3, 1 / 25, 1e-5  # of the step over the training
_CONSTANT = 1e-3
_MOMENTUM, _SQUARES, _LONGEST_GRADIENT = 0.9, 0.999, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """What is trained on: `words` (utterances, most words, features); `spoken` True where a word is;
    `whole` (utterances, inputs); `marks` (utterances, aspects); `word_marks`, NaN where there is none."""

    words: Floats
    spoken: npt.NDArray[np.bool_]
    whole: Floats
    marks: Floats
    word_marks: Floats

    def chosen(self, rows: npt.NDArray[np.int64]) -> "Sentences":
        longest = max(int(self.spoken[rows].sum(axis=1).max()), 1)
        return Sentences(
            words=self.words[rows, :longest],
            spoken=self.spoken[rows, :longest],
            whole=self.whole[rows],
            marks=self.marks[rows],
            word_marks=self.word_marks[rows, :longest],
        )


def first_weights(features: int, inputs: int, aspects: int, random: np.random.Generator) -> Weights:
    """Uniform by the number of inputs, as is usual; norms begin as none."""

    def drawn(*shape: int, into: int) -> Floats:
        return random.uniform(-1, 1, shape).astype(np.float32) / np.float32(math.sqrt(into))

    unchanged = np.stack([np.ones(UNITS), np.zeros(UNITS)]).astype(np.float32)
    return {
        "whole": drawn(inputs, UNITS, into=inputs),
        "whole_bias": drawn(UNITS, into=inputs),
        "word": drawn(features, UNITS, into=features),
        "word_bias": drawn(UNITS, into=features),
        "aspects": random.normal(0, 0.02, (aspects, UNITS)).astype(np.float32),
        "norm": np.repeat(unchanged[None], LAYERS, axis=0),
        "attend": drawn(LAYERS, UNITS, 3 * UNITS, into=UNITS),
        "attend_bias": np.zeros((LAYERS, 3 * UNITS), dtype=np.float32),
        "join": drawn(LAYERS, UNITS, UNITS, into=UNITS),
        "join_bias": np.zeros((LAYERS, UNITS), dtype=np.float32),
        "norm_inner": np.repeat(unchanged[None], LAYERS, axis=0),
        "inner": drawn(LAYERS, UNITS, 2 * UNITS, into=UNITS),
        "inner_bias": drawn(LAYERS, 2 * UNITS, into=UNITS),
        "outer": drawn(LAYERS, 2 * UNITS, UNITS, into=2 * UNITS),
        "outer_bias": drawn(LAYERS, UNITS, into=2 * UNITS),
        "norm_last": unchanged.copy(),
        "of_aspect": drawn(aspects, UNITS, into=2 * UNITS),
        "of_whole": drawn(aspects, UNITS, into=2 * UNITS),
        "out_bias": drawn(aspects, into=2 * UNITS),
        "of_word": drawn(UNITS, into=UNITS),
        "of_word_bias": drawn(1, into=UNITS),
    }


class _Norm:
    """`normed` of a batch, and the way back."""

    def __init__(self, x: Floats, norm: Floats) -> None:
        off = x - x.mean(axis=-1, keepdims=True)
        self._spread = np.sqrt((off**2).mean(axis=-1, keepdims=True) + SMALLEST_VARIANCE)
        self._standard, self._norm = off / self._spread, norm
        self.out = self._standard * norm[0] + norm[1]

    def back(self, d_out: Floats) -> tuple[Floats, Floats]:
        """(gradient of the input, of the norm)."""
        d_norm = np.stack([_summed(d_out * self._standard), _summed(d_out)])
        d = d_out * self._norm[0]
        d = d - d.mean(axis=-1, keepdims=True) - self._standard * (d * self._standard).mean(axis=-1, keepdims=True)
        return d / self._spread, d_norm


class _Line:
    """x @ slopes + bias of a batch, and the way back."""

    def __init__(self, x: Floats, slopes: Floats, bias: Floats) -> None:
        self._x, self._slopes = x, slopes
        self.out = x @ slopes + bias

    def back(self, d_out: Floats) -> tuple[Floats, Floats, Floats]:
        """(gradient of the input, of the slopes, of the bias)."""
        d_slopes = self._x.reshape(-1, self._x.shape[-1]).T @ d_out.reshape(-1, d_out.shape[-1])
        return d_out @ self._slopes.T, d_slopes, _summed(d_out)


class _Attention:
    """What each row takes from all rows that are there, from queries, keys and values side by side."""

    def __init__(self, x: Floats, there: npt.NDArray[np.bool_]) -> None:
        count, rows, width = x.shape
        self._size = width // 3 // HEADS
        # (three, utterances, heads, rows, size)
        self._query, self._key, self._value = x.reshape(count, rows, 3, HEADS, self._size).transpose(2, 0, 3, 1, 4)
        heed = self._query @ self._key.swapaxes(-1, -2) / math.sqrt(self._size)
        heed = np.where(there[:, None, None, :], heed, -np.inf)
        heed = np.exp(heed - heed.max(axis=-1, keepdims=True))
        self._heed = (heed / heed.sum(axis=-1, keepdims=True)).astype(x.dtype)
        self.out = (self._heed @ self._value).transpose(0, 2, 1, 3).reshape(count, rows, -1)

    def back(self, d_out: Floats) -> Floats:
        count, rows, width = d_out.shape
        d = d_out.reshape(count, rows, HEADS, self._size).transpose(0, 2, 1, 3)
        d_heed = d @ self._value.swapaxes(-1, -2)
        d_heed = self._heed * (d_heed - (self._heed * d_heed).sum(axis=-1, keepdims=True)) / math.sqrt(self._size)
        found = np.stack([d_heed @ self._key, d_heed.swapaxes(-1, -2) @ self._query, self._heed.swapaxes(-1, -2) @ d])
        return found.transpose(1, 3, 0, 2, 4).reshape(count, rows, 3 * width)


def _summed(x: Floats) -> Floats:
    return np.asarray(x.reshape(-1, x.shape[-1]).sum(axis=0))


class _Dropout:
    """Leaves out a share of the numbers and raises the others. Without randomness nothing happens."""

    def __init__(self, random: np.random.Generator | None) -> None:
        self._random = random

    def __call__(self, shape: tuple[int, ...]) -> Floats | float:
        if self._random is None:
            return 1.0
        stays = self._random.random(shape, dtype=np.float32) >= DROPPED
        return stays.astype(np.float32) / np.float32(1 - DROPPED)


def loss_and_gradients(
    weights: Weights, batch: Sentences, random: np.random.Generator | None = None
) -> tuple[float, Weights]:
    """The mean squared error of the utterances' marks, and of their words' by WORD_WEIGHT; its gradient for each
    weight. `random` for dropout."""
    w, found, dropout = weights, dict[str, Floats](), _Dropout(random)
    aspects = len(w["aspects"])
    count = len(batch.spoken)
    about = _Line(batch.whole * dropout(batch.whole.shape), w["whole"], w["whole_bias"])
    whole = np.maximum(about.out, 0)
    words = _Line(batch.words, w["word"], w["word_bias"])
    x = np.concatenate([w["aspects"] + whole[:, None], words.out], axis=1)
    there = np.concatenate([np.ones((count, aspects), dtype=bool), batch.spoken], axis=1)
    layers = []
    for layer in range(len(w["attend"])):
        norm = _Norm(x, w["norm"][layer])
        into = _Line(norm.out, w["attend"][layer], w["attend_bias"][layer])
        attention = _Attention(into.out, there)
        join = _Line(attention.out, w["join"][layer], w["join_bias"][layer])
        kept = dropout(x.shape), dropout((*x.shape[:2], 2 * UNITS)), dropout(x.shape)
        x = x + join.out * kept[0]
        norm_inner = _Norm(x, w["norm_inner"][layer])
        inner = _Line(norm_inner.out, w["inner"][layer], w["inner_bias"][layer])
        outer = _Line(np.maximum(inner.out, 0) * kept[1], w["outer"][layer], w["outer_bias"][layer])
        x = x + outer.out * kept[2]
        layers.append((norm, into, attention, join, norm_inner, inner, outer, kept))
    last = _Norm(x, w["norm_last"])
    marks = (last.out[:, :aspects] * w["of_aspect"]).sum(axis=2) + whole @ w["of_whole"].T + w["out_bias"]
    each = last.out[:, aspects:] @ w["of_word"] + w["of_word_bias"]

    known = batch.spoken & np.isfinite(batch.word_marks)
    off, every = marks - batch.marks, max(int(known.sum()), 1)
    word_off = np.where(known, each - np.nan_to_num(batch.word_marks), 0)
    loss = float((off**2).mean() + WORD_WEIGHT * (word_off**2).sum() / every)

    d_marks, d_each = 2 * off / off.size, 2 * WORD_WEIGHT * word_off / every
    found["of_aspect"] = np.einsum("na,nau->au", d_marks, last.out[:, :aspects])
    found["of_whole"], found["out_bias"] = d_marks.T @ whole, d_marks.sum(axis=0)
    found["of_word"] = np.einsum("nw,nwu->u", d_each, last.out[:, aspects:])
    found["of_word_bias"] = d_each.sum(keepdims=True).reshape(1)
    d_last = np.concatenate([d_marks[..., None] * w["of_aspect"], d_each[..., None] * w["of_word"]], axis=1)
    d_x, found["norm_last"] = last.back(d_last)
    of_layers = []
    for norm, into, attention, join, norm_inner, inner, outer, kept in reversed(layers):
        own = dict[str, Floats]()
        d_inner, own["outer"], own["outer_bias"] = outer.back(d_x * kept[2])
        d_inner, own["inner"], own["inner_bias"] = inner.back(d_inner * kept[1] * (inner.out > 0))
        d_inner, own["norm_inner"] = norm_inner.back(d_inner)
        d_x = d_x + d_inner
        d_seen, own["join"], own["join_bias"] = join.back(d_x * kept[0])
        d_seen, own["attend"], own["attend_bias"] = into.back(attention.back(d_seen))
        d_seen, own["norm"] = norm.back(d_seen)
        d_x = d_x + d_seen
        of_layers.append(own)
    found |= {name: np.stack([own[name] for own in reversed(of_layers)]) for name in of_layers[0]}
    found["aspects"] = d_x[:, :aspects].sum(axis=0)
    d_whole = (d_x[:, :aspects].sum(axis=1) + d_marks @ w["of_whole"]) * (about.out > 0)
    _, found["whole"], found["whole_bias"] = about.back(d_whole)
    _, found["word"], found["word_bias"] = words.back(d_x[:, aspects:])
    return loss, found


def train(sentences: Sentences, seed: int) -> Weights:
    """The weights after EPOCHS, from marks that are standardised too; the same again for the same seed."""
    random = np.random.default_rng(seed)
    count = len(sentences.words)
    weights = first_weights(sentences.words.shape[2], sentences.whole.shape[1], sentences.marks.shape[1], random)
    means = {name: np.zeros_like(value) for name, value in weights.items()}
    squares = {name: np.zeros_like(value) for name, value in weights.items()}
    total = EPOCHS * math.ceil(count / BATCH)
    for number, rows in enumerate(_batches(count, random), 1):
        _, gradients = loss_and_gradients(weights, sentences.chosen(rows), random)
        length = math.sqrt(sum(float((each**2).sum()) for each in gradients.values()))
        shorter = min(1.0, _LONGEST_GRADIENT / max(length, 1e-12))
        step, warm = _step(number / total), 1 - _MOMENTUM**number
        for name, gradient in gradients.items():
            means[name] += (1 - _MOMENTUM) * (gradient * shorter - means[name])
            squares[name] += (1 - _SQUARES) * ((gradient * shorter) ** 2 - squares[name])
            moved = (means[name] / warm) / (np.sqrt(squares[name] / (1 - _SQUARES**number)) + 1e-8)
            weights[name] -= (step * (moved + DECAY * weights[name])).astype(np.float32)
    return weights


def fit_networks(sentences: Sentences, count: int) -> Weights:
    """`count` networks, stacked, that give the marks as they are in `sentences`. Slopes are in half precision: it moves
    a mark by a thousandth, and halves the file."""
    centre, spread = sentences.marks.mean(axis=0), np.maximum(sentences.marks.std(axis=0), 1e-6)
    of_words = sentences.word_marks[sentences.spoken & np.isfinite(sentences.word_marks)]
    word_centre, word_spread = (of_words.mean(), max(of_words.std(), 1e-6)) if len(of_words) else (0.0, 1.0)
    word_inputs = _Columns(sentences.words[sentences.spoken])
    whole_inputs = _Columns(sentences.whole)
    standard = Sentences(
        words=word_inputs.standard(sentences.words),
        spoken=sentences.spoken,
        whole=whole_inputs.standard(sentences.whole),
        marks=((sentences.marks - centre) / spread).astype(np.float32),
        word_marks=((sentences.word_marks - word_centre) / word_spread).astype(np.float32),
    )
    networks = []
    for seed in range(count):
        weights = train(standard, seed)
        weights["word"], weights["word_bias"] = word_inputs.outside(weights["word"], weights["word_bias"])
        weights["whole"], weights["whole_bias"] = whole_inputs.outside(weights["whole"], weights["whole_bias"])
        weights["of_aspect"] = weights["of_aspect"] * spread[:, None]
        weights["of_whole"] = weights["of_whole"] * spread[:, None]
        weights["out_bias"] = weights["out_bias"] * spread + centre
        weights["of_word"] = weights["of_word"] * word_spread
        weights["of_word_bias"] = weights["of_word_bias"] * word_spread + word_centre
        networks.append(weights)
    stacked = {name: np.stack([each[name] for each in networks]) for name in networks[0]}
    return {name: each.astype(np.float32 if "bias" in name else np.float16) for name, each in stacked.items()}


class _Columns:
    """Numbers with mean 0 and spread 1 by columns, which training needs, and a line over them as one over the numbers
    as they were."""

    def __init__(self, rows: Floats) -> None:
        spread = rows.std(axis=0)
        self._centre, self._spread = rows.mean(axis=0), np.where(spread > _CONSTANT, spread, 1.0)

    def standard(self, rows: Floats) -> Floats:
        return np.asarray((rows - self._centre) / self._spread, dtype=np.float32)

    def outside(self, slopes: Floats, bias: Floats) -> tuple[Floats, Floats]:
        outer = slopes / self._spread[:, None]
        return outer, bias - self._centre @ outer


def _batches(count: int, random: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    for _ in range(EPOCHS):
        order = random.permutation(count)
        yield from (order[at : at + BATCH] for at in range(0, count, BATCH))


def _step(at: float) -> float:
    """`at` 0..1 of the training: up in a half wave, then down in one."""
    if at < _RISING:
        return STEP * (_FIRST + (1 - _FIRST) * (1 - math.cos(math.pi * at / _RISING)) / 2)
    return STEP * (_LAST + (1 - _LAST) * (1 + math.cos(math.pi * (at - _RISING) / (1 - _RISING))) / 2)
