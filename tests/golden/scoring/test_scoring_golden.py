"""What every scorer and the scale give for fixed evidence, kept as files: the diff is the review.

A changed file means that somebody's score would change: the scorer's VERSION and its page in docs/scoring move with it.
VIVA_UPDATE_GOLDEN=1 writes the files anew.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.scoring.keys import key_from_dict
from backend.scoring.scales import scale_attempt, scale_from_dict
from backend.scoring.scorers import score_answer
from tests.support.speech import evidence

HERE = Path(__file__).parent
SCALE = Path(__file__).resolve().parents[3] / "config" / "scales" / "versant_style_20_80-4.yaml"
STORY = {
    "story": "Mina missed the last bus, so she walked home in the rain. A neighbour saw her and lent her an umbrella.",
    "key_points": [
        {"text": "Mina missed the last bus", "accepted": ["she was too late for the bus"]},
        {"text": "she walked home in the rain"},
        {"text": "a neighbour lent her an umbrella", "accepted": ["someone gave her an umbrella"]},
    ],
}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "read_aloud": (
        "read_aloud",
        {"text": "The museum closes at half past five on Sundays."},
        {"said": "the museum close at half past five on Sundays", "quality": 0.74},
    ),
    "read_aloud_other_text": (
        "read_aloud",
        {"text": "The museum closes at half past five on Sundays."},
        {"said": "I would like to have a cup of tea", "phone_distance": 0.9},
    ),
    "repeat": (
        "repeat",
        {"text": "My uncle repairs old radios in his garage."},
        {"said": "my uncle um my uncle repair old radio in garage", "quality": 0.66, "confidence": 0.7},
    ),
    "repeat_silence": ("repeat", {"text": "My uncle repairs old radios."}, {"said": "", "problems": ["silent"]}),
    "repeat_noise": ("repeat", {"text": "My uncle repairs old radios."}, {"said": "", "problems": ["noise_only"]}),
    "short_answer": ("short_answer", {"accepted": ["umbrella", "an umbrella"]}, {"said": "it is an umbrella"}),
    "short_answer_wrong": ("short_answer", {"accepted": ["umbrella"]}, {"said": "a raincoat"}),
    "sentence_build": (
        "sentence_build",
        {
            "phrases": ["every evening", "the whole family", "eats together"],
            "accepted": [
                "The whole family eats together every evening.",
                "Every evening the whole family eats together.",
            ],
        },
        {"said": "every evening the whole family eat together", "quality": 0.7},
    ),
    "retelling": (
        "retelling",
        STORY,
        {
            "said": "Mina was late and missed the bus so she had to walk home and it was raining a lot "
            "and then a woman gave her an umbrella",
            "plausibility": 1.8,
            "meaning": [0.78, 0.7, 0.74],
            "quality": 0.7,
        },
    ),
    "retelling_word_salad": (
        "retelling",
        STORY,
        {
            "said": "bus rain umbrella Mina neighbour home walked missed lent bus Mina umbrella rain walked",
            "plausibility": 0.1,
            "meaning": [0.7, 0.68, 0.72],
        },
    ),
    "open_question": (
        "open_question",
        {},
        {"said": "I think that living in a city is better because there is more work"},
    ),
}


def check(name: str, found: dict[str, Any]) -> None:
    path = HERE / f"{name}.json"
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("VIVA_UPDATE_GOLDEN"):
        path.write_text(text)
    assert json.loads(path.read_text()) == json.loads(text)


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_item_score_is_as_it_was(name: str) -> None:
    task, key, heard = CASES[name]
    check(name, score_answer(evidence(task, **heard), key_from_dict(task, key)).to_dict())


def test_an_outcome_is_as_it_was() -> None:
    scores = [
        score_answer(evidence(task, **heard), key_from_dict(task, key))
        for task, key, heard in CASES.values()
        for _ in range(2)
    ]
    check("outcome", scale_attempt(scores, scale_from_dict(yaml.safe_load(SCALE.read_text()))).to_dict())
