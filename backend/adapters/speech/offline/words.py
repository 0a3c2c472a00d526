"""What the models say of every word of an aligned text: its sounds, its time, and how likely the recogniser finds it.

Names: m_ margins of its sounds against their best rivals, o_ their own log posteriors, dur_ time beside the speaker's
own pace, w_ the recogniser's log probabilities of its tokens. Natural-log units; frames where nothing else is said.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from backend.adapters.speech.offline.phones import AlignedPhone

VOWELS = frozenset("aeiouæɑɒɔəɚɛɜɝɪʊʌɐ")
_AROUND, _LAST_GAP, _USUAL_GAP = 3, 8, 6.0

Floats = npt.NDArray[np.float64]


def features_of_words(
    phones: Sequence[AlignedPhone],
    owners: Sequence[int],
    count: int,
    logs: Floats,
    forced: Sequence[tuple[int, float]],
) -> tuple[dict[str, float], ...]:
    """One mapping for each of `count` words; empty where a word has no sound.

    `owners` gives the word of each aligned piece, `logs` the posteriors per frame, `forced` (word, log probability) per
    token.
    """
    middles = np.array([(each.start_frame + each.end_frame) / 2 for each in phones])
    gaps = np.diff(np.append(middles, min(len(logs), middles[-1] + _LAST_GAP)))
    pace = max(float(np.median(gaps[:-1])) if len(gaps) > 2 else _USUAL_GAP, 1.0)
    entropies = _entropy(logs)
    found: list[dict[str, float]] = []
    for word in range(count):
        own = [at for at, phone in enumerate(phones) if owners[phone.word_index] == word]
        if not own:
            found.append({})
            continue
        first, last = phones[own[0]], phones[own[-1]]
        around = entropies[max(0, first.start_frame - _AROUND) : last.end_frame + _AROUND]
        before = phones[own[0]].start_frame - phones[own[0] - 1].start_frame if own[0] else 0
        found.append(
            _sounds([phones[at] for at in own])
            | _times(gaps[own], pace)
            | {"dur_before": before / pace, "entropy": float(around.mean()) if len(around) else 0.0}
            | _tokens([log for index, log in forced if index == word])
        )
    return tuple(found)


def _entropy(logs: Floats) -> Floats:
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray(-(shares * np.log(shares + 1e-9)).sum(axis=1))


def _sounds(phones: Sequence[AlignedPhone]) -> dict[str, float]:
    margins = np.array([each.margin for each in phones])
    own = np.array([each.log_probability for each in phones])
    vowels = np.array([each.symbol[0] in VOWELS for each in phones])
    ordered = np.sort(margins)

    def of(values: Floats, which: npt.NDArray[np.bool_], reduce: str) -> float:
        return float(getattr(values[which], reduce)()) if which.any() else 0.0

    return {
        "m_mean": float(margins.mean()),
        "m_min": float(ordered[0]),
        "m_second": float(ordered[1]) if len(ordered) > 1 else 0.0,
        "m_soft": float(np.exp(margins / 2).mean()),
        "m_bad": float((margins < -3).sum()),
        "m_bad_share": float((margins < -3).mean()),
        "m_first": float(margins[0]),
        "m_last": float(margins[-1]),
        "m_vowels": of(margins, vowels, "mean"),
        "m_consonants": of(margins, ~vowels, "mean"),
        "m_vowel_min": of(margins, vowels, "min"),
        "m_consonant_min": of(margins, ~vowels, "min"),
        "o_mean": float(own.mean()),
        "o_min": float(own.min()),
        "o_last": float(own[-1]),
        "o_vowel_min": of(own, vowels, "min"),
        "o_consonant_min": of(own, ~vowels, "min"),
        "sounds": float(len(margins)),
    }


def _times(gaps: Floats, pace: float) -> dict[str, float]:
    return {
        "dur_mean": float(gaps.mean()),
        "dur_share": float(gaps.mean()) / pace,
        "dur_max": float(gaps.max()) / pace,
        "dur_min": float(gaps.min()) / pace,
    }


def _tokens(logs: Sequence[float]) -> dict[str, float]:
    if not logs:
        return {}
    return {"w_mean": sum(logs) / len(logs), "w_min": min(logs), "w_first": logs[0], "w_tokens": float(len(logs))}
