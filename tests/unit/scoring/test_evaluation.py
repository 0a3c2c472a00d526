"""The figures of `make evaluate`."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts import attention_fit, calibration_fit
from scripts.calibration_fit import cross_validate, kappa_of_marks
from scripts.evaluate_scoring import group_agreement, one_expert
from scripts.rated_corpus import Utterance
from scripts.train_calibration import utterance_table, word_table


def test_marks_that_round_alike_agree_wholly_and_chance_does_not() -> None:
    marks = np.array([2.0, 5.0, 8.0, 9.0])
    assert kappa_of_marks(marks + 0.4, marks) == 1
    assert kappa_of_marks(np.array([12.0, -3.0]), np.array([10.0, 0.0])) == 1
    assert kappa_of_marks(marks[::-1], marks) < 0


@pytest.mark.parametrize("marks", [[], [7.0], [7.0, 7.0, 7.0]])
def test_what_is_not_defined_for_a_group_is_null_in_json(marks: list[float]) -> None:
    found = group_agreement(np.array(marks), np.array(marks))
    assert found["pearson"] is None
    assert set(json.loads(json.dumps(found, allow_nan=False))) == {"pearson", "rmse", "qwk"}
    assert math.isnan(kappa_of_marks(np.array(marks), np.array(marks)))


def _marked_by_five(number: int, experts: dict[str, list[float]]) -> Utterance:
    return Utterance(
        id=str(number),
        text="word",
        speaker=str(number),
        age=8,
        median={},
        experts=experts,
        words=[],
        audio=Path("none"),
    )


def test_one_expert_is_held_against_the_others_in_the_total_too() -> None:
    corpus = [
        _marked_by_five(number, {aspect: [mark] * 4 + [10 - mark] for aspect in ("accuracy", "fluency", "prosodic")})
        for number, mark in enumerate([2.0, 5.0, 6.0, 9.0])
    ]
    found = one_expert(corpus)
    assert found["total"] == found["accuracy"]
    assert found["total"]["pearson"] == pytest.approx((4 - 1) / 5)
    unmarked = _marked_by_five(9, {"accuracy": [1.0] * 5})
    assert one_expert([*corpus, unmarked])["total"] == found["total"]


def test_every_utterance_and_every_marked_word_with_sounds_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, name, value in (
        (calibration_fit, "NETS", 1),
        (calibration_fit, "ATTENTIONS", 1),
        (attention_fit, "UNITS", 8),
        (attention_fit, "EPOCHS", 4),
    ):
        monkeypatch.setattr(module, name, value)
    for trees in (calibration_fit.TREES, calibration_fit.WORD_TREES):
        monkeypatch.setitem(trees, "max_iter", 5)
    random = np.random.default_rng(4)
    corpus, features = [], dict[str, dict[str, Any]]()
    for number in range(96):
        marks = [float(each) for each in random.integers(3, 10, 3)]
        words: list[dict[str, Any]] = [{"text": "word", "accuracy": [mark] * 5} for mark in marks]
        said = {aspect: float(np.mean(marks)) for aspect in ("accuracy", "fluency", "prosodic", "total")}
        corpus.append(
            Utterance(
                id=str(number),
                text="word word word",
                speaker=str(number // 16),
                age=20,
                median=said,
                experts={},
                words=words,
                audio=Path("none"),
            )
        )
        said_words = [{"w_mean": mark + random.normal(0, 0.3)} for mark in marks]
        features[str(number)] = {
            "read": {"phone_margin": said["total"], "phones_aligned": 1.0},
            "read_words": [[*said_words[:2], {}]] if number == 0 else [said_words],  # a word without sounds
            "states": random.normal(size=20).tolist(),
        }
    rows, table = utterance_table(corpus, features, "read")
    found = word_table(corpus, features)
    assert found is not None
    assert len(found.rows) == 96 * 3 - 1
    aspects, of_words = cross_validate(rows, table, "read", folds=3, words=found)
    assert np.corrcoef(aspects["total"], table.marks["total"])[0, 1] > 0.3
    assert np.corrcoef(of_words, found.medians)[0, 1] > 0.5
