"""Uploads of every kind become samples; hostile and broken ones become a reason, never a crash."""

import os
import struct
import time

import numpy as np
import pytest

from backend.adapters.speech import decode as decoding
from backend.adapters.speech.decode import decode
from backend.core.errors import PermanentFailure
from tests.support.speech import encode, read, room, tone


@pytest.mark.parametrize("kind", ["webm", "ogg", "mp4", "wav", "flac"])
def test_every_kind_a_browser_records_is_decoded(kind: str) -> None:
    sound = decode(encode(tone(2.0), kind))
    assert len(sound.pcm) / 16_000 == pytest.approx(2.0, abs=0.05)
    assert sound.pcm.dtype == np.float32
    middle = sound.pcm[8_000:24_000]  # a tone of amplitude 0.3; codecs overshoot at its start
    assert float(np.sqrt((middle**2).mean())) == pytest.approx(0.3 / np.sqrt(2), abs=0.03)
    assert not sound.truncated


@pytest.mark.parametrize("kind", ["webm", "ogg", "wav", "flac"])
def test_a_file_cut_in_the_middle_keeps_what_it_held_and_is_flagged(kind: str) -> None:
    whole = encode(tone(6.0), kind)
    sound = decode(whole[: len(whole) * 6 // 10])
    assert sound.truncated
    assert 2.0 < len(sound.pcm) / 16_000 < 5.0


def test_stereo_and_other_rates_become_mono_16k() -> None:
    left = (np.sin(np.arange(44_100) / 20) * 8000).astype("<i2")
    data = np.stack([left, left], axis=1).tobytes()
    head = (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 2, 44_100, 176_400, 4, 16)
    )
    sound = decode(head + b"data" + struct.pack("<I", len(data)) + data)
    assert len(sound.pcm) == pytest.approx(16_000, abs=200)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello " * 1000, "not_audio"),
        (b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.wav\n", "not_audio"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not_audio"),
        (b"<?xml version='1.0'?><MPD></MPD>", "not_audio"),
        (b"\x1a\x45\xdf\xa3" + b"junk" * 500, "decode_failed"),
        (b"OggS" + bytes(2000), "decode_failed"),
        (b"RIFF\x00\x00\x00\x00WAVE", "decode_failed"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(200), "decode_failed"),
    ],
)
def test_what_is_no_sound_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PermanentFailure) as refused:
        decode(data)
    assert refused.value.reason in (reason, "empty" if reason == "decode_failed" else reason)


def test_a_picture_in_a_sound_container_is_refused() -> None:
    with pytest.raises(PermanentFailure):
        decode(b"RIFF" + struct.pack("<I", 4) + b"WAVE")


def test_hours_of_sound_are_refused_before_they_fill_the_memory() -> None:
    long = encode(room(120.0, level=0.0), "webm")
    started = time.monotonic()
    with pytest.raises(PermanentFailure) as refused:
        decode(long, longest_ms=60_000)
    assert refused.value.reason == "too_long"
    assert time.monotonic() - started < 20


def test_the_decoder_is_a_process_of_its_own_and_comes_back_when_killed() -> None:
    decode(read("native_reader.wav"))
    first = decoding._decoder()._running()
    assert first.pid != os.getpid()
    first.kill()
    first.wait()
    assert len(decode(read("native_reader.wav")).pcm) > 40_000


def test_learners_opus_is_decoded() -> None:
    assert len(decode(read("learner_adult.opus")).pcm) / 16_000 == pytest.approx(3.9, abs=0.2)
