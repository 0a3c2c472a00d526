"""A batch: students who are tested together.

    active <-> archived

An archived batch stays readable; nobody is added to it and no test is scheduled for it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.core.errors import Conflict


class BatchState(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`name_key` is the folded name, unique in the course."""

    id: str
    campus_id: str
    course_id: str
    name: str
    name_key: str
    state: BatchState
    created_at: datetime

    @property
    def is_active(self) -> bool:
        return self.state is BatchState.ACTIVE


def check_active(batch: Batch) -> None:
    """Conflict("batch_archived") for one that is archived."""
    if not batch.is_active:
        raise Conflict("batch_archived", "This batch is archived. Make it active again first.")
