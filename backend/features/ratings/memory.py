"""Keys and ears for tests: keys that were given, evidence that was written down."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from backend.core.changes import write_over
from backend.core.errors import EngineFailure, PermanentFailure
from backend.features.ratings.cohort import Cohort
from backend.features.ratings.repository import AnswerKeys, Cohorts, Listener, TextReader
from backend.scoring.evidence import Evidence
from backend.scoring.keys import AnswerKey
from backend.scoring.writing import TextEvidence

Heard = Callable[[Sequence[bytes], str], Evidence]


class MemoryAnswerKeys(AnswerKeys):
    def __init__(self) -> None:
        self._keys: dict[tuple[str, int], AnswerKey] = {}

    def add(self, item_id: str, item_version: int, key: AnswerKey) -> None:
        self._keys[item_id, item_version] = key

    def get(self, item_id: str, item_version: int) -> AnswerKey:
        try:
            return self._keys[item_id, item_version]
        except KeyError:
            raise PermanentFailure("answer_key_missing") from None


class MemoryListener(Listener):
    """Hears what the test told it to: `hear` may return evidence or raise. What is asked of an engine in `down` fails
    with its reason; `asked` remembers who was asked."""

    def __init__(self, hear: Heard | None = None, *, engines: tuple[str, ...] = ("offline",)) -> None:
        self.hear = hear
        self.engines = engines
        self.down: dict[str, EngineFailure] = {}
        self.asked: list[str] = []
        self.prompt: bytes | None = None  # that of the last answer

    def gather(
        self,
        recordings: Sequence[bytes],
        *,
        task: str,
        key: AnswerKey,  # noqa: ARG002 - the port's
        engine: str,
        prompt: bytes | None = None,
    ) -> Evidence:
        self.asked.append(engine)
        self.prompt = prompt
        if self.hear is None:
            raise PermanentFailure("not_audio")
        if engine in self.down:
            raise self.down[engine]
        return replace(self.hear(recordings, task), engine=engine)


class MemoryCohorts(Cohorts):
    def __init__(self) -> None:
        self._cohorts: dict[str, Cohort] = {}
        self._lock = threading.Lock()

    def find(self, delivery_id: str) -> Cohort | None:
        return self._cohorts.get(delivery_id)

    def add(self, cohort: Cohort) -> bool:
        with self._lock:
            if cohort.id in self._cohorts:
                return False
            self._cohorts[cohort.id] = cohort
            return True

    def save(self, cohort: Cohort, *, seen: Cohort) -> bool:
        with self._lock:
            return write_over(self._cohorts, cohort, seen=seen)

    def list_leaving(self, *, limit: int) -> Sequence[Cohort]:
        return [cohort for cohort in self._cohorts.values() if cohort.leaving is not None][:limit]


class MemoryTextReader(TextReader):
    """Reads nothing into a text: scorers see what was typed, and no more."""

    def read(self, evidence: TextEvidence, key: AnswerKey) -> TextEvidence:  # noqa: ARG002 - the port's
        return evidence
