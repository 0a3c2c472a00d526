"""What the scorers of chosen answers share: one value for the skill that the item speaks for."""

from typing import Any

from backend.scoring.score import ItemScore, Trait
from backend.scoring.writing import TextEvidence, verdict

CERTAIN = 0.95


def trait_of(skill: str) -> Trait:
    return Trait(skill)


def chosen(evidence: TextEvidence, value: float, *, skill: str, version: str, explanation: dict[str, Any]) -> ItemScore:
    """The verdict on an answer that needs no judgement. Nothing chosen is wrong, and says that it is empty."""
    reason = "empty" if evidence.is_blank else None if value else "not_accepted"
    return verdict(
        evidence,
        {trait_of(skill): 0.0 if evidence.is_blank else value},
        version=version,
        confidence=CERTAIN,
        reason=reason,
        explanation=explanation,
    )


def said(numbers: tuple[int, ...], texts: tuple[str, ...]) -> str:
    """Chosen options as a person reads them."""
    return "; ".join(texts[number] if 0 <= number < len(texts) else "–" for number in numbers)
