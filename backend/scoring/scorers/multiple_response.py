"""Multiple response: a wrong option takes away what a right one gives; see docs/scoring/multiple_response.md."""

from backend.scoring.chosen import chosen, said
from backend.scoring.keys import ChoiceKey
from backend.scoring.score import ItemScore
from backend.scoring.writing import TextEvidence

VERSION = "multiple_response-1"


def score(evidence: TextEvidence, key: ChoiceKey) -> ItemScore:
    """Choosing everything earns nothing that knowing nothing would not."""
    picked, right = set(evidence.choices), set(key.correct)
    value = max(0.0, (len(picked & right) - len(picked - right)) / len(right))
    return chosen(
        evidence,
        value,
        skill=key.skill,
        version=VERSION,
        explanation={
            "expected": said(key.correct, key.options),
            "chosen": said(tuple(sorted(picked)), key.options),
            "right": len(picked & right),
            "wrong": len(picked - right),
        },
    )
