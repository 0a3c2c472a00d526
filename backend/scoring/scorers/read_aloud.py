"""Read aloud: how a printed sentence was said. The content decides whether the delivery counts; see
docs/scoring/read_aloud.md."""

from backend.scoring.evidence import Evidence
from backend.scoring.keys import ReadAloudKey
from backend.scoring.score import ItemScore, Trait
from backend.scoring.text import Operation
from backend.scoring.verdicts import (
    align_evidence,
    delivery,
    ramp,
    recognition_confidence,
    settle,
    summary_of,
    unusual,
    words_said,
)

VERSION = "read_aloud-2"
_SURELY_OTHER_AT = 0.55  # mean word confidence; see docs/scoring/read_aloud.md for the figures
TRAITS = (Trait.FLUENCY, Trait.PRONUNCIATION)


def score(evidence: Evidence, key: ReadAloudKey) -> ItemScore:
    """Fluency and pronunciation, in proportion to how much of the printed text was there."""
    early = unusual(evidence, TRAITS, version=VERSION)
    if early:
        return early
    alignment, rows = align_evidence(key.text, evidence)
    agreement = _agreement(evidence, alignment.covered)
    there = max(
        ramp(agreement["words_agree"], 0.34, 0.6),
        ramp(agreement["letters_agree"], 0.3, 0.5),
        ramp(agreement["sounds_agree"], 0.25, 0.4),
    )
    complete = 1 - _left_out(alignment.count(Operation.DELETION), alignment.expected_count)
    certainty = evidence.aspects.confidence if evidence.aspects else 0.0
    # Nothing agrees. Surely recognised words are another text; garbled ones may be this text said very badly.
    other_text = there == 0
    if other_text:
        certainty = 0.6 if recognition_confidence(evidence) >= _SURELY_OTHER_AT else 0.0
    return settle(
        evidence,
        delivery(evidence, there * complete),
        version=VERSION,
        confidence=certainty if other_text else certainty * (0.6 + 0.4 * there),
        reason="other_text" if other_text else None,
        explanation={
            "expected": key.text,
            "alignment": rows,
            "words": summary_of(alignment),
            "words_said": words_said(evidence),
            "content": {**agreement, "credit": round(there * complete, 3)},
        },
    )


def _agreement(evidence: Evidence, covered: float) -> dict[str, float]:
    """How far words, letters and sounds agree with the text, 0..1. A learner's words are often misrecognised, so any of
    the three shows that the text was read."""
    letters = 1 - min(evidence.features.get("match_letters", 1.0), 1.0)
    sounds = 1 - min(evidence.features.get("phone_distance", 1.0), 1.0)
    return {"words_agree": round(covered, 3), "letters_agree": round(letters, 3), "sounds_agree": round(sounds, 3)}


def _left_out(deleted: int, expected: int) -> float:
    """The share of words left out, counted only beyond the fifth that a recogniser loses by itself."""
    return ramp(deleted / max(expected, 1), 0.2, 1.2)
