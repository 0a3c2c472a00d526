"""Matching: the share of the pairs that are right; see docs/scoring/matching.md."""

from backend.scoring.chosen import chosen, said
from backend.scoring.keys import MatchKey
from backend.scoring.score import ItemScore
from backend.scoring.writing import TextEvidence

VERSION = "matching-1"


def score(evidence: TextEvidence, key: MatchKey) -> ItemScore:
    """One of the right given to several of the left counts for none of them."""
    picked = [*evidence.choices, *[-1] * len(key.left)][: len(key.left)]
    right = [pick == wanted and picked.count(pick) == 1 for pick, wanted in zip(picked, key.correct, strict=True)]
    return chosen(
        evidence,
        sum(right) / len(right),
        skill=key.skill,
        version=VERSION,
        explanation={
            "expected": said(key.correct, key.right),
            "chosen": said(tuple(picked), key.right),
            "pairs": [
                {"left": left, "right": said((pick,), key.right), "is_right": good}
                for left, pick, good in zip(key.left, picked, right, strict=True)
            ],
        },
    )
