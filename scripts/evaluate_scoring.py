"""How well the scoring agrees with experts, and how fast it is.

make evaluate                          cross-validated on the shared train split (the models are trained anew per fold)
make evaluate AUDIO=DIR SCORES=FILE    the shipped calibration, as it is, on any folder in the layout of that split
python -m scripts.evaluate_scoring --speed    real-time factor and memory on a mix like a 63-item form

The last line of an evaluation is one JSON object. Features are kept under --cache, so a broken run goes on.
"""

import argparse
import hashlib
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from backend.adapters.speech.calibrations import load_calibration
from backend.adapters.speech.offline import OfflineEngine
from backend.adapters.speech.pipeline import PIPELINE_VERSION
from backend.scoring.calibration import ASPECTS
from backend.scoring.scorers import VERSIONS
from backend.scoring.text import edit_distance, words_of
from scripts.calibration_fit import (
    BAD_BELOW,
    Floats,
    agreement,
    best_flag,
    by_speaker,
    cross_validate,
    kappa_of_marks,
    pearson,
    predict_rows,
    predict_words,
    rmse,
)
from scripts.rated_corpus import Corpus, Utterance, find_scores, limited, open_corpus, totals_of
from scripts.scoring_speed import measure_speed
from scripts.speech_features import extract_all
from scripts.train_calibration import CACHE, DATA, ROOT, utterance_table, word_table

