"""Entries of the audit log, with only the interesting part spelled out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backend.features.audit.model import AuditEvent

AT = datetime(2026, 11, 23, 4, 30, 0, 123_456, tzinfo=UTC)
SECRET = "a secret of this test"


def entry(number: int, *, campus_id: str | None = "north", **changes: object) -> AuditEvent:
    event = AuditEvent(
        id=f"entry-{number}",
        campus_id=campus_id,
        actor_id="meera",
        action="attempt_voided",
        subject_kind="attempt",
        subject_id="a1",
        at=AT + timedelta(seconds=number),
        order=f"2026{number:04d}",
        details={"reason": "x"},
    )
    return replace(event, **changes)  # type: ignore[arg-type] # AuditEvent's own fields
