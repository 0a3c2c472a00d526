"""What we need from storage."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from backend.features.batches.model import Batch, BatchState


class Batches(Protocol):
    def find(self, batch_id: str) -> Batch | None: ...

    def find_many(self, batch_ids: Iterable[str]) -> Mapping[str, Batch]: ...

    def add(self, batch: Batch) -> None:
        """Raises Conflict when the course has a batch of this name."""

    def change(self, batch_id: str, **changes: object) -> None:
        """Raises Conflict when the course has a batch of this name."""

    def list_by_campus(self, campus_id: str, *, state: BatchState = BatchState.ACTIVE) -> Sequence[Batch]:
        """The newest first."""

    def count_by_campus(self, campus_id: str, *, state: BatchState = BatchState.ACTIVE) -> int: ...
