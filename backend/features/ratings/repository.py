"""What scoring needs beside the attempts: the answer keys, and ears."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.core.ports import Blobs, Feed, Jobs
from backend.features.attempts.repository import Attempts, Papers, Responses, Uploads
from backend.scoring.evidence import Evidence
from backend.scoring.keys import AnswerKey


class AnswerKeys(Protocol):
    """The keys of items, told by the feature that has them (items)."""

    def get(self, item_id: str, item_version: int) -> AnswerKey:
        """Raises PermanentFailure("answer_key_missing")."""


class Listener(Protocol):
    """A speech engine behind one call. Loads its models on first use, and belongs to one process."""

    def gather(self, recordings: Sequence[bytes], *, task: str, key: AnswerKey) -> Evidence:
        """The evidence of one answer's recordings, in order. PermanentFailure or TemporaryFailure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What following responses up to a result works on."""

    attempts: Attempts
    responses: Responses
    uploads: Uploads
    papers: Papers
    blobs: Blobs
    jobs: Jobs
    feed: Feed
