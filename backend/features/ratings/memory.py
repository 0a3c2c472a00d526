"""Keys and ears for tests: keys that were given, evidence that was written down."""

from collections.abc import Callable, Sequence

from backend.core.errors import PermanentFailure
from backend.features.ratings.repository import AnswerKeys, Listener
from backend.scoring.evidence import Evidence
from backend.scoring.keys import AnswerKey

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
    """Hears what the test told it to: `hear` may return evidence or raise."""

    def __init__(self, hear: Heard | None = None) -> None:
        self.hear = hear

    def gather(self, recordings: Sequence[bytes], *, task: str, key: AnswerKey) -> Evidence:  # noqa: ARG002 - the port's
        if self.hear is None:
            raise PermanentFailure("not_audio")
        return self.hear(recordings, task)
