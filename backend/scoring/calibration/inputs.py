"""Named numbers as a calibration was trained to see them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """`names` orders the features; `centre`, `spread`, `low`, `high` are the training data's (missing: the centre)."""

    names: tuple[str, ...]
    centre: Floats
    spread: Floats
    low: Floats
    high: Floats

    def row(self, features: Mapping[str, float]) -> Floats:
        raw = np.array([features.get(name, np.nan) for name in self.names], dtype=np.float64)
        return np.where(np.isfinite(raw), raw, self.centre)

    def bounded(self, row: Floats) -> Floats:
        return np.clip(row, self.low, self.high)

    def standard(self, bounded: Floats) -> Floats:
        return np.asarray((bounded - self.centre) / self.spread)

    def unfamiliar(self, row: Floats) -> float:
        """The share of features outside what 99 % of the training data showed."""
        return float(((row < self.low) | (row > self.high)).mean())


def inputs_from_arrays(prefix: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Inputs:
    """Keys are "<prefix>/names", "<prefix>/centre" and so on."""
    centre, spread, low, high = (
        np.asarray(arrays[f"{prefix}/{field}"], dtype=np.float64) for field in ("centre", "spread", "low", "high")
    )
    names = tuple(str(name) for name in arrays[f"{prefix}/names"])
    return Inputs(names=names, centre=centre, spread=spread, low=low, high=high)
