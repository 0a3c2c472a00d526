"""The prompt in a recording is found by its fine structure; other sound of the same rhythm is not."""

import numpy as np
import pytest

from backend.adapters.speech.playback import is_played_back
from backend.scoring.evidence import SAMPLE_RATE, Pcm
from scripts import gaming_sounds as sounds


def syllables(seconds: float, *, seed: int) -> Pcm:
    """Noise that comes and goes like speech: the same rhythm for every seed, another fine structure."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    rhythm = np.maximum(np.sin(2 * np.pi * 2.3 * time), 0.0) ** 2
    noise = np.random.default_rng(seed).normal(0, 0.2, len(time))
    return np.asarray(np.convolve(noise, np.ones(6) / 6, mode="same") * rhythm, dtype=np.float32)


PROMPT = syllables(2.5, seed=1)


def after_a_while(sound: Pcm) -> Pcm:
    return np.concatenate([sounds.noise(0.7, 0.001), sound, sounds.noise(0.4, 0.001)])


@pytest.mark.parametrize("gain", [1.0, 0.05])
def test_a_played_prompt_is_found_through_a_loudspeaker_and_a_room(gain: float) -> None:
    played = sounds.in_a_room(sounds.through_a_loudspeaker(PROMPT), snr_db=10)
    assert is_played_back(after_a_while(played) * np.float32(gain), PROMPT)
    assert is_played_back(PROMPT, PROMPT)


def test_the_same_rhythm_by_somebody_else_is_not() -> None:
    assert not any(is_played_back(after_a_while(syllables(2.5, seed=seed)), PROMPT) for seed in range(2, 22))


def test_the_end_of_the_prompt_caught_before_an_answer_is_honest() -> None:
    caught = np.concatenate([PROMPT[-SAMPLE_RATE // 2 :], after_a_while(syllables(2.5, seed=5))])
    assert not is_played_back(caught, PROMPT)


@pytest.mark.parametrize("sound", [np.zeros(0, dtype=np.float32), sounds.silence(2), PROMPT[:4000]])
def test_sound_too_short_or_silent_is_never_a_playback(sound: Pcm) -> None:
    assert not is_played_back(sound, PROMPT)
    assert not is_played_back(PROMPT, sound)
