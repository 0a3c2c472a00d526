"""Simulated candidates of known ability over the 63-item form: how far would the score agree with itself?

python -m scripts.simulate_reliability [--candidates N] [--seed N]     (make reliability)

No voice and no person is in it: abilities and difficulties are drawn, the scorers' errors are those that the evaluation
measured (ERRORS below), and points go through the real scale. What is assumed, not measured, is in ASSUMED and in
docs/scoring/reliability.md.
The last line is one JSON object.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from backend.scoring.scales import Scale, ScaledOutcome, scale_attempt, scale_from_dict
from backend.scoring.score import ItemScore, Points, ScoreStatus, Trait

SCALE = Path(__file__).resolve().parents[1] / "config" / "scales" / "versant_style_20_80-4.yaml"
FORM = {"read_aloud": 8, "repeat": 16, "short_answer": 24, "sentence_build": 10, "retelling": 3}  # and 2 open, unscored
TRAITS = (Trait.SENTENCE_MASTERY, Trait.VOCABULARY, Trait.FLUENCY, Trait.PRONUNCIATION)
# Root mean square errors against experts, as shares of full marks: (of the mean of a speaker, which more items do not
# remove; of one utterance). From the cross-validation in docs/scoring/calibration.md.
ERRORS = {
    ("read", Trait.FLUENCY): (0.043, 0.070),
    ("read", Trait.PRONUNCIATION): (0.042, 0.076),
    ("open", Trait.FLUENCY): (0.047, 0.075),
    ("open", Trait.PRONUNCIATION): (0.055, 0.090),
}
# What is wrong about a voice is wrong in both modes (.97 and .94 between the means of speakers, here 1), and partly in
# both traits.
BIAS_OF_BOTH_TRAITS = 0.75
ASSUMED = {
    "correlation_of_abilities": 0.8,
    "difficulty_sd": 0.7,
    "steepness": 1.4,
    "item_spread_of_delivery": 0.04,
    "right_answer_not_recognised": 0.08,
    "wrong_answer_accepted": 0.02,
    "words_lost_by_the_clearest": 0.02,
    "words_lost_by_the_least_clear": 0.25,
}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`ability` per trait in standard deviations; `bias`: what the calibration gets wrong for this voice, per mode."""

    ability: dict[Trait, float]
    bias: dict[tuple[str, Trait], float]


def draw_candidates(count: int, random: np.random.Generator) -> list[Candidate]:
    rho = ASSUMED["correlation_of_abilities"]
    spread = np.full((4, 4), rho) + (1 - rho) * np.eye(4)
    abilities = random.multivariate_normal(np.zeros(4), spread, count)
    both = np.array([[1, BIAS_OF_BOTH_TRAITS], [BIAS_OF_BOTH_TRAITS, 1]])
    voices = random.multivariate_normal(np.zeros(2), both, count)
    people = []
    for row, voice in zip(abilities, voices, strict=True):
        wrong = dict(zip((Trait.FLUENCY, Trait.PRONUNCIATION), (float(each) for each in voice), strict=True))
        people.append(
            Candidate(
                ability=dict(zip(TRAITS, (float(each) for each in row), strict=True)),
                bias={key: of_speaker * wrong[key[1]] for key, (of_speaker, _) in ERRORS.items()},
            )
        )
    return people


def _share(ability: float, difficulty: float) -> float:
    return float(1 / (1 + np.exp(-ASSUMED["steepness"] * (ability - difficulty))))


def true_delivery(ability: float) -> float:
    """Experts' marks as a share: 0.72 on average, 0.13 a standard deviation, as in the corpus."""
    return float(np.clip(0.72 + 0.13 * ability, 0.05, 1.0))


