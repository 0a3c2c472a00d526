"""Mailings and dispatches in memory."""

import threading
from collections.abc import Sequence
from datetime import datetime

from backend.core.changes import write_over
from backend.core.errors import Conflict
from backend.features.mailings.model import Dispatch, DispatchState, Mailing, MailingState
from backend.features.mailings.repository import Dispatches, Mailings


class MemoryMailings(Mailings):
    def __init__(self) -> None:
        self._mailings: dict[str, Mailing] = {}
        self._lock = threading.Lock()

    def find(self, mailing_id: str) -> Mailing | None:
        return self._mailings.get(mailing_id)

    def add(self, mailing: Mailing) -> None:
        with self._lock:
            if mailing.id in self._mailings:
                raise Conflict("already_exists", "This exists already.")
            self._mailings[mailing.id] = mailing

    def save(self, mailing: Mailing, *, seen: Mailing) -> bool:
        with self._lock:
            return write_over(self._mailings, mailing, seen=seen)

    def list_by_delivery(self, delivery_id: str) -> Sequence[Mailing]:
        mine = [each for each in self._mailings.values() if each.delivery_id == delivery_id]
        return sorted(mine, key=lambda each: each.created_at, reverse=True)

    def list_preparing(self, *, before: datetime, limit: int) -> Sequence[Mailing]:
        found = [m for m in self._mailings.values() if m.state is MailingState.PREPARING and m.created_at <= before]
        return sorted(found, key=lambda each: each.created_at)[:limit]


class MemoryDispatches(Dispatches):
    def __init__(self) -> None:
        self._dispatches: dict[str, Dispatch] = {}
        self._lock = threading.Lock()

    def find(self, dispatch_id: str) -> Dispatch | None:
        return self._dispatches.get(dispatch_id)

    def add(self, dispatch: Dispatch) -> bool:
        with self._lock:
            if dispatch.id in self._dispatches:
                return False
            self._dispatches[dispatch.id] = dispatch
            return True

    def save(self, dispatch: Dispatch, *, seen: Dispatch) -> bool:
        with self._lock:
            return write_over(self._dispatches, dispatch, seen=seen)

    def list_by_mailing(self, mailing_id: str) -> Sequence[Dispatch]:
        return [each for each in self._dispatches.values() if each.mailing_id == mailing_id]

    def list_by_delivery(self, delivery_id: str) -> Sequence[Dispatch]:
        return [each for each in self._dispatches.values() if each.delivery_id == delivery_id]

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Dispatch]:
        due = [
            (each.not_before, each)
            for each in self._dispatches.values()
            if each.state is DispatchState.QUEUED and each.not_before is not None and each.not_before <= at
        ]
        return [each for _, each in sorted(due, key=lambda pair: pair[0])][:limit]

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Dispatch]:
        due = [
            (each.lease_until, each)
            for each in self._dispatches.values()
            if each.state is DispatchState.CLAIMED and each.lease_until is not None and each.lease_until <= at
        ]
        return [each for _, each in sorted(due, key=lambda pair: pair[0])][:limit]
