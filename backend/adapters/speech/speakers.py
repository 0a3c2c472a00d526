"""Whether two people speak in one recording, one after the other: somebody takes over, or says the answer first.

A speaker encoder (Resemblyzer's, an LSTM trained to tell speakers apart, Apache-2.0) makes one vector of each 1.6 s of
speech. If a stretch of them lies far from all others, the voice is another. Vectors are compared within the recording
and thrown away: no voice print is ever kept. Two voices at the same time, and less than some seven seconds of speech,
are beyond it. Figures: docs/scoring/gaming.md.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from backend.adapters.speech.offline.models import checked_file
from backend.scoring.evidence import SAMPLE_RATE, Pcm, VoiceActivity

PACKAGE, FILE = "resemblyzer", "pretrained.pt"
_BANDS, _CELLS, _LAYERS = 40, 256, 3
_FRAME, _HOP, _FRAMES = 400, 160, 160  # samples, samples, frames of one vector (1.6 s)
_EVERY = 80  # frames between the starts of two vectors
_LEVEL = 10 ** (-30 / 20)  # root mean square that quieter sound is raised to, as in the encoder's training
_LEAST = 4  # vectors of each voice: 4 s
_SHORTEST = _HOP * (_FRAMES + (2 * _LEAST - 1) * _EVERY - 1)  # samples with two voices' vectors in them
_ANOTHER_BELOW = 0.7  # cosine between the mean vectors of the stretch and of the rest

Floats = npt.NDArray[np.float32]
_Layer = tuple[Floats, Floats, Floats]


def has_two_voices(pcm: Pcm, voice: VoiceActivity) -> bool:
    """Whether one stretch of the speech is spoken by somebody else than the rest. Too little speech: no."""
    spoken = [pcm[start * SAMPLE_RATE // 1000 : end * SAMPLE_RATE // 1000] for start, end in voice.segments]
    if sum(map(len, spoken)) < _SHORTEST:
        return False
    return likeness(_vectors(_pieces(np.concatenate(spoken)))) < _ANOTHER_BELOW


def likeness(vectors: Floats) -> float:
    """The least cosine, over all stretches of at least `_LEAST` vectors, between its mean and the mean of the rest;
    1 where there are too few. Shape (n, size)."""
    count = len(vectors)
    sums = np.vstack([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, axis=0, dtype=np.float64)])
    least = 1.0
    for start in range(count - _LEAST + 1):
        ends = np.arange(start + _LEAST, min(count, start + count - _LEAST) + 1)
        if not len(ends):
            continue
        stretches = sums[ends] - sums[start]
        rests = sums[-1] - stretches
        cosines = (stretches * rests).sum(axis=1) / _lengths(stretches) / _lengths(rests)
        least = min(least, float(cosines.min()))
    return least


def _lengths(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(np.maximum(np.linalg.norm(rows, axis=1), 1e-9), dtype=np.float64)


# -- the encoder -------------------------------------------------------------------------------------------------------


@cache
def _weights() -> tuple[tuple[_Layer, ...], Floats, Floats]:
    """LSTM layers (input, recurrent, bias), then the last projection and its bias.

    The file is PyTorch's of before 2020: a pickle that names tensors, then their numbers. It is checked by hash, so the
    numbers' places are known, and nothing is unpickled.
    """
    path = checked_file(PACKAGE, FILE)
    flat = np.fromfile(path, "<f4", 1_357_824, offset=269_883)
    gates = 4 * _CELLS
    widths = [_BANDS, *(_CELLS for _ in range(_LAYERS - 1))]
    at, layers = 0, []
    bias_at = sum(gates * (width + _CELLS) for width in widths)
    for width in widths:
        inward = flat[at : at + gates * width].reshape(gates, width)
        at += gates * width
        recurrent = flat[at : at + gates * _CELLS].reshape(gates, _CELLS)
        at += gates * _CELLS
        bias = flat[bias_at : bias_at + gates] + flat[bias_at + gates : bias_at + 2 * gates]
        bias_at += 2 * gates
        layers.append((np.ascontiguousarray(inward.T), np.ascontiguousarray(recurrent.T), bias))
    last = np.fromfile(path, "<f4", _CELLS * _CELLS, offset=7_731).reshape(_CELLS, _CELLS)
    return tuple(layers), np.ascontiguousarray(last.T), np.fromfile(path, "<f4", _CELLS, offset=6_699)


def _vectors(pieces: Floats) -> Floats:
    """(n, frames, bands) to (n, 256), each of length one."""
    layers, last, last_bias = _weights()
    steps = pieces.transpose(1, 0, 2)
    state = np.zeros((len(pieces), _CELLS), dtype=np.float32)
    for inward, recurrent, bias in layers:
        driven = steps @ inward + bias
        state = np.zeros_like(state)
        cell = np.zeros_like(state)
        steps = np.empty((len(driven), *state.shape), dtype=np.float32)
        for moment, drive in enumerate(driven):
            gates = drive + state @ recurrent
            entry, forget, fresh, out = (gates[:, part * _CELLS : (part + 1) * _CELLS] for part in range(4))
            cell = _sigmoid(forget) * cell + _sigmoid(entry) * np.tanh(fresh)
            state = _sigmoid(out) * np.tanh(cell)
            steps[moment] = state
    vectors = np.maximum(state @ last + last_bias, 0.0)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * values), dtype=np.float32)


def _pieces(speech: Pcm) -> Floats:
    """Mel spectra (not logarithmic) of 1.6 s each, a new one every 0.8 s. Shape (n, frames, bands)."""
    level = float(np.sqrt(np.mean(np.square(speech, dtype=np.float64)))) if len(speech) else 0.0
    if 0.0 < level < _LEVEL:
        speech = speech * np.float32(_LEVEL / level)
    padded = np.pad(speech, _FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP] * _window()
    spectra = np.square(np.abs(np.fft.rfft(frames, axis=1))).astype(np.float32) @ _mel_bands().T
    return np.stack([spectra[start : start + _FRAMES] for start in range(0, len(spectra) - _FRAMES + 1, _EVERY)])


@cache
def _window() -> Floats:
    return np.hanning(_FRAME + 1)[:-1].astype(np.float32)


@cache
def _mel_bands() -> Floats:
    """Triangles of equal area on Slaney's mel scale: straight to 1 kHz, logarithmic above. Shape (bands, bins)."""
    step, knee, ratio = 200 / 3, 1000.0, np.log(6.4) / 27
    top = knee / step + np.log(SAMPLE_RATE / 2 / knee) / ratio
    mels = np.linspace(0.0, top, _BANDS + 2)
    edges = np.where(mels < knee / step, mels * step, knee * np.exp(ratio * (mels - knee / step)))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, _FRAME // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * area[:, None], dtype=np.float32)
