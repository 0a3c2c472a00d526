"""What a typed or chosen answer showed, and the measures that the scorers of writing share. Pure.

`TextEvidence` is filled by an adapter (grammar checker, word lists, sentence encoder); everything else is counted here
from the text itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

from backend.scoring.evidence import Meaning, plain_value
from backend.scoring.score import ItemScore, Points, ScoreStatus, Trait
from backend.scoring.text import stem, word_set, words_of
from backend.scoring.verdicts import FUNCTION_WORDS, clamp, content_words, ramp

TRUSTED_AT = 0.3  # below this confidence a person decides
_RUN = 4  # as many words in a row as in the prompt are copied, not written


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something that the checker would mend: the stretch [start, end) in characters, the kind and what to do."""

    kind: str
    start: int
    end: int
    advice: str

    @property
    def is_spelling(self) -> bool:
        return self.kind in ("spelling", "typo")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEvidence:
    """All that is known of one typed or chosen answer. `elapsed_ms`: from the window's start to the last save.

    `english` 0..1: how surely the text is English (None: not asked). `unknown_words`: words that no list of English
    has. `levels`: how many different content words are of each CEFR level. `meaning`: nearness to the prompt or passage
    (`story`) and to each key point.
    """

    task: str
    text: str = ""
    texts: tuple[str, ...] = ()
    choices: tuple[int, ...] = ()
    elapsed_ms: int = 0
    english: float | None = None
    unknown_words: tuple[str, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    levels: Mapping[str, int] = field(default_factory=dict)
    meaning: Meaning | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    evidence_version: str = "text-1"

    @property
    def is_blank(self) -> bool:
        return not (
            self.text.strip() or any(text.strip() for text in self.texts) or any(choice >= 0 for choice in self.choices)
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, floats rounded to four decimals."""
        plain: dict[str, Any] = plain_value(self)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`. KeyError or TypeError: not evidence of a text."""
        rest = dict(data)
        meaning = rest.pop("meaning")
        return cls(
            texts=tuple(rest.pop("texts")),
            choices=tuple(rest.pop("choices")),
            unknown_words=tuple(rest.pop("unknown_words")),
            flaws=tuple(Flaw(**each) for each in rest.pop("flaws")),
            meaning=Meaning(story=meaning["story"], key_points=tuple(meaning["key_points"])) if meaning else None,
            **rest,
        )


# -- verdicts --------------------------------------------------------------------------------------------------------


def blank(evidence: TextEvidence, traits: Sequence[Trait], *, version: str) -> ItemScore | None:
    """Nothing typed or chosen earns nothing, and that is certain; None for anything else."""
    if not evidence.is_blank:
        return None
    return verdict(evidence, dict.fromkeys(traits, 0.0), version=version, confidence=0.95, reason="empty")


def verdict(
    evidence: TextEvidence,
    values: Mapping[Trait, float],
    *,
    version: str,
    confidence: float,
    reason: str | None = None,
    explanation: Mapping[str, Any] | None = None,
) -> ItemScore:
    """A score, or a human's task where the machine trusts itself too little."""
    scored = confidence >= TRUSTED_AT
    return ItemScore(
        task=evidence.task,
        scorer_version=version,
        status=ScoreStatus.SCORED if scored else ScoreStatus.NEEDS_HUMAN,
        points={trait: Points(value=clamp(value)) for trait, value in values.items()} if scored else {},
        confidence=clamp(confidence),
        reason=reason if scored else "low_confidence",
        explanation={
            "typed": _shown(evidence),
            "flaws": [{"kind": f.kind, "start": f.start, "end": f.end, "advice": f.advice} for f in evidence.flaws],
            "levels": dict(evidence.levels),
            "suspected": None if scored else reason,
            "engine": {"name": "text", "version": " ".join(f"{k} {v}" for k, v in sorted(evidence.versions.items()))},
            **(explanation or {}),
        },
    )


def _shown(evidence: TextEvidence) -> str:
    chosen = ", ".join(str(choice + 1) if choice >= 0 else "–" for choice in evidence.choices)
    return evidence.text or " / ".join(evidence.texts) or chosen


# -- measures of a text ----------------------------------------------------------------------------------------------

_DETERMINERS = word_set("a an the my your his its our their this these every")
_PREPOSITIONS = word_set("of at from with into for by about")
_FINITE = word_set("is are was were am be been do does did has have had will would can could should must may might")
_SUBJECTS = word_set("i he she we they")
_LINKS = word_set("and but or because")
# Pairs that neighbouring words of English sentences hardly ever make; what shuffled words make all the time.
_NEVER = (
    (_DETERMINERS, _DETERMINERS | _PREPOSITIONS | _FINITE | _SUBJECTS | _LINKS),
    (_PREPOSITIONS, _FINITE | _SUBJECTS | _PREPOSITIONS - word_set("of about at") | _LINKS),
    (word_set("to"), _FINITE - word_set("be do have") | _SUBJECTS | _PREPOSITIONS | _LINKS),
    (word_set("very"), _DETERMINERS | _PREPOSITIONS | _FINITE | _SUBJECTS | _LINKS),
    (_SUBJECTS, _DETERMINERS | _PREPOSITIONS | _SUBJECTS),
    (_FINITE, _LINKS),
    (_LINKS, _LINKS - word_set("because")),
)


def order_of_words(tokens: Sequence[str]) -> float:
    """0..1: whether small words stand where they can stand. 1 for ordinary English, near 0 for shuffled words."""
    small = [(one, other) for one, other in pairwise(tokens) if any(one in firsts for firsts, _ in _NEVER)]
    if len(small) < 4:
        return 1.0 if len(tokens) < 12 else 0.3
    wrong = sum(any(one in firsts and other in then for firsts, then in _NEVER) for one, other in small)
    return 1 - ramp(wrong / len(small), 0.02, 0.14)


def copied_share(tokens: Sequence[str], source: str) -> float:
    """The share of the words that stand in runs of four or more taken from `source`."""
    given = words_of(source)
    runs = {given[at : at + _RUN] for at in range(len(given) - _RUN + 1)}
    taken: set[int] = set()
    for at in range(len(tokens) - _RUN + 1):
        if tuple(tokens[at : at + _RUN]) in runs:
            taken.update(range(at, at + _RUN))
    return len(taken) / len(tokens) if tokens else 0.0


def repeated_share(tokens: Sequence[str]) -> float:
    """The share of word triples that had come before."""
    triples = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
    return 1 - len(set(triples)) / len(triples) if triples else 0.0


def english_share(tokens: Sequence[str], evidence: TextEvidence) -> float:
    """0..1: how far the text is English: by the checker's verdict, by known words, and by English small words."""
    if not tokens:
        return 0.0
    known = 1 - len([token for token in tokens if token in set(evidence.unknown_words)]) / len(tokens)
    small = sum(token in FUNCTION_WORDS for token in tokens) / len(tokens)
    judged = 1.0 if evidence.english is None else evidence.english
    return judged * ramp(known, 0.5, 0.8) * ramp(small, 0.08, 0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A free text as the scorers of writing see it. `own`: how many words are the writer's own and new."""

    tokens: tuple[str, ...]
    own: float
    english: float
    order: float
    copied: float
    repeated: float

    @property
    def makes_sense(self) -> float:
        """0..1: English sentences rather than another language, a word list or one sentence again and again."""
        return self.english * self.order * (1 - ramp(self.repeated, 0.25, 0.6))

    @property
    def is_salad(self) -> bool:
        """English words in no English order: a list, shuffled words, or English too broken for a machine to judge."""
        return self.english > 0.5 and self.order < 0.45 and self.repeated < 0.5

    def to_dict(self) -> dict[str, Any]:
        return {
            "words": len(self.tokens),
            "own_words": round(self.own),
            "english": round(self.english, 3),
            "word_order": round(self.order, 3),
            "copied": round(self.copied, 3),
            "repeated": round(self.repeated, 3),
        }


def prose_of(evidence: TextEvidence, *, source: str) -> Prose:
    tokens = words_of(evidence.text)
    copied, repeated = copied_share(tokens, source), repeated_share(tokens)
    return Prose(
        tokens=tokens,
        own=len(tokens) * (1 - copied) * (1 - repeated),
        english=english_share(tokens, evidence),
        order=order_of_words(tokens),
        copied=copied,
        repeated=repeated,
    )


def mechanics(evidence: TextEvidence, prose: Prose) -> float:
    """0..1: grammar, spelling and punctuation: flaws for each hundred words, 1 at two, 0 at thirty."""
    sentences = [part.strip() for part in re.split(r"[.!?]+|\n+", evidence.text) if len(part.split()) > 1]
    unmarked = sum(not sentence[0].isupper() for sentence in sentences if sentence[0].isalpha())
    closed = evidence.text.rstrip()[-1:] in tuple(".!?,\"'") or len(sentences) > 1
    flaws = sum(0.7 if flaw.is_spelling else 1.0 for flaw in evidence.flaws) + 0.5 * unmarked + (0 if closed else 0.5)
    return 1 - ramp(100 * flaws / max(len(prose.tokens), 20), 2, 30)


_LEVEL_POINTS = {"A1": 1.0, "A2": 2.0, "B1": 3.0, "B2": 4.0, "C1": 5.0, "C2": 5.5}


def word_level(evidence: TextEvidence) -> float:
    """`mean_upper_level` of the text's words."""
    return mean_upper_level(evidence.levels)


def mean_upper_level(levels: Mapping[str, int]) -> float:
    """The mean level (1 = A1 .. 5.5 = C2) of the higher half of the different content words; 0 without any."""
    points = sorted((_LEVEL_POINTS[level] for level, n in levels.items() for _ in range(n)), reverse=True)
    upper = points[: max(len(points) // 2, 1)]
    return sum(upper) / len(upper) if upper else 0.0


def vocabulary(evidence: TextEvidence, prose: Prose) -> float:
    """0..1 by range (different content words, 1 at fifty) and level (A1 is 0, B2 and above 1), in equal parts."""
    different = len({stem(word) for word in content_words(prose.tokens)})
    return 0.5 * ramp(different, 4, 50) + 0.5 * ramp(word_level(evidence), 1.2, 3.8)


_CONNECTORS = word_set(
    """
    because so but however therefore although though while when if first firstly second secondly third finally also
    then after before since unless instead moreover furthermore besides despite whereas thus hence next lastly
    """
)


def connectors(tokens: Sequence[str]) -> tuple[str, ...]:
    """The different words that link sentences and clauses, in order of first use."""
    return tuple(dict.fromkeys(token for token in tokens if token in _CONNECTORS))


def paragraphs(text: str) -> int:
    return len([part for part in re.split(r"\n\s*\n|\n", text) if len(part.split()) >= 4])


def sentence_count(text: str) -> int:
    return len([part for part in re.split(r"[.!?]+|\n+", text) if len(part.split()) >= 3])
