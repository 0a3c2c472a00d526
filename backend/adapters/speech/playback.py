"""Whether a recording holds the prompt itself, played back into the microphone, and not somebody who says the same.

A loudspeaker and a room filter a sound and add to it, but its fine structure stays where it was: whitened, the
recording and the prompt correlate in one sharp peak, and each half of the prompt peaks at the same place. Two people,
or one person twice, never do. Figures: docs/scoring/gaming.md.
"""

import numpy as np
import numpy.typing as npt

from backend.scoring.evidence import SAMPLE_RATE, Pcm

_LOWEST_HZ, _HIGHEST_HZ = 250.0, 3800.0  # what small loudspeakers and telephones pass
_SHORTEST = SAMPLE_RATE // 2
_SHARP = 12.0  # the peak, in root mean squares of the whole correlation
_SAME_PLACE = 400  # samples (25 ms): echoes, and clocks that run apart
_MOST_OF_IT = 0.5  # of the prompt lies within the recording: its end may be caught by an honest microphone

Floats = npt.NDArray[np.float64]


def is_played_back(pcm: Pcm, prompt: Pcm) -> bool:
    """Whether most of `prompt` sounds in `pcm`. Both at the same rate; a prompt below half a second is never found."""
    sound = _trimmed(prompt)
    if len(sound) < _SHORTEST or len(pcm) < _SHORTEST:
        return False
    size = 1 << (len(pcm) + len(sound) - 1).bit_length()
    recording = np.fft.rfft(pcm, size)
    lag, sharpness = _place(recording, sound, size)
    inside = min(len(pcm), lag + len(sound)) - max(lag, 0)
    if sharpness < _SHARP or inside < _MOST_OF_IT * len(sound):
        return False
    half = len(sound) // 2
    places = (_place(recording, sound[:half], size)[0], _place(recording, sound[half:], size)[0] - half)
    return all(abs(place - lag) <= _SAME_PLACE for place in places)


def _trimmed(sound: Pcm) -> Pcm:
    """Without the silence before and after."""
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max()) if len(sound) else np.zeros(0, dtype=np.int64)
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound[:0]


def _place(recording: npt.NDArray[np.complex128], sound: Pcm, size: int) -> tuple[int, float]:
    """(lag of `sound` in the recording in samples, sharpness of that peak), by the phases alone."""
    cross = recording * np.conj(np.fft.rfft(sound, size))
    hertz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    heard = (hertz > _LOWEST_HZ) & (hertz < _HIGHEST_HZ)
    white = np.where(heard, cross / np.maximum(np.abs(cross), 1e-12), 0)
    correlation = np.abs(np.fft.irfft(white, size))
    peak = int(correlation.argmax())
    level = float(np.sqrt((correlation**2).mean()))
    return (peak if peak < size // 2 else peak - size), float(correlation[peak]) / max(level, 1e-12)
