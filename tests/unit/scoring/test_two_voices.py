"""A stretch of vectors that lies far from all others is another voice, wherever it stands."""

import numpy as np
import pytest

from backend.adapters.speech.decode import decode
from backend.adapters.speech.speakers import has_two_voices, likeness
from backend.adapters.speech.voice import find_voice
from tests.support.source import ROOT

VOICES = ROOT / "tests" / "fixtures" / "audio"
RANDOM = np.random.default_rng(5)
OWN, OTHER = np.eye(8)[0], np.eye(8)[1]


def spoken(direction, count):
    """Vectors that scatter around a voice's own."""
    return direction + RANDOM.normal(0, 0.05, (count, 8))


def test_one_voice_is_like_itself():
    assert likeness(spoken(OWN, 20)) > 0.95


@pytest.mark.parametrize(("before", "after"), [(8, 0), (0, 8), (8, 8), (4, 20)])
def test_another_voice_is_found_at_the_start_in_the_middle_and_at_the_end(before, after):
    assert likeness(np.vstack([spoken(OWN, before), spoken(OTHER, 4), spoken(OWN, after)])) < 0.3


def test_too_short_a_stretch_says_nothing():
    assert likeness(spoken(OWN, 7)) == 1.0
    assert likeness(np.vstack([spoken(OWN, 3), spoken(OTHER, 4)])) == 1.0


def heard(*names):
    """Whether two voices are found when these recordings follow each other."""
    pcm = np.concatenate([decode((VOICES / name).read_bytes()).pcm for name in names])
    return has_two_voices(pcm, find_voice(pcm))


def test_people():
    one, other = "speech_jfk.ogg", "native_reader.wav"
    assert not heard(one)
    assert not heard(one, one)
    assert not heard(other, other, other)
    assert heard(one, other, other)
    assert heard(other, other, one)


def test_silence_and_a_short_answer():
    assert not heard("learner_adult.opus", "native_reader.wav")
    assert not has_two_voices(np.zeros(160_000, dtype=np.float32), find_voice(np.zeros(160_000, dtype=np.float32)))
