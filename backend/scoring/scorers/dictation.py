"""Dictation: a heard sentence typed; partial credit by word, order kept; see docs/scoring/dictation.md."""

from collections.abc import Sequence
from typing import Any

from backend.scoring.keys import DictationKey
from backend.scoring.score import ItemScore, Trait
from backend.scoring.text import edit_distance, sounds_like, stem, words_of
from backend.scoring.verdicts import clamp
from backend.scoring.writing import TextEvidence, blank, verdict

VERSION = "dictation-1"
TRAITS = (Trait.LISTENING, Trait.WRITING)
# (heard, written) credit of one expected word, by how it was typed.
_CREDIT = {
    "match": (1.0, 1.0),
    "homophone": (1.0, 0.25),
    "misspelt": (0.9, 0.5),
    "near": (0.5, 0.25),
    "deletion": (0.0, 0.0),
}
_ADDED = 0.5  # what a word too many takes away, in words


def score(evidence: TextEvidence, key: DictationKey) -> ItemScore:
    """Listening counts the words that were heard; writing counts them as they were spelt."""
    early = blank(evidence, TRAITS, version=VERSION)
    if early:
        return early
    expected, typed = words_of(key.text), words_of(evidence.text)
    rows = _align(expected, typed)
    added = sum(row["how"] == "insertion" for row in rows)
    steps = [_CREDIT[row["how"]] for row in rows if row["how"] != "insertion"]
    heard, written = (clamp((sum(step[side] for step in steps) - _ADDED * added) / len(expected)) for side in (0, 1))
    return verdict(
        evidence,
        {Trait.LISTENING: heard, Trait.WRITING: written},
        version=VERSION,
        confidence=0.9,
        reason=None if heard else "other_text",
        explanation={"expected": key.text, "alignment": rows, "added": added},
    )


def _kind(wanted: str, word: str) -> str | None:
    """How a typed word stands for the wanted one; None: not at all."""
    if wanted == word:
        return "match"
    if sounds_like(wanted, word):
        return "homophone"
    if len(wanted) > 3 and edit_distance(wanted, word) <= (2 if len(wanted) >= 8 else 1):
        return "near" if stem(wanted) == stem(word) and _ending(wanted) != _ending(word) else "misspelt"
    return "near" if len(wanted) > 3 and stem(wanted) == stem(word) else None


def _ending(word: str) -> str:
    """What tells two forms of a word apart."""
    return next((ending for ending in ("ing", "ed", "ly", "s") if word.endswith(ending)), "")


def _align(expected: Sequence[str], typed: Sequence[str]) -> list[dict[str, Any]]:
    """The pairs, in order, that earn most; everything else is left out or added."""
    best = [[0.0] * (len(typed) + 1) for _ in range(len(expected) + 1)]
    for row in range(len(expected) - 1, -1, -1):
        for column in range(len(typed) - 1, -1, -1):
            best[row][column] = max(
                best[row + 1][column],
                best[row][column + 1],
                best[row + 1][column + 1] + _earned(expected[row], typed[column]),
            )
    return _read(best, expected, typed)


def _earned(wanted: str, word: str) -> float:
    kind = _kind(wanted, word)
    return sum(_CREDIT[kind]) if kind else 0.0


def _read(best: list[list[float]], expected: Sequence[str], typed: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    row = column = 0
    while row < len(expected) or column < len(typed):
        kind = _kind(expected[row], typed[column]) if row < len(expected) and column < len(typed) else None
        if kind and best[row][column] == best[row + 1][column + 1] + _earned(expected[row], typed[column]):
            rows.append(_row(kind, expected[row], typed[column]))
            row, column = row + 1, column + 1
        elif column < len(typed) and (row == len(expected) or best[row][column] == best[row][column + 1]):
            rows.append(_row("insertion", "", typed[column]))
            column += 1
        else:
            rows.append(_row("deletion", expected[row], ""))
            row += 1
    return rows


def _row(how: str, expected: str, typed: str) -> dict[str, Any]:
    """One step, told as every explanation's alignment is; `how` says more of a word that is nearly right."""
    operation = "near" if how in ("homophone", "misspelt") else how
    return {"operation": operation, "how": how, "expected": expected, "heard": typed}
