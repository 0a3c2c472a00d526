"""What e-mails and essays share: coverage, grammar, vocabulary, organization, and hints for raters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.scoring.coverage import credit_of, words_agree
from backend.scoring.keys import WritingKey
from backend.scoring.score import ItemScore, Trait
from backend.scoring.verdicts import ramp
from backend.scoring.writing import (
    Prose,
    TextEvidence,
    connectors,
    mechanics,
    paragraphs,
    prose_of,
    sentence_count,
    verdict,
    vocabulary,
    word_level,
)

_TOO_SHORT = 6  # words; fewer say nothing about their writer's English


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text held against its task. `about` 0..1: how far it answers the task in sentences of its writer's own; every
    trait counts in proportion to it and to `length`."""

    prose: Prose
    points: tuple[dict[str, Any], ...]
    coverage: float
    about: float
    length: float

    @property
    def is_salad(self) -> bool:
        """Words on the subject that make no sentences: a person decides."""
        return self.prose.is_salad and self.coverage >= 0.2


def read(evidence: TextEvidence, key: WritingKey) -> Reading:
    prose = prose_of(evidence, source=key.prompt)
    near = evidence.meaning.key_points if evidence.meaning else ()
    agree = [words_agree(point, prose.tokens) for point in key.key_points]
    made = [credit_of(words, near[at] if at < len(near) else 0.0) for at, words in enumerate(agree)]
    coverage = sum(made) / len(made) * (1 - ramp(prose.copied, 0.3, 0.8))
    return Reading(
        prose=prose,
        points=tuple(
            {"text": point.text, "covered": credit >= 0.5, "credit": round(credit, 3)}
            for point, credit in zip(key.key_points, made, strict=True)
        ),
        coverage=coverage,
        about=ramp(coverage, 0.1, 0.5) * prose.makes_sense,
        length=ramp(prose.own, 0.15 * key.least_words, 0.85 * key.least_words),
    )


def organization(evidence: TextEvidence, reading: Reading, *, parts: Sequence[bool]) -> float:
    """0..1: the parts that a text of its kind has, links between sentences, paragraphs, sentences enough to order."""
    shape = sum(parts) / len(parts)
    links = ramp(len(connectors(reading.prose.tokens)), 0, 5)
    sections = ramp(paragraphs(evidence.text), 0, 3)
    sentences = ramp(sentence_count(evidence.text), 1, 6)
    return 0.35 * shape + 0.3 * links + 0.2 * sections + 0.15 * sentences


def judge(
    evidence: TextEvidence,
    reading: Reading,
    *,
    version: str,
    shape: float,
    more: dict[Trait, float],
    hints: dict[str, Any],
) -> ItemScore:
    """Grammar, vocabulary and organization, with `more`; a person's task where the text is unlike any that can be
    judged. Nothing here is more than moderately sure: see the page of the task for what the machine cannot see."""
    earned = reading.about * reading.length
    values = {
        Trait.GRAMMAR: mechanics(evidence, reading.prose) * earned,
        Trait.VOCABULARY: vocabulary(evidence, reading.prose) * earned,
        Trait.ORGANIZATION: shape * earned,
        **{trait: value * earned for trait, value in more.items()},
    }
    return verdict(
        evidence,
        values,
        version=version,
        confidence=_confidence(evidence, reading),
        reason=_reason(reading),
        explanation={
            "key_points": list(reading.points),
            "coverage": round(reading.coverage, 3),
            "prose": reading.prose.to_dict(),
            "connectors": list(connectors(reading.prose.tokens)),
            "word_level": round(word_level(evidence), 2),
            "answers_the_task": round(reading.about, 3),
            "long_enough": round(reading.length, 3),
            **hints,
        },
    )


def _confidence(evidence: TextEvidence, reading: Reading) -> float:
    """High that nothing was earned where nothing was; moderate for a text; none for words without sentences, and little
    between: text that is partly copied or barely on the subject."""
    if reading.is_salad:
        return 0.0
    if _reason(reading) is not None:
        return 0.6
    doubt = 1 - 0.5 * ramp(reading.prose.copied, 0.1, 0.4)
    edge = 0.7 if 0.1 < reading.about < 0.4 else 1.0
    return (0.65 if evidence.meaning else 0.5) * doubt * edge


def _reason(reading: Reading) -> str | None:
    if reading.is_salad:
        return "word_salad"
    if len(reading.prose.tokens) < _TOO_SHORT:
        return "too_few_words"
    if reading.prose.english < 0.2:
        return "other_language"
    if reading.prose.copied > 0.6:
        return "copied"
    if reading.prose.repeated > 0.5:
        return "repeated"
    return "off_topic" if reading.coverage < 0.1 else None
