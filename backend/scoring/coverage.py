"""Whether a point was made: in words of its own kind, or near in meaning and partly in words. Never meaning alone."""

from collections.abc import Sequence

from backend.scoring.keys import KeyPoint
from backend.scoring.text import sounds_like, stem, words_of
from backend.scoring.verdicts import content_words, ramp


def share_said(way: str, tokens: Sequence[str]) -> float:
    """The share of a phrase's content words that come within a stretch not much longer than the phrase."""
    wanted = content_words(words_of(way)) or list(words_of(way))
    window = max(10, 3 * len(wanted))
    starts = range(0, max(len(tokens) - window, 0) + 1, 3)
    return max(sum(_said(word, tokens[start : start + window]) for word in wanted) / len(wanted) for start in starts)


def _said(word: str, tokens: Sequence[str]) -> bool:
    return any(stem(word) == stem(token) or sounds_like(word, token) for token in tokens)


def words_agree(point: KeyPoint, tokens: Sequence[str]) -> float:
    """The best share over the ways of making the point."""
    return max(share_said(way, tokens) for way in point.ways)


def credit_of(words: float, meaning: float) -> float:
    """0..1: by words alone from two thirds of them; by meaning only where a quarter of the words is there too."""
    by_words = ramp(words, 0.3, 0.67)
    by_meaning = ramp(meaning, 0.45, 0.7) if words >= 0.25 else 0.0
    return max(by_words, by_meaning)
