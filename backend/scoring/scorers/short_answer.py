"""Short answer: a word or phrase, right or not; see docs/scoring/short_answer.md."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.scoring.evidence import Evidence, Offer
from backend.scoring.keys import ShortAnswerKey
from backend.scoring.score import ItemScore, Points, Trait
from backend.scoring.text import sounds_like, stem, words_of
from backend.scoring.verdicts import content_words, heard_tokens, settle, unusual

VERSION = "short_answer-2"
TRAITS = (Trait.VOCABULARY,)
_FREE_WORDS, _TOO_MANY_WORDS = (
    3,
    6,
)  # content words beside the answer: up to the first cost nothing, from the second all

_SURELY_NOT = -3.0  # log odds below which no accepted answer fits the sound
_MOST_BY_SOUND = 4  # more recognised words than this are no misheard short answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    """How well an accepted answer was found: 1 exact, 0.9 inflected; `at` is its first heard token."""

    variant: str
    quality: float
    at: int
    length: int


def score(evidence: Evidence, key: ShortAnswerKey) -> ItemScore:
    """Full credit when an accepted answer was said, within a short sentence or without."""
    early = unusual(evidence, TRAITS, version=VERSION)
    if early:
        return early
    tokens, owners = heard_tokens(evidence)
    match = _find(key.accepted, tokens)
    offer = max(evidence.offers, key=_fit, default=None)
    beside = _words_beside(tokens, match)
    value = _value(match, beside)
    confidence = _confidence(evidence, match, owners)
    by_sound = offer is not None and _fit(offer) > 0 and value < 1 and len(tokens) <= _MOST_BY_SOUND
    if by_sound:
        value, confidence = 1.0, 0.6
    elif match is None and offer is not None and _fit(offer) < _SURELY_NOT:
        confidence = max(confidence, 0.6)
    return settle(
        evidence,
        {Trait.VOCABULARY: Points(value=value)},
        version=VERSION,
        confidence=confidence,
        reason=None if value else "too_many_words" if match else "not_accepted",
        explanation={
            "accepted": list(key.accepted),
            "matched_variant": offer.text if by_sound and offer else match.variant if match and value else None,
            "matched_by": "sound" if by_sound else "words" if match and value else None,
            "sound_fit": round(_fit(offer), 3) if offer else None,
            "words_beside": beside,
        },
    )


def _fit(offer: Offer) -> float:
    """Log odds that this answer was said: a logistic line over words cut from learners' speech, see the page."""
    return 3.7 + 0.62 * offer.forced_gap + 0.63 * offer.margin + 2.3 * offer.path_loss


def _find(accepted: Sequence[str], tokens: Sequence[str]) -> _Match | None:
    found = [match for variant in accepted if (match := _find_variant(variant, tokens))]
    return max(found, key=lambda match: (match.quality, match.length), default=None)


def _bare(variant: str) -> tuple[str, ...]:
    words = words_of(variant)
    return words[1:] if len(words) > 1 and words[0] in ("a", "an", "the") else words


def _find_variant(variant: str, tokens: Sequence[str]) -> _Match | None:
    wanted = _bare(variant)
    best: _Match | None = None
    for at in range(len(tokens) - len(wanted) + 1):
        qualities = [_quality(want, token) for want, token in zip(wanted, tokens[at:], strict=False)]
        quality = min(qualities, default=0.0)
        if quality and (best is None or quality > best.quality):
            best = _Match(variant=variant, quality=quality, at=at, length=len(wanted))
    joined = "".join(wanted)
    if best is None and len(wanted) > 1 and joined in tokens:
        best = _Match(variant=variant, quality=1.0, at=list(tokens).index(joined), length=1)
    return best


def _quality(wanted: str, token: str) -> float:
    if sounds_like(wanted, token):
        return 1.0
    if len(wanted) > 3 and stem(wanted) == stem(token):
        return 0.9
    return 0.0


def _words_beside(tokens: Sequence[str], match: _Match | None) -> int:
    if match is None:
        return len(content_words(tokens))
    beside = [*tokens[: match.at], *tokens[match.at + match.length :]]
    answer = {stem(token) for token in tokens[match.at : match.at + match.length]}
    return len([word for word in content_words(beside) if stem(word) not in answer])


def _value(match: _Match | None, beside: int) -> float:
    if match is None:
        return 0.0
    if beside <= _FREE_WORDS:
        return 1.0
    return 0.0 if beside >= _TOO_MANY_WORDS else 0.5


def _confidence(evidence: Evidence, match: _Match | None, owners: Sequence[int]) -> float:
    """Of the answer's own words when it was found; when not, a doubtful recognition makes the refusal doubtful."""
    if match is None:
        return 0.9 * max((word.confidence for word in evidence.words), default=0.0)
    own = [evidence.words[owners[at]].confidence for at in range(match.at, match.at + match.length)]
    # A free recogniser does not write the very word that was asked for by chance.
    return 0.7 + 0.3 * min(own) if match.quality == 1.0 else 0.4 + 0.4 * min(own)
