"""From raw speech to a prompt: trimmed, levelled, joined with pauses, encoded.

MP3, because it is the one compressed format that every browser plays: older iOS Safari has no Opus in WebM or Ogg, and
Chromium builds without proprietary codecs have no AAC. 64 kbit/s mono is transparent for one voice.
"""

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from backend.core.errors import PermanentFailure
from backend.core.ports import Script, SpokenAudio

ENCODING = "mp3-64k-1"
LEAD_MS = 150
TAIL_MS = 120
BIT_RATE = 64_000
# Speech at this level, over the parts that are speech, with peaks held below full scale.
LEVEL_DBFS = -20.0
PEAK_DBFS = -1.5
_SILENT = 0.01
_EDGE_MS = 40

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Mono samples -1..1."""

    rate: int
    samples: Samples


def read_wav(path: Path) -> Speech:
    """Reads 16-bit mono; PermanentFailure("voice_gave_no_sound") for anything else, or nothing."""
    try:
        with wave.open(str(path)) as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError, OSError):
        raise PermanentFailure("voice_gave_no_sound") from None
    if width != 2 or channels != 1 or not raw:
        raise PermanentFailure("voice_gave_no_sound")
    return Speech(rate=rate, samples=np.frombuffer(raw, dtype="<i2").astype(np.float32) / np.float32(32_768))


def levelled(speech: Speech) -> Speech:
    """Without silence at both ends, at the common level. Raises PermanentFailure for silence."""
    loud = np.flatnonzero(np.abs(speech.samples) > _SILENT)
    if loud.size == 0:
        raise PermanentFailure("voice_gave_no_sound")
    edge = speech.rate * _EDGE_MS // 1_000
    kept = speech.samples[max(int(loud[0]) - edge, 0) : int(loud[-1]) + edge]
    active = kept[np.abs(kept) > _SILENT]
    rms, peak = float(np.sqrt(np.mean(active**2))), float(np.max(np.abs(kept)))
    gain = min(_ratio(LEVEL_DBFS) / rms, _ratio(PEAK_DBFS) / peak)
    return Speech(rate=speech.rate, samples=(kept * gain).astype(np.float32))


def _ratio(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def spoken_script(script: Script, phrases: Sequence[Speech]) -> SpokenAudio:
    """The phrases of a script as one sound."""
    rate = phrases[0].rate
    parts: list[Samples] = [_silence(rate, LEAD_MS + script.lead_in_ms)]
    for at, phrase in enumerate(phrases):
        if at:
            parts.append(_silence(rate, script.pause_ms))
        parts.append(levelled(phrase).samples)
    parts.append(_silence(rate, TAIL_MS))
    samples = np.concatenate(parts)
    return SpokenAudio(
        data=encode_mp3(samples, rate),
        content_type="audio/mpeg",
        extension="mp3",
        duration_ms=round(len(samples) * 1_000 / rate),
    )


def _silence(rate: int, duration_ms: int) -> Samples:
    return np.zeros(rate * duration_ms // 1_000, dtype=np.float32)


def encode_mp3(samples: Samples, rate: int) -> bytes:
    whole = np.clip(samples * 32_767, -32_768, 32_767).astype(np.int16)
    target = io.BytesIO()
    with av.open(target, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate, layout="mono")
        stream.bit_rate = BIT_RATE
        frame = av.AudioFrame.from_ndarray(whole[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format="s16p", layout="mono", rate=rate, frame_size=stream.codec_context.frame_size
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return target.getvalue()
