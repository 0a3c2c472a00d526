"""What we need from storage."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from backend.features.mailings.model import Dispatch, Mailing


class Mailings(Protocol):
    """Writes are compare-and-set on `revision`."""

    def find(self, mailing_id: str) -> Mailing | None: ...

    def add(self, mailing: Mailing) -> None: ...

    def save(self, mailing: Mailing, *, seen: Mailing) -> bool: ...

    def list_by_delivery(self, delivery_id: str) -> Sequence[Mailing]:
        """The latest first."""

    def list_preparing(self, *, before: datetime, limit: int) -> Sequence[Mailing]:
        """Mailings created before that moment whose dispatches are not all written."""


class Dispatches(Protocol):
    """As Mailings."""

    def find(self, dispatch_id: str) -> Dispatch | None: ...

    def add(self, dispatch: Dispatch) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, dispatch: Dispatch, *, seen: Dispatch) -> bool: ...

    def list_by_mailing(self, mailing_id: str) -> Sequence[Dispatch]: ...

    def list_by_delivery(self, delivery_id: str) -> Sequence[Dispatch]: ...

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Dispatch]:
        """Queued dispatches that may be claimed at that moment, the longest waiting first."""

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Dispatch]:
        """Claimed dispatches whose lease has run out."""
