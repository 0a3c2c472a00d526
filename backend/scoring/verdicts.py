"""What every scorer decides in the same way: unusable sound, silence, delivery, and how an explanation is written."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from backend.scoring.evidence import Evidence
from backend.scoring.score import ItemScore, Points, ScoreStatus, Trait
from backend.scoring.text import FILLERS, Alignment, Operation, align_words, word_set, words_of

# Sound that holds no answer to judge, through no proven fault of the candidate: a person listens.
_UNUSABLE = ("microphone_silent", "noise_only", "prompt_played_back", "two_voices")
# The same where no word was heard: perhaps there was one.
_UNUSABLE_WORDLESS = ("truncated", "too_short", "too_quiet")
# Problems that make the evidence weaker, and by how much.
_DOUBTS = {"too_quiet": 0.7, "noisy": 0.7, "clipped": 0.8, "truncated": 0.6, "too_short": 0.8, "whispered": 0.7}
_TRUSTED_AT = 0.25
_CUT_WITHIN_MS = 250
_MORE_THAN_CHANCE = 1 / 3  # of a sentence's words


def clamp(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, straight between."""
    return clamp((value - low) / (high - low))


def unusual(evidence: Evidence, traits: Collection[Trait], *, version: str) -> ItemScore | None:
    """The verdict when there is nothing to score: a human's for unusable sound, zero for a candidate who kept
    silent."""
    unusable = next((problem for problem in _UNUSABLE if problem in evidence.quality.problems), None)
    if unusable is None and "truncated" in evidence.quality.problems and evidence.voice.trailing_ms < _CUT_WITHIN_MS:
        unusable = "truncated"  # somebody was speaking when the file ended: the rest of the answer is not here
    if unusable is None and not evidence.words:
        unusable = next((problem for problem in _UNUSABLE_WORDLESS if problem in evidence.quality.problems), None)
    if unusable:
        return ItemScore(
            task=evidence.task,
            scorer_version=version,
            status=ScoreStatus.NEEDS_HUMAN,
            reason=unusable,
            explanation=sound_of(evidence),
        )
    if evidence.words and (evidence.aspects or Trait.FLUENCY not in traits):
        return None
    if evidence.words:
        return ItemScore(
            task=evidence.task,
            scorer_version=version,
            status=ScoreStatus.NEEDS_HUMAN,
            reason="not_aligned",
            explanation=sound_of(evidence),
        )
    # Speech that no word was recognised in is not silence: nobody can say that it was wrong. However short: one word
    # is over in a third of a second.
    if evidence.voice.has_speech:
        return ItemScore(
            task=evidence.task,
            scorer_version=version,
            status=ScoreStatus.NEEDS_HUMAN,
            reason="nothing_recognised",
            explanation=sound_of(evidence),
        )
    return ItemScore(
        task=evidence.task,
        scorer_version=version,
        status=ScoreStatus.SCORED,
        points={trait: Points(value=0.0) for trait in traits},
        confidence=0.9,
        reason="no_speech",
        explanation=sound_of(evidence),
    )


def doubt(evidence: Evidence) -> float:
    """1 for a clean recording, less for each problem."""
    factor = 1.0
    for problem in evidence.quality.problems:
        factor *= _DOUBTS.get(problem, 1.0)
    return factor


def settle(
    evidence: Evidence,
    points: Mapping[Trait, Points],
    *,
    version: str,
    confidence: float,
    explanation: Mapping[str, Any],
    reason: str | None = None,
) -> ItemScore:
    """A score, or a human's task where the machine trusts itself too little."""
    trusted = clamp(confidence * doubt(evidence))
    scored = trusted >= _TRUSTED_AT
    return ItemScore(
        task=evidence.task,
        scorer_version=version,
        status=ScoreStatus.SCORED if scored else ScoreStatus.NEEDS_HUMAN,
        points=dict(points) if scored else {},
        confidence=trusted,
        reason=reason if scored else "low_confidence",
        explanation={**sound_of(evidence), **explanation, "suspected": None if scored else reason},
    )


def delivery(evidence: Evidence, credit: float) -> dict[Trait, Points]:
    """Fluency and pronunciation as predicted from the sound, in proportion to the content that earns them (0..1).

    Evidence without aspects never comes here: `unusual` sends it to a person.
    """
    aspects = evidence.aspects
    if aspects is None:
        raise ValueError("evidence has no aspects")
    fluency = 0.5 * (aspects.fluency + aspects.prosodic)
    pronunciation = aspects.accuracy
    return {
        Trait.FLUENCY: Points(value=clamp(fluency * credit)),
        Trait.PRONUNCIATION: Points(value=clamp(pronunciation * credit)),
    }


def delivery_credit(alignment: Alignment) -> float:
    """How much fluency and pronunciation count, 0..1, by how much of the sentence was said, and only that.

    Up to a fifth of its words agree by chance: another language is recognised as English words, some of them "the" and
    "to". Nothing counts where the errors are as many as the words.
    """
    if word_accuracy(alignment) <= 0:
        return 0.0
    return ramp(alignment.covered, 0.2, 0.5) * _said_only_this(alignment)


def recognition_confidence(evidence: Evidence) -> float:
    """0..1: the mean confidence of the recognised words."""
    return sum(word.confidence for word in evidence.words) / len(evidence.words) if evidence.words else 0.0


def recognition_trust(evidence: Evidence, alignment: Alignment) -> float:
    """Confidence in a word-by-word comparison: words that agree vouch for the recognition; where none does, only the
    recogniser's own confidence speaks, and garbled speech goes to a person."""
    own = recognition_confidence(evidence)
    return 0.4 + 0.5 * own if alignment.covered >= 0.1 else own


