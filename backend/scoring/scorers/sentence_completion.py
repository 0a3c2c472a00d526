"""Sentence completion: one typed word that fits the gap; see docs/scoring/sentence_completion.md."""

from collections.abc import Sequence

from backend.scoring.keys import CompletionKey
from backend.scoring.score import ItemScore, Trait
from backend.scoring.text import words_of
from backend.scoring.typed_words import best_fit
from backend.scoring.writing import TextEvidence, blank, verdict

VERSION = "sentence_completion-1"
TRAITS = (Trait.VOCABULARY,)


def score(evidence: TextEvidence, key: CompletionKey) -> ItemScore:
    """Full credit for an accepted word, part of it for its inflection or a slip of the fingers."""
    early = blank(evidence, TRAITS, version=VERSION)
    if early:
        return early
    typed = _without_neighbours(words_of(evidence.text), key.text)
    fit = best_fit(typed, key.accepted, unknown=evidence.unknown_words)
    return verdict(
        evidence,
        {Trait.VOCABULARY: fit.credit},
        version=VERSION,
        confidence=0.9 if fit.credit in (0.0, 1.0) else 0.7,
        reason=None if fit.credit else "too_many_words" if len(typed) > 1 else "not_accepted",
        explanation={
            "expected": key.text,
            "accepted": list(key.accepted),
            "matched_variant": fit.variant,
            "matched_by": fit.how,
        },
    )


def _without_neighbours(typed: Sequence[str], text: str) -> tuple[str, ...]:
    """Who types the word beside the gap as well has still filled the gap."""
    before, _, after = text.partition("___")
    left, right = words_of(before)[-1:], words_of(after)[:1]
    kept = tuple(typed)
    if len(kept) > 1 and kept[:1] == left:
        kept = kept[1:]
    if len(kept) > 1 and kept[-1:] == right:
        kept = kept[:-1]
    return kept
