"""Simulated candidates of known level over the listening and reading form: what its scale makes of guessing.

python -m scripts.simulate_choices [--candidates N] [--seed N]

No person is in it: at the edge of a level candidates know half of its items and a quarter of the next level's, and
guess what they do not know. That the levels of the items are right is assumed (docs/scoring/scale.md).
The last line is one JSON object.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from backend.scoring.scales import Scale, ScaledOutcome, scale_attempt, scale_from_dict
from backend.scoring.score import ItemScore, Points, ScoreStatus, Trait

SCALE = Path(__file__).resolve().parents[1] / "config" / "scales" / "listening_reading_20_80-2.yaml"
LEVELS = ("A2", "B1", "B2", "C1")
# Of each level so many items of this task, each of so many parts that are right by chance with this probability.
FORM: tuple[tuple[Trait, str, tuple[int, int, int, int], int, float], ...] = (
    (Trait.LISTENING, "multiple_choice", (6, 6, 5, 5), 1, 1 / 4),
    (Trait.READING, "multiple_choice", (6, 8, 6, 3), 1, 1 / 4),
    (Trait.READING, "multiple_response", (0, 1, 1, 0), 1, 1 / 10),
    (Trait.READING, "gap_fill", (1, 1, 1, 1), 4, 1 / 4),
    (Trait.READING, "ordering", (1, 1, 1, 0), 1, 1 / 4),
    (Trait.READING, "matching", (1, 1, 1, 0), 4, 1 / 5),
)
NEXT_LEVEL_KNOWN = 0.25
MEAN, SD = 46, 11
Floats = npt.NDArray[np.float64]


def known(score: float, edge: int, step: float) -> float:
    """How often somebody of this true score knows an item of the level that begins at `edge`."""
    slope = np.log(1 / NEXT_LEVEL_KNOWN - 1) / step
    return float(1 / (1 + np.exp(-slope * (score - edge))))


def sit(score: float | None, scale: Scale, random: np.random.Generator) -> ScaledOutcome:
    """One sitting of somebody of this true score; None knows nothing and guesses."""
    edges = {cut.band: cut.lowest for cut in scale.cut_table.cuts}
    step = (edges["C1"] - edges["A2"]) / 3
    items = []
    for trait, task, counts, parts, chance in FORM:
        for level, count in zip(LEVELS, counts, strict=True):
            share = 0.0 if score is None else known(score, edges[level], step)
            for right in random.random((count, parts)) < share + (1 - share) * chance:
                points = {trait: Points(value=float(right.mean()))}
                items.append(
                    ItemScore(
                        task=task, scorer_version="simulated", status=ScoreStatus.SCORED, points=points, confidence=0.95
                    )
                )
    return scale_attempt(items, scale)


def study(scale: Scale, *, candidates: int, seed: int) -> dict[str, dict[str, float]]:
    """Of a wide group: agreement of two sittings and errors. At the edge of each level, and of guessing: the scores."""
    random = np.random.default_rng(seed)
    true = np.clip(random.normal(MEAN, SD, candidates), scale.lowest, scale.highest)
    sittings = [[sit(score, scale, random) for score in true] for _ in range(2)]
    found: dict[str, dict[str, float]] = {}
    for trait in (None, Trait.LISTENING, Trait.READING):
        one, other = ([_value(each, trait) for each in half] for half in sittings)
        a, b = np.array(one), np.array(other)
        found[trait.value if trait else "overall"] = {
            "two_sittings": round(float(np.corrcoef(a, b)[0, 1]), 3),
            "with_true_score": round(float(np.corrcoef(a, true)[0, 1]), 3),
            "error_between_sittings": round(float((a - b).std() / np.sqrt(2)), 1),
            "sem_reported": round(float(np.mean([_sem(each, trait) for each in sittings[0]])), 1),
            "mean_error": round(float((a - true).mean()), 1),
        }
    for cut in scale.cut_table.cuts[1:]:
        found[f"edge_{cut.band}"] = _mean_of(cut.lowest, scale, random, candidates)
    found["guessing"] = _mean_of(None, scale, random, candidates)
    return found


def _mean_of(score: float | None, scale: Scale, random: np.random.Generator, count: int) -> dict[str, float]:
    outcomes = np.array([_value(sit(score, scale, random), None) for _ in range(count)])
    return {"mean": round(float(outcomes.mean()), 1), "highest_of_20": round(float(np.quantile(outcomes, 0.95)), 1)}


def _value(outcome: ScaledOutcome, trait: Trait | None) -> float:
    value = outcome.overall if trait is None else outcome.subscores[trait].value
    return float("nan") if value is None else float(value)


def _sem(outcome: ScaledOutcome, trait: Trait | None) -> float:
    sem = outcome.sem if trait is None else outcome.subscores[trait].sem
    return float("nan") if sem is None else sem


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate candidates over the listening and reading form")
    parser.add_argument("--candidates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = study(
        scale_from_dict(yaml.safe_load(SCALE.read_text(encoding="utf-8"))),
        candidates=options.candidates,
        seed=options.seed,
    )
    for name, figures in found.items():
        print(f"{name:<12}" + "".join(f"{key} {figure:<10}" for key, figure in figures.items()))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
