"""Retelling: a heard story told again in own words; see docs/scoring/retelling.md.

Never similarity alone: a key point must be said in words of its own or near in meaning *and* partly in words, and words
that make no sentences (a recited list, shuffled words) earn nothing from the machine.
"""

from dataclasses import dataclass
from itertools import pairwise

from backend.scoring.coverage import credit_of, words_agree
from backend.scoring.evidence import Evidence
from backend.scoring.keys import KeyPoint, RetellingKey
from backend.scoring.score import ItemScore, Points, Trait
from backend.scoring.text import FILLERS, stem
from backend.scoring.verdicts import (
    clamp,
    content_words,
    delivery,
    heard_tokens,
    ramp,
    recognition_confidence,
    settle,
    unusual,
)

VERSION = "retelling-2"
TRAITS = (Trait.SENTENCE_MASTERY, Trait.VOCABULARY, Trait.FLUENCY, Trait.PRONUNCIATION)
_ENOUGH_WORDS = 25  # as many as a short but whole retelling takes
_SALAD_BELOW, _SENTENCES_FROM = 0.4, 0.9  # gain of the words' order over shuffled ones; see the page


@dataclass(frozen=True, slots=True, kw_only=True)
class _Covered:
    point: KeyPoint
    words: float
    meaning: float
    credit: float


def score(evidence: Evidence, key: RetellingKey) -> ItemScore:
    """Sentence mastery and vocabulary by key points and own words; delivery counts once a third of the story is
    told."""
    early = unusual(evidence, TRAITS, version=VERSION)
    if early:
        return early
    tokens = [token for token in heard_tokens(evidence)[0] if token not in FILLERS]
    covered = [_cover(point, index, tokens, evidence) for index, point in enumerate(key.key_points)]
    sentences = _sentences(evidence, tokens)
    coverage = sum(each.credit for each in covered) / len(covered)
    length = ramp(len(tokens), 0, _ENOUGH_WORDS)
    # The story's words in no order: a recital, or English too broken for a machine to tell. A person decides.
    salad = sentences < 0.2 and coverage >= 0.2
    about = ramp(coverage, 0.0, 0.34) * sentences
    variety = _variety(tokens)
    points = {
        Trait.SENTENCE_MASTERY: Points(value=clamp((0.6 * coverage + 0.4 * length * sentences) * about)),
        Trait.VOCABULARY: Points(value=clamp((0.7 * coverage + 0.3 * length * variety) * about)),
        **delivery(evidence, about),
    }
    return settle(
        evidence,
        points,
        version=VERSION,
        confidence=0.0
        if salad
        else (0.35 + 0.4 * recognition_confidence(evidence)) * (1.0 if evidence.meaning else 0.6),
        reason="word_salad" if salad else "off_topic" if coverage < 0.1 else None,
        explanation={
            "key_points": [
                {
                    "text": each.point.text,
                    "covered": each.credit >= 0.5,
                    "credit": round(each.credit, 3),
                    "words_agree": round(each.words, 3),
                    "meaning": round(each.meaning, 3),
                }
                for each in covered
            ],
            "coverage": round(coverage, 3),
            "makes_sentences": round(sentences, 3),
            "words_said": len(tokens),
            "variety": round(variety, 3),
            "content": {"credit": round(about, 3)},
        },
    )


def _cover(point: KeyPoint, index: int, tokens: list[str], evidence: Evidence) -> _Covered:
    words = words_agree(point, tokens)
    known = evidence.meaning.key_points if evidence.meaning else ()
    meaning = known[index] if index < len(known) else 0.0
    return _Covered(point=point, words=words, meaning=meaning, credit=credit_of(words, meaning))


def _sentences(evidence: Evidence, tokens: list[str]) -> float:
    """0..1: whether the words follow each other as words of sentences do."""
    if len(tokens) < 4:
        return 0.0
    function_share = 1 - len(content_words(tokens)) / len(tokens)
    repeated = 1 - len(set(pairwise(tokens))) / (len(tokens) - 1)
    likely = 1.0 if evidence.plausibility is None else ramp(evidence.plausibility, _SALAD_BELOW, _SENTENCES_FROM)
    return likely * ramp(function_share, 0.1, 0.3) * (1 - ramp(repeated, 0.35, 0.7))


def _variety(tokens: list[str]) -> float:
    """Different content words in the answer, 1 at fifteen."""
    return ramp(len({stem(word) for word in content_words(tokens)}), 2, 15)
