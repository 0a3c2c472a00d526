"""The audit log as a chain: each entry of a campus holds its place and the hash of the entry before it.

What is changed, removed, put in between or swapped breaks the chain at that place. A signed checkpoint says where the
chain stood at a moment: with it the end cannot be cut off, and nobody without the secret key can work the chain out
anew. The first checkpoint (`seq` 0) covers what was written before there was a chain. Pure.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from backend.features.audit.model import AuditEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The chain of `campus_id` (None: the house's own) had the entry with this `hash` at `seq`; `mac` signs all that.

    With `seq` 0: `entries` entries stood outside the chain, and `hash` is over all of them.
    """

    id: str
    campus_id: str | None
    seq: int
    entries: int
    hash: str
    at: datetime
    mac: str = ""


class Fault(StrEnum):
    """What is wrong, in words for `make verify-audit` and the page."""

    CHANGED = "an entry is not what the next one, or a checkpoint, says"
    MISSING = "an entry is missing, or stands at another place"
    OUTSIDE = "entries from before the chain are not what they were, or one was put beside it"
    CUT = "the end is missing"
    FORGED = "a checkpoint was not signed with this installation's key"
    UNCOVERED = "the first checkpoint is missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`fault` is None where the chain is intact; else `place` is the id of the entry (or checkpoint) concerned."""

    campus_id: str | None
    entries: int
    checkpoints: int
    fault: Fault | None = None
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """As much of an entry as verifying needs; `seq` 0 is outside the chain."""

    id: str
    seq: int
    previous: str
    hash: str


def hash_of(event: AuditEvent) -> str:
    """Over everything that the entry says, its place and its predecessor's hash among it; moments in whole ms."""
    said = [
        event.campus_id,
        event.seq,
        event.previous,
        event.id,
        event.order,
        event.actor_id,
        event.action,
        event.subject_kind,
        event.subject_id,
        _ms(event.at),
        sorted(event.details.items()),
    ]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def linked(events: Sequence[AuditEvent], *, after: AuditEvent | None) -> list[AuditEvent]:
    """These entries as the next of a chain whose last entry is `after`; None: as its first."""
    chain: list[AuditEvent] = []
    for event in events:
        last = chain[-1] if chain else after
        seq, previous = (1, "") if last is None else (last.seq + 1, hash_of(last))
        chain.append(replace(event, seq=seq, previous=previous, is_linked=True))
    return chain


def link_of(event: AuditEvent) -> Link:
    seq = event.seq if event.is_linked else 0
    return Link(id=event.id, seq=seq, previous=event.previous, hash=hash_of(event))


def chain_name(campus_id: str | None) -> str:
    return campus_id or "house"


# -- checkpoints -----------------------------------------------------------------------------------------------------


def first_checkpoint(outside: Iterable[Link], *, campus_id: str | None, key: bytes, at: datetime) -> Checkpoint:
    """Over what was written before there was a chain."""
    hashes = sorted(link.hash for link in outside)
    return _signed(campus_id, seq=0, entries=len(hashes), digest=_together(hashes), key=key, at=at)


def checkpoint_at(last: Link, *, campus_id: str | None, key: bytes, at: datetime) -> Checkpoint:
    """Where the chain stands."""
    return _signed(campus_id, seq=last.seq, entries=last.seq, digest=last.hash, key=key, at=at)


def _together(hashes: Sequence[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _signed(campus_id: str | None, *, seq: int, entries: int, digest: str, key: bytes, at: datetime) -> Checkpoint:
    name = chain_name(campus_id)
    fresh = Checkpoint(id=f"{name}:{seq}", campus_id=campus_id, seq=seq, entries=entries, hash=digest, at=at)
    return replace(fresh, mac=_mac(fresh, key))


def _mac(checkpoint: Checkpoint, key: bytes) -> str:
    said = [
        checkpoint.id,
        checkpoint.campus_id,
        checkpoint.seq,
        checkpoint.entries,
        checkpoint.hash,
        _ms(checkpoint.at),
    ]
    return hmac.new(key, json.dumps(said).encode(), hashlib.sha256).hexdigest()


# -- verifying -------------------------------------------------------------------------------------------------------


def verify(links: Iterable[Link], checkpoints: Sequence[Checkpoint], *, campus_id: str | None, key: bytes) -> Verdict:
    """Whether the entries of a campus are what they were: the first fault, by place, if there is one."""
    everything = list(links)
    chain = sorted((link for link in everything if link.seq > 0), key=lambda link: (link.seq, link.id))
    outside = [link for link in everything if link.seq <= 0]
    fault, place = (
        _broken_checkpoint(checkpoints, key)
        or _broken_outside(outside, checkpoints)
        or _broken_chain(chain, {point.seq: point for point in checkpoints if point.seq > 0})
        or (None, "")
    )
    return Verdict(campus_id=campus_id, entries=len(everything), checkpoints=len(checkpoints), fault=fault, place=place)


def _broken_checkpoint(checkpoints: Sequence[Checkpoint], key: bytes) -> tuple[Fault, str] | None:
    for point in checkpoints:
        named = point.id == f"{chain_name(point.campus_id)}:{point.seq}"
        if not named or not hmac.compare_digest(point.mac, _mac(point, key)):
            return Fault.FORGED, point.id
    return None


def _broken_outside(outside: Sequence[Link], checkpoints: Sequence[Checkpoint]) -> tuple[Fault, str] | None:
    first = next((point for point in checkpoints if point.seq == 0), None)
    if first is None:
        # A new chain has none yet; one with later checkpoints has lost it.
        return (Fault.UNCOVERED, checkpoints[0].id) if checkpoints else None
    if first.entries != len(outside) or first.hash != _together(sorted(link.hash for link in outside)):
        return Fault.OUTSIDE, first.id
    return None


def _broken_chain(chain: Sequence[Link], points: dict[int, Checkpoint]) -> tuple[Fault, str] | None:
    last: Link | None = None
    for link in chain:
        seq, previous = (1, "") if last is None else (last.seq + 1, last.hash)
        if link.seq != seq:
            return Fault.MISSING, link.id
        if link.previous != previous:
            return Fault.CHANGED, last.id if last else link.id
        point = points.get(link.seq)
        if point is not None and point.hash != link.hash:
            return Fault.CHANGED, link.id
        last = link
    beyond = [point for seq, point in sorted(points.items()) if seq > len(chain)]
    return (Fault.CUT, beyond[0].id) if beyond else None
