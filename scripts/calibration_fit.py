"""Fitting and judging calibrations: a ridge line and monotone boosted trees, averaged, per aspect; a line over the
recogniser's states; small networks over both. Speaker-wise folds."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPRegressor

from backend.scoring.agreement import weighted_kappa
from backend.scoring.calibration import ASPECTS, Calibration, calibration_from_arrays

Floats = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]

MODES = ("read", "open")
# Not the speaker's doing, or a stand-in for age and sex: never used.
UNFAIR = frozenset({"leading_s", "seconds", "snr_db", "speech_dbfs", "pitch_hz", "pitch_known", "phones_aligned"})
# Known only when the text is.
READ_ONLY = ("match_", "expected_words", "forced_")  # forced: in free speech the same as asr_token_log
# Features whose direction is beyond doubt; trees may not learn the opposite from noise.
RISING = frozenset(
    {"phone_margin", "phone_good_share", "forced_log", "forced_good_share", "match_covered", "asr_token_log"}
)
FALLING = frozenset({"phone_bad_share", "phone_distance", "match_letters", "match_errors", "pause_s", "long_pauses"})
TREES = {
    "max_iter": 200,
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 5.0,
    "max_features": 0.3,
    "random_state": 0,
}
TREE_SHARE = 0.5
STATES = 512  # of the 1,024 the means; the spreads add nothing
STATE_DIRECTIONS = 48  # that the networks see
NET_SHARE, NETS = 0.5, 6
NET = {"hidden_layer_sizes": (48,), "alpha": 3.0, "learning_rate_init": 2e-3, "max_iter": 60, "batch_size": 64}
# States say more of flow than of single sounds.
STATE_SHARES = {"accuracy": 0.2, "fluency": 0.4, "prosodic": 0.4, "total": 0.3}
WORD_TREES = {**TREES, "max_iter": 250, "learning_rate": 0.04, "max_leaf_nodes": 10, "min_samples_leaf": 30}
WORD_TREE_SHARE = 0.7
BAD_BELOW = 6.0  # a badly said word: the experts' median is below, so a sound is wrong or missing, not merely accented


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Features and marks of a corpus: one row an utterance. `states` of the recogniser: NaN where there are none."""

    names: tuple[str, ...]
    x: Floats
    marks: Mapping[str, Floats]
    speakers: npt.NDArray[np.str_]
    states: Floats | None = None


def feature_names(rows: Sequence[Mapping[str, float]], mode: str) -> tuple[str, ...]:
    found = {name for row in rows for name in row} - UNFAIR
    return tuple(sorted(name for name in found if mode == "read" or not name.startswith(READ_ONLY)))


def make_table(
    rows: Sequence[Mapping[str, float]],
    marks: Mapping[str, Floats],
    speakers: Sequence[str],
    mode: str,
    states: Sequence[Sequence[float] | None] = (),
) -> Table:
    names = feature_names(rows, mode)
    x = np.array([[row.get(name, np.nan) for name in names] for row in rows], dtype=np.float64)
    return Table(names=names, x=x, marks=marks, speakers=np.array(speakers), states=_state_rows(states))


def _state_rows(states: Sequence[Sequence[float] | None]) -> Floats | None:
    width = max((len(each) for each in states if each), default=0)
    return np.array([each or [np.nan] * width for each in states], dtype=np.float64) if width else None


def fit_mode(
    table: Table,
    rows: npt.NDArray[np.int64],
    mode: str,
    *,
    trees: Mapping[str, Any] = TREES,
    tree_share: float = TREE_SHARE,
) -> Arrays:
    """The arrays of one mode's model, fitted on the given rows; keys as `calibration_from_arrays` reads them."""
    x = table.x[rows]
    centre = np.nanmedian(x, axis=0)
    filled = np.where(np.isfinite(x), x, centre)
    low, high = np.percentile(filled, [0.5, 99.5], axis=0)
    bounded = np.clip(filled, low, high)
    spread = np.maximum(bounded.std(axis=0), 1e-6)
    arrays: Arrays = {
        f"{mode}/names": np.array(table.names),
        f"{mode}/centre": centre,
        f"{mode}/spread": spread,
        f"{mode}/low": low,
        f"{mode}/high": high,
    }
    for aspect, marks in table.marks.items():
        fitted = _fit_aspect(table.names, bounded, (bounded - centre) / spread, marks[rows], trees, tree_share)
        arrays |= {f"{mode}/{aspect}/{field}": value for field, value in fitted.items()}
    return arrays


