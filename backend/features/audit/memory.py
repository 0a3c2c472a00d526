"""The audit log in memory."""

from collections.abc import Sequence

from backend.features.audit.model import AuditEvent
from backend.features.audit.repository import AuditLog


class MemoryAuditLog(AuditLog):
    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    def add(self, event: AuditEvent) -> None:
        self.events.append(event)

    def add_absent(self, events: Sequence[AuditEvent]) -> None:
        known = {event.id for event in self.events}
        self.events += [event for event in events if event.id not in known]

    def list_by_campus(self, campus_id: str, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        return _page([event for event in self.events if event.campus_id == campus_id], before, limit)

    def list_all(self, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        return _page(self.events, before, limit)


def _page(events: list[AuditEvent], before: str | None, limit: int) -> list[AuditEvent]:
    older = [event for event in events if before is None or event.order < before]
    return sorted(older, key=lambda event: event.order, reverse=True)[:limit]
