"""The ears that ratings ask for: the engines of this installation, each loaded when it is first asked."""

from collections.abc import Sequence

from backend.adapters.speech import ENGINES
from backend.adapters.speech.setup import SpeechSetup
from backend.core.errors import AdapterError, EngineFailure, PermanentFailure
from backend.scoring.evidence import Evidence, SpeechEngine
from backend.scoring.keys import AnswerKey


class EngineListener:
    """`engines` are names of ENGINES, the preferred one first. Not for two threads at once: worker processes score one
    answer at a time."""

    def __init__(self, engines: Sequence[str], setup: SpeechSetup) -> None:
        self.engines = tuple(engines)
        self._setup = setup
        self._loaded: dict[str, SpeechEngine] = {}

    def gather(
        self, recordings: Sequence[bytes], *, task: str, key: AnswerKey, engine: str, prompt: bytes | None = None
    ) -> Evidence:
        """The evidence of one answer, by that engine alone. PermanentFailure: the recordings cannot be decoded;
        EngineFailure: the engine could not be asked, which says nothing about the answer."""
        # Imported here: web processes are wired too, and must not load the models' libraries.
        from backend.adapters.speech.calibrations import load_calibration
        from backend.adapters.speech.pipeline import evidence_of_sound, join

        sound = join(recordings)
        try:
            calibration = load_calibration(self._setup.calibration)
            return evidence_of_sound(sound, task, key, self._get(engine), calibration, prompt=prompt)
        except AdapterError as failure:
            raise EngineFailure(failure.reason, is_permanent=isinstance(failure, PermanentFailure)) from failure

    def _get(self, engine: str) -> SpeechEngine:
        if engine not in ENGINES:
            raise PermanentFailure("engine_not_set_up")
        if engine not in self._loaded:
            self._loaded[engine] = ENGINES[engine](self._setup)
        return self._loaded[engine]
