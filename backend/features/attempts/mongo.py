"""Attempts, responses and uploads as documents: every change is one compare-and-set on `revision`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from backend.core.errors import Conflict
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.repository import Attempts, Responses, Uploads
from backend.features.attempts.responses import Response, ResponseState, Upload
from backend.storage import (
    CollectionSpec,
    IndexSpec,
    MongoDatabase,
    Records,
    compare_and_set,
    from_document,
    storage_errors,
    to_document,
    to_value,
)

# A range needs both ends here: an absent moment must never count as one that has come.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

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
            IndexSpec(keys=(("delivery_id", 1), ("state", 1))),
            IndexSpec(keys=(("state", 1), ("not_before", 1))),
            IndexSpec(keys=(("state", 1), ("lease_until", 1))),
        ),
    ),
    CollectionSpec(name="uploads", indexes=(IndexSpec(keys=(("attempt_id", 1),)),)),
)


def _due(state: str, field: str, at: datetime) -> dict[str, Any]:
    return {"state": state, field: {"$gt": _LONG_AGO, "$lte": at}}


def _changes(record: Attempt | Response) -> dict[str, Any]:
    document = to_document(record)
    del document["_id"]
    return document


class MongoAttempts(Attempts):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "attempts", Attempt)

    def find(self, attempt_id: str) -> Attempt | None:
        return self._records.find(attempt_id)

    def add(self, attempt: Attempt) -> None:
        self._records.insert(attempt)

    def save(self, attempt: Attempt, *, seen_revision: int) -> bool:
        return compare_and_set(self._records.collection, attempt.id, {"revision": seen_revision}, _changes(attempt))

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
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "responses", Response)

    def find(self, response_id: str) -> Response | None:
        return self._records.find(response_id)

    def add(self, response: Response) -> bool:
        try:
            self._records.insert(response)
        except Conflict:
            return False
        return True

    def save(self, response: Response, *, seen_revision: int) -> bool:
        return compare_and_set(self._records.collection, response.id, {"revision": seen_revision}, _changes(response))

    def list_by_attempt(self, attempt_id: str) -> Sequence[Response]:
        return self._records.list_by({"attempt_id": attempt_id}, sort=[("position", 1)])

    def list_by_delivery(self, delivery_id: str, states: Sequence[ResponseState]) -> Sequence[Response]:
        found: list[Response] = []
        for state in states:
            found += self._records.list_by({"delivery_id": delivery_id, "state": state})
        return found

    def count_by_attempt(self, attempt_id: str) -> Mapping[ResponseState, int]:
        return Counter(ResponseState(row["state"]) for row in self._states({"attempt_id": attempt_id}))

    def count_by_delivery(self, delivery_id: str) -> Mapping[str, Mapping[ResponseState, int]]:
        counts: dict[str, Counter[ResponseState]] = {}
        for row in self._states({"delivery_id": delivery_id}):
            counts.setdefault(row["attempt_id"], Counter())[ResponseState(row["state"])] += 1
        return counts

    @storage_errors()
    def _states(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """State and attempt of each response; summed in Python, which every engine gets right."""
        return list(self._records.collection.find(to_value(wanted), {"state": 1, "attempt_id": 1}))

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Response]:
        wanted = _due(ResponseState.QUEUED.value, "not_before", at)
        return self._records.list_by(wanted, sort=[("not_before", 1)], limit=limit)

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Response]:
        wanted = _due(ResponseState.CLAIMED.value, "lease_until", at)
        return self._records.list_by(wanted, sort=[("lease_until", 1)], limit=limit)


class MongoUploads(Uploads):
    def __init__(self, database: MongoDatabase) -> None:
        self._collection = database["uploads"]

    @storage_errors()
    def find(self, upload_id: str) -> Upload | None:
        document = self._collection.find_one({"_id": upload_id})
        return None if document is None else from_document(Upload, document)

    def add(self, upload: Upload) -> bool:
        try:
            with storage_errors():
                self._collection.insert_one(cast("dict[str, Any]", {"_id": upload.id, **to_document(upload)}))
        except Conflict:
            return False
        return True

    @storage_errors()
    def list_by_attempt(self, attempt_id: str) -> Sequence[Upload]:
        return [from_document(Upload, document) for document in self._collection.find({"attempt_id": attempt_id})]

    @storage_errors()
    def remove_of_attempt(self, attempt_id: str) -> None:
        self._collection.delete_many({"attempt_id": attempt_id})
