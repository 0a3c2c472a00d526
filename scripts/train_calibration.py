"""Train the calibration: python -m scripts.train_calibration [--data DIR] [--cache DIR] [--out FILE].

Extracts features with the default engine (kept under --cache, so a broken run goes on where it stopped),
cross-validates by
speaker, fits on everything and writes the model as arrays. An institution's own rated recordings in the same layout
do too;
about 25 speakers are enough to start. Prints the figures of the model card as JSON.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.adapters.speech.calibrations import CURRENT, FOLDER
from backend.scoring.calibration import ASPECTS
from scripts.calibration_fit import MODES, Arrays, Table, agreement, by_speaker, cross_validate, fit_mode, make_table
from scripts.speech_features import Utterance, extract_all, read_corpus

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "speechocean762-train"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder with audio and train_scores.json")
    parser.add_argument("--scores", type=Path, help="the file of scores (default: train_scores.json in --data)")
    parser.add_argument("--cache", type=Path, default=ROOT / ".viva" / "calibration", help="where features are kept")
    parser.add_argument("--models", type=Path, default=ROOT / ".viva" / "models", help="where model files are made")
    parser.add_argument("--out", type=Path, default=FOLDER / f"{CURRENT}.npz")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def tables(
    corpus: Sequence[Utterance], features: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[list[dict[str, float]], Table]]:
    """Per mode: the rows of features and the table to fit on. Utterances in which no speech was found are left out."""
    found = {}
    for mode in MODES:
        kept = [each for each in corpus if features[each.id][mode].get("phones_aligned")]
        rows = [features[each.id][mode] for each in kept]
        marks = {aspect: np.array([each.median[aspect] for each in kept]) for aspect in ASPECTS}
        found[mode] = (rows, make_table(rows, marks, [each.speaker for each in kept], mode))
    return found


def figures(rows: Sequence[Mapping[str, float]], table: Table, mode: str, *, folds: int) -> dict[str, Any]:
    """Cross-validated agreement per aspect: utterances and speakers."""
    predicted = cross_validate(rows, table, mode, folds=folds)
    return {
        "utterance": {aspect: agreement(predicted[aspect], table.marks[aspect]) for aspect in ASPECTS},
        "speaker": {
            aspect: agreement(
                by_speaker(predicted[aspect], table.speakers), by_speaker(table.marks[aspect], table.speakers)
            )
            for aspect in ASPECTS
        },
        "n": len(rows),
    }


def main() -> None:
    options = arguments()
    corpus = read_corpus(options.data, options.scores or options.data / "train_scores.json")
    features = extract_all(corpus, cache=options.cache, models=options.models, processes=options.processes)
    arrays: Arrays = {}
    report = {}
    for mode, (rows, table) in tables(corpus, features).items():
        report[mode] = figures(rows, table, mode, folds=options.folds)
        arrays |= fit_mode(table, np.arange(len(rows)), mode)
    np.savez_compressed(options.out, allow_pickle=False, **arrays)
    print(
        json.dumps({"out": str(options.out), "bytes": options.out.stat().st_size, "cross_validated": report}, indent=1)
    )


if __name__ == "__main__":
    main()
