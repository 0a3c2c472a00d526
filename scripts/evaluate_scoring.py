"""How well the scoring agrees with experts, and how fast it is.

make evaluate                          cross-validated on the shared train split (the models are trained anew per fold)
make evaluate AUDIO=DIR SCORES=FILE    the shipped calibration, as it is, on any folder in the layout of that split
                                       (CALIBRATION=FILE: one of your own)
python -m scripts.evaluate_scoring --speed    real-time factor and memory on a mix like a 63-item form

The last line of an evaluation is one JSON object. Features are kept under --cache, so a broken run goes on.
"""

import argparse
import hashlib
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.adapters.speech.calibrations import load_calibration
from backend.adapters.speech.offline import OfflineEngine
from backend.adapters.speech.offline.adaptation import HALVES
from backend.adapters.speech.pipeline import PIPELINE_VERSION
from backend.core.errors import PermanentFailure
from backend.scoring.calibration import ASPECTS
from backend.scoring.scorers import VERSIONS
from backend.scoring.text import edit_distance, words_of
from scripts import one_expert
from scripts.calibration_fit import (
    BAD_BELOW,
    Floats,
    agreement,
    best_flag,
    by_speaker,
    cross_validate,
    folds_of,
    pearson,
    predict_rows,
    predict_words,
    rmse,
    rounded,
)
from scripts.one_expert import WELL_READ, auc, share
from scripts.rated_corpus import Corpus, Utterance, corpus_at, limited
from scripts.scoring_speed import measure_speed
from scripts.speech_features import extract_all
from scripts.train_calibration import DATA, ROOT, cache_of, is_trained_on, utterance_table, word_table

ADULT_FROM = 18
_OF_EACH = 5  # utterances of a speaker in a subset
_APART = 2.0  # marks of two words that surely differ
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
    parser.add_argument("--calibration", type=Path, help="a calibration of your own instead of the shipped one")
    parser.add_argument("--shipped", action="store_true", help="the shipped calibration also on the train split")
    parser.add_argument("--speed", action="store_true", help="measure speed and memory only")
    return parser.parse_args()


def corpus_of(options: argparse.Namespace) -> Corpus:
    """SystemExit with a plain sentence where there is nothing to evaluate."""
    corpus = corpus_at(options.audio or DATA, options.scores)
    return subset(corpus, options.limit) if options.limit else corpus


def check_calibration(options: argparse.Namespace) -> None:
    """SystemExit with a plain sentence: the file that was named is none."""
    try:
        load_calibration(options.calibration)
    except PermanentFailure:
        sys.exit(f"{options.calibration} is no calibration.")


def subset(corpus: Corpus, most: int) -> Corpus:
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


def word_error_rate(corpus: Sequence[Utterance], features: Features) -> float | None:
    """Errors of free recognition over the words of the texts; spelling, numbers and contractions made equal first."""
    pairs = [(words_of(each.text), words_of(features[each.id]["heard"])) for each in corpus]
    expected = sum(len(a) for a, _ in pairs)
    return round(sum(edit_distance(a, b) for a, b in pairs) / expected, 3) if expected else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Aspects 0..10 of every utterance, in the corpus' order; of every marked word that could be judged its mark 0..10,
    the experts' median, and whose it is. `flag_below`: which words count as badly said; `calibration`: by what."""

    aspects: Predicted
    words: Floats
    medians: Floats
    word_owners: Sequence[Utterance]
    flag_below: float
    calibration: str


def judge_all(corpus: Sequence[Utterance], features: Features, options: argparse.Namespace) -> Judged:
    """By the shipped calibration or the one that was named, or by one that is trained without a speaker for each. Where
    the voice gate hears nobody every aspect is zero."""
    silent = np.array([not features[each.id]["read"] for each in corpus], dtype=bool)
    spoken = [each for each, quiet in zip(corpus, silent, strict=True) if not quiet]
    rows, table = utterance_table(spoken, features, "read")
    words = word_table(spoken, features)
    if options.audio or options.shipped or options.calibration:
        fixed = load_calibration(options.calibration)
        by, everybody = fixed.name, range(len(rows))
        found = predict_rows(fixed, rows, table, "read", everybody)
        known = predict_words(fixed, words, rows, table, everybody) if words is not None else {}
        of_words = np.array([known[row] for row in sorted(known)])
        below = 10 * fixed.words.flag_below if fixed.words is not None else 0.0
    else:
        by = f"cross-validated, {folds_of(table.speakers, options.folds)} folds by speaker"
        found, of_words = cross_validate(rows, table, "read", folds=options.folds, words=words)
        below = best_flag(of_words, words.medians) if words is not None else 0.0
    predicted = {aspect: np.zeros(len(corpus)) for aspect in ASPECTS}
    for aspect in ASPECTS:
        predicted[aspect][~silent] = found[aspect]
    judged = np.isfinite(of_words)
    return Judged(
        aspects=predicted,
        words=of_words[judged],
        medians=words.medians[judged] if words is not None else np.zeros(0),
        word_owners=[spoken[owner] for owner in words.owners[judged]] if words is not None else [],
        flag_below=below,
        calibration=by,
    )