def heard_tokens(evidence: Evidence) -> tuple[list[str], list[int]]:
    """(comparable words, the index of the heard word that each belongs to)."""
    tokens: list[str] = []
    owners: list[int] = []
    for index, word in enumerate(evidence.words):
        for token in words_of(word.text):
            tokens.append(token)
            owners.append(index)
    return tokens, owners


def align_evidence(expected: str, evidence: Evidence) -> tuple[Alignment, list[dict[str, Any]]]:
    """The alignment with `expected`, and the same as plain rows with the time and confidence of what was heard."""
    tokens, owners = heard_tokens(evidence)
    alignment = align_words(words_of(expected), tokens)
    rows = []
    for step in alignment.steps:
        row: dict[str, Any] = {"operation": step.operation.value, "expected": step.expected, "heard": step.heard}
        if step.heard_index >= 0:
            word = evidence.words[owners[step.heard_index]]
            row |= {"start_ms": word.start_ms, "end_ms": word.end_ms, "confidence": round(word.confidence, 3)}
        rows.append(row)
    return alignment, rows


def word_accuracy(alignment: Alignment) -> float:
    """1 minus the word errors over the expected words, never below 0: partial credit by word."""
    return clamp(1 - alignment.errors / max(alignment.expected_count, 1))


def mastery_of(alignment: Alignment) -> float:
    """`word_accuracy`, and 0 where all that agrees is less than a third of the sentence and words like "the" and "for
    you": in a sound that is no answer a recogniser hears those by chance."""
    agreeing = [step.expected for step in alignment.steps if step.operation in (Operation.MATCH, Operation.NEAR)]
    by_chance = alignment.covered < _MORE_THAN_CHANCE and all(word in FUNCTION_WORDS for word in agreeing)
    return 0.0 if by_chance else word_accuracy(alignment)


def _said_only_this(alignment: Alignment) -> float:
    """1, falling to 0 as words that were not asked for outnumber the sentence."""
    return 1 - ramp(alignment.count(Operation.INSERTION) / max(alignment.expected_count, 1), 0.5, 2.0)


def summary_of(alignment: Alignment) -> dict[str, Any]:
    names = {
        "matched": Operation.MATCH,
        "near": Operation.NEAR,
        "substituted": Operation.SUBSTITUTION,
        "left_out": Operation.DELETION,
        "added": Operation.INSERTION,
        "restarts": Operation.RESTART,
        "fillers": Operation.FILLER,
    }
    return {"expected_words": alignment.expected_count, **{name: alignment.count(each) for name, each in names.items()}}


def sound_of(evidence: Evidence) -> dict[str, Any]:
    """The part of an explanation that every task shares: transcript, timeline, quality, weak sounds, aspects."""
    aspects = evidence.aspects
    return {
        "transcript": [
            {"text": w.text, "start_ms": w.start_ms, "end_ms": w.end_ms, "confidence": round(w.confidence, 3)}
            for w in evidence.words
        ],
        "pauses": [{"start_ms": pause.start_ms, "end_ms": pause.end_ms} for pause in evidence.pauses],
        "speech": [{"start_ms": start, "end_ms": end} for start, end in evidence.voice.segments],
        "duration_ms": evidence.duration_ms,
        "quality_problems": list(evidence.quality.problems),
        "fillers": sum(token in FILLERS for token in heard_tokens(evidence)[0]),
        "weak_sounds": weak_sounds(evidence),
        "aspects": None
        if aspects is None
        else {name: round(getattr(aspects, name), 3) for name in ("accuracy", "fluency", "prosodic", "total")},
        "calibration": aspects.calibration if aspects else None,
        "engine": {"name": evidence.engine, "version": evidence.engine_version},
    }


def weak_sounds(evidence: Evidence, *, at_most: int = 12) -> list[dict[str, Any]]:
    """The sounds that fitted worst, as hints: `expected` against `heard`, in which word, when."""
    weak = sorted((phone for phone in evidence.phones if phone.goodness < 0.25), key=lambda phone: phone.goodness)
    return [
        {
            "word": evidence.spoken_words[phone.word_index].text,
            "expected": phone.symbol,
            "heard": phone.heard,
            "start_ms": phone.start_ms,
            "goodness": round(phone.goodness, 3),
        }
        for phone in weak[:at_most]
    ]


def words_said(evidence: Evidence) -> list[dict[str, Any]]:
    """Every word of a read text, when it was said and how well, to colour it by; empty where words were not judged."""
    return [
        {
            "text": word.text,
            "start_ms": word.start_ms,
            "end_ms": word.end_ms,
            "quality": round(word.quality, 3),
            "doubtful": word.doubtful,
        }
        for word in evidence.spoken_words
        if word.quality is not None
    ]


def content_words(tokens: Sequence[str]) -> list[str]:
    """Tokens that carry meaning by themselves."""
    return [token for token in tokens if token not in FUNCTION_WORDS and token not in FILLERS]


FUNCTION_WORDS = word_set(
    """
    a an the this that these those some any each every no i you he she it we they me him her us them my your his its
    our their mine yours ours theirs who whom whose which what when where why how is am are was were be been being
    do does did have has had having will would shall should can could may might must not and or but if so because as
    than then of to in on at by for with from into about over under after before up down out off through there here
    very just also too it's s t d ll ve re m o well yes yeah okay like
    """
)
