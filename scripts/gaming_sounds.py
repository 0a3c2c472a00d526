"""Sounds that try to earn credit without the speech that was asked for, made from a voice or from nothing."""

from typing import Any

import numpy as np
import numpy.typing as npt

from backend.scoring.evidence import SAMPLE_RATE, Pcm

_FRAME = 512
_ENVELOPE_BINS = 24  # a spectrum smoothed over this many bins keeps formants and loses the harmonics of the voice


def _float32(samples: npt.NDArray[np.floating[Any]]) -> Pcm:
    return np.asarray(samples, dtype=np.float32)


def silence(seconds: float) -> Pcm:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)


def noise(seconds: float, level: float, *, seed: int = 7) -> Pcm:
    """White noise; a quiet room at a level of about 0.0005."""
    return _float32(np.random.default_rng(seed).normal(0, level, int(seconds * SAMPLE_RATE)))


def melody(seconds: float) -> Pcm:
    """A tune of plucked notes with overtones and vibrato, two voices, no singer."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    total = np.zeros(len(time))
    for number, hertz in enumerate([262, 330, 392, 523, 392, 330, 294, 349, 440, 587, 440, 349] * int(seconds)):
        start = number * 0.25
        if start >= seconds:
            break
        age = time - start
        envelope = np.where(age >= 0, np.exp(-3 * np.maximum(age, 0)), 0.0)
        phase = 2 * np.pi * hertz * (time + 0.0008 * np.sin(2 * np.pi * 5 * time))
        total += envelope * sum(np.sin(k * phase) / k**1.5 for k in range(1, 7))
    return _float32(0.3 * total / max(np.abs(total).max(), 1e-9))


def knocks(seconds: float) -> Pcm:
    """Bursts of noise in the rhythm of syllables: tapping on the microphone."""
    sound = noise(seconds, 0.3)
    time = np.arange(len(sound)) / SAMPLE_RATE
    return _float32(sound * np.exp(-25 * (time % 0.22)))


def whispered(voice: Pcm) -> Pcm:
    """The same words without a voice: the spectral envelope of each frame, excited by noise."""
    random = np.random.default_rng(3)
    window, hop = np.hanning(_FRAME), _FRAME // 4
    out = np.zeros(len(voice) + _FRAME)
    kernel = np.ones(_ENVELOPE_BINS) / _ENVELOPE_BINS
    for start in range(0, len(voice) - _FRAME, hop):
        magnitude = np.abs(np.fft.rfft(voice[start : start + _FRAME] * window))
        envelope = np.convolve(magnitude, kernel, mode="same")
        breath = np.fft.rfft(random.normal(0, 1, _FRAME) * window)
        out[start : start + _FRAME] += window * np.fft.irfft(breath / np.abs(breath).mean() * envelope)
    peak = max(float(np.abs(out).max()), 1e-9)
    return _float32(out[: len(voice)] / peak * 0.2)


def through_a_loudspeaker(voice: Pcm) -> Pcm:
    """Played in a room and picked up again: only the middle of the spectrum, an echo, some hiss."""
    spectrum = np.fft.rfft(voice)
    hertz = np.fft.rfftfreq(len(voice), 1 / SAMPLE_RATE)
    band = np.fft.irfft(spectrum * ((hertz > 250) & (hertz < 4500)), len(voice))
    for delay, share in ((0.013, 0.4), (0.029, 0.25), (0.047, 0.15)):
        shift = int(delay * SAMPLE_RATE)
        band[shift:] += share * band[:-shift]
    return _float32(0.5 * band + np.random.default_rng(5).normal(0, 0.002, len(voice)))


def in_a_room(voice: Pcm, *, echo_s: float = 0.3, snr_db: float = 15) -> Pcm:
    """With the echo of a room (four tenths of a second to -60 dB) and its noise."""
    random = np.random.default_rng(9)
    count = int(echo_s * SAMPLE_RATE)
    response = 0.25 * random.normal(0, 1, count) * np.exp(-np.arange(count) / SAMPLE_RATE * 6.9 / 0.4)
    response[0] = 1.0
    wet = np.convolve(voice, response)[: len(voice)]
    hiss = random.normal(0, np.sqrt((wet**2).mean()) * 10 ** (-snr_db / 20), len(wet))
    return _float32((wet + hiss) / max(float(np.abs(wet).max()), 1e-9) * 0.5)


def clipped(voice: Pcm, times: float = 10) -> Pcm:
    return _float32(np.clip(voice * times, -1, 1))


def mixed(voice: Pcm, other: Pcm, *, level_db: float) -> Pcm:
    """`other` under `voice`, at that level beside it, for as long as `voice` lasts."""
    under = np.resize(other, len(voice))
    loudness = [float(np.sqrt((each**2).mean())) for each in (voice, under)]
    return _float32(np.clip(voice + under * (loudness[0] / max(loudness[1], 1e-9) * 10 ** (level_db / 20)), -1, 1))


def one_word(voice: Pcm, *, start_s: float, end_s: float, times: int, gain: float = 4) -> Pcm:
    """A word cut from a voice, shouted again and again with short pauses."""
    word = voice[int(start_s * SAMPLE_RATE) : int(end_s * SAMPLE_RATE)]
    pause = noise(0.25, 0.0005)
    return _float32(np.clip(gain * np.concatenate([pause, *[word, pause] * times]), -1, 1))


def in_pieces(voice: Pcm, *, piece_s: float = 0.3) -> Pcm:
    """The voice cut into short pieces, shuffled: speech-like, no words."""
    size = int(piece_s * SAMPLE_RATE)
    pieces = [voice[at : at + size] for at in range(0, len(voice) - size, size)]
    order = np.random.default_rng(11).permutation(len(pieces))
    return np.concatenate([pieces[at] for at in order])


def backwards(voice: Pcm) -> Pcm:
    return np.ascontiguousarray(voice[::-1])
