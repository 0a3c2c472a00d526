"""What we need from storage."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from backend.features.audit.chain import Checkpoint, Link
from backend.features.audit.model import AuditEvent


class AuditLog(Protocol):
    """Append-only. What is added becomes the next of its campus's chain, whoever else adds at the same moment."""

    def add(self, event: AuditEvent) -> None: ...

    def add_absent(self, events: Sequence[AuditEvent]) -> None:
        """Those whose id is not there yet: for what may be done again after a crash. Safe to repeat."""

    def list_by_campus(self, campus_id: str, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        """The latest first; those before the event whose `order` is `before`."""

    def list_all(
        self, campus_ids: Iterable[str] = (), *, before: str | None = None, limit: int = 50
    ) -> Sequence[AuditEvent]:
        """As `list_by_campus`, over all campuses and what concerns none; quick where it is told which there are."""

    def find_last(self, campus_id: str | None) -> AuditEvent | None:
        """The last entry of the chain of that campus; None is the house's own."""

    def list_links(self, campus_id: str | None) -> Iterable[Link]:
        """Every entry of that campus, also those outside the chain, in no order; read piece by piece."""


class AuditCheckpoints(Protocol):
    """Append-only."""

    def add(self, checkpoint: Checkpoint) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def find_last(self, campus_id: str | None) -> Checkpoint | None: ...

    def list_by_campus(self, campus_id: str | None) -> Sequence[Checkpoint]:
        """By `seq`."""
