"""Fitting and judging calibrations: a ridge line and monotone boosted trees, averaged, per aspect; a line over the
recogniser's states; small networks over both; attention over the words. Speaker-wise folds."""

import math
import sys
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
from backend.scoring.calibration.attention import Words
from scripts.attention_fit import Sentences, fit_networks

Floats = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]

MODES = ("read", "open")
FEWEST_SPEAKERS = 3  # of a cross-validation: two in every training
# Not the speaker's doing, or a stand-in for age and sex: never used.
UNFAIR = frozenset({"leading_s", "seconds", "snr_db", "speech_dbfs", "pitch_hz", "pitch_known", "phones_aligned"})
# Known only when the text is.
READ_ONLY = ("match_", "expected_words", "forced_")  # forced: in free speech the same as asr_token_log
WORD_READ_ONLY = ("heard_match", "heard_near", "heard_left_out", "heard_letters", "near_heard_match")
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
ATTENTION_SHARE, ATTENTIONS = 0.5, 3
NET = {"hidden_layer_sizes": (48,), "alpha": 3.0, "learning_rate_init": 2e-3, "max_iter": 60}
BATCH = 64
# States say more of flow than of single sounds.
STATE_SHARES = {"accuracy": 0.2, "fluency": 0.4, "prosodic": 0.4, "total": 0.3}
WORD_TREES = {**TREES, "max_iter": 250, "learning_rate": 0.04, "max_leaf_nodes": 10, "min_samples_leaf": 30}
WORD_TREE_SHARE, WORD_ATTENTION_SHARE = 0.7, 0.5
BAD_BELOW = 6.0  # a badly said word: the experts' median is below, so a sound is wrong or missing, not merely accented


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Features and marks of a corpus: one row an utterance. `states` of the recogniser: NaN where there are none.
    `words`: of each stretch of speech, features of its words; `word_marks`: of these words where the text is known and
    marked, else empty."""

    names: tuple[str, ...]
    x: Floats
    marks: Mapping[str, Floats]
    speakers: npt.NDArray[np.str_]
    states: Floats | None = None
    words: Sequence[Sequence[Words]] = ()
    word_marks: Sequence[Sequence[float]] = ()


def feature_names(rows: Sequence[Mapping[str, float]], mode: str) -> tuple[str, ...]:
    found = {name for row in rows for name in row} - UNFAIR
    return tuple(sorted(name for name in found if mode == "read" or not name.startswith(READ_ONLY)))


def make_table(
    rows: Sequence[Mapping[str, float]],
    marks: Mapping[str, Floats],
    speakers: Sequence[str],
    mode: str,
    states: Sequence[Sequence[float] | None] = (),
    words: Sequence[Sequence[Words]] = (),
    word_marks: Sequence[Sequence[float]] = (),
) -> Table:
    names = feature_names(rows, mode)
    x = np.array([[row.get(name, np.nan) for name in names] for row in rows], dtype=np.float64)
    return Table(
        names=names,
        x=x,
        marks=marks,
        speakers=np.array(speakers),
        states=_state_rows(states),
        words=words,
        word_marks=word_marks,
    )


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
    arrays = _fit_inputs(table.names, table.x[rows], mode)
    bounded, standard = _bounded(table.x[rows], arrays, mode), _standard(table.x[rows], arrays, mode)
    for aspect, marks in table.marks.items():
        fitted = _fit_aspect(table.names, bounded, standard, marks[rows], trees, tree_share)
        arrays |= {f"{mode}/{aspect}/{field}": value for field, value in fitted.items()}
    return arrays


def _fit_inputs(names: Sequence[str], x: Floats, prefix: str) -> Arrays:
    """What `Inputs` holds, of these rows. A feature that is never known is always 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        centre = np.nan_to_num(np.nanmedian(x, axis=0))
    filled = np.where(np.isfinite(x), x, centre)
    low, high = np.percentile(filled, [0.5, 99.5], axis=0)
    spread = np.maximum(np.clip(filled, low, high).std(axis=0), 1e-6)
    fields = {"names": np.array(names), "centre": centre, "spread": spread, "low": low, "high": high}
    return {f"{prefix}/{field}": value for field, value in fields.items()}


def _bounded(x: Floats, fitted: Arrays, prefix: str) -> Floats:
    """Rows of features, gaps filled, bounded."""
    centre, low, high = (fitted[f"{prefix}/{field}"] for field in ("centre", "low", "high"))
    return np.asarray(np.clip(np.where(np.isfinite(x), x, centre), low, high))


