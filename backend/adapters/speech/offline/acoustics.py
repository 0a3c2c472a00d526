"""The phone model of `hama` 1.7.0 in numpy: a conformer of four blocks over a log mel spectrum, 20 ms a frame.

The package runs it with loops of its own, which take five times as long as a library for matrices does; the numbers are
the same (`tests/contracts/test_speech_engine.py`). Weights are read from its file.
"""

import struct
from pathlib import Path

import numpy as np

from backend.adapters.speech.offline.layers import Floats, attend, gelu, normalise, sigmoid, silu

_HEADS, _TAPS, _LEAST_VARIANCE, _HALF = 4, 31, 1e-5, np.float32(0.5)
_FFT, _HOP, _LEAST_POWER = 400, 160, 1e-10
_TYPES = (np.dtype("<f4"), np.dtype("<f2"))
_PREFIX = "acoustic_model.model."
# Tensors that the export left without a name: the first of each block, and how far apart the blocks are.
_CONVOLUTION, _CONVOLUTIONS_APART = 804, 3
_MATRIX, _MATRICES_APART = 829, 9


def read_tensors(path: Path) -> dict[str, Floats]:
    """Every tensor of a .hama file: a table of (name, type, shape, place, size), then the numbers at its end."""
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data, 8)
    at, table = 12, {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        kind, rank = data[at + 2 + length], data[at + 3 + length]
        at += 4 + length
        shape = struct.unpack_from(f"<{rank}I", data, at)
        table[name] = (kind, shape, *struct.unpack_from("<QQ", data, at + 4 * rank))
        at += 4 * rank + 16
    start = len(data) - max(place + size for _, _, place, size in table.values())
    return {
        name: np.frombuffer(data, _TYPES[kind], count=size // _TYPES[kind].itemsize, offset=start + place)
        .reshape(shape)
        .astype(np.float32)
        for name, (kind, shape, place, size) in table.items()
    }


class Conformer:
    """Log probabilities of the phones for every frame."""

    def __init__(self, path: Path) -> None:
        tensors = read_tensors(path)
        self._tensors = tensors
        self._blocks = sum(name.endswith(".attn_norm.bias") for name in tensors)
        self._spectrum = np.concatenate([tensors[f"stft_{part}_kernel"][:, 0] for part in ("real", "imag")]).T

    def log_probabilities(self, pcm: Floats) -> Floats:
        """Frames by symbols. `pcm`: mono at 16 kHz, 25 ms and more."""
        x = self._stem(self._log_mel(pcm))
        for number in range(self._blocks):
            x = self._block(x, number)
        scores = x @ self._tensors[f"{_PREFIX}proj.weight"][:, :, 0].T + self._tensors[f"{_PREFIX}proj.bias"]
        scores -= scores.max(axis=1, keepdims=True)
        return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), dtype=np.float32)

    def _log_mel(self, pcm: Floats) -> Floats:
        """100 frames a second; rounded to half precision, as the model was exported."""
        padded = np.pad(pcm, _FFT // 2, mode="reflect")
        frames = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP], dtype=np.float32)
        real, imaginary = np.split(frames @ self._spectrum, 2, axis=1)
        mel = (real**2 + imaginary**2) @ self._tensors["mel_fb"]
        return np.asarray(np.log(np.maximum(mel, _LEAST_POWER)).astype(np.float16), dtype=np.float32)

    def _stem(self, mel: Floats) -> Floats:
        """Two frames become one."""
        weights, bias = self._tensors["onnx::Conv_801"], self._tensors["onnx::Conv_802"]
        count = (len(mel) + 1) // 2
        padded = np.pad(mel, ((1, 2), (0, 0)))
        taps = [padded[tap : tap + 2 * count : 2] @ weights[:, :, tap].T for tap in range(weights.shape[2])]
        return gelu(np.sum(taps, axis=0) + bias)

    def _block(self, x: Floats, number: int) -> Floats:
        x = x + self._forward(x, number, "ffn1", matrix=0) * _HALF
        x = x + self._attention(x, number)
        x = x + self._convolution(x, number)
        x = x + self._forward(x, number, "ffn2", matrix=7) * _HALF
        return self._norm(x, number, "norm")

    def _of(self, number: int, name: str) -> Floats:
        return self._tensors[f"{_PREFIX}blocks.{number}.{name}"]

    def _matrix(self, number: int, index: int) -> Floats:
        return self._tensors[f"onnx::MatMul_{_MATRIX + _MATRICES_APART * number + index}"]

    def _norm(self, x: Floats, number: int, name: str) -> Floats:
        weight, bias = self._of(number, f"{name}.weight"), self._of(number, f"{name}.bias")
        return normalise(x, weight, bias, least=_LEAST_VARIANCE)

    def _forward(self, x: Floats, number: int, name: str, *, matrix: int) -> Floats:
        inner = silu(
            self._norm(x, number, f"{name}.norm") @ self._matrix(number, matrix) + self._of(number, f"{name}.fc1.bias")
        )
        return np.asarray(inner @ self._matrix(number, matrix + 1) + self._of(number, f"{name}.fc2.bias"))

    def _attention(self, x: Floats, number: int) -> Floats:
        given = self._norm(x, number, "attn_norm") @ self._matrix(number, 2) + self._of(number, "attn.in_proj_bias")
        mixed = attend(*np.split(given, 3, axis=1), heads=_HEADS)
        return np.asarray(mixed @ self._matrix(number, 6) + self._of(number, "attn.out_proj.bias"))

    def _convolution(self, x: Floats, number: int) -> Floats:
        """A gate, then each channel by itself over its neighbours in time."""
        given = self._norm(x, number, "conv.norm") @ self._of(number, "conv.pointwise1.weight")[:, :, 0].T
        left, gate = np.split(given + self._of(number, "conv.pointwise1.bias"), 2, axis=1)
        first = _CONVOLUTION + _CONVOLUTIONS_APART * number
        taps, bias = self._tensors[f"onnx::Conv_{first}"][:, 0].T, self._tensors[f"onnx::Conv_{first + 1}"]
        padded = np.pad(left * sigmoid(gate), ((_TAPS // 2, _TAPS // 2), (0, 0)))
        mixed = np.repeat(bias[None], len(x), axis=0)
        for tap in range(_TAPS):
            mixed += padded[tap : tap + len(x)] * taps[tap]
        out = silu(mixed) @ self._of(number, "conv.pointwise2.weight")[:, :, 0].T
        return np.asarray(out + self._of(number, "conv.pointwise2.bias"))
