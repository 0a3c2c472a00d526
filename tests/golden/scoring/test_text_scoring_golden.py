"""What every scorer of typed and chosen answers gives for fixed evidence, and what the scales make of it, as files.

As in test_scoring_golden.py: a changed file means that somebody's score would change.
"""

from typing import Any

import pytest

from backend.adapters.scales.files import FileScales
from backend.scoring.evidence import Meaning
from backend.scoring.keys import key_from_dict
from backend.scoring.scales import CHOSEN, scale_attempt
from backend.scoring.score import ItemScore
from backend.scoring.scorers import TEXT_SCORERS
from backend.scoring.writing import Flaw, TextEvidence
from tests.golden.scoring.test_scoring_golden import check

POINTS = [
    {"text": "which train it was", "accepted": ["the morning train to the coast"]},
    {"text": "what went wrong", "accepted": ["it was an hour late", "the train came late"]},
    {
        "text": "what you would like the company to do",
        "accepted": ["please pay my ticket back", "I want my money back"],
    },
]
LETTER = {
    "prompt": "Your train was late. Write an e-mail to the railway company.",
    "register": "formal",
    "least_words": 40,
    "most_words": 90,
    "key_points": POINTS,
}
LATE = """Dear Sir or Madam,

I was on the morning train to the coast last Friday. It was an hour late, so I missed a important meeting.

Could you please pay my ticket back? I would be grateful for an answer this week.

Kind regards
Asha"""
PASSAGE = {
    "passage": "Nadia works in a small library. She helps students find books, and on Fridays she reads to children.",
    "key_points": [
        {"text": "Nadia works in a small library", "accepted": ["she has a job at a library"]},
        {"text": "she helps students find books", "accepted": ["students get help with books"]},
        {"text": "on Fridays she reads stories to children", "accepted": ["she reads to children every Friday"]},
    ],
}
NEAR = Meaning(story=0.7, key_points=(0.8, 0.75, 0.6))
FLAW = (Flaw(kind="miscellaneous", start=113, end=114, advice="Incorrect indefinite article."),)
LEVELS = {"A1": 9, "A2": 6, "B1": 3, "B2": 1}
CHOICE = {"options": ["two", "three", "six"], "correct": [2], "skill": "listening"}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "sentence_completion": (
        "sentence_completion",
        {"text": "The ___ was late.", "accepted": ["train", "bus"]},
        {"text": "Train"},
    ),
    "sentence_completion_misspelt": (
        "sentence_completion",
        {"text": "The ___ was late.", "accepted": ["train", "bus"]},
        {"text": "trian", "unknown_words": ("trian",)},
    ),
    "dictation": (
        "dictation",
        {"text": "Their new teacher walked home in the heavy rain."},
        {"text": "There new techer walks home in heavy rain today"},
    ),
    "passage_reconstruction": (
        "passage_reconstruction",
        PASSAGE,
        {"text": "Nadia has a job in a library. She help the students to find there books.", "meaning": NEAR},
    ),
    "email": ("email", LETTER, {"text": LATE, "flaws": FLAW, "levels": LEVELS, "meaning": NEAR}),
    "email_copied": ("email", LETTER, {"text": LETTER["prompt"], "levels": LEVELS}),
    "essay": ("essay", {**LETTER, "register": "neutral"}, {"text": LATE, "levels": LEVELS, "meaning": NEAR}),
    "typing": (
        "typing",
        {"text": "The train leaves the station at nine in the morning."},
        {"text": "The train leavs the staiton at nine", "elapsed_ms": 20_000},
    ),
    "multiple_choice": ("multiple_choice", CHOICE, {"choices": (2,)}),
    "multiple_response": (
        "multiple_response",
        {"options": ["a", "b", "c", "d"], "correct": [0, 3], "skill": "reading"},
        {"choices": (0, 1, 3)},
    ),
    "gap_fill": (
        "gap_fill",
        {"gaps": [{"accepted": ["since"]}, {"accepted": ["for"]}], "skill": "grammar"},
        {"texts": ("since", "during")},
    ),
    "ordering": (
        "ordering",
        {"parts": ["wait", "boil", "drink", "pour"], "orders": [[1, 3, 0, 2]], "skill": "reading"},
        {"choices": (1, 0, 3, 2)},
    ),
    "matching": (
        "matching",
        {
            "left": ["a bakery", "a station"],
            "right": ["bread", "trains", "books"],
            "correct": [0, 1],
            "skill": "vocabulary",
        },
        {"choices": (0, 2)},
    ),
    "nothing": ("essay", {**LETTER, "register": "neutral"}, {}),
}


def score(name: str) -> ItemScore:
    task, key, shown = CASES[name]
    return TEXT_SCORERS[task](TextEvidence(task=task, **shown), key_from_dict(task, key))


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_typed_or_chosen_answers_score_is_as_it_was(name: str) -> None:
    check(f"typed_{name}", score(name).to_dict())


@pytest.mark.parametrize("scale_id", ["skills_20_80", "writing_20_80", "listening_reading_20_80"])
def test_an_outcome_on_the_other_scales_is_as_it_was(scale_id: str) -> None:
    scores = [score(name) for name in sorted(CASES) if name != "typing" for _ in range(3)]
    if scale_id == "listening_reading_20_80":
        scores = [each for each in scores if each.task in CHOSEN] * 5
    check(f"outcome_{scale_id}", scale_attempt(scores, FileScales().get_newest(scale_id)).to_dict())