def _standard(x: Floats, fitted: Arrays, prefix: str) -> Floats:
    """The same as the models of `fitted` see them."""
    return np.asarray((_bounded(x, fitted, prefix) - fitted[f"{prefix}/centre"]) / fitted[f"{prefix}/spread"])


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
    z = _standard_states(table, kept, fitted)
    reduced = PCA(min(STATE_DIRECTIONS, len(z) - 1, z.shape[1]), random_state=0).fit(z)
    scale = np.maximum(reduced.transform(z).std(axis=0), 1e-6)
    directions = reduced.components_.T / scale
    arrays = {"directions": directions, "offset": -(reduced.mean_ @ directions)}
    seen = fitted | {f"{mode}/net/{name}": value for name, value in arrays.items()}
    given = _whole(table, kept, seen, mode)
    marks = np.stack([table.marks[aspect][kept] for aspect in ASPECTS], axis=1)
    centre, spread = marks.mean(axis=0), np.maximum(marks.std(axis=0), 1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
        shape = {**NET, "batch_size": min(BATCH, len(given))}
        nets = [MLPRegressor(**shape, random_state=seed).fit(given, (marks - centre) / spread) for seed in range(NETS)]
    arrays |= {
        "hidden": np.stack([net.coefs_[0] for net in nets]),
        "bias": np.stack([net.intercepts_[0] for net in nets]),
        "out": np.stack([net.coefs_[1] * spread for net in nets]),
        "out_bias": np.stack([net.intercepts_[1] * spread + centre for net in nets]),
        "share": np.array(NET_SHARE),
    }
    return {f"{mode}/net/{name}": np.asarray(value, dtype=np.float32) for name, value in arrays.items()}


def fit_attention(table: Table, rows: npt.NDArray[np.int64], fitted: Arrays, mode: str) -> Arrays:
    """Networks of attention over the words of utterances spoken in one stretch, beside what the networks of `fit_nets`
    see. Empty where the table has no words or no states."""
    if table.states is None or not table.words:
        return {}
    kept = [at for at in rows if len(table.words[at]) == 1 and any(table.words[at][0]) and _has_states(table, at)]
    if not kept:
        return {}
    utterances = [[(at, word) for at, word in enumerate(table.words[index][0]) if word] for index in kept]
    names = _word_names([word for words in utterances for _, word in words], mode)
    values = [np.array([[word.get(name, np.nan) for name in names] for _, word in words]) for words in utterances]
    arrays = _fit_inputs(names, np.concatenate(values), f"{mode}/attention")
    shape = len(kept), max(len(words) for words in values)
    words, spoken, marks = np.zeros((*shape, len(names))), np.zeros(shape, dtype=bool), np.full(shape, np.nan)
    for at, (index, own) in enumerate(zip(kept, values, strict=True)):
        words[at, : len(own)], spoken[at, : len(own)] = _standard(own, arrays, f"{mode}/attention"), True
        given = table.word_marks[index] if table.word_marks else ()
        if len(given) == len(table.words[index][0]):
            marks[at, : len(own)] = [given[place] for place, _ in utterances[at]]
    sentences = Sentences(
        words=words,
        spoken=spoken,
        whole=_whole(table, np.array(kept), fitted, mode),
        marks=np.stack([table.marks[aspect][kept] for aspect in ASPECTS], axis=1),
        word_marks=marks,
    )
    networks = fit_networks(sentences, ATTENTIONS)
    arrays |= {f"{mode}/attention/weights/{name}": value for name, value in networks.items()}
    return arrays | {f"{mode}/attention/share": np.array(ATTENTION_SHARE)}


def _has_states(table: Table, at: int) -> bool:
    return table.states is not None and bool(np.isfinite(table.states[at]).all())


def _word_names(rows: Sequence[Mapping[str, float]], mode: str) -> tuple[str, ...]:
    found = sorted({name for row in rows for name in row})
    return tuple(name for name in found if mode == "read" or name not in WORD_READ_ONLY)


def _whole(table: Table, rows: npt.NDArray[np.int64], fitted: Arrays, mode: str) -> Floats:
    """What networks see of utterances: their features and the main directions of their states."""
    directions, offset = fitted[f"{mode}/net/directions"], fitted[f"{mode}/net/offset"]
    z = _standard_states(table, rows, fitted) @ directions + offset
    return np.concatenate([_standard(table.x[rows], fitted, mode), z], axis=1)


def _standard_states(table: Table, rows: npt.NDArray[np.int64], fitted: Arrays) -> Floats:
    states = np.zeros((len(rows), 0)) if table.states is None else table.states[rows][:, :STATES]
    return np.asarray(np.clip((states - fitted["state/centre"]) / fitted["state/spread"], -4, 4))


def fit_whole(table: Table, rows: npt.NDArray[np.int64], mode: str, states: Arrays | None = None) -> Arrays:
    """All of a mode, with the line over the states: `states` where it is fitted already."""
    arrays = fit_mode(table, rows, mode) | (states or fit_states(table, rows))
    arrays |= fit_nets(table, rows, arrays, mode)
    return arrays | fit_attention(table, rows, arrays, mode)


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
    calibration: Calibration, rows: Sequence[Mapping[str, float]], table: Table, mode: str, at: Sequence[int]
) -> dict[str, Floats]:
    """Aspects 0..10 of the rows `at`, by the very code that scores."""
    predicted = [
        calibration.predict(
            rows[index],
            mode=mode,
            states=table.states[index] if table.states is not None and _has_states(table, index) else None,
            words=table.words[index] if table.words else (),
        )
        for index in at
    ]
    return {aspect: np.array([10 * getattr(each, aspect) for each in predicted]) for aspect in ASPECTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTable:
    """Words of the utterances of a `Table`, one row each: trained on the experts' mean, judged by their median.
    `owners`: which utterance, `places`: which of its words."""

    rows: list[dict[str, float]]
    table: Table
    medians: Floats
    owners: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]


