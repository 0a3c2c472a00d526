"""Where the outbox is kept: messages as documents, attachments as objects; or both in memory."""

import threading
from collections.abc import Sequence

from backend.core.outbox import OutboxMail, OutboxStore
from backend.core.ports import Blobs
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records

COLLECTIONS = (CollectionSpec(name="outbox", indexes=(IndexSpec(keys=(("order", -1),)),)),)
# `order` begins with a year; both ends of the range are given, so that no engine walks the whole index.
_FIRST, _LAST = "0", "9999"


class MongoOutboxStore(OutboxStore):
    """Messages as documents, attachments as objects."""

    def __init__(self, database: MongoDatabase, blobs: Blobs) -> None:
        self._records = Records(database, "outbox", OutboxMail)
        self._blobs = blobs

    def add(self, mail: OutboxMail) -> bool:
        return self._records.insert_if_absent(mail)

    def find(self, mail_id: str) -> OutboxMail | None:
        return self._records.find(mail_id)

    def list_latest(self, *, before: str | None = None, limit: int = 50) -> Sequence[OutboxMail]:
        older = {"order": {"$gte": _FIRST, "$lt": before or _LAST}}
        return self._records.list_by(older, sort=[("order", -1)], limit=limit)

    def put_bytes(self, key: str, data: bytes, *, content_type: str) -> None:
        self._blobs.put(key, data, content_type=content_type)

    def get_bytes(self, key: str) -> bytes:
        return self._blobs.get(key)


class MemoryOutboxStore(OutboxStore):
    def __init__(self, blobs: Blobs) -> None:
        self._mails: dict[str, OutboxMail] = {}
        self._blobs = blobs
        self._lock = threading.Lock()

    def add(self, mail: OutboxMail) -> bool:
        with self._lock:
            if mail.id in self._mails:
                return False
            self._mails[mail.id] = mail
            return True

    def find(self, mail_id: str) -> OutboxMail | None:
        return self._mails.get(mail_id)

    def list_latest(self, *, before: str | None = None, limit: int = 50) -> Sequence[OutboxMail]:
        older = [mail for mail in self._mails.values() if before is None or mail.order < before]
        return sorted(older, key=lambda mail: mail.order, reverse=True)[:limit]

    def put_bytes(self, key: str, data: bytes, *, content_type: str) -> None:
        self._blobs.put(key, data, content_type=content_type)

    def get_bytes(self, key: str) -> bytes:
        return self._blobs.get(key)
