"""Attempts, responses and uploads in memory: what the tests of everything else run on."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Generic

from backend.core.changes import R, write_over
from backend.core.errors import Conflict, NotFound
from backend.features.attempts.late.model import LateAnswer
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.paper import Paper
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.repository import Attempts, LateAnswers, Papers, Responses, Uploads
from backend.features.attempts.responses import JUDGED, Answer, Response, ResponseState


class _Shelf(Generic[R]):
    """Records by id, with the atomicity that one document has in the database."""

    def __init__(self) -> None:
        self._records: dict[str, R] = {}
        self.lock = threading.RLock()

    def find(self, record_id: str) -> R | None:
        with self.lock:
            return self._records.get(record_id)

    def add(self, record: R) -> bool:
        with self.lock:
            return self._records.setdefault(record.id, record) is record

    def save(self, record: R, *, seen: R) -> bool:
        with self.lock:
            return write_over(self._records, record, seen=seen)

    def remove(self, record_id: str) -> None:
        with self.lock:
            self._records.pop(record_id, None)

    def all(self) -> list[R]:
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

    def save(self, attempt: Attempt, *, seen: Attempt) -> bool:
        return self._shelf.save(attempt, seen=seen)

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

    def save(self, response: Response, *, seen: Response) -> bool:
        return self._shelf.save(response, seen=seen)

    def list_by_attempts(self, attempt_ids: Sequence[str]) -> Sequence[Response]:
        return [each for attempt_id in attempt_ids for each in self.list_by_attempt(attempt_id)]

    def renew_lease(self, response_id: str, *, seen_revision: int, lease_until: datetime) -> bool:
        seen = self._shelf.find(response_id)
        if seen is None or seen.state is not ResponseState.CLAIMED:
            return False
        if seen.revision != seen_revision:
            return False
        return self._shelf.save(replace(seen, lease_until=lease_until), seen=seen)

    def list_by_attempt(self, attempt_id: str) -> Sequence[Response]:
        mine = [response for response in self._shelf.all() if response.attempt_id == attempt_id]
        return sorted(mine, key=lambda response: response.position)

    def list_by_delivery(self, delivery_id: str, states: Sequence[ResponseState]) -> Sequence[Response]:
        return [r for r in self._shelf.all() if r.delivery_id == delivery_id and r.state in states]

    def count_by_attempt(self, attempt_id: str) -> Mapping[ResponseState, int]:
        return Counter(response.state for response in self.list_by_attempt(attempt_id))

    def recall_counts(self, delivery_id: str, attempt_ids: Sequence[str]) -> Mapping[str, Mapping[ResponseState, int]]:
        counted = self.count_by_delivery(delivery_id)
        return {attempt_id: counted.get(attempt_id, {}) for attempt_id in attempt_ids}

    def count_by_delivery(self, delivery_id: str) -> Mapping[str, Mapping[ResponseState, int]]:
        counts: dict[str, Counter[ResponseState]] = {}
        for response in self._shelf.all():
            if response.delivery_id == delivery_id:
                counts.setdefault(response.attempt_id, Counter())[response.state] += 1
        return counts

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Response]:
        return self._due(ResponseState.QUEUED, "not_before", at)[:limit]

    def count_in(self, delivery_id: str, state: ResponseState) -> int:
        return len(self.list_by_delivery(delivery_id, [state]))

    def count_heard_by(self, delivery_id: str, version: str) -> int:
        return sum(each.heard_by == version for each in self.list_by_delivery(delivery_id, sorted(JUDGED)))

    def find_longest_waiting(self, delivery_id: str) -> Response | None:
        queued = self.list_by_delivery(delivery_id, [ResponseState.QUEUED])
        return min(queued, key=lambda each: (each.not_before is not None, each.not_before), default=None)

    def count_waiting(self) -> int:
        return sum(response.is_waiting for response in self._shelf.all())

    def count_judged_since(self, moment: datetime, *, at: datetime) -> int:
        judged = [response.judged_at for response in self._shelf.all() if response.judged_at is not None]
        return sum(moment < each <= at for each in judged)

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Response]:
        return self._due(ResponseState.CLAIMED, "lease_until", at)[:limit]

    def _due(self, state: ResponseState, field: str, at: datetime) -> list[Response]:
        due: list[tuple[datetime, Response]] = []
        for response in self._shelf.all():
            moment: datetime | None = getattr(response, field)
            if response.state is state and moment is not None and moment <= at:
                due.append((moment, response))
        return [response for _, response in sorted(due, key=lambda pair: pair[0])]

    def save_answer(self, response_id: str, *, student_id: str, answer: Answer, rank: int, now: datetime) -> bool:
        with self._shelf.lock:
            seen = self._shelf.find(response_id)
            if seen is None or seen.student_id != student_id or seen.answer_rank >= rank:
                return False
            if seen.answer_until is None or now >= seen.answer_until:
                return False
            return self._write(seen, answer=answer, answer_rank=rank, answered_at=now)

    def hand_in(self, response_id: str, *, now: datetime) -> bool:
        return self._change_draft(response_id, state=ResponseState.QUEUED, not_before=now, answer_until=None)

    def move_answer_limit(
        self, response_id: str, *, window_began_at: datetime, window_ends_at: datetime, answer_until: datetime
    ) -> bool:
        with self._shelf.lock:
            seen = self._shelf.find(response_id)
            is_as_seen = seen is not None and seen.window_began_at == window_began_at
            until = answer_until if is_as_seen else None
            return self._change_draft(response_id, window_ends_at=window_ends_at, answer_until=until)

    def _change_draft(self, response_id: str, **changes: object) -> bool:
        with self._shelf.lock:
            seen = self._shelf.find(response_id)
            return seen is not None and seen.state is ResponseState.DRAFT and self._write(seen, **changes)

    def _write(self, seen: Response, **changes: object) -> bool:
        after = replace(seen, revision=seen.revision + 1, **changes)  # type: ignore[arg-type] # Response's own fields
        return self._shelf.save(after, seen=seen)


class MemoryLateAnswers(LateAnswers):
    def __init__(self) -> None:
        self._shelf: _Shelf[LateAnswer] = _Shelf()

    def find(self, late_id: str) -> LateAnswer | None:
        return self._shelf.find(late_id)

    def add(self, late: LateAnswer) -> bool:
        return self._shelf.add(late)

    def save(self, late: LateAnswer, *, seen: LateAnswer) -> bool:
        return self._shelf.save(late, seen=seen)

    def list_by_delivery(self, delivery_id: str) -> Sequence[LateAnswer]:
        return [late for late in self._shelf.all() if late.delivery_id == delivery_id]


class MemoryUploads(Uploads):
    def __init__(self) -> None:
        self._shelf: _Shelf[Upload] = _Shelf()

    def find(self, upload_id: str) -> Upload | None:
        return self._shelf.find(upload_id)

    def add(self, upload: Upload) -> bool:
        return self._shelf.add(upload)

    def save(self, upload: Upload, *, seen: Upload) -> bool:
        return self._shelf.save(upload, seen=seen)

    def list_by_attempts(self, attempt_ids: Sequence[str]) -> Sequence[Upload]:
        return [each for attempt_id in attempt_ids for each in self.list_by_attempt(attempt_id)]

    def list_by_attempt(self, attempt_id: str) -> Sequence[Upload]:
        return [upload for upload in self._shelf.all() if upload.attempt_id == attempt_id]

    def remove(self, upload_id: str) -> None:
        self._shelf.remove(upload_id)


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