def fit_words(words: WordTable, rows: npt.NDArray[np.int64], flag_below: float) -> Arrays:
    """The arrays of the judge of words; `flag_below` is a mark of 0..10."""
    arrays = fit_mode(words.table, rows, "word", trees=WORD_TREES, tree_share=WORD_TREE_SHARE)
    shares = {"flag_below": flag_below / 10, "attention_share": WORD_ATTENTION_SHARE}
    return arrays | {f"word/{name}": np.array(value) for name, value in shares.items()}


def predict_words(
    calibration: Calibration, words: WordTable, rows: Sequence[Mapping[str, float]], table: Table, at: Sequence[int]
) -> dict[int, float]:
    """Row of `words` -> mark 0..10, for those of the utterances `at`, by the very code that scores."""
    found = {}
    for index in at:
        own = np.flatnonzero(words.owners == index)
        states = table.states[index] if table.states is not None and _has_states(table, index) else None
        marks = calibration.judge(table.words[index][0], rows[index], states) if len(own) else []
        for row in own:
            mark = marks[words.places[row]]
            found[int(row)] = 10 * mark if mark is not None else float("nan")
    return found


def folds_of(speakers: npt.NDArray[np.str_], folds: int) -> int:
    """How many there are: not more than speakers."""
    return min(folds, len(set(speakers)))


def cross_validate(
    rows: Sequence[Mapping[str, float]], table: Table, mode: str, *, folds: int, words: WordTable | None = None
) -> tuple[dict[str, Floats], Floats]:
    """Out-of-fold marks 0..10 of utterances and of their `words`; no speaker is in training and test of one fold. Of
    fewer speakers than folds each is one. A word is not a number where the other folds marked none. SystemExit with a
    plain sentence: there is nobody to leave out."""
    folds = folds_of(table.speakers, folds)
    if folds < FEWEST_SPEAKERS:
        sys.exit(
            f"Cross-validation leaves speakers out: it needs voices of {FEWEST_SPEAKERS} at least, and these are of "
            f"{folds} (LIMIT takes five utterances of each)."
        )
    out = {aspect: np.zeros(len(rows)) for aspect in ASPECTS}
    of_words = np.full(len(words.rows) if words else 0, np.nan)
    for train, test in GroupKFold(folds).split(table.x, groups=table.speakers):
        arrays = fit_whole(table, train, mode)
        if words is not None and np.isin(words.owners, train).any():
            arrays |= fit_words(words, np.flatnonzero(np.isin(words.owners, train)), 0.0)
        fitted = calibration_from_arrays("fold", arrays)
        predicted = predict_rows(fitted, rows, table, mode, test)
        for aspect in ASPECTS:
            out[aspect][test] = predicted[aspect]
        if words is not None:
            for row, mark in predict_words(fitted, words, rows, table, test).items():
                of_words[row] = mark
    return out, of_words


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
    return float(np.sqrt(((a - b) ** 2).mean())) if len(a) else float("nan")


def kappa_of_marks(a: Floats, b: Floats) -> float:
    """Quadratic weighted kappa of marks rounded to whole numbers 0..10; not a number where it is not defined."""
    one, other = (np.clip(np.rint(each), 0, 10).astype(int).tolist() for each in (a, b))
    found = weighted_kappa(list(zip(one, other, strict=True))) if one else None
    return math.nan if found is None else found


def agreement(predicted: Floats, marks: Floats) -> dict[str, float | None]:
    """Rounded; None for what is not defined: of nobody, or of those who do not differ."""
    return {
        "pearson": rounded(pearson(predicted, marks)),
        "rmse": rounded(rmse(predicted, marks)),
        "qwk": rounded(kappa_of_marks(predicted, marks)),
    }


def rounded(value: float) -> float | None:
    """Three decimals; None where it is not a number, which JSON does not know."""
    return round(value, 3) if math.isfinite(value) else None


def mean_known(values: Sequence[float]) -> float | None:
    """Of those that are defined, rounded; None: none is."""
    known = [each for each in values if math.isfinite(each)]
    return rounded(float(np.mean(known))) if known else None


def by_speaker(values: Floats, speakers: npt.NDArray[np.str_]) -> Floats:
    """The mean of each speaker, in the order of the speakers' names."""
    return np.array([values[speakers == each].mean() for each in sorted(set(speakers))])
