"""Invigilation in memory."""

import threading
from collections.abc import Sequence

from backend.core.changes import write_over
from backend.features.invigilation.model import Duty, IdentityCheck, Incident, Message, Receipt
from backend.features.invigilation.repository import Duties, IdentityChecks, Incidents, Messages, SignalRecords
from backend.features.invigilation.signals import SignalRecord


class MemoryDuties(Duties):
    def __init__(self) -> None:
        self._duties: dict[str, Duty] = {}

    def find(self, duty_id: str) -> Duty | None:
        return self._duties.get(duty_id)

    def put(self, duty: Duty) -> None:
        self._duties[duty.id] = duty

    def remove(self, duty_id: str) -> bool:
        return self._duties.pop(duty_id, None) is not None

    def list_by_delivery(self, delivery_id: str) -> Sequence[Duty]:
        return [duty for duty in self._duties.values() if duty.delivery_id == delivery_id]

    def list_by_account(self, account_id: str) -> Sequence[Duty]:
        return [duty for duty in self._duties.values() if duty.account_id == account_id]


class MemoryIncidents(Incidents):
    def __init__(self) -> None:
        self._incidents: dict[str, Incident] = {}

    def add(self, incident: Incident) -> bool:
        return self._incidents.setdefault(incident.id, incident) is incident

    def list_by_delivery(self, delivery_id: str) -> Sequence[Incident]:
        found = [each for each in self._incidents.values() if each.delivery_id == delivery_id]
        return sorted(found, key=lambda each: each.noted_at)


class MemoryMessages(Messages):
    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}
        self._receipts: dict[str, Receipt] = {}

    def find(self, message_id: str) -> Message | None:
        return self._messages.get(message_id)

    def add(self, message: Message) -> None:
        self._messages[message.id] = message

    def list_by_delivery(self, delivery_id: str) -> Sequence[Message]:
        found = [each for each in self._messages.values() if each.delivery_id == delivery_id]
        return sorted(found, key=lambda each: each.sent_at)

    def add_receipt(self, receipt: Receipt) -> bool:
        return self._receipts.setdefault(receipt.id, receipt) is receipt

    def list_receipts(self, delivery_id: str) -> Sequence[Receipt]:
        return [each for each in self._receipts.values() if each.delivery_id == delivery_id]

    def list_receipts_of(self, delivery_id: str, student_id: str) -> Sequence[Receipt]:
        return [each for each in self.list_receipts(delivery_id) if each.student_id == student_id]


class MemoryIdentityChecks(IdentityChecks):
    def __init__(self) -> None:
        self._checks: dict[str, IdentityCheck] = {}

    def find(self, check_id: str) -> IdentityCheck | None:
        return self._checks.get(check_id)

    def add(self, check: IdentityCheck) -> bool:
        return self._checks.setdefault(check.id, check) is check

    def list_by_delivery(self, delivery_id: str) -> Sequence[IdentityCheck]:
        return [each for each in self._checks.values() if each.delivery_id == delivery_id]


class MemorySignalRecords(SignalRecords):
    def __init__(self) -> None:
        self._records: dict[str, SignalRecord] = {}
        self._lock = threading.Lock()

    def find(self, attempt_id: str) -> SignalRecord | None:
        return self._records.get(attempt_id)

    def add(self, record: SignalRecord) -> bool:
        return self._records.setdefault(record.id, record) is record

    def save(self, record: SignalRecord, *, seen: SignalRecord) -> bool:
        with self._lock:
            return write_over(self._records, record, seen=seen)

    def list_by_delivery(self, delivery_id: str) -> Sequence[SignalRecord]:
        return [each for each in self._records.values() if each.delivery_id == delivery_id]
