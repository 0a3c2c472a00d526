"""One entry of the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """`action` is a constant such as "student_disabled"; `details` hold codes, counts and ids: no name, no address.

    `id` begins with the moment, so that ids are in the order of time. `campus_id` is None where no campus is concerned,
    `actor_id` None where the system or somebody not signed in acted. `seq`, `previous`: its place in the campus's chain
    and the hash of the entry before it, given when it is written; entries of before there was a chain have none.
    """

    id: str
    campus_id: str | None
    actor_id: str | None
    action: str
    subject_kind: str
    subject_id: str
    at: datetime
    order: str
    details: Mapping[str, str] = field(default_factory=dict)
    seq: int = 0
    previous: str = ""
    is_linked: bool = False
