"""Granting and ending accommodations. Both are written to the audit log, without the reason: that is staff's alone."""

from datetime import datetime

from backend.core.actor import Actor
from backend.core.ids import IdSource
from backend.features.accommodations.model import Accommodation, Measures, check_measures, check_reason, ended
from backend.features.accommodations.repository import Accommodations
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.students.model import Student


def grant_accommodation(
    *,
    actor: Actor,
    student: Student,
    accommodation_id: str,
    measures: Measures,
    reason: str,
    accommodations: Accommodations,
    audit_log: AuditLog,
    now: datetime,
    new_id: IdSource,
) -> Accommodation:
    """In force from now on, for attempts that begin after this. The page chooses the id: twice is once."""
    granted = Accommodation(
        id=accommodation_id,
        campus_id=student.campus_id,
        student_id=student.id,
        measures=check_measures(measures),
        reason=check_reason(reason),
        granted_by=actor.account_id,
        granted_at=now,
    )
    if accommodations.add(granted):
        _record(actor, granted, "accommodation_granted", audit_log=audit_log, now=now, new_id=new_id)
    return granted


def end_accommodation(
    *,
    actor: Actor,
    accommodation: Accommodation,
    accommodations: Accommodations,
    audit_log: AuditLog,
    now: datetime,
    new_id: IdSource,
) -> None:
    """No longer in force; attempts that have begun keep it. Safe to repeat."""
    if accommodations.end(ended(accommodation, by=actor.account_id, at=now)):
        _record(actor, accommodation, "accommodation_ended", audit_log=audit_log, now=now, new_id=new_id)


def _record(
    actor: Actor, accommodation: Accommodation, action: str, *, audit_log: AuditLog, now: datetime, new_id: IdSource
) -> None:
    measures = accommodation.measures
    record(
        actor_id=actor.account_id,
        campus_id=accommodation.campus_id,
        action=action,
        subject_kind="student",
        subject_id=accommodation.student_id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
        accommodation_id=accommodation.id,
        extra_time=f"{measures.extra_time:g}",
        break_minutes=measures.break_minutes,
        replays=measures.replays,
        larger_text=str(measures.larger_text).lower(),
        no_silence_end=str(measures.no_silence_end).lower(),
    )
