"""Sentence build: three heard phrases put into a sentence, in any grammatical order; see
docs/scoring/sentence_build.md."""

from backend.scoring.evidence import Evidence
from backend.scoring.keys import SentenceBuildKey
from backend.scoring.reference import best_variant
from backend.scoring.score import ItemScore, Points, Trait
from backend.scoring.text import align
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

VERSION = "sentence_build-5"
TRAITS = (Trait.SENTENCE_MASTERY, Trait.FLUENCY, Trait.PRONUNCIATION)


def score(evidence: Evidence, key: SentenceBuildKey) -> ItemScore:
    """Sentence mastery by words right against the nearest accepted order."""
    early = unusual(evidence, TRAITS, version=VERSION)
    if early:
        return early
    variant, _ = best_variant(key.accepted, evidence.transcript)
    alignment, rows = align_evidence(variant, evidence)
    order = _as_heard(key, evidence.transcript)
    mastery = mastery_of(alignment)
    # The phrases said back in an order that is no sentence show memory, not mastery.
    mastery = min(mastery, 0.25) if order else mastery
    credit = delivery_credit(alignment)
    return settle(
        evidence,
        {Trait.SENTENCE_MASTERY: Points(value=mastery), **delivery(evidence, credit)},
        version=VERSION,
        confidence=recognition_trust(evidence, alignment),
        reason="phrases_not_built" if order else "other_text" if alignment.covered < 0.1 else None,
        explanation={
            "expected": variant,
            "accepted": list(key.accepted),
            "alignment": rows,
            "words": summary_of(alignment),
            "content": {"words_agree": round(alignment.covered, 3), "credit": round(credit, 3)},
        },
    )


def _as_heard(key: SentenceBuildKey, heard: str) -> bool:
    """Whether the answer is nearer to the phrases as they were played than to any accepted sentence."""
    played = align(" ".join(key.phrases), heard).errors
    return played < best_variant(key.accepted, heard)[1].errors
