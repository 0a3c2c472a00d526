"""Evidence and sound for the scoring tests: builders that spell out only what a test is about."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from backend.scoring.evidence import (
    SAMPLE_RATE,
    Aspects,
    Evidence,
    HeardWord,
    Meaning,
    Pause,
    Pcm,
    Phone,
    Quality,
    SpokenWord,
    VoiceActivity,
)

# What the engine says of a word without a fault, and of one that is off in everything.
CLEAN_WORD = {
    "m_mean": 0.0, "m_min": 0.0, "m_second": 0.0, "m_soft": 1.0, "m_bad": 0.0, "m_bad_share": 0.0,
    "o_mean": -0.1, "o_min": -0.2, "o_last": -0.1, "w_mean": -0.3, "w_min": -0.5, "w_first": -0.3,
}  # fmt: skip
WORD_OFF = {
    "m_mean": -7.0, "m_min": -12.0, "m_second": -9.0, "m_soft": 0.05, "m_bad": 3.0, "m_bad_share": 1.0,
    "o_mean": -9.0, "o_min": -13.0, "o_last": -9.0, "w_mean": -7.0, "w_min": -9.0, "w_first": -9.0,
}  # fmt: skip

AUDIO = Path(__file__).resolve().parents[1] / "fixtures" / "audio"


def heard(text: str, *, confidence: float = 0.9) -> tuple[HeardWord, ...]:
    """The words of a text, 300 ms each, one after the other."""
    return tuple(
        HeardWord(text=word, start_ms=500 + 300 * at, end_ms=800 + 300 * at, confidence=confidence)
        for at, word in enumerate(text.split())
    )


def evidence(
    task: str,
    said: str,
    *,
    confidence: float = 0.9,
    quality: float = 0.8,
    problems: Sequence[str] = (),
    leading_ms: int = 500,
    trailing_ms: int = 700,
    longest_silence_ms: int = 0,
    plausibility: float | None = None,
    meaning: Sequence[float] | None = None,
    phone_distance: float = 0.2,
    aspects_confidence: float = 0.8,
) -> Evidence:
    """A clean recording in which `said` was recognised and experts would give `quality` for every aspect."""
    words = heard(said, confidence=confidence)
    spoken_ms = 300 * len(words)
    aspects = Aspects(
        accuracy=quality,
        fluency=quality,
        prosodic=quality,
        total=quality,
        confidence=aspects_confidence,
        calibration="made-1",
    )
    return Evidence(
        task=task,
        duration_ms=500 + spoken_ms + trailing_ms,
        quality=Quality(problems=tuple(problems), level_dbfs=-24.0, speech_dbfs=-20.0, snr_db=30.0),
        voice=VoiceActivity(
            speech_ms=spoken_ms,
            leading_ms=leading_ms,
            trailing_ms=trailing_ms,
            longest_silence_ms=longest_silence_ms,
            segments=((500, 500 + spoken_ms),) if words else (),
            peak_probability=0.99 if words else 0.05,
        ),
        words=words,
        spoken_words=tuple(
            SpokenWord(text=word.text, start_ms=word.start_ms, end_ms=word.end_ms, goodness=0.7) for word in words
        ),
        phones=tuple(
            Phone(symbol="t", word_index=at, start_ms=w.start_ms, end_ms=w.end_ms, goodness=0.1, heard="d")
            for at, w in enumerate(words[:2])
        ),
        pauses=(Pause(start_ms=900, end_ms=1100),) if len(words) > 3 else (),
        features={"phone_distance": phone_distance},
        aspects=aspects if words and task != "short_answer" else None,
        meaning=None if meaning is None else Meaning(story=max(meaning), key_points=tuple(meaning)),
        plausibility=plausibility,
        engine="made",
        engine_version="1",
        versions={"made": "1"},
    )


def read(name: str) -> bytes:
    return (AUDIO / name).read_bytes()


def encode(pcm: Pcm, kind: str) -> bytes:
    """Samples as an upload of that kind: webm, ogg (both opus), mp4 (aac), wav, flac, mp3-less on purpose."""
    codec, container, rate = {
        "webm": ("libopus", "webm", 48_000),
        "ogg": ("libopus", "ogg", 48_000),
        "mp4": ("aac", "mp4", 48_000),
        "wav": ("pcm_s16le", "wav", 16_000),
        "flac": ("flac", "flac", 16_000),
    }[kind]
    whole: Mapping[str, Any] = {"format": container}
    target = io.BytesIO()
    with av.open(target, mode="w", **whole) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        samples = (np.clip(pcm, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate)
        size = stream.codec_context.frame_size or 4096
        fifo = av.AudioFifo()
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            piece.pts = None
            fifo.write(piece)
        while (ready := fifo.read(size, partial=True)) is not None:
            out.mux(stream.encode(ready))
        out.mux(stream.encode(None))
    return target.getvalue()


def silence(seconds: float) -> Pcm:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)


def room(seconds: float, *, level: float = 0.0005) -> Pcm:
    """A quiet room, or with a higher level white noise; the same every time."""
    return np.random.default_rng(7).normal(0, level, int(seconds * SAMPLE_RATE)).astype(np.float32)


def tone(seconds: float, *, hertz: float = 440.0) -> Pcm:
    return np.asarray(
        0.3 * np.sin(np.arange(int(seconds * SAMPLE_RATE)) * 2 * np.pi * hertz / SAMPLE_RATE), dtype=np.float32
    )
