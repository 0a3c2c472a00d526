"""Read aloud: how a printed sentence was said. The content decides whether the delivery counts; see
docs/scoring/read_aloud.md."""

from backend.scoring.evidence import Evidence
from backend.scoring.keys import ReadAloudKey
from backend.scoring.score import ItemScore, Trait
from backend.scoring.text import Operation
from backend.scoring.verdicts import align_evidence, delivery, ramp, settle, summary_of, unusual

VERSION = "read_aloud-1"
TRAITS = (Trait.FLUENCY, Trait.PRONUNCIATION)


def score(evidence: Evidence, key: ReadAloudKey) -> ItemScore:
    """Fluency and pronunciation, in proportion to how much of the printed text was there."""
    early = unusual(evidence, TRAITS, version=VERSION)
    if early:
        return early
    alignment, rows = align_evidence(key.text, evidence)
    words, sounds = alignment.covered, _sounds_agree(evidence)
    # A learner's words are often misrecognised, so agreement of the sounds alone also shows that the text was read.
    there = max(ramp(words, 0.2, 0.5), ramp(sounds, 0.35, 0.6))
    complete = 1 - _left_out(alignment.count(Operation.DELETION), alignment.expected_count)
    certainty = evidence.aspects.confidence if evidence.aspects else 0.0
    other_text = there < 0.2
    return settle(
        evidence,
        delivery(evidence, there * complete),
        version=VERSION,
        confidence=0.6 if other_text else certainty * (0.6 + 0.4 * there),
        reason="other_text" if other_text else None,
        explanation={
            "expected": key.text,
            "alignment": rows,
            "words": summary_of(alignment),
            "content": {
                "words_agree": round(words, 3),
                "sounds_agree": round(sounds, 3),
                "credit": round(there * complete, 3),
            },
        },
    )


def _sounds_agree(evidence: Evidence) -> float:
    """1 minus the phone errors between the text and what the phones spell without it, 0..1."""
    return 1 - min(evidence.features.get("phone_distance", 1.0), 1.0)


def _left_out(deleted: int, expected: int) -> float:
    """The share of words left out, counted only beyond the fifth that a recogniser loses by itself."""
    return ramp(deleted / max(expected, 1), 0.2, 1.2)
