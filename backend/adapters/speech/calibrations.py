"""The calibration in use: the one that ships with the code, or an institution's own (SPEECH_CALIBRATION)."""

import hashlib
from functools import lru_cache
from pathlib import Path

from backend.adapters.speech.arrays import arrays_of
from backend.core.errors import PermanentFailure
from backend.scoring import calibration
from backend.scoring.calibration import Calibration, calibration_from_arrays

FOLDER = Path(calibration.__file__).parent
SHIPPED = "speechocean762-6"
_MODES = {"read", "open"}


def read_calibration(path: Path) -> Calibration:
    """A calibration from its file of arrays. Its name, which every score keeps, is the file's and the beginning of its
    SHA-256. Never unpickles. PermanentFailure("calibration_unusable"): no such file, or it holds something else."""
    try:
        data = path.read_bytes()
        found = calibration_from_arrays(f"{path.stem} {hashlib.sha256(data).hexdigest()[:12]}", arrays_of(data))
    except (OSError, ValueError, TypeError, KeyError) as wrong:
        raise PermanentFailure("calibration_unusable") from wrong
    if not found.modes.keys() >= _MODES:
        raise PermanentFailure("calibration_unusable")
    return found


@lru_cache(maxsize=2)
def load_calibration(path: Path | None = None) -> Calibration:
    """The calibration of a file, read once a process; None: the shipped one."""
    return read_calibration(path or FOLDER / f"{SHIPPED}.npz")
