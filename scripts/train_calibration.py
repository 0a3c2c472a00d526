"""Trains a calibration: make calibration AUDIO=DIR SCORES=FILE OUT=FILE.

Extracts features with the default engine (kept under --cache, so a broken run goes on where it stopped),
cross-validates by speaker, fits on everything and writes the model as arrays. An institution's own rated recordings in
the same layout do too; about 25 speakers are enough to start. Prints the figures of the model card as JSON. With
SPEECH_CALIBRATION=FILE in .env Viva scores by it.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.scoring.calibration import ASPECTS
from scripts.calibration_fit import (
    MODES,
    Arrays,
    Floats,
    Table,
    WordTable,
    agreement,
    best_flag,
    by_speaker,
    cross_validate,
    fit_whole,
    fit_words,
    make_table,
)
from scripts.rated_corpus import Utterance, corpus_at
from scripts.speech_features import extract_all

ROOT = Path(__file__).resolve().parents[1]
_CORPUS = Path("shared") / "data" / "speechocean762-train"
# Beside this copy, or beside a folder that holds it.
DATA = next((each / _CORPUS for each in ROOT.parents if (each / _CORPUS).is_dir()), ROOT.parent / _CORPUS)

CACHE = ROOT / ".viva" / "calibration"
OWN = ROOT / ".viva" / "calibrations" / "own-1.npz"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder with audio (default: the shared train split)")
    parser.add_argument("--scores", type=Path, help="file of scores (default: *scores*.json in or beside the folder)")
    parser.add_argument("--cache", type=Path, help="where features are kept")
    parser.add_argument("--models", type=Path, default=ROOT / ".viva" / "models", help="where model files are made")
    parser.add_argument("--out", type=Path, default=OWN, help="the file to write, never one that is there already")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument(
        "--processes", type=int, default=len(os.sched_getaffinity(0)), help="default: one for each core"
    )
    return parser.parse_args()


def is_trained_on(audio: Path) -> bool:
    """Whether these are the recordings that the shipped recogniser learned from, or some of them."""
    return audio.resolve().is_relative_to(DATA.resolve())


def cache_of(audio: Path) -> Path:
    """Where the features of a folder are kept."""
    if audio.resolve() == DATA.resolve():
        return CACHE
    return ROOT / ".viva" / "evaluation" / hashlib.sha256(str(audio.resolve()).encode()).hexdigest()[:12]


def aligned(corpus: Sequence[Utterance], features: Mapping[str, Mapping[str, Any]], mode: str) -> list[Utterance]:
    """Those in which speech was found and its sounds were aligned."""
    return [each for each in corpus if features[each.id][mode].get("phones_aligned")]


def utterance_table(
    kept: Sequence[Utterance], features: Mapping[str, Mapping[str, Any]], mode: str
) -> tuple[list[dict[str, float]], Table]:
    rows = [features[each.id][mode] for each in kept]
    marks = {aspect: np.array([each.median[aspect] for each in kept]) for aspect in ASPECTS}
    table = make_table(
        rows,
        marks,
        [each.speaker for each in kept],
        mode,
        states=[features[each.id].get("states") for each in kept],
        words=[features[each.id][f"{mode}_words"] for each in kept],
        word_marks=[_word_marks(each) if mode == "read" else [] for each in kept],
    )
    return rows, table


def _word_marks(utterance: Utterance) -> list[float]:
    """The experts' means; not a number where nobody marked a word."""
    given = [word.get("accuracy") for word in utterance.words]
    return [float(np.mean(marks)) if marks else float("nan") for marks in given]


def word_table(corpus: Sequence[Utterance], features: Mapping[str, Mapping[str, Any]]) -> WordTable | None:
    """Every word of these that was aligned and marked by experts. None: the corpus has no marks of words."""
    kept = [
        (owner, place, row, [float(mark) for mark in word["accuracy"]])
        for owner, each in enumerate(corpus)
        if [len(stretch) for stretch in features[each.id]["read_words"]] == [len(each.words)]
        for place, (row, word) in enumerate(zip(features[each.id]["read_words"][0], each.words, strict=True))
        if row and word.get("accuracy")
    ]
    if not kept:
        return None
    rows = [row for *_, row, _ in kept]
    means = np.array([np.mean(marks) for *_, marks in kept])
    return WordTable(
        rows=rows,
        table=make_table(rows, {"accuracy": means}, [corpus[owner].speaker for owner, *_ in kept], "word"),
        medians=np.array([np.median(marks) for *_, marks in kept]),
        owners=np.array([owner for owner, *_ in kept]),
        places=np.array([place for _, place, *_ in kept]),
    )


def figures(predicted: Mapping[str, Floats], table: Table) -> dict[str, Any]:
    """Agreement per aspect: utterances and speakers."""
    return {
        "utterance": {aspect: agreement(predicted[aspect], table.marks[aspect]) for aspect in ASPECTS},
        "speaker": {
            aspect: agreement(
                by_speaker(predicted[aspect], table.speakers), by_speaker(table.marks[aspect], table.speakers)
            )
            for aspect in ASPECTS
        },
        "n": len(table.x),
    }


def main() -> None:
    options = arguments()
    out = options.out if options.out.suffix == ".npz" else options.out.with_name(f"{options.out.name}.npz")
    if out.exists():
        sys.exit(f"{out} is there already, and scores may name it. Choose another name: OUT=FILE")
    corpus = corpus_at(options.data, options.scores).utterances
    cache = options.cache or cache_of(options.data)
    features = extract_all(
        corpus,
        cache=cache,
        models=options.models,
        processes=options.processes,
        is_trained_on=is_trained_on(options.data),
    )
    arrays: Arrays = {}
    report = {}
    for mode in MODES:
        kept = aligned(corpus, features, mode)
        rows, table = utterance_table(kept, features, mode)
        words = word_table(kept, features) if mode == "read" else None
        predicted, of_words = cross_validate(rows, table, mode, folds=options.folds, words=words)
        report[mode] = figures(predicted, table)
        known = {name: value for name, value in arrays.items() if name.startswith("state/")}
        arrays |= fit_whole(table, np.arange(len(rows)), mode, known)  # one line over the states for both modes
        if words is not None:
            arrays |= fit_words(words, np.arange(len(words.rows)), best_flag(of_words, words.medians))
            judged = np.isfinite(of_words)
            report["word"] = {**agreement(of_words[judged], words.medians[judged]), "n": int(judged.sum())}
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, allow_pickle=False, **arrays)
    print(json.dumps({"out": str(out), "bytes": out.stat().st_size, "cross_validated": report}, indent=1))


if __name__ == "__main__":
    main()
