"""Samples as services take them."""

import numpy as np

from backend.scoring.evidence import Pcm


def as_int16(pcm: Pcm) -> bytes:
    """Little-endian 16-bit integers."""
    return np.clip(pcm * 32767, -32768, 32767).astype("<i2").tobytes()
