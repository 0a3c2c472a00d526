"""Attempts, responses and uploads as documents: every change is one compare-and-set on `revision`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from backend.core.errors import Conflict
from backend.core.ports import Tallies
from backend.features.attempts.late.model import LateAnswer
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.repository import Attempts, LateAnswers, Responses, Uploads
from backend.features.attempts.responses import JUDGED, Answer, Response, ResponseState
from backend.storage import (
    CollectionSpec,
    IndexSpec,
    MongoDatabase,
    RevisedRecords,
    compare_and_set,
    storage_errors,
    to_document,
    to_value,
)

# A range needs both ends here: an absent moment must never count as one that has come.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

# Up to here, counting attempt by attempt is cheaper than counting the whole delivery.
_FEW = 20

COLLECTIONS = (
    CollectionSpec(
        name="attempts",
        indexes=(
            IndexSpec(keys=(("delivery_id", 1), ("student_id", 1), ("number", 1)), unique=True),
            IndexSpec(keys=(("student_id", 1),)),
            IndexSpec(keys=(("state", 1), ("due_at", 1))),
        ),
    ),
    CollectionSpec(
        name="responses",
        indexes=(
            IndexSpec(keys=(("attempt_id", 1), ("position", 1)), unique=True),
            IndexSpec(keys=(("delivery_id", 1), ("state", 1), ("not_before", 1))),
            IndexSpec(keys=(("state", 1), ("not_before", 1))),
            IndexSpec(keys=(("state", 1), ("lease_until", 1))),
            IndexSpec(keys=(("judged_at", 1),)),
        ),
    ),
    CollectionSpec(name="uploads", indexes=(IndexSpec(keys=(("attempt_id", 1),)),)),
    CollectionSpec(name="late_answers", indexes=(IndexSpec(keys=(("delivery_id", 1),)),)),
)


def _due(state: str, field: str, at: datetime) -> dict[str, Any]:
    return {"state": state, field: {"$gt": _LONG_AGO, "$lte": at}}


class MongoAttempts(Attempts):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "attempts", Attempt)

    def find(self, attempt_id: str) -> Attempt | None:
        return self._records.find(attempt_id)

    def add(self, attempt: Attempt) -> None:
        self._records.insert(attempt)

    def save(self, attempt: Attempt, *, seen: Attempt) -> bool:
        return self._records.save(attempt, seen=seen)

    def list_by_student(self, delivery_id: str, student_id: str) -> Sequence[Attempt]:
        wanted = {"delivery_id": delivery_id, "student_id": student_id}
        return self._records.list_by(wanted, sort=[("number", 1)])

    def list_by_delivery(self, delivery_id: str) -> Sequence[Attempt]:
        return self._records.list_by({"delivery_id": delivery_id})

    def list_all_of_student(self, student_id: str) -> Sequence[Attempt]:
        return self._records.list_by({"student_id": student_id})

    def list_due(self, state: AttemptState, *, at: datetime, limit: int) -> Sequence[Attempt]:
        return self._records.list_by(_due(state.value, "due_at", at), sort=[("due_at", 1)], limit=limit)


class MongoResponses(Responses):
    def __init__(self, database: MongoDatabase, tallies: Tallies) -> None:
        self._records = RevisedRecords(database, "responses", Response)
        self._tallies = tallies

    def find(self, response_id: str) -> Response | None:
        return self._records.find(response_id)

    def add(self, response: Response) -> bool:
        try:
            self._records.insert(response)
        except Conflict:
            return False
        return True

    def save(self, response: Response, *, seen: Response) -> bool:
        return self._records.save(response, seen=seen)

    def renew_lease(self, response_id: str, *, seen_revision: int, lease_until: datetime) -> bool:
        expected = {"revision": seen_revision, "state": ResponseState.CLAIMED}
        return compare_and_set(self._records.collection, response_id, expected, {"lease_until": lease_until})

    def list_by_attempt(self, attempt_id: str) -> Sequence[Response]:
        return self._records.list_by({"attempt_id": attempt_id}, sort=[("position", 1)])

    def list_by_attempts(self, attempt_ids: Sequence[str]) -> Sequence[Response]:
        return self._records.list_by({"attempt_id": {"$in": list(attempt_ids)}}) if attempt_ids else []

    def list_by_delivery(self, delivery_id: str, states: Sequence[ResponseState]) -> Sequence[Response]:
        found: list[Response] = []
        for state in states:
            found += self._records.list_by({"delivery_id": delivery_id, "state": state})
        return found

    def count_by_attempt(self, attempt_id: str) -> Mapping[ResponseState, int]:
        counts = Counter(ResponseState(row["state"]) for row in self._states({"attempt_id": attempt_id}))
        self._tallies.keep(attempt_id, {state.value: number for state, number in counts.items()})
        return counts

    def count_by_delivery(self, delivery_id: str) -> Mapping[str, Mapping[ResponseState, int]]:
        counts: dict[str, Counter[ResponseState]] = {}
        for row in self._states({"delivery_id": delivery_id}):
            counts.setdefault(row["attempt_id"], Counter())[ResponseState(row["state"])] += 1
        return counts

    def recall_counts(self, delivery_id: str, attempt_ids: Sequence[str]) -> Mapping[str, Mapping[ResponseState, int]]:
        known = {
            attempt_id: {ResponseState(state): number for state, number in counts.items()}
            for attempt_id, counts in self._tallies.read(attempt_ids).items()
        }
        unknown = [attempt_id for attempt_id in attempt_ids if attempt_id not in known]
        if len(unknown) > _FEW:
            counted = self.count_by_delivery(delivery_id)
            for attempt_id in unknown:
                known[attempt_id] = dict(counted.get(attempt_id, {}))
                self._tallies.keep(attempt_id, {state.value: n for state, n in known[attempt_id].items()})
            return known
        return known | {attempt_id: dict(self.count_by_attempt(attempt_id)) for attempt_id in unknown}

    @storage_errors()
    def _states(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """State and attempt of each response; summed in Python, which every engine gets right."""
        return list(self._records.collection.find(to_value(wanted), {"state": 1, "attempt_id": 1}))

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Response]:
        wanted = _due(ResponseState.QUEUED.value, "not_before", at)
        return self._records.list_by(wanted, sort=[("not_before", 1)], limit=limit)

    def count_in(self, delivery_id: str, state: ResponseState) -> int:
        return self._records.count_by({"delivery_id": delivery_id, "state": state})

    def count_heard_by(self, delivery_id: str, version: str) -> int:
        wanted = {"delivery_id": delivery_id, "heard_by": version}
        return sum(self._records.count_by({**wanted, "state": state}) for state in JUDGED)

    def find_longest_waiting(self, delivery_id: str) -> Response | None:
        wanted = {"delivery_id": delivery_id, "state": ResponseState.QUEUED}
        return next(iter(self._records.list_by(wanted, sort=[("not_before", 1)], limit=1)), None)

    def count_waiting(self) -> int:
        return sum(self._records.count_by({"state": state}) for state in (ResponseState.QUEUED, ResponseState.CLAIMED))

    def count_judged_since(self, moment: datetime, *, at: datetime) -> int:
        return self._records.count_by({"judged_at": {"$gt": moment, "$lte": at}})

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Response]:
        wanted = _due(ResponseState.CLAIMED.value, "lease_until", at)
        return self._records.list_by(wanted, sort=[("lease_until", 1)], limit=limit)

    def save_answer(self, response_id: str, *, student_id: str, answer: Answer, rank: int, now: datetime) -> bool:
        return compare_and_set(
            self._records.collection,
            response_id,
            {"student_id": student_id, "answer_until": {"$gt": now}, "answer_rank": {"$lt": rank}},
            {"answer": answer, "answer_rank": rank, "answered_at": now},
            increase={"revision": 1},
        )

    def hand_in(self, response_id: str, *, now: datetime) -> bool:
        changes = {"state": ResponseState.QUEUED, "not_before": now, "answer_until": None}
        return self._change_draft(response_id, changes)

    def move_answer_limit(
        self, response_id: str, *, window_began_at: datetime, window_ends_at: datetime, answer_until: datetime
    ) -> bool:
        moved = {"window_ends_at": window_ends_at, "answer_until": answer_until}
        return self._change_draft(response_id, moved, window_began_at=window_began_at) or self._change_draft(
            response_id, {**moved, "answer_until": None}
        )

    def _change_draft(self, response_id: str, changes: Mapping[str, Any], **also_expected: Any) -> bool:
        expected = {"state": ResponseState.DRAFT, **also_expected}
        return compare_and_set(self._records.collection, response_id, expected, changes, increase={"revision": 1})


class MongoLateAnswers(LateAnswers):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "late_answers", LateAnswer)

    def find(self, late_id: str) -> LateAnswer | None:
        return self._records.find(late_id)

    def add(self, late: LateAnswer) -> bool:
        return self._records.insert_if_absent(late)

    def save(self, late: LateAnswer, *, seen: LateAnswer) -> bool:
        return self._records.save(late, seen=seen)

    def list_by_delivery(self, delivery_id: str) -> Sequence[LateAnswer]:
        return self._records.list_by({"delivery_id": delivery_id})


class MongoUploads(Uploads):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "uploads", Upload)

    def find(self, upload_id: str) -> Upload | None:
        return self._records.find(upload_id)

    def add(self, upload: Upload) -> bool:
        document = {"_id": upload.id, **to_document(upload)}  # its id is made of its parts, and no field
        try:
            with storage_errors():
                self._records.collection.insert_one(document)
        except Conflict:
            return False
        return True

    def save(self, upload: Upload, *, seen: Upload) -> bool:
        return self._records.save(upload, seen=seen)

    def list_by_attempt(self, attempt_id: str) -> Sequence[Upload]:
        return self._records.list_by({"attempt_id": attempt_id})

    def list_by_attempts(self, attempt_ids: Sequence[str]) -> Sequence[Upload]:
        return self._records.list_by({"attempt_id": {"$in": list(attempt_ids)}}) if attempt_ids else []

    def remove(self, upload_id: str) -> None:
        self._records.delete(upload_id)
