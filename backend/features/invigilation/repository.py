"""What we need from storage."""

from collections.abc import Sequence
from typing import Protocol

from backend.features.invigilation.model import Duty, IdentityCheck, Incident, Message, Receipt
from backend.features.invigilation.signals import SignalRecord


class Duties(Protocol):
    def find(self, duty_id: str) -> Duty | None: ...

    def put(self, duty: Duty) -> None:
        """Adds it, or replaces the one of that invigilator and delivery."""

    def remove(self, duty_id: str) -> bool:
        """Whether it was there. Safe to repeat."""

    def list_by_delivery(self, delivery_id: str) -> Sequence[Duty]: ...

    def list_by_account(self, account_id: str) -> Sequence[Duty]: ...


class Incidents(Protocol):
    """Append-only."""

    def add(self, incident: Incident) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def list_by_delivery(self, delivery_id: str) -> Sequence[Incident]:
        """The oldest first."""


class Messages(Protocol):
    """Append-only."""

    def find(self, message_id: str) -> Message | None: ...

    def add(self, message: Message) -> None: ...

    def list_by_delivery(self, delivery_id: str) -> Sequence[Message]:
        """The oldest first."""

    def add_receipt(self, receipt: Receipt) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def list_receipts(self, delivery_id: str) -> Sequence[Receipt]: ...

    def list_receipts_of(self, delivery_id: str, student_id: str) -> Sequence[Receipt]: ...


class IdentityChecks(Protocol):
    def find(self, check_id: str) -> IdentityCheck | None: ...

    def add(self, check: IdentityCheck) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def list_by_delivery(self, delivery_id: str) -> Sequence[IdentityCheck]: ...


class SignalRecords(Protocol):
    """Written over the revision that was read."""

    def find(self, attempt_id: str) -> SignalRecord | None: ...

    def add(self, record: SignalRecord) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, record: SignalRecord, *, seen: SignalRecord) -> bool: ...

    def list_by_delivery(self, delivery_id: str) -> Sequence[SignalRecord]: ...
