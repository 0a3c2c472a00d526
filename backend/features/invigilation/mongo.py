"""Invigilation as documents."""

from collections.abc import Sequence

from backend.features.invigilation.model import Duty, IdentityCheck, Incident, Message, Receipt
from backend.features.invigilation.repository import Duties, IdentityChecks, Incidents, Messages, SignalRecords
from backend.features.invigilation.signals import SignalRecord
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records, RevisedRecords

_BY_DELIVERY = IndexSpec(keys=(("delivery_id", 1),))

COLLECTIONS = (
    CollectionSpec(name="duties", indexes=(_BY_DELIVERY, IndexSpec(keys=(("account_id", 1),)))),
    CollectionSpec(name="incidents", indexes=(IndexSpec(keys=(("delivery_id", 1), ("noted_at", 1))),)),
    CollectionSpec(name="exam_messages", indexes=(IndexSpec(keys=(("delivery_id", 1), ("sent_at", 1))),)),
    CollectionSpec(name="message_receipts", indexes=(IndexSpec(keys=(("delivery_id", 1), ("student_id", 1))),)),
    CollectionSpec(name="identity_checks", indexes=(_BY_DELIVERY,)),
    CollectionSpec(name="signal_records", indexes=(_BY_DELIVERY,)),
)


class MongoDuties(Duties):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "duties", Duty)

    def find(self, duty_id: str) -> Duty | None:
        return self._records.find(duty_id)

    def put(self, duty: Duty) -> None:
        self._records.put(duty)

    def remove(self, duty_id: str) -> bool:
        return self._records.delete(duty_id)

    def list_by_delivery(self, delivery_id: str) -> Sequence[Duty]:
        return self._records.list_by({"delivery_id": delivery_id})

    def list_by_account(self, account_id: str) -> Sequence[Duty]:
        return self._records.list_by({"account_id": account_id})


class MongoIncidents(Incidents):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "incidents", Incident)

    def add(self, incident: Incident) -> bool:
        return self._records.insert_if_absent(incident)

    def list_by_delivery(self, delivery_id: str) -> Sequence[Incident]:
        return self._records.list_by({"delivery_id": delivery_id}, sort=[("noted_at", 1)])


class MongoMessages(Messages):
    def __init__(self, database: MongoDatabase) -> None:
        self._messages = Records(database, "exam_messages", Message)
        self._receipts = Records(database, "message_receipts", Receipt)

    def find(self, message_id: str) -> Message | None:
        return self._messages.find(message_id)

    def add(self, message: Message) -> None:
        self._messages.insert(message)

    def list_by_delivery(self, delivery_id: str) -> Sequence[Message]:
        return self._messages.list_by({"delivery_id": delivery_id}, sort=[("sent_at", 1)])

    def add_receipt(self, receipt: Receipt) -> bool:
        return self._receipts.insert_if_absent(receipt)

    def list_receipts(self, delivery_id: str) -> Sequence[Receipt]:
        return self._receipts.list_by({"delivery_id": delivery_id})

    def list_receipts_of(self, delivery_id: str, student_id: str) -> Sequence[Receipt]:
        return self._receipts.list_by({"delivery_id": delivery_id, "student_id": student_id})


class MongoIdentityChecks(IdentityChecks):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "identity_checks", IdentityCheck)

    def find(self, check_id: str) -> IdentityCheck | None:
        return self._records.find(check_id)

    def add(self, check: IdentityCheck) -> bool:
        return self._records.insert_if_absent(check)

    def list_by_delivery(self, delivery_id: str) -> Sequence[IdentityCheck]:
        return self._records.list_by({"delivery_id": delivery_id})


class MongoSignalRecords(SignalRecords):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = RevisedRecords(database, "signal_records", SignalRecord)

    def find(self, attempt_id: str) -> SignalRecord | None:
        return self._records.find(attempt_id)

    def add(self, record: SignalRecord) -> bool:
        return self._records.insert_if_absent(record)

    def save(self, record: SignalRecord, *, seen: SignalRecord) -> bool:
        return self._records.save(record, seen=seen)

    def list_by_delivery(self, delivery_id: str) -> Sequence[SignalRecord]:
        return self._records.list_by({"delivery_id": delivery_id})
