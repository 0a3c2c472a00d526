"""Open question: recorded for raters. The machine gives hints and no points; see docs/scoring/open_question.md."""

from collections.abc import Mapping
from typing import Any

from backend.scoring.evidence import Evidence
from backend.scoring.keys import OpenQuestionKey
from backend.scoring.score import ItemScore, ScoreStatus
from backend.scoring.text import FILLERS, stem, words_of
from backend.scoring.verdicts import clamp, content_words, doubt, heard_tokens, ramp, recognition_confidence, sound_of
from backend.scoring.writing import connectors, mean_upper_level, sentence_count

VERSION = "open_question-2"
_HIGHEST = 5
# What a recogniser writes by itself is not the speaker's: marks, capitals, spelling.
_NOT_SPOKEN = frozenset({"spelling", "typo", "capitalization", "punctuation"})
_ENOUGH_WORDS = 40  # about 20 seconds of easy speech; fewer show less of everything


def score(evidence: Evidence, key: OpenQuestionKey) -> ItemScore:
    """Always `needs_rater`, with the transcript, the timeline, and a hint on each criterion of the open rubric."""
    tokens = [token for token in heard_tokens(evidence)[0] if token not in FILLERS]
    return ItemScore(
        task=evidence.task,
        scorer_version=VERSION,
        status=ScoreStatus.NEEDS_RATER,
        reason=None if evidence.words else "no_speech",
        explanation={**sound_of(evidence), "hints": _hints(evidence, tokens, key.question) if tokens else []},
    )


def _hints(evidence: Evidence, tokens: list[str], question: str) -> list[dict[str, Any]]:
    """By criterion of `config/rubrics/open_answer.yaml`. A criterion of which nothing was measured gets no hint."""
    trust = doubt(evidence) * (0.4 + 0.6 * recognition_confidence(evidence)) * ramp(len(tokens), 3, 20)
    found = [_fluency(evidence, tokens), _pronunciation(evidence), _organisation(evidence, tokens)]
    if evidence.language is not None:
        found += [
            _vocabulary(evidence.language.levels, tokens),
            _grammar(evidence.language.flaws, tokens),
            _relevance(evidence.language.nearness, evidence.plausibility, tokens, question),
        ]
    return [
        {
            "criterion": criterion,
            "level": round(_HIGHEST * clamp(share)),
            "confidence": round(clamp(sure * trust), 3),
            "because": because,
        }
        for hint in found
        if hint is not None
        for criterion, share, sure, because in (hint,)
    ]


_Hint = tuple[str, float, float, str]  # criterion, share 0..1, how far this kind of hint is to be trusted, from what


def _fluency(evidence: Evidence, tokens: list[str]) -> _Hint | None:
    timing = evidence.timing
    if not timing:
        return None
    rate, run = timing.get("words_per_s", 0.0), timing.get("run_words", 0.0)
    long_pauses = 10 * timing.get("long_pauses", 0.0) / max(len(tokens), 1)
    measured = (ramp(rate, 0.5, 2.6) + ramp(run, 2, 9) + 1 - ramp(long_pauses, 0.3, 3)) / 3
    known = evidence.aspects
    share = measured if known is None else 0.5 * measured + 0.25 * (known.fluency + known.prosodic)
    because = f"{60 * rate:.0f} words a minute, {long_pauses:.1f} longer pauses in ten words"
    return "fluency", share, 0.7, because


def _pronunciation(evidence: Evidence) -> _Hint | None:
    if evidence.aspects is None:
        return None
    accuracy = evidence.aspects.accuracy
    return "pronunciation", accuracy, 0.5 * evidence.aspects.confidence + 0.2, f"sounds {10 * accuracy:.1f} of 10"


def _vocabulary(levels: Mapping[str, int], tokens: list[str]) -> _Hint:
    different = len({stem(word) for word in content_words(tokens)})
    level = mean_upper_level(levels)
    share = 0.5 * ramp(different, 3, 35) + 0.5 * ramp(level, 1.2, 3.8) * ramp(different, 2, 8)
    return "vocabulary", share, 0.6, f"{different} different content words; the harder half at about {_name(level)}"


def _name(level: float) -> str:
    names = ("below A1", "A1", "A2", "B1", "B2", "C1")
    return names[min(round(level), len(names) - 1)]


def _grammar(flaws: tuple[str, ...], tokens: list[str]) -> _Hint:
    """A checker finds about half of learners' mistakes, so this hint is trusted least."""
    spoken = [flaw for flaw in flaws if flaw not in _NOT_SPOKEN]
    share = (1 - ramp(100 * len(spoken) / max(len(tokens), 15), 0.5, 12)) * ramp(len(tokens), 2, _ENOUGH_WORDS)
    places = "one place" if len(spoken) == 1 else f"{len(spoken)} places"
    return "grammar", share, 0.35, f"a checker would mend {places} in {len(tokens)} words"


def _relevance(nearness: float | None, plausibility: float | None, tokens: list[str], question: str) -> _Hint | None:
    """Nearness in meaning never alone: word salad is near to anything, so words of the question or sentences that hold
    together must be there too."""
    if nearness is None:
        return None
    asked = {stem(word) for word in content_words(words_of(question))}
    taken_up = len(asked & {stem(word) for word in tokens})
    overlap = taken_up / max(len(asked), 1)
    makes_sense = 1.0 if plausibility is None else ramp(plausibility, 0.4, 0.9)
    share = (0.6 * ramp(nearness, 0.1, 0.6) + 0.4 * ramp(overlap, 0.0, 0.4)) * makes_sense
    share *= ramp(len(tokens), 2, 0.6 * _ENOUGH_WORDS)
    because = f"{taken_up} of the question’s {len(asked)} content words taken up; nearness in meaning {nearness:.2f}"
    return "relevance", share, 0.45, because


def _organisation(evidence: Evidence, tokens: list[str]) -> _Hint:
    links, sentences = connectors(tokens), sentence_count(evidence.transcript)
    share = 0.6 * ramp(len(links), 0, 5) + 0.4 * ramp(sentences, 1, 5)
    share *= ramp(len(tokens), 2, _ENOUGH_WORDS)
    named = ", ".join(links[:5]) or "no linking words"
    return "organisation", share, 0.4, f"{named}; {sentences} sentences"
