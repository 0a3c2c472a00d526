"""Repeat: a heard sentence said again, verbatim; see docs/scoring/repeat.md."""

from backend.scoring.evidence import Evidence
from backend.scoring.keys import RepeatKey
from backend.scoring.score import ItemScore, Points, Trait
from backend.scoring.verdicts import (
    align_evidence,
    delivery,
    delivery_credit,
    mastery_of,
    recognition_trust,
    settle,
    summary_of,
    unusual,
)

VERSION = "repeat-5"
TRAITS = (Trait.SENTENCE_MASTERY, Trait.FLUENCY, Trait.PRONUNCIATION)


def rubric_level(accuracy: float, covered: float) -> int:
    """The public repeat rubric in words: 5 exact, 4 minor changes, 3 most of it, 2 a large part missing, 1 a few
    words, 0 none."""
    if accuracy >= 0.999:
        return 5
    if accuracy >= 0.8:
        return 4
    return 3 if accuracy >= 0.5 else 2 if covered >= 0.3 else 1 if covered > 0 else 0


def score(evidence: Evidence, key: RepeatKey) -> ItemScore:
    """Sentence mastery by words right; fluency and pronunciation count from a fifth of the sentence on, in
    full once half of it was said; not at all where the errors are as many as the words."""
    early = unusual(evidence, TRAITS, version=VERSION)
    if early:
        return early
    alignment, rows = align_evidence(key.text, evidence)
    accuracy = mastery_of(alignment)
    credit = delivery_credit(alignment)
    return settle(
        evidence,
        {Trait.SENTENCE_MASTERY: Points(value=accuracy), **delivery(evidence, credit)},
        version=VERSION,
        confidence=recognition_trust(evidence, alignment),
        reason="other_text" if alignment.covered < 0.1 else None,
        explanation={
            "expected": key.text,
            "alignment": rows,
            "words": summary_of(alignment),
            "rubric_level": rubric_level(accuracy, alignment.covered),
            "content": {"words_agree": round(alignment.covered, 3), "credit": round(credit, 3)},
        },
    )
