"""One suite over every voice that this machine has, and over the cache: sound of the promised shape."""

import io
import sys

import av
import numpy as np
import pytest

from backend.adapters.voices import VOICES, find_voice
from backend.adapters.voices import piper as piper_module
from backend.adapters.voices.cached import CachedVoice
from backend.adapters.voices.piper import PiperVoice
from backend.adapters.voices.sound import LEAD_MS, Speech, levelled, spoken_script
from backend.core.errors import PermanentFailure, TemporaryFailure
from backend.core.ports import Script
from tests.support.bank import CountingVoice

SENTENCE = Script(phrases=("The library closes at six.",))
BUILD = Script(phrases=("at six", "closes", "the library"), pause_ms=650, lead_in_ms=600)


@pytest.fixture(scope="module", params=sorted(VOICES))
def spoken(request):
    voice = VOICES[request.param].find()
    if voice is None:
        pytest.skip(f"{request.param} is not installed here")
    return voice, list(voice.speak([SENTENCE, BUILD]))


def decode(data):
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
        frames = [piece for frame in container.decode(stream) for piece in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def test_every_script_is_spoken_in_order_in_a_format_that_every_browser_plays(spoken):
    _, sounds = spoken
    assert [sound.content_type for sound in sounds] == ["audio/mpeg"] * 2
    assert [sound.extension for sound in sounds] == ["mp3"] * 2
    assert 1_000 < sounds[0].duration_ms < 4_000
    assert sounds[1].duration_ms > sounds[0].duration_ms + 1_000


def test_the_stored_length_is_that_of_the_sound(spoken):
    """The server's clock runs on it. An encoder adds a frame or two at the ends."""
    for sound in spoken[1]:
        assert abs(len(decode(sound.data)) / 16 - sound.duration_ms) < 130


def test_prompts_are_equally_loud_and_never_clipped(spoken):
    for sound in spoken[1]:
        samples = decode(sound.data)
        active = samples[np.abs(samples) > 0.01]
        level = 20 * np.log10(np.sqrt(np.mean(active**2)))
        assert -23 < level < -17
        assert np.max(np.abs(samples)) < 0.99


def test_it_begins_with_its_lead_in_and_pauses_between_phrases(spoken):
    samples = np.abs(decode(spoken[1][1].data))
    windows = samples[: len(samples) // 160 * 160].reshape(-1, 160).max(axis=1)  # 10 ms each
    loud = np.flatnonzero(windows > 0.03)
    assert loud[0] * 10 > LEAD_MS + 600 - 60
    gaps = np.diff(loud) * 10
    assert sum(gap > 450 for gap in gaps) == 2


def test_the_version_names_engine_and_encoding(spoken):
    assert "mp3" in spoken[0].version
    assert any(character.isdigit() for character in spoken[0].version)


def test_nothing_to_say_is_said_at_once(spoken):
    assert list(spoken[0].speak([])) == []


# -- failures --------------------------------------------------------------------------------------------------------


def test_a_model_that_cannot_be_read_is_a_failure_and_not_silence(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    voice = PiperVoice(broken, engine_version="0", voice_version="0")
    with pytest.raises(TemporaryFailure):
        list(voice.speak([SENTENCE]))


def test_a_process_that_stands_still_is_ended(monkeypatch, tmp_path):
    still = tmp_path / "still"
    still.write_text("#!/bin/sh\nexec sleep 60\n")
    still.chmod(0o755)
    monkeypatch.setattr(piper_module, "PATIENCE_S", 0.2)
    monkeypatch.setattr(sys, "executable", str(still))
    voice = PiperVoice(tmp_path / "any.onnx", engine_version="0", voice_version="0")
    with pytest.raises(TemporaryFailure):
        list(voice.speak([SENTENCE]))


def test_silence_is_refused():
    with pytest.raises(PermanentFailure):
        levelled(Speech(rate=16_000, samples=np.zeros(16_000, dtype=np.float32)))


def test_without_any_voice_the_start_says_so(monkeypatch):
    for kind in VOICES.values():
        monkeypatch.setattr(kind, "find", classmethod(lambda cls: None))
    with pytest.raises(PermanentFailure, match="no_voice"):
        find_voice()


# -- the cache -------------------------------------------------------------------------------------------------------


def test_what_was_said_before_is_read_again(tmp_path):
    voice = CountingVoice()
    first = list(CachedVoice(voice, (tmp_path,)).speak([SENTENCE, BUILD]))
    again = list(CachedVoice(voice, (tmp_path,)).speak([BUILD, SENTENCE]))
    assert again == first[::-1]
    assert len(voice.spoken) == 2


def test_a_second_copy_reads_the_first_ones_cache_and_writes_its_own(tmp_path):
    voice = CountingVoice()
    (sound,) = CachedVoice(voice, (tmp_path / "one",)).speak([SENTENCE])
    second = CachedVoice(voice, (tmp_path / "two", tmp_path / "one"))
    assert next(iter(second.speak([SENTENCE]))) == sound
    list(second.speak([BUILD]))
    assert voice.spoken == [SENTENCE, BUILD]
    assert len(list((tmp_path / "two").iterdir())) == 2


def test_a_damaged_file_is_rendered_again(tmp_path):
    voice = CountingVoice()
    cached = CachedVoice(voice, (tmp_path,))
    (sound,) = cached.speak([SENTENCE])
    next(tmp_path.glob("*.sound")).write_bytes(b"half")
    assert next(iter(cached.speak([SENTENCE]))) == sound
    next(tmp_path.glob("*.json")).write_text("{")
    assert next(iter(cached.speak([SENTENCE]))) == sound
    assert len(voice.spoken) == 3


def test_another_voice_has_its_own_sound(tmp_path):
    voice, other = CountingVoice("counting/1"), CountingVoice("counting/2")
    list(CachedVoice(voice, (tmp_path,)).speak([SENTENCE]))
    list(CachedVoice(other, (tmp_path,)).speak([SENTENCE]))
    assert len(other.spoken) == 1


def test_a_sound_is_made_of_its_phrases_and_pauses():
    tone = np.sin(np.linspace(0, 2_000, 22_050)).astype(np.float32) * 0.3
    one = spoken_script(Script(phrases=("a",)), [Speech(rate=22_050, samples=tone)])
    two = spoken_script(Script(phrases=("a", "b"), pause_ms=500), [Speech(rate=22_050, samples=tone)] * 2)
    assert abs(one.duration_ms - (1_000 + LEAD_MS + 120)) <= 60
    assert abs(two.duration_ms - one.duration_ms - 1_500) <= 60