def groups_of(corpus: Sequence[Utterance]) -> dict[str, npt.NDArray[np.bool_]]:
    """Who counts as what; people of unknown age count in `all` only."""
    ages = np.array([math.nan if each.age is None else each.age for each in corpus])
    return {"all": np.ones(len(corpus), dtype=bool), "adults": ages >= ADULT_FROM, "children": ages < ADULT_FROM}


def _marks_of(corpus: Sequence[Utterance]) -> dict[str, Floats]:
    return {aspect: np.array([each.median[aspect] for each in corpus]) for aspect in ASPECTS}


def age_bands(corpus: Sequence[Utterance]) -> dict[str, npt.NDArray[np.bool_]]:
    bands = {"6-8": (0, 9), "9-11": (9, 12), "12-17": (12, 18), "18-24": (18, 25), "25-": (25, 200)}
    ages = np.array([-1 if each.age is None else each.age for each in corpus])
    return {name: (ages >= low) & (ages < high) for name, (low, high) in bands.items()}


def sexes(corpus: Sequence[Utterance]) -> dict[str, npt.NDArray[np.bool_]]:
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
                "mean_error": rounded(float(error[mask].mean())),
                "at_equal_marks": rounded(float(beside[mask].mean())),
                "rmse": rounded(rmse(predicted[mask], marks[mask])),
            }
    return found


def word_level(judged: Judged) -> dict[str, Any]:
    """Each word against the experts' median: agreement, and how well badly said words are found. `well_read`: of those
    in utterances of WELL_READ and more, how many are badly said, flagged, and flagged rightly; `ordered`: the share of
    pairs of one utterance, two marks and more apart, that stand in the right order."""
    predicted, medians = judged.words, judged.medians
    bad, flagged = medians < BAD_BELOW, predicted < judged.flag_below
    child = np.array([(each.age or ADULT_FROM) < ADULT_FROM for each in judged.word_owners], dtype=bool)
    well = np.array([each.median["total"] >= WELL_READ for each in judged.word_owners], dtype=bool)
    return {
        "pearson": rounded(pearson(predicted, medians)),
        "auc": rounded(auc(predicted, medians)),
        "f1": rounded(share(2 * (bad & flagged).sum(), bad.sum() + flagged.sum())),
        "pearson_children": rounded(pearson(predicted[child], medians[child])),
        "ordered": rounded(_ordered(judged)),
        "well_read": {
            "n": int(well.sum()),
            "badly_said": int((well & bad).sum()),
            "flagged": int((well & flagged).sum()),
            "rightly": int((well & bad & flagged).sum()),
        },
        "n": len(medians),
    }


def _ordered(judged: Judged) -> float:
    right = count = 0
    owners = np.array([each.id for each in judged.word_owners])
    for name in np.unique(owners):
        own = owners == name
        marks, medians = judged.words[own], judged.medians[own]
        apart = np.subtract.outer(medians, medians) >= _APART
        count += int(apart.sum())
        right += int((apart & (np.subtract.outer(marks, marks) > 0)).sum())
    return share(right, count)


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """All figures. SystemExit with a plain sentence where there is nothing to evaluate."""
    check_calibration(options)
    whole = corpus_of(options)
    features = extract_all(
        whole.utterances,
        cache=options.cache or cache_of(options.audio or DATA),
        models=options.models,
        processes=options.processes,
        free=False,
        is_trained_on=is_trained_on(options.audio or DATA),
    )
    failed = {each.id: features[each.id]["failure"] for each in whole.utterances if features[each.id]["failure"]}
    left_out = Counter([*whole.left_out.values(), *failed.values()])
    corpus = [each for each in whole.utterances if each.id not in failed]
    if not corpus:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(left_out.items()))
        sys.exit(f"No recording can be evaluated: {reasons}.")
    return figures_of(corpus, features, left_out, options)


