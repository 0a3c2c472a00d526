"""The ears that ratings ask for: one engine a process, loaded when the first answer is scored."""

from collections.abc import Sequence
from pathlib import Path

from backend.adapters.speech import ENGINES
from backend.scoring.evidence import Evidence, SpeechEngine
from backend.scoring.keys import AnswerKey


class EngineListener:
    """`name` is one of ENGINES. Not for two threads at once: worker processes score one answer at a time."""

    def __init__(self, name: str, *, models_dir: Path) -> None:
        self._name = name
        self._models_dir = models_dir
        self._engine: SpeechEngine | None = None

    def gather(self, recordings: Sequence[bytes], *, task: str, key: AnswerKey) -> Evidence:
        """The evidence of one answer. PermanentFailure and TemporaryFailure as `pipeline.gather_evidence`."""
        # Imported here: web processes are wired too, and must not load the models' libraries.
        from backend.adapters.speech.pipeline import gather_evidence

        if self._engine is None:
            self._engine = ENGINES[self._name](self._models_dir)
        return gather_evidence(recordings, task, key, self._engine)