def _fit_aspect(
    names: Sequence[str], x: Floats, standard: Floats, y: Floats, trees: Mapping[str, Any], tree_share: float
) -> Arrays:
    line = RidgeCV(np.logspace(1, 4, 7)).fit(standard, y)
    signs = [1 if name in RISING else -1 if name in FALLING else 0 for name in names]
    boosted = HistGradientBoostingRegressor(monotonic_cst=signs, **trees).fit(x, y)
    return {
        "intercept": np.float64(line.intercept_),
        "slopes": line.coef_,
        "base": np.float64(boosted._baseline_prediction.ravel()[0]),
        "share": np.float64(tree_share),
        **_flat_trees([stage[0].nodes for stage in boosted._predictors]),
    }


def fit_states(table: Table, rows: npt.NDArray[np.int64]) -> Arrays:
    """A line per aspect over the recogniser's states, standardised. Empty where the table has none."""
    if table.states is None:
        return {}
    kept = rows[np.isfinite(table.states[rows]).all(axis=1)]
    raw = table.states[kept][:, :STATES]
    centre, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-6)
    z = np.clip((raw - centre) / spread, -4, 4)
    arrays: Arrays = {"state/centre": centre, "state/spread": spread}
    for aspect in ASPECTS:
        line = RidgeCV(np.logspace(2, 6, 9)).fit(z, table.marks[aspect][kept])
        arrays[f"state/{aspect}/share"] = np.array(STATE_SHARES[aspect])
        arrays[f"state/{aspect}/slopes"] = line.coef_
        arrays[f"state/{aspect}/intercept"] = np.array(line.intercept_)
    return {name: np.asarray(value, dtype=np.float32) for name, value in arrays.items()}


