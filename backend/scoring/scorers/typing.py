"""Typing: speed and accuracy. No points: it decides whether a writing score counts; see docs/scoring/typing.md."""

from collections.abc import Sequence

from backend.scoring.keys import TypingKey
from backend.scoring.score import ItemScore
from backend.scoring.writing import TextEvidence, verdict

VERSION = "typing-2"
_CHARACTERS_A_WORD = 5


def score(evidence: TextEvidence, key: TypingKey) -> ItemScore:
    """Words of five characters a minute, and the share of characters typed right. Nothing typed is 0 of both."""
    typed = " ".join(evidence.text.split())
    minutes = max(evidence.elapsed_ms, 5_000) / 60_000
    wrong = distance_to_beginning(typed, " ".join(key.text.split()))
    accuracy = max(0.0, 1 - wrong / len(typed)) if typed else 0.0
    return verdict(
        evidence,
        {},
        version=VERSION,
        confidence=0.95,
        reason=None if typed else "empty",
        explanation={
            "expected": key.text,
            "words_per_minute": round(len(typed) / _CHARACTERS_A_WORD / minutes, 1),
            "accuracy": round(accuracy, 3),
            "characters": len(typed),
        },
    )


def distance_to_beginning(typed: Sequence[str], text: Sequence[str]) -> int:
    """Edits that turn what was typed into the beginning of the text that is nearest to it."""
    row = list(range(len(text) + 1))
    for index, left in enumerate(typed, 1):
        diagonal, row[0] = row[0], index
        for column, right in enumerate(text, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (left != right))
    return min(row)
