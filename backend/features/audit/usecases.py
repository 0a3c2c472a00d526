"""Writing and reading the audit log."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.core.sealing import derive_key
from backend.features.audit import chain
from backend.features.audit.chain import Verdict
from backend.features.audit.model import AuditEvent
from backend.features.audit.repository import AuditCheckpoints, AuditLog

PAGE_SIZE = 50
HOUSE = None
"""The chain of what concerns no campus."""

log = structlog.get_logger()


def record(
    *,
    actor_id: str | None,
    campus_id: str | None,
    action: str,
    subject_kind: str,
    subject_id: str,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
    **details: str | int,
) -> None:
    """Writes one entry. `details` are codes, counts and ids only: never a name, an address, an answer."""
    event = event_of(
        event_id=new_id(),
        actor_id=actor_id,
        campus_id=campus_id,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        now=now,
        **details,
    )
    audit_log.add(replace(event, id=event.order))


def event_of(
    *,
    event_id: str,
    actor_id: str | None,
    campus_id: str | None,
    action: str,
    subject_kind: str,
    subject_id: str,
    now: datetime,
    **details: str | int,
) -> AuditEvent:
    """An entry whose id the caller makes from what is done, for `AuditLog.add_absent`: again adds no second."""
    return AuditEvent(
        id=event_id,
        order=f"{now:%Y%m%d%H%M%S%f}-{event_id}",
        campus_id=campus_id,
        actor_id=actor_id,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        at=now,
        details={name: str(value) for name, value in details.items()},
    )


def list_events(
    *, actor: Actor, before: str | None, campus_ids: Iterable[str], audit_log: AuditLog
) -> Sequence[AuditEvent]:
    """A page of the log, the latest first: a campus admin's own campus, everything for a superadmin."""
    if actor.is_superadmin:
        return audit_log.list_all(campus_ids, before=before, limit=PAGE_SIZE)
    if actor.is_campus and actor.campus_id is not None:
        return audit_log.list_by_campus(actor.campus_id, before=before, limit=PAGE_SIZE)
    raise NotFound()


# -- the chain -------------------------------------------------------------------------------------------------------


def set_checkpoints(
    *, campus_ids: Iterable[str], audit_log: AuditLog, checkpoints: AuditCheckpoints, secret: str, now: datetime
) -> int:
    """Signs where each chain stands, if it went on since the last time; how many. Safe to repeat, and twice at once.

    The line in the log is evidence outside the database: it shows that an end was cut off with its checkpoints.
    """
    key, written = _key(secret), 0
    for campus_id in (HOUSE, *campus_ids):
        last, point = audit_log.find_last(campus_id), checkpoints.find_last(campus_id)
        if point is None:
            outside = [link for link in audit_log.list_links(campus_id) if link.seq <= 0]
            point = chain.first_checkpoint(outside, campus_id=campus_id, key=key, at=now)
            written += checkpoints.add(point)
        if last is None or last.seq <= point.seq:
            continue
        point = chain.checkpoint_at(chain.link_of(last), campus_id=campus_id, key=key, at=now)
        if checkpoints.add(point):
            written += 1
            log.info("audit_checkpoint", checkpoint=point.id, hash=point.hash)
    return written


def verify_log(
    *, campus_ids: Iterable[str], audit_log: AuditLog, checkpoints: AuditCheckpoints, secret: str
) -> list[Verdict]:
    """The verdict over the house's chain and each campus's."""
    key, verdicts = _key(secret), []
    for campus_id in (HOUSE, *campus_ids):
        # In this order: what is appended meanwhile is beyond the last, which is at or beyond every checkpoint.
        points, last = checkpoints.list_by_campus(campus_id), audit_log.find_last(campus_id)
        links = (link for link in audit_log.list_links(campus_id) if last is None or link.seq <= last.seq)
        verdicts.append(chain.verify(links, points, campus_id=campus_id, key=key))
    return verdicts


def _key(secret: str) -> bytes:
    return derive_key(secret, "audit checkpoints")
