"""The audit log as documents. Nothing here changes or removes one."""

from collections.abc import Sequence
from typing import Any

from backend.core.errors import Conflict
from backend.features.audit.model import AuditEvent
from backend.features.audit.repository import AuditLog
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records

COLLECTIONS = (
    CollectionSpec(
        name="audit_events",
        indexes=(
            IndexSpec(keys=(("campus_id", 1), ("order", -1))),
            IndexSpec(keys=(("order", -1),)),
        ),
    ),
)
# `order` begins with a year; both ends of the range are given, so that no engine walks the whole index.
_FIRST, _LAST = "0", "9999"


class MongoAuditLog(AuditLog):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "audit_events", AuditEvent)

    def add(self, event: AuditEvent) -> None:
        self._records.insert(event)

    def add_absent(self, events: Sequence[AuditEvent]) -> None:
        known = self._records.find_many([event.id for event in events])
        absent = [event for event in events if event.id not in known]
        try:
            self._records.insert_many(absent)
        except Conflict:  # another process writes the same at this moment
            for event in absent:
                self._records.insert_if_absent(event)

    def list_by_campus(self, campus_id: str, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        return self._page({"campus_id": campus_id}, before, limit)

    def list_all(self, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        return self._page({}, before, limit)

    def _page(self, wanted: dict[str, Any], before: str | None, limit: int) -> Sequence[AuditEvent]:
        older = {"$gte": _FIRST, "$lt": before or _LAST}
        return self._records.list_by({**wanted, "order": older}, sort=[("order", -1)], limit=limit)