def fit_nets(table: Table, rows: npt.NDArray[np.int64], fitted: Arrays, mode: str) -> Arrays:
    """Networks of one hidden layer over the mode's standardised features and the states' main directions, all aspects
    at once. `fitted`: what `fit_mode` and `fit_states` gave. Empty where the table has no states."""
    if table.states is None:
        return {}
    kept = rows[np.isfinite(table.states[rows]).all(axis=1)]
    z = np.clip((table.states[kept][:, :STATES] - fitted["state/centre"]) / fitted["state/spread"], -4, 4)
    reduced = PCA(min(STATE_DIRECTIONS, len(z) - 1, z.shape[1]), random_state=0).fit(z)
    scale = np.maximum(reduced.transform(z).std(axis=0), 1e-6)
    directions = reduced.components_.T / scale
    offset = -(reduced.mean_ @ directions)
    given = np.concatenate([_standard(table.x[kept], fitted, mode), z @ directions + offset], axis=1)
    marks = np.stack([table.marks[aspect][kept] for aspect in ASPECTS], axis=1)
    centre, spread = marks.mean(axis=0), np.maximum(marks.std(axis=0), 1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
        nets = [MLPRegressor(**NET, random_state=seed).fit(given, (marks - centre) / spread) for seed in range(NETS)]
    arrays = {
        "directions": directions,
        "offset": offset,
        "hidden": np.stack([net.coefs_[0] for net in nets]),
        "bias": np.stack([net.intercepts_[0] for net in nets]),
        "out": np.stack([net.coefs_[1] * spread for net in nets]),
        "out_bias": np.stack([net.intercepts_[1] * spread + centre for net in nets]),
        "share": np.array(NET_SHARE),
    }
    return {f"{mode}/net/{name}": np.asarray(value, dtype=np.float32) for name, value in arrays.items()}


def _standard(x: Floats, fitted: Arrays, mode: str) -> Floats:
    """Rows of features as the models of `fitted` see them: gaps filled, bounded, standardised."""
    centre, spread, low, high = (fitted[f"{mode}/{field}"] for field in ("centre", "spread", "low", "high"))
    return np.asarray((np.clip(np.where(np.isfinite(x), x, centre), low, high) - centre) / spread)


def fit_whole(table: Table, rows: npt.NDArray[np.int64], mode: str, states: Arrays | None = None) -> Arrays:
    """All of a mode, with the line over the states: `states` where it is fitted already."""
    arrays = fit_mode(table, rows, mode) | (states or fit_states(table, rows))
    return arrays | fit_nets(table, rows, arrays, mode)


def _flat_trees(trees: Sequence[npt.NDArray[Any]]) -> Arrays:
    """scikit-learn's node tables, one after the other; a leaf's feature is -1."""
    sizes = [len(nodes) for nodes in trees]
    offsets = np.cumsum([0, *sizes[:-1]])
    nodes = np.concatenate(trees)
    shift = np.repeat(offsets, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "roots": offsets.astype(np.int32),
        "feature": np.where(leaf, -1, nodes["feature_idx"]).astype(np.int16),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
        "left": np.where(leaf, 0, nodes["left"] + shift).astype(np.int32),
        "right": np.where(leaf, 0, nodes["right"] + shift).astype(np.int32),
        "value": np.where(leaf, nodes["value"], 0.0).astype(np.float32),
    }


def predict_rows(
    calibration: Calibration, rows: Sequence[Mapping[str, float]], mode: str, states: Floats | None = None
) -> dict[str, Floats]:
    """Aspects 0..10 by the very code that scores."""
    known = [None] * len(rows) if states is None else [each if np.isfinite(each).all() else None for each in states]
    predicted = [calibration.predict(row, mode=mode, states=inner) for row, inner in zip(rows, known, strict=True)]
    return {aspect: np.array([10 * getattr(each, aspect) for each in predicted]) for aspect in ASPECTS}


def cross_validate(rows: Sequence[Mapping[str, float]], table: Table, mode: str, *, folds: int) -> dict[str, Floats]:
    """Out-of-fold predictions; no speaker is in training and test of one fold."""
    out = {aspect: np.zeros(len(rows)) for aspect in ASPECTS}
    for train, test in GroupKFold(folds).split(table.x, groups=table.speakers):
        fitted = calibration_from_arrays("fold", fit_whole(table, train, mode))
        states = None if table.states is None else table.states[test]
        predicted = predict_rows(fitted, [rows[index] for index in test], mode, states)
        for aspect in ASPECTS:
            out[aspect][test] = predicted[aspect]
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTable:
    """Words of a corpus, one row each: trained on the experts' mean, judged by their median. `owners`: utterances."""

    rows: list[dict[str, float]]
    table: Table
    medians: Floats
    owners: npt.NDArray[np.str_]


def fit_words(words: WordTable, rows: npt.NDArray[np.int64], flag_below: float) -> Arrays:
    """The arrays of the judge of words; `flag_below` is a mark of 0..10."""
    arrays = fit_mode(words.table, rows, "word", trees=WORD_TREES, tree_share=WORD_TREE_SHARE)
    return arrays | {"word/flag_below": np.array(flag_below / 10)}


def cross_validate_words(words: WordTable, *, folds: int) -> Floats:
    """Out-of-fold marks 0..10 of words; no speaker is in training and test of one fold."""
    out = np.zeros(len(words.rows))
    for train, test in GroupKFold(folds).split(words.table.x, groups=words.table.speakers):
        judge = calibration_from_arrays("fold", fit_words(words, train, 0.0)).words
        if judge is not None:
            out[test] = [10 * judge.predict(words.rows[index]) for index in test]
    return out


def best_flag(predicted: Floats, medians: Floats) -> float:
    """The mark below which flagging words as badly said agrees best (F1) with the experts."""
    bad = medians < BAD_BELOW

    def f1(below: float) -> float:
        flagged = predicted < below
        return 2 * int((flagged & bad).sum()) / max(int(flagged.sum() + bad.sum()), 1)

    return float(max(np.arange(4.0, 9.6, 0.1), key=f1))


def pearson(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 2 and a.std() > 0 and b.std() > 0 else float("nan")


def rmse(a: Floats, b: Floats) -> float:
    return float(np.sqrt(((a - b) ** 2).mean()))


def kappa_of_marks(a: Floats, b: Floats) -> float:
    """Quadratic weighted kappa of marks rounded to whole numbers 0..10; not a number where it is not defined."""
    one, other = (np.clip(np.rint(each), 0, 10).astype(int).tolist() for each in (a, b))
    found = weighted_kappa(list(zip(one, other, strict=True))) if one else None
    return math.nan if found is None else found


def agreement(predicted: Floats, marks: Floats) -> dict[str, float]:
    return {
        "pearson": round(pearson(predicted, marks), 3),
        "rmse": round(rmse(predicted, marks), 3),
        "qwk": round(kappa_of_marks(predicted, marks), 3),
    }


def by_speaker(values: Floats, speakers: npt.NDArray[np.str_]) -> Floats:
    """The mean of each speaker, in the order of the speakers' names."""
    return np.array([values[speakers == each].mean() for each in sorted(set(speakers))])