class Sitting:
    """One candidate on one form; `exact` leaves out every error of the machine."""

    def __init__(self, candidate: Candidate, random: np.random.Generator, *, exact: bool = False) -> None:
        self._candidate, self._random, self._exact = candidate, random, exact

    def items(self) -> list[ItemScore]:
        return [self._item(task) for task, count in FORM.items() for _ in range(count)]

    def _item(self, task: str) -> ItemScore:
        difficulty = float(self._random.normal(0, ASSUMED["difficulty_sd"]))
        points: dict[Trait, Points] = {}
        if task in ("repeat", "sentence_build", "retelling"):
            points[Trait.SENTENCE_MASTERY] = Points(value=self._words_right(difficulty))
        if task == "short_answer":
            points[Trait.VOCABULARY] = Points(value=self._answered(difficulty))
        if task == "retelling":
            points[Trait.VOCABULARY] = Points(value=self._told(difficulty))
        if task != "short_answer":
            mode = "read" if task == "read_aloud" else "open"
            for trait in (Trait.FLUENCY, Trait.PRONUNCIATION):
                points[trait] = Points(value=self._delivered(mode, trait))
        return ItemScore(
            task=task, scorer_version="simulated", status=ScoreStatus.SCORED, points=points, confidence=0.7
        )

    def _words_right(self, difficulty: float) -> float:
        said = _share(self._candidate.ability[Trait.SENTENCE_MASTERY] + 0.6, difficulty)
        said = float(np.clip(said + self._random.normal(0, 0.12), 0, 1))
        if self._exact:
            return said
        few, many = ASSUMED["words_lost_by_the_clearest"], ASSUMED["words_lost_by_the_least_clear"]
        unclear = 1 - true_delivery(self._candidate.ability[Trait.PRONUNCIATION])
        lost = np.clip(self._random.normal(few + (many - few) * unclear / 0.6, 0.08), 0, 1)
        return float(said * (1 - lost))

    def _answered(self, difficulty: float) -> float:
        right = self._random.random() < _share(self._candidate.ability[Trait.VOCABULARY] + 0.8, difficulty)
        if self._exact:
            return float(right)
        wrong = ASSUMED["right_answer_not_recognised"] if right else ASSUMED["wrong_answer_accepted"]
        return float(right != (self._random.random() < wrong))

    def _told(self, difficulty: float) -> float:
        told = _share(self._candidate.ability[Trait.VOCABULARY], difficulty)
        return float(np.clip(told + (0 if self._exact else self._random.normal(0, 0.15)), 0, 1))

    def _delivered(self, mode: str, trait: Trait) -> float:
        true = true_delivery(self._candidate.ability[trait])
        true += self._random.normal(0, ASSUMED["item_spread_of_delivery"])
        if self._exact:
            return float(np.clip(true, 0, 1))
        of_speaker, of_utterance = ERRORS[mode, trait]
        within = np.sqrt(of_utterance**2 - of_speaker**2)
        return float(np.clip(true + self._candidate.bias[mode, trait] + self._random.normal(0, within), 0, 1))


def halves(items: Sequence[ItemScore]) -> tuple[list[ItemScore], list[ItemScore]]:
    """Odd and even items of every task."""
    sides: tuple[list[ItemScore], list[ItemScore]] = ([], [])
    seen: dict[str, int] = {}
    for item in items:
        sides[seen.get(item.task, 0) % 2].append(item)
        seen[item.task] = seen.get(item.task, 0) + 1
    return sides


def _values(outcomes: Sequence[ScaledOutcome], trait: Trait | None) -> Floats:
    found = [each.overall if trait is None else each.subscores[trait].value for each in outcomes]
    return np.array(found, dtype=np.float64)


def _sems(outcomes: Sequence[ScaledOutcome], trait: Trait | None) -> Floats:
    return np.array([each.sem if trait is None else each.subscores[trait].sem for each in outcomes], dtype=np.float64)


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def study(scale: Scale, *, candidates: int, seed: int) -> dict[str, dict[str, float]]:
    """Per trait and for the overall: reliability, the true standard errors and the one that is printed."""
    random = np.random.default_rng(seed)
    people = draw_candidates(candidates, random)
    first = [Sitting(each, random).items() for each in people]
    scored = [scale_attempt(items, scale) for items in first]
    again = [scale_attempt(Sitting(each, random).items(), scale) for each in people]
    true = [_long_run(each, scale, random) for each in people]
    one, other = zip(*[[scale_attempt(side, scale) for side in halves(items)] for items in first], strict=True)
    found = {}
    for trait in (None, *TRAITS):
        a, b = _values(scored, trait), _values(again, trait)
        half = _correlation(_values(one, trait), _values(other, trait))
        truth = _values(true, trait)
        found[trait.value if trait else "overall"] = {
            "split_half": round(2 * half / (1 + half), 3),
            "two_forms": round(_correlation(a, b), 3),
            "with_true_score": round(_correlation(a, truth), 3),
            "sd": round(float(a.std()), 2),
            "sem_between_forms": round(float((a - b).std() / np.sqrt(2)), 2),
            "sem_reported": round(float(_sems(scored, trait).mean()), 2),
            "error_about_true_score": round(float(((a - truth) - (a - truth).mean()).std()), 2),
            "mean_error": round(float((a - truth).mean()), 2),
        }
    return found


def _long_run(candidate: Candidate, scale: Scale, random: np.random.Generator) -> ScaledOutcome:
    """What an errorless machine would give over ten forms: the true score."""
    items = [item for _ in range(10) for item in Sitting(candidate, random, exact=True).items()]
    return scale_attempt(items, scale)


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate candidates over the 63-item form")
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    scale = scale_from_dict(yaml.safe_load(SCALE.read_text(encoding="utf-8")))
    found = study(scale, candidates=options.candidates, seed=options.seed)
    names = list(next(iter(found.values())))
    print(f"{'':<18}" + "".join(f"{name:>24}" for name in names))
    for trait, figures in found.items():
        print(f"{trait:<18}" + "".join(f"{figures[name]:>24}" for name in names))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
