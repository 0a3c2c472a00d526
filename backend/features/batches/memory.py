"""Batches in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.core.errors import Conflict
from backend.features.batches.model import Batch, BatchState
from backend.features.batches.repository import Batches


class MemoryBatches(Batches):
    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}

    def find(self, batch_id: str) -> Batch | None:
        return self._batches.get(batch_id)

    def find_many(self, batch_ids: Iterable[str]) -> Mapping[str, Batch]:
        return {key: self._batches[key] for key in batch_ids if key in self._batches}

    def add(self, batch: Batch) -> None:
        self._check_free(batch)
        self._batches[batch.id] = batch

    def change(self, batch_id: str, **changes: Any) -> None:
        if batch_id in self._batches:
            changed = replace(self._batches[batch_id], **changes)
            self._check_free(changed)
            self._batches[batch_id] = changed

    def _check_free(self, batch: Batch) -> None:
        mine = (batch.course_id, batch.name_key)
        if any((b.course_id, b.name_key) == mine and b.id != batch.id for b in self._batches.values()):
            raise Conflict("already_exists", "This exists already.")

    def list_by_campus(self, campus_id: str, *, state: BatchState = BatchState.ACTIVE) -> Sequence[Batch]:
        mine = [b for b in self._batches.values() if b.campus_id == campus_id and b.state is state]
        return sorted(mine, key=lambda batch: batch.created_at, reverse=True)

    def count_by_campus(self, campus_id: str, *, state: BatchState = BatchState.ACTIVE) -> int:
        return len(self.list_by_campus(campus_id, state=state))
