"""Mailings and dispatches as documents: every change is one compare-and-set on `revision`."""

from collections.abc import Sequence
from datetime import UTC, datetime

from backend.features.mailings.model import Dispatch, DispatchState, Mailing, MailingState
from backend.features.mailings.repository import Dispatches, Mailings
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, RevisedRecords

# A range needs both ends here: an absent moment must never count as one that has come.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

COLLECTIONS = (
    CollectionSpec(
        name="mailings",
        indexes=(
            IndexSpec(keys=(("delivery_id", 1), ("created_at", -1))),
            IndexSpec(keys=(("state", 1), ("created_at", 1))),
        ),
    ),
    CollectionSpec(
        name="mail_dispatches",
        indexes=(
            IndexSpec(keys=(("mailing_id", 1), ("result_id", 1)), unique=True),
            IndexSpec(keys=(("delivery_id", 1),)),
            IndexSpec(keys=(("state", 1), ("not_before", 1))),
            IndexSpec(keys=(("state", 1), ("lease_until", 1))),
        ),
    ),
)


class MongoMailings(Mailings):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "mailings", Mailing)

    def find(self, mailing_id: str) -> Mailing | None:
        return self._records.find(mailing_id)

    def add(self, mailing: Mailing) -> None:
        self._records.insert(mailing)

    def save(self, mailing: Mailing, *, seen: Mailing) -> bool:
        return self._records.save(mailing, seen=seen)

    def list_by_delivery(self, delivery_id: str) -> Sequence[Mailing]:
        return self._records.list_by({"delivery_id": delivery_id}, sort=[("created_at", -1)])

    def list_preparing(self, *, before: datetime, limit: int) -> Sequence[Mailing]:
        wanted = {"state": MailingState.PREPARING, "created_at": {"$gt": _LONG_AGO, "$lte": before}}
        return self._records.list_by(wanted, sort=[("created_at", 1)], limit=limit)


class MongoDispatches(Dispatches):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "mail_dispatches", Dispatch)

    def find(self, dispatch_id: str) -> Dispatch | None:
        return self._records.find(dispatch_id)

    def add(self, dispatch: Dispatch) -> bool:
        return self._records.insert_if_absent(dispatch)

    def save(self, dispatch: Dispatch, *, seen: Dispatch) -> bool:
        return self._records.save(dispatch, seen=seen)

    def list_by_mailing(self, mailing_id: str) -> Sequence[Dispatch]:
        return self._records.list_by({"mailing_id": mailing_id})

    def list_by_delivery(self, delivery_id: str) -> Sequence[Dispatch]:
        return self._records.list_by({"delivery_id": delivery_id})

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Dispatch]:
        return self._due(DispatchState.QUEUED, "not_before", at, limit)

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Dispatch]:
        return self._due(DispatchState.CLAIMED, "lease_until", at, limit)

    def _due(self, state: DispatchState, field: str, at: datetime, limit: int) -> Sequence[Dispatch]:
        wanted = {"state": state, field: {"$gt": _LONG_AGO, "$lte": at}}
        return self._records.list_by(wanted, sort=[(field, 1)], limit=limit)
