"""Attempts, responses and uploads in memory: what the tests of everything else run on."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from backend.core.errors import Conflict, NotFound
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.paper import Paper
from backend.features.attempts.repository import Attempts, Papers, Responses, Uploads
from backend.features.attempts.responses import Response, ResponseState, Upload


class _Revised(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def revision(self) -> int: ...


Record = TypeVar("Record", bound=_Revised)


class _Shelf(Generic[Record]):
    """Records by id, with the atomicity that one document has in the database."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self.lock = threading.RLock()

    def find(self, record_id: str) -> Record | None:
        with self.lock:
            return self._records.get(record_id)

    def add(self, record: Record) -> bool:
        with self.lock:
            return self._records.setdefault(record.id, record) is record

    def save(self, record: Record, seen_revision: int) -> bool:
        with self.lock:
            stored = self._records.get(record.id)
            if stored is None or stored.revision != seen_revision:
                return False
            self._records[record.id] = record
            return True

    def all(self) -> list[Record]:
        with self.lock:
            return list(self._records.values())


class MemoryAttempts(Attempts):
    def __init__(self) -> None:
        self._shelf: _Shelf[Attempt] = _Shelf()

    def find(self, attempt_id: str) -> Attempt | None:
        return self._shelf.find(attempt_id)

    def add(self, attempt: Attempt) -> None:
        with self._shelf.lock:
            taken = any(other.number == attempt.number for other in self._of(attempt.delivery_id, attempt.student_id))
            if taken or not self._shelf.add(attempt):
                raise Conflict("already_exists", "This exists already.")

    def save(self, attempt: Attempt, *, seen_revision: int) -> bool:
        return self._shelf.save(attempt, seen_revision)

    def _of(self, delivery_id: str, student_id: str) -> list[Attempt]:
        return [a for a in self._shelf.all() if (a.delivery_id, a.student_id) == (delivery_id, student_id)]

    def list_by_student(self, delivery_id: str, student_id: str) -> Sequence[Attempt]:
        return sorted(self._of(delivery_id, student_id), key=lambda attempt: attempt.number)

    def list_by_delivery(self, delivery_id: str) -> Sequence[Attempt]:
        return [attempt for attempt in self._shelf.all() if attempt.delivery_id == delivery_id]

    def list_all_of_student(self, student_id: str) -> Sequence[Attempt]:
        return [attempt for attempt in self._shelf.all() if attempt.student_id == student_id]

    def list_due(self, state: AttemptState, *, at: datetime, limit: int) -> Sequence[Attempt]:
        due = [(a.due_at, a) for a in self._shelf.all() if a.state is state and a.due_at is not None and a.due_at <= at]
        return [attempt for _, attempt in sorted(due, key=lambda pair: pair[0])][:limit]


class MemoryResponses(Responses):
    def __init__(self) -> None:
        self._shelf: _Shelf[Response] = _Shelf()

    def find(self, response_id: str) -> Response | None:
        return self._shelf.find(response_id)

    def add(self, response: Response) -> bool:
        return self._shelf.add(response)

    def save(self, response: Response, *, seen_revision: int) -> bool:
        return self._shelf.save(response, seen_revision)

    def list_by_attempt(self, attempt_id: str) -> Sequence[Response]:
        mine = [response for response in self._shelf.all() if response.attempt_id == attempt_id]
        return sorted(mine, key=lambda response: response.position)

    def list_by_delivery(self, delivery_id: str, states: Sequence[ResponseState]) -> Sequence[Response]:
        return [r for r in self._shelf.all() if r.delivery_id == delivery_id and r.state in states]

    def count_by_attempt(self, attempt_id: str) -> Mapping[ResponseState, int]:
        return Counter(response.state for response in self.list_by_attempt(attempt_id))

    def count_by_delivery(self, delivery_id: str) -> Mapping[str, Mapping[ResponseState, int]]:
        counts: dict[str, Counter[ResponseState]] = {}
        for response in self._shelf.all():
            if response.delivery_id == delivery_id:
                counts.setdefault(response.attempt_id, Counter())[response.state] += 1
        return counts

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Response]:
        return self._due(ResponseState.QUEUED, "not_before", at)[:limit]

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Response]:
        return self._due(ResponseState.CLAIMED, "lease_until", at)[:limit]

    def _due(self, state: ResponseState, field: str, at: datetime) -> list[Response]:
        due: list[tuple[datetime, Response]] = []
        for response in self._shelf.all():
            moment: datetime | None = getattr(response, field)
            if response.state is state and moment is not None and moment <= at:
                due.append((moment, response))
        return [response for _, response in sorted(due, key=lambda pair: pair[0])]


class MemoryUploads(Uploads):
    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}

    def find(self, upload_id: str) -> Upload | None:
        return self._uploads.get(upload_id)

    def add(self, upload: Upload) -> bool:
        return self._uploads.setdefault(upload.id, upload) is upload

    def list_by_attempt(self, attempt_id: str) -> Sequence[Upload]:
        return [upload for upload in list(self._uploads.values()) if upload.attempt_id == attempt_id]

    def remove_of_attempt(self, attempt_id: str) -> None:
        for upload in self.list_by_attempt(attempt_id):
            self._uploads.pop(upload.id, None)


class MemoryPapers(Papers):
    """Papers given at the start, or later by `add`."""

    def __init__(self, papers: Sequence[Paper] = ()) -> None:
        self._papers = {paper.form_id: paper for paper in papers}

    def add(self, paper: Paper) -> None:
        self._papers[paper.form_id] = paper

    def get(self, form_id: str) -> Paper:
        if form_id not in self._papers:
            raise NotFound()
        return self._papers[form_id]
