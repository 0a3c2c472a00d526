"""Whisper's weights, adapted to learners' speech: small matrices that are added to its large ones, once, at set-up.

An adaptation is a file of arrays. For each linear layer of the recogniser it holds two matrices of whole numbers and
the exponents of their scales, so that the sum is exact in double precision and the adapted file is the same, byte for
byte, on every machine. How they are trained: scripts/adapt_recogniser.py.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.adapters.speech.arrays import arrays_of
from backend.core.errors import PermanentFailure

SHIPPED = "learners-1"
HALVES = ("learners-1-half-a", "learners-1-half-b")  # each of half of the speakers, to judge by the other half
FOLDER = Path(__file__).parent / "adaptations"

_FILE_VERSION, _HALF_PRECISION = 6, 4  # of CTranslate2's model files; its code for float16
_MOST = 127

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Where a tensor of half precision lies in a model file."""

    offset: int
    shape: tuple[int, ...]


def find_weights(model: bytes) -> dict[str, Weights]:
    """Every half-precision tensor of a CTranslate2 model file by its name. ValueError: not such a file."""
    at = 0

    def number(code: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(f"<{code}", model, at)
        at += struct.calcsize(code)
        return int(value)

    def text() -> str:
        nonlocal at
        length = number("H")
        at += length
        return model[at - length : at - 1].decode()

    try:
        if number("I") != _FILE_VERSION:
            raise ValueError("a model file of another version")
        text()
        number("I")
        found = {}
        for _ in range(number("I")):
            name = text()
            shape = tuple(number("I") for _ in range(number("B")))
            kind, size = number("B"), number("I")
            if kind == _HALF_PRECISION:
                found[name] = Weights(offset=at, shape=shape)
            at += size
    except (struct.error, UnicodeDecodeError) as wrong:
        raise ValueError("not a model file") from wrong
    return found


def read_adaptation(name: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of one that ships; never unpickles. PermanentFailure: `model_missing`, `model_altered`."""
    try:
        return arrays_of((FOLDER / f"{name}.npz").read_bytes())
    except FileNotFoundError as wrong:
        raise PermanentFailure("model_missing") from wrong
    except ValueError as wrong:
        raise PermanentFailure("model_altered") from wrong


@cache
def speakers_of(name: str) -> frozenset[str]:
    """Whose recordings an adaptation was trained on."""
    return frozenset(str(each) for each in read_adaptation(name)["speakers"])


def adapted(model: bytes, arrays: Arrays) -> bytearray:
    """The model file with the adaptation added to its weights. ValueError: it does not fit."""
    known, changed = find_weights(model), bytearray(model)
    for layer in sorted({name.rsplit(".", 1)[0] for name in arrays if "/" in name}):
        place = known.get(f"{layer}/weight")
        change = unpacked(arrays, layer)
        if place is None or place.shape != change.shape:
            raise ValueError(f"no such weights in the model: {layer}")
        before = np.frombuffer(model, np.float16, count=change.size, offset=place.offset).reshape(change.shape)
        after = (before.astype(np.float64) + change).astype(np.float16).tobytes()
        changed[place.offset : place.offset + len(after)] = after
    return changed


def packed(layer: str, outward: Floats, inward: Floats) -> dict[str, npt.NDArray[Any]]:
    """A layer's change, `outward` (out x rank) times `inward` (rank x in), as `adapted` reads it."""
    out_scales = np.array([_exponent(column) for column in outward.T], dtype=np.int8)
    in_scales = np.array([_exponent(row) for row in inward], dtype=np.int8)
    return {
        f"{layer}.outward": np.rint(np.ldexp(outward, -out_scales)).astype(np.int8),
        f"{layer}.inward": np.rint(np.ldexp(inward, -in_scales[:, None])).astype(np.int8),
        f"{layer}.exponents": out_scales + in_scales,
    }


def unpacked(arrays: Arrays, layer: str) -> Floats:
    """A layer's change of its weights, out x in."""
    outward, inward = (arrays[f"{layer}.{name}"].astype(np.float64) for name in ("outward", "inward"))
    return np.asarray(np.ldexp(outward, arrays[f"{layer}.exponents"].astype(np.int32)) @ inward)


def _exponent(values: Floats) -> int:
    """The smallest power of two by which the values fit into eight bits."""
    largest = float(np.abs(values).max())
    return math.ceil(math.log2(largest / _MOST)) if largest else 0
