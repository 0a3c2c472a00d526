"""Pitch and loudness over time, by autocorrelation in numpy; the speaker's own median is the zero of the pitch
scale."""

import numpy as np
import numpy.typing as npt

from backend.scoring.evidence import SAMPLE_RATE, Pcm

_FRAME, _HOP = 640, 320  # 40 ms every 20 ms
_LOWEST_HZ, _HIGHEST_HZ = 75.0, 500.0
_VOICED_AT = 0.45

Floats = npt.NDArray[np.float64]


def _autocorrelation(pcm: Pcm) -> tuple[Floats, Floats]:
    """(normalised autocorrelation per frame, power per frame)."""
    count = 1 + (len(pcm) - _FRAME) // _HOP
    starts = np.arange(count)[:, None] * _HOP + np.arange(_FRAME)[None, :]
    frames = pcm[starts].astype(np.float64)
    frames -= frames.mean(axis=1, keepdims=True)
    window = np.hanning(_FRAME)
    spectrum = np.abs(np.fft.rfft(frames * window, 2 * _FRAME, axis=1)) ** 2
    raw = np.fft.irfft(spectrum, axis=1)[:, :_FRAME]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * _FRAME)) ** 2)[:_FRAME]
    normal = raw / np.maximum(raw[:, :1], 1e-9) / np.maximum(own / own[0], 1e-3)
    return normal, (frames**2).mean(axis=1)


def track(pcm: Pcm) -> tuple[Floats, Floats]:
    """(Hz per 20 ms, 0 where unvoiced; power in dB per 20 ms)."""
    if len(pcm) < _FRAME:
        return np.zeros(0), np.zeros(0)
    normal, power = _autocorrelation(pcm)
    low, high = int(SAMPLE_RATE / _HIGHEST_HZ), int(SAMPLE_RATE / _LOWEST_HZ)
    lags = normal[:, low : high + 1]
    best = lags.argmax(axis=1)
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    voiced = (lags[np.arange(len(lags)), best] > _VOICED_AT) & (decibels > decibels.max() - 35)
    return np.where(voiced, SAMPLE_RATE / (best + low), 0.0), decibels


def pitch_features(pcm: Pcm) -> dict[str, float]:
    """Semitones and decibels: spread, range, steps, slope; share of voiced frames."""
    hertz, decibels = track(pcm)
    voiced = hertz > 0
    if voiced.sum() < 5:
        return {"pitch_known": 0.0}
    semitones = 12 * np.log2(hertz[voiced] / np.median(hertz[voiced]))
    semitones = semitones[np.abs(semitones) < 10]
    if len(semitones) < 5:
        return {"pitch_known": 0.0}
    steps = np.abs(np.diff(semitones))
    loud = decibels[voiced]
    half = len(semitones) // 2
    return {
        "pitch_known": 1.0,
        "pitch_hz": float(np.median(hertz[voiced])),
        "pitch_sd": float(semitones.std()),
        "pitch_range": float(np.percentile(semitones, 95) - np.percentile(semitones, 5)),
        "pitch_step": float(np.median(steps)),
        "pitch_fall": float(semitones[half:].mean() - semitones[:half].mean()),
        "voiced_share": float(voiced.mean()),
        "loudness_sd": float(loud.std()),
        "loudness_range": float(np.percentile(loud, 95) - np.percentile(loud, 5)),
    }
