"""The audit log in memory."""

import threading
from collections.abc import Iterable, Sequence

from backend.features.audit.chain import Checkpoint, Link, link_of, linked
from backend.features.audit.model import AuditEvent
from backend.features.audit.repository import AuditCheckpoints, AuditLog


class MemoryAuditLog(AuditLog):
    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self._lock = threading.RLock()

    def add(self, event: AuditEvent) -> None:
        with self._lock:
            self.events += linked([event], after=self.find_last(event.campus_id))

    def add_absent(self, events: Sequence[AuditEvent]) -> None:
        with self._lock:
            known = {event.id for event in self.events}
            for event in events:
                if event.id not in known:
                    self.add(event)

    def list_by_campus(self, campus_id: str, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        return _page([event for event in self.events if event.campus_id == campus_id], before, limit)

    def list_all(
        self,
        campus_ids: Iterable[str] = (),  # noqa: ARG002 - only a real store is slow without them
        *,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[AuditEvent]:
        return _page(self.events, before, limit)

    def find_last(self, campus_id: str | None) -> AuditEvent | None:
        mine = [event for event in self.events if event.campus_id == campus_id and event.is_linked]
        return max(mine, key=lambda event: event.seq, default=None)

    def list_links(self, campus_id: str | None) -> Iterable[Link]:
        return [link_of(event) for event in self.events if event.campus_id == campus_id]


class MemoryAuditCheckpoints(AuditCheckpoints):
    def __init__(self) -> None:
        self.points: dict[str, Checkpoint] = {}

    def add(self, checkpoint: Checkpoint) -> bool:
        return self.points.setdefault(checkpoint.id, checkpoint) is checkpoint

    def find_last(self, campus_id: str | None) -> Checkpoint | None:
        return next(reversed(self.list_by_campus(campus_id)), None)

    def list_by_campus(self, campus_id: str | None) -> Sequence[Checkpoint]:
        mine = [point for point in self.points.values() if point.campus_id == campus_id]
        return sorted(mine, key=lambda point: point.seq)


def _page(events: list[AuditEvent], before: str | None, limit: int) -> list[AuditEvent]:
    older = [event for event in events if before is None or event.order < before]
    return sorted(older, key=lambda event: event.order, reverse=True)[:limit]
