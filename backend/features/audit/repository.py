"""What we need from storage."""

from collections.abc import Sequence
from typing import Protocol

from backend.features.audit.model import AuditEvent


class AuditLog(Protocol):
    """Append-only."""

    def add(self, event: AuditEvent) -> None: ...

    def add_absent(self, events: Sequence[AuditEvent]) -> None:
        """Those whose id is not there yet: for what may be done again after a crash. Safe to repeat."""

    def list_by_campus(self, campus_id: str, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        """The latest first; those before the event whose `order` is `before`."""

    def list_all(self, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        """As `list_by_campus`, over all campuses and what concerns none."""
