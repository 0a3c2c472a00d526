"""Speech: uploaded bytes to evidence. `ENGINES` names every engine; the worker calls `pipeline.gather_evidence`."""

from collections.abc import Callable
from pathlib import Path

from backend.scoring.evidence import SpeechEngine


def _offline(models_dir: Path) -> SpeechEngine:
    # Imported at first use: the models' libraries must not be loaded before a worker has forked, nor by the web
    # process.
    from backend.adapters.speech.offline import OfflineEngine

    return OfflineEngine(models_dir=models_dir)


ENGINES: dict[str, Callable[[Path], SpeechEngine]] = {"offline": _offline}
