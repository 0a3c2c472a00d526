"""Which of several ways to hear a sound is believed: the one with the fewest words wrong to be expected.

A recogniser prefers sentences that people usually say; learners say others. So its probability is joined with that of
the sounds that each hypothesis would take, and then not the likeliest hypothesis is taken but the one nearest to all
the others, each by its probability (minimum Bayes risk). Weights and figures: docs/scoring/experiments.md.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from backend.scoring.text import edit_distance

_SOUND_WEIGHT = 0.1  # the sounds' log probability counts every frame, the recogniser's every token
_UNTHOUGHT_OF = 4.0  # log units
_NUMBER = re.compile(r"(?<![\d.,:])\d{2,}(?![\d.,:]*\d)")

Floats = npt.NDArray[np.float64]


def digit_by_digit(text: str) -> str:
    """8106 -> 8 1 0 6: a recogniser writes figures whichever way they were said."""
    return _NUMBER.sub(lambda found: " ".join(found[0]), text)


def joined_probabilities(
    words: Sequence[tuple[str, ...]], listenings: Sequence[Mapping[tuple[str, ...], float]]
) -> list[float]:
    """The mean over several listenings of each way's log probability; one that did not think of it counts it somewhat
    below the least likely that it did think of."""
    known = [each for each in listenings if each]
    least = [min(each.values()) - _UNTHOUGHT_OF for each in known]
    return [
        sum(each.get(way, low) for each, low in zip(known, least, strict=True)) / max(len(known), 1) for way in words
    ]


def fewest_errors(
    words: Sequence[tuple[str, ...]], log_probabilities: Sequence[float], sounds: Sequence[float]
) -> tuple[int, float]:
    """The index of the hypothesis with the fewest word errors to be expected, and how many they are.

    `sounds` are log probabilities of whole paths; of equals the likeliest is taken, then the first.
    """
    scores = np.array(log_probabilities, dtype=np.float64) + _SOUND_WEIGHT * np.array(sounds, dtype=np.float64)
    scores = np.where(np.isfinite(scores), scores, -1e9)
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    distances = np.array([[edit_distance(one, other) for other in words] for one in words], dtype=np.float64)
    risks = np.round(distances @ shares, 6)
    best = min(range(len(words)), key=lambda at: (float(risks[at]), -float(scores[at]), at))
    return best, float(risks[best])