ADULT_FROM = 18
_OF_EACH = 5  # utterances of a speaker in a subset
Features = Mapping[str, Mapping[str, Any]]
Predicted = Mapping[str, Floats]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Evaluate the scoring")
    parser.add_argument("--audio", type=Path, help="folder of recordings; then nothing is trained")
    parser.add_argument("--scores", type=Path, help="file of scores (default: *scores*.json in or beside the folder)")
    parser.add_argument("--cache", type=Path, help="where features are kept")
    parser.add_argument("--models", type=Path, default=ROOT / ".viva" / "models")
    parser.add_argument(
        "--processes", type=int, default=len(os.sched_getaffinity(0)), help="default: one for each core"
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--limit", type=int, help="a subset: this many utterances")
    parser.add_argument("--shipped", action="store_true", help="the shipped calibration also on the train split")
    parser.add_argument("--speed", action="store_true", help="measure speed and memory only")
    return parser.parse_args()


def corpus_of(options: argparse.Namespace) -> Corpus:
    """SystemExit with a plain sentence where there is nothing to evaluate."""
    audio = options.audio or DATA
    scores = options.scores or find_scores(audio)
    if not audio.is_dir():
        sys.exit(f"There is no folder {audio}.")
    if scores is None or not scores.is_file():
        sys.exit(f"There is no file of scores: {scores or audio}. Name it: SCORES=FILE")
    corpus = open_corpus(audio, scores)
    if not corpus.utterances:
        reasons = ", ".join(sorted(set(corpus.left_out.values()))) or "the file is empty"
        sys.exit(f"No utterance of {scores} can be judged with the recordings in {audio}: {reasons}.")
    return _limited(corpus, options.limit) if options.limit else corpus


def _limited(corpus: Corpus, most: int) -> Corpus:
    """A subset with the spread of the whole, the same every time: a few utterances of each of many speakers, who stand
    evenly from the lowest marked to the highest."""
    by_speaker: dict[str, list[Utterance]] = {}
    for each in corpus.utterances:
        by_speaker.setdefault(each.speaker, []).append(each)
    ranked = sorted(by_speaker, key=lambda name: (_standing(by_speaker[name]), name))
    count = min(len(ranked), math.ceil(most / _OF_EACH))
    chosen = [ranked[(2 * number + 1) * len(ranked) // (2 * count)] for number in range(count)]
    of_each = math.ceil(most / count)
    kept = [each for name in chosen for each in sorted(by_speaker[name], key=_shuffled)[:of_each]]
    return limited(corpus, kept[:most])


def _standing(utterances: Sequence[Utterance]) -> float:
    """A speaker's mean mark."""
    return float(np.mean([each.median.get("total", 0.0) for each in utterances]))


def _shuffled(utterance: Utterance) -> bytes:
    return hashlib.sha256(utterance.id.encode()).digest()


def _rounded(value: float) -> float | None:
    """Three decimals; None where it is not a number, which JSON does not know."""
    return round(value, 3) if math.isfinite(value) else None


def one_expert(corpus: Sequence[Utterance]) -> dict[str, dict[str, float | None]]:
    """Each of the experts against the median of the others, averaged; of the total by each one's own, not rounded."""
    found = {}
    for aspect in ASPECTS:
        given = [each.experts.get(aspect) or (totals_of(each.experts) if aspect == "total" else []) for each in corpus]
        rated = [marks for marks in given if len(marks) == 5]
        if len(rated) < 3:
            continue
        marks = np.array(rated, dtype=np.float64)
        pairs = [(marks[:, one], np.median(np.delete(marks, one, axis=1), axis=1)) for one in range(marks.shape[1])]
        found[aspect] = {
            "pearson": _rounded(float(np.mean([pearson(a, b) for a, b in pairs]))),
            "rmse": _rounded(float(np.mean([rmse(a, b) for a, b in pairs]))),
            "qwk": _rounded(float(np.mean([kappa_of_marks(a, b) for a, b in pairs]))),
        }
    return found


def word_error_rate(corpus: Sequence[Utterance], features: Features) -> float | None:
    """Errors of free recognition over the words of the texts; spelling, numbers and contractions made equal first."""
    pairs = [(words_of(each.text), words_of(features[each.id]["heard"])) for each in corpus]
    expected = sum(len(a) for a, _ in pairs)
    return round(sum(edit_distance(a, b) for a, b in pairs) / expected, 3) if expected else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Aspects 0..10 of every utterance, in the corpus' order; of every marked word of a text its mark 0..10, the
    experts' median, and whose it is. `flag_below`: which words count as badly said."""

    aspects: Predicted
    words: Floats
    medians: Floats
    word_owners: Sequence[Utterance]
    flag_below: float


def judge_all(corpus: Sequence[Utterance], features: Features, options: argparse.Namespace) -> Judged:
    """By the shipped calibration, or by one that is trained without a speaker for each. Where the voice gate hears
    nobody every aspect is zero."""
    silent = np.array([not features[each.id]["read"] for each in corpus])
    spoken = [each for each, quiet in zip(corpus, silent, strict=True) if not quiet]
    rows, table = utterance_table(spoken, features, "read")
    words = word_table(spoken, features)
    shipped = load_calibration()
    below = 10 * shipped.words.flag_below if shipped.words is not None else 0.0
    if options.audio or options.shipped:
        everybody = range(len(rows))
        found = predict_rows(shipped, rows, table, "read", everybody)
        known = predict_words(shipped, words, rows, table, everybody) if words is not None else {}
        of_words = np.array([known[row] for row in sorted(known)])
    else:
        found, of_words = cross_validate(rows, table, "read", folds=options.folds, words=words)
        below = best_flag(of_words, words.medians) if words is not None else below
    predicted = {aspect: np.zeros(len(corpus)) for aspect in ASPECTS}
    for aspect in ASPECTS:
        predicted[aspect][~silent] = found[aspect]
    return Judged(
        aspects=predicted,
        words=of_words,
        medians=words.medians if words is not None else np.zeros(0),
        word_owners=[spoken[owner] for owner in words.owners] if words is not None else [],
        flag_below=below,
    )


def groups_of(corpus: Sequence[Utterance]) -> dict[str, npt.NDArray[np.bool_]]:
    """Who counts as what; people of unknown age count in `all` only."""
    ages = np.array([math.nan if each.age is None else each.age for each in corpus])
    return {"all": np.ones(len(corpus), dtype=bool), "adults": ages >= ADULT_FROM, "children": ages < ADULT_FROM}


def group_agreement(predicted: Floats, marks: Floats) -> dict[str, float | None]:
    """Of a group; nobody in it, or nobody who differs: None for what is then not defined."""
    if not len(marks):
        return {"pearson": None, "rmse": None, "qwk": None}
    return {name: _rounded(value) for name, value in agreement(predicted, marks).items()}


def _marks_of(corpus: Sequence[Utterance]) -> dict[str, Floats]:
    return {aspect: np.array([each.median[aspect] for each in corpus]) for aspect in ASPECTS}


def _age_bands(corpus: Sequence[Utterance]) -> dict[str, npt.NDArray[np.bool_]]:
    bands = {"6-8": (0, 9), "9-11": (9, 12), "12-17": (12, 18), "18-24": (18, 25), "25-": (25, 200)}
    ages = np.array([-1 if each.age is None else each.age for each in corpus])
    return {name: (ages >= low) & (ages < high) for name, (low, high) in bands.items()}


def _sexes(corpus: Sequence[Utterance]) -> dict[str, npt.NDArray[np.bool_]]:
    """Empty where the scores name no sex: a voice's height is no honest stand-in."""
    named = np.array([each.sex or "" for each in corpus])
    return {str(name): named == name for name in np.unique(named) if name}


def differential_error(
    groups: Mapping[str, npt.NDArray[np.bool_]], predicted: Floats, marks: Floats
) -> dict[str, dict[str, float | None]]:
    """Of the total per group: mean error, and the same among utterances of equal marks.

    The second is what fairness asks for: regression to the mean alone makes any group that scores high look underrated.
    """
    error = predicted - marks
    same = {mark: float(error[np.rint(marks) == mark].mean()) for mark in np.unique(np.rint(marks))}
    beside = error - np.array([same[mark] for mark in np.rint(marks)])
    found = {}
    for name, mask in groups.items():
        if mask.any():
            found[name] = {
                "n": int(mask.sum()),
                "mean_error": _rounded(float(error[mask].mean())),
                "at_equal_marks": _rounded(float(beside[mask].mean())),
                "rmse": _rounded(rmse(predicted[mask], marks[mask])),
            }
    return found


def word_level(corpus: Sequence[Utterance], judged: Judged) -> dict[str, Any]:
    """Each word against the experts' median: agreement, and how well badly said words are found."""
    predicted, medians = judged.words, judged.medians
    if len(predicted) < 3 or not np.isfinite(predicted).all():
        return {"pearson": None, "auc": None, "f1": None, "n": len(medians)}
    bad, flagged = medians < BAD_BELOW, predicted < judged.flag_below
    child = np.array([(each.age or ADULT_FROM) < ADULT_FROM for each in judged.word_owners])
    return {
        "pearson": _rounded(pearson(predicted, medians)),
        "auc": _rounded(float(roc_auc_score(bad, -predicted))) if 0 < bad.sum() < len(bad) else None,
        "f1": _rounded(2 * int((bad & flagged).sum()) / max(int(bad.sum() + flagged.sum()), 1)),
        "pearson_children": _rounded(pearson(predicted[child], medians[child])),
        "one_expert_pearson": _one_expert_words(corpus),
        "n": len(medians),
    }


def _one_expert_words(corpus: Sequence[Utterance]) -> float | None:
    marks = [word["accuracy"] for each in corpus for word in each.words if len(word.get("accuracy") or []) == 5]
    if len(marks) < 3:
        return None
    table = np.array(marks, dtype=np.float64)
    pairs = [(table[:, one], np.median(np.delete(table, one, axis=1), axis=1)) for one in range(5)]
    return _rounded(float(np.mean([pearson(a, b) for a, b in pairs])))


def cache_of(audio: Path | None) -> Path:
    """Where the features of a folder are kept; those of the train split are the calibration's."""
    if audio is None:
        return CACHE
    return ROOT / ".viva" / "evaluation" / hashlib.sha256(str(audio.resolve()).encode()).hexdigest()[:12]


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    whole = corpus_of(options)
    corpus = whole.utterances
    features = extract_all(
        corpus,
        cache=options.cache or cache_of(options.audio),
        models=options.models,
        processes=options.processes,
        free=False,
    )
    failed = {each.id: features[each.id]["failure"] for each in corpus if features[each.id]["failure"]}
    corpus = [each for each in corpus if each.id not in failed]
    marks, judged = _marks_of(corpus), judge_all(corpus, features, options)
    predicted = judged.aspects
    speakers = np.array([each.speaker for each in corpus])
    groups = groups_of(corpus)
    seconds = sum(features[each.id]["seconds"] for each in corpus)
    trained = not (options.audio or options.shipped)
    return {
        "utterance": {
            name: {aspect: group_agreement(predicted[aspect][mask], marks[aspect][mask]) for aspect in ASPECTS}
            for name, mask in groups.items()
        },
        "speaker": {
            aspect: group_agreement(by_speaker(predicted[aspect], speakers), by_speaker(marks[aspect], speakers))
            for aspect in ASPECTS
        },
        "word": word_level(corpus, judged),
        "wer": word_error_rate(corpus, features),
        "rtf": _rounded(sum(features[each.id]["cpu_s"] for each in corpus) / max(seconds, 0.1)),
        "rss_mb": round(max((features[each.id]["rss_mb"] for each in corpus), default=0.0)),
        "one_expert_against_four": one_expert(corpus),
        "one_expert_children": one_expert([each for each in corpus if (each.age or ADULT_FROM) < ADULT_FROM]),
        "fairness": {
            name: differential_error(each, predicted["total"], marks["total"])
            for name, each in (("by_age", _age_bands(corpus)), ("by_sex", _sexes(corpus)))
        },
        "n": {
            **{name: int(mask.sum()) for name, mask in groups.items()},
            "speakers": len(set(speakers)),
            "no_voice": sum(not features[each.id]["read"] for each in corpus),
            "left_out": {
                reason: list({**whole.left_out, **failed}.values()).count(reason)
                for reason in sorted({*whole.left_out.values(), *failed.values()})
            },
        },
        "versions": {
            **OfflineEngine(models_dir=options.models).versions(),
            "pipeline": PIPELINE_VERSION,
            "scorers": VERSIONS,
            "calibration": f"cross-validated, {options.folds} folds by speaker" if trained else load_calibration().name,
        },
    }


def report(found: Mapping[str, Any]) -> None:
    """The figures for a reader, then everything as one line of JSON."""
    print(f"{'Pearson (RMSE, QWK)':<22}" + "".join(f"{aspect:>24}" for aspect in ASPECTS))
    rows = {
        **found["utterance"],
        "speakers": found["speaker"],
        "one expert": found["one_expert_against_four"],
        "one expert, children": found["one_expert_children"],
    }
    for name, aspects in rows.items():
        cells = (aspects.get(aspect) for aspect in ASPECTS)
        shown = (f"{each['pearson']} ({each['rmse']}, {each['qwk']})" if each else "-" for each in cells)
        print(f"{name:<22}" + "".join(f"{cell:>24}" for cell in shown))
    for name, each in {**found["fairness"]["by_age"], **found["fairness"]["by_sex"]}.items():
        print(
            f"group {name:<16} n {each['n']}, mean error {each['mean_error']}, at equal marks {each['at_equal_marks']}"
        )
    print(
        f"words {found['word']}; word error rate {found['wer']}; real-time factor {found['rtf']}; {found['rss_mb']} MB"
    )
    print(json.dumps(found, allow_nan=False))


def main() -> None:
    options = arguments()
    if options.speed:
        print(json.dumps(measure_speed(corpus_of(options).utterances, options.models)))
    else:
        report(evaluate(options))


if __name__ == "__main__":
    main()
