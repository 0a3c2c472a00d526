"""What scoring needs beside the attempts: the answer keys, and ears."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from backend.core.ports import Blobs, Feed, Jobs
from backend.features.attempts.repository import Attempts, LateAnswers, Papers, Responses, Uploads
from backend.features.ratings.cohort import Cohort
from backend.scoring.evidence import Evidence
from backend.scoring.keys import AnswerKey
from backend.scoring.writing import TextEvidence


class AnswerKeys(Protocol):
    """The keys of items, told by the feature that has them (items)."""

    def get(self, item_id: str, item_version: int) -> AnswerKey:
        """Raises PermanentFailure("answer_key_missing")."""


class Listener(Protocol):
    """Speech engines behind one call. They load their models on first use, and belong to one process."""

    engines: tuple[str, ...]
    """Their names, the preferred one first."""

    def gather(
        self, recordings: Sequence[bytes], *, task: str, key: AnswerKey, engine: str, prompt: bytes | None = None
    ) -> Evidence:
        """The evidence of one answer's recordings, in order, by that engine. PermanentFailure: they cannot be decoded;
        EngineFailure: the engine could not be asked. `prompt` is the sound that the item began with: it must not be
        the answer."""


class Cohorts(Protocol):
    """Writes are compare-and-set on `revision`."""

    def find(self, delivery_id: str) -> Cohort | None: ...

    def add(self, cohort: Cohort) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, cohort: Cohort, *, seen: Cohort) -> bool: ...

    def list_leaving(self, *, limit: int) -> Sequence[Cohort]:
        """Those whose earlier engine's scores are still being taken again."""


class TextReader(Protocol):
    """Grammar checker, word lists and sentence encoder behind one call. Belongs to one process."""

    def read(self, evidence: TextEvidence, key: AnswerKey) -> TextEvidence:
        """The evidence of one typed answer with what its task needs to know of the text. PermanentFailure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """What turns an answer into a score: its key, and who listens or reads.
    `patience`: how long a delivery waits for its engine before all of it goes to the next; None: for ever."""

    answer_keys: AnswerKeys
    listener: Listener
    reader: TextReader
    patience: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What following responses up to a result works on. `cohorts`: which speech engine each delivery has."""

    attempts: Attempts
    responses: Responses
    uploads: Uploads
    late_answers: LateAnswers
    papers: Papers
    cohorts: Cohorts
    blobs: Blobs
    jobs: Jobs
    feed: Feed
