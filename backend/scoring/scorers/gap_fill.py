"""Gap fill: the share of the gaps that are filled rightly; see docs/scoring/gap_fill.md."""

from backend.scoring.chosen import chosen
from backend.scoring.keys import GapsKey
from backend.scoring.score import ItemScore
from backend.scoring.text import words_of
from backend.scoring.typed_words import best_fit
from backend.scoring.writing import TextEvidence

VERSION = "gap_fill-1"


def score(evidence: TextEvidence, key: GapsKey) -> ItemScore:
    typed = [*evidence.texts, *[""] * len(key.gaps)][: len(key.gaps)]
    fits = [
        best_fit(words_of(text), accepted, unknown=evidence.unknown_words)
        for text, accepted in zip(typed, key.gaps, strict=True)
    ]
    return chosen(
        evidence,
        sum(fit.credit for fit in fits) / len(fits),
        skill=key.skill,
        version=VERSION,
        explanation={
            "expected": " / ".join(accepted[0] for accepted in key.gaps),
            "gaps": [
                {"accepted": list(accepted), "typed": text, "credit": fit.credit, "matched_by": fit.how}
                for accepted, text, fit in zip(key.gaps, typed, fits, strict=True)
            ],
        },
    )
