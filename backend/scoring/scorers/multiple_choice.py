"""Multiple choice: the one right option, or not; see docs/scoring/multiple_choice.md."""

from backend.scoring.chosen import chosen, said
from backend.scoring.keys import ChoiceKey
from backend.scoring.score import ItemScore
from backend.scoring.writing import TextEvidence

VERSION = "multiple_choice-1"


def score(evidence: TextEvidence, key: ChoiceKey) -> ItemScore:
    return chosen(
        evidence,
        1.0 if evidence.choices == key.correct else 0.0,
        skill=key.skill,
        version=VERSION,
        explanation={
            "expected": said(key.correct, key.options),
            "chosen": said(evidence.choices, key.options),
        },
    )
