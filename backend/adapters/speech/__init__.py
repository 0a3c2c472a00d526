"""Speech: uploaded bytes to evidence. `ENGINES` names every engine; ratings ask through `listener.EngineListener`."""

from collections.abc import Callable

from backend.adapters.speech.setup import SpeechSetup
from backend.adapters.speech.vendors import failing_as_ours
from backend.scoring.evidence import SpeechEngine

# Imported at first use: the models' libraries must not be loaded before a worker has forked, nor by the web process.


def _offline(setup: SpeechSetup) -> SpeechEngine:
    with failing_as_ours("offline", "loading"):
        from backend.adapters.speech.offline import OfflineEngine

    return OfflineEngine(models_dir=setup.models_dir)


def _local_whisper(setup: SpeechSetup) -> SpeechEngine:
    from backend.adapters.speech.local_whisper import build

    return build(setup, _offline(setup))


def _azure(setup: SpeechSetup) -> SpeechEngine:
    from backend.adapters.speech.azure import build

    return build(setup, _offline(setup))


def _google(setup: SpeechSetup) -> SpeechEngine:
    from backend.adapters.speech.google import build

    return build(setup, _offline(setup))


ENGINES: dict[str, Callable[[SpeechSetup], SpeechEngine]] = {
    "offline": _offline,
    "local_whisper": _local_whisper,
    "azure": _azure,
    "google": _google,
}
