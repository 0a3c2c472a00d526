"""The few operations that our numpy models are made of. Rows are steps in time, columns are channels."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -80, 80))), dtype=np.float32)


def silu(x: Floats) -> Floats:
    return x * sigmoid(x)


def gelu(x: Floats) -> Floats:
    """The Gaussian error linear unit; the error function by Abramowitz and Stegun 7.1.26 (error below 2e-7)."""
    z = np.abs(x) / np.sqrt(2.0)
    t = 1 / (1 + 0.3275911 * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    return np.asarray(0.5 * x * (1 + erf), dtype=np.float32)


def normalise(x: Floats, weight: Floats, bias: Floats, *, least: float) -> Floats:
    """Each row to mean 0 and variance 1, then scaled; `least` is added to the variance."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + least)
    return np.asarray(scaled * weight + bias, dtype=np.float32)


def attend(query: Floats, key: Floats, value: Floats, *, heads: int) -> Floats:
    """Every row looks at every row, in `heads` parts of the columns."""
    q, k, v = (each.reshape(len(each), heads, -1).transpose(1, 0, 2) for each in (query, key, value))
    weights = q @ k.transpose(0, 2, 1) / np.float32(np.sqrt(q.shape[-1]))
    weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
    mixed = (weights / weights.sum(axis=-1, keepdims=True)) @ v
    return np.asarray(mixed.transpose(1, 0, 2).reshape(len(query), -1), dtype=np.float32)