def figures_of(
    corpus: Sequence[Utterance], features: Features, left_out: Mapping[str, int], options: argparse.Namespace
) -> dict[str, Any]:
    marks, judged = _marks_of(corpus), judge_all(corpus, features, options)
    predicted = judged.aspects
    speakers = np.array([each.speaker for each in corpus])
    groups = groups_of(corpus)
    seconds = sum(features[each.id]["seconds"] for each in corpus)
    return {
        "utterance": {
            name: {aspect: agreement(predicted[aspect][mask], marks[aspect][mask]) for aspect in ASPECTS}
            for name, mask in groups.items()
        },
        "speaker": {
            aspect: agreement(by_speaker(predicted[aspect], speakers), by_speaker(marks[aspect], speakers))
            for aspect in ASPECTS
        },
        "word": word_level(judged),
        "wer": word_error_rate(corpus, features),
        "rtf": rounded(sum(features[each.id]["cpu_s"] for each in corpus) / max(seconds, 0.1)),
        "rss_mb": round(max((features[each.id]["rss_mb"] for each in corpus), default=0.0)),
        "one_expert_against_four": {
            "utterance": {
                name: one_expert.of_utterances([each for each, inside in zip(corpus, mask, strict=True) if inside])
                for name, mask in groups.items()
            },
            "speaker": one_expert.of_speakers(corpus),
            "word": one_expert.of_words(corpus),
        },
        "fairness": {
            name: differential_error(each, predicted["total"], marks["total"])
            for name, each in (("by_age", age_bands(corpus)), ("by_sex", sexes(corpus)))
        },
        "n": {
            **{name: int(mask.sum()) for name, mask in groups.items()},
            "speakers": len(set(speakers)),
            "no_voice": sum(not features[each.id]["read"] for each in corpus),
            "left_out": dict(sorted(left_out.items())),
        },
        "versions": {
            **OfflineEngine(models_dir=options.models).versions(),
            "pipeline": PIPELINE_VERSION,
            "scorers": VERSIONS,
            **({"whisper-adapted": ", ".join(HALVES)} if is_trained_on(options.audio or DATA) else {}),
            "calibration": judged.calibration,
        },
    }


def report(found: Mapping[str, Any]) -> None:
    """The figures for a reader, then everything as one line of JSON."""
    experts = found["one_expert_against_four"]
    print(f"{'Pearson (RMSE, QWK)':<22}" + "".join(f"{aspect:>24}" for aspect in ASPECTS))
    rows = {
        **found["utterance"],
        "speakers": found["speaker"],
        **{f"one expert, {name}": aspects for name, aspects in experts["utterance"].items()},
        "one expert, speakers": experts["speaker"],
    }
    for name, aspects in rows.items():
        cells = (aspects[aspect] for aspect in ASPECTS)
        shown = (f"{each['pearson']} ({each['rmse']}, {each['qwk']})" for each in cells)
        print(f"{name:<22}" + "".join(f"{cell:>24}" for cell in shown))
    for name, aspects in experts["utterance"].items():
        cells = (aspects[aspect] for aspect in ASPECTS)
        shown = (f"{each['best_pearson']}, {each['one_against_one']}" for each in cells)
        print(f"{'best, two, ' + name:<22}" + "".join(f"{cell:>24}" for cell in shown))
    for name, each in {**found["fairness"]["by_age"], **found["fairness"]["by_sex"]}.items():
        print(
            f"group {name:<16} n {each['n']}, mean error {each['mean_error']}, at equal marks {each['at_equal_marks']}"
        )
    print(f"words {found['word']}")
    print(f"words, one expert {experts['word']}")
    print(f"word error rate {found['wer']}; real-time factor {found['rtf']}; {found['rss_mb']} MB")
    print(json.dumps(found, allow_nan=False))


def main() -> None:
    options = arguments()
    if options.speed:
        print(json.dumps(measure_speed(corpus_of(options).utterances, options.models)))
    else:
        report(evaluate(options))


if __name__ == "__main__":
    main()
