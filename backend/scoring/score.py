"""The score of one answer: points per trait, how sure, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Trait(StrEnum):
    SENTENCE_MASTERY = "sentence_mastery"
    VOCABULARY = "vocabulary"
    FLUENCY = "fluency"
    PRONUNCIATION = "pronunciation"
    GRAMMAR = "grammar"
    ORGANIZATION = "organization"
    VOICE_AND_TONE = "voice_and_tone"
    READING_COMPREHENSION = "reading_comprehension"
    SPEAKING = "speaking"
    LISTENING = "listening"
    READING = "reading"
    WRITING = "writing"


class ScoreStatus(StrEnum):
    SCORED = "scored"
    NEEDS_RATER = "needs_rater"  # the task is for raters by design
    NEEDS_HUMAN = "needs_human"  # the machine should have scored it and could not: never a zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """`value` 0..1 of what could be earned; `weight` against the other items of the same trait."""

    value: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemScore:
    """One scorer's verdict. `points` is empty unless `status` is scored.

    `reason` is a constant code where something is unusual (`no_speech`, `other_text`, `word_salad` ...).
    `explanation` is plain JSON: see docs/scoring/README.md, "What an explanation holds".
    `feeds` is what an answer that is not there would have counted for, where its task does not say; not stored.
    """

    task: str
    scorer_version: str
    status: ScoreStatus
    points: Mapping[Trait, Points] = field(default_factory=dict)
    confidence: float = 0.0
    reason: str | None = None
    explanation: Mapping[str, Any] = field(default_factory=dict)
    feeds: frozenset[Trait] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "scorer_version": self.scorer_version,
            "status": self.status.value,
            "points": {
                trait.value: {"value": round(points.value, 4), "weight": round(points.weight, 4)}
                for trait, points in self.points.items()
            },
            "confidence": round(self.confidence, 4),
            "reason": self.reason,
            "explanation": dict(self.explanation),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`. KeyError, TypeError or ValueError: not an item score."""
        return cls(
            task=data["task"],
            scorer_version=data["scorer_version"],
            status=ScoreStatus(data["status"]),
            points={
                Trait(name): Points(value=each["value"], weight=each["weight"]) for name, each in data["points"].items()
            },
            confidence=data["confidence"],
            reason=data["reason"],
            explanation=data["explanation"],
        )
