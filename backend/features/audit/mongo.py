"""The audit log as documents. Nothing here changes or removes one."""

from collections.abc import Iterable, Sequence
from typing import Any

from backend.core.errors import Conflict, TemporaryFailure
from backend.features.audit.chain import Checkpoint, Link, link_of, linked
from backend.features.audit.model import AuditEvent
from backend.features.audit.repository import AuditCheckpoints, AuditLog
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records

COLLECTIONS = (
    CollectionSpec(
        name="audit_events",
        indexes=(
            IndexSpec(keys=(("campus_id", 1), ("order", -1))),
            IndexSpec(keys=(("order", -1),)),
            # Of two processes that write at the same moment, one gets the place and the other looks again.
            IndexSpec(keys=(("campus_id", 1), ("seq", 1)), unique=True, partial={"is_linked": True}),
        ),
    ),
    CollectionSpec(name="audit_checkpoints", indexes=(IndexSpec(keys=(("campus_id", 1), ("seq", 1))),)),
)
# Each round of those who write at once gives one of them its place.
_RACES = 200
_PIECE = 1_000
# `order` begins with a year; both ends of the range are given, so that no engine walks the whole index.
_FIRST, _LAST = "0", "9999"


class MongoAuditLog(AuditLog):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "audit_events", AuditEvent)
        self._last: dict[str | None, AuditEvent] = {}

    def add(self, event: AuditEvent) -> None:
        self._append(event.campus_id, [event])

    def add_absent(self, events: Sequence[AuditEvent]) -> None:
        absent = self._absent(events)
        for campus_id in dict.fromkeys(event.campus_id for event in absent):
            self._append(campus_id, [event for event in absent if event.campus_id == campus_id])

    def _append(self, campus_id: str | None, events: Sequence[AuditEvent]) -> None:
        """At the end of the chain: what lost the race for its place is linked anew. A crash leaves a whole chain."""
        waiting, last = list(events), self._known_last(campus_id) or self.find_last(campus_id)
        for _ in range(_RACES):
            chain = linked(waiting, after=last)
            try:
                self._records.insert_many(chain)
            except Conflict:  # another process wrote since, perhaps the very same
                waiting, last = self._absent(waiting), self.find_last(campus_id)
                if waiting:
                    continue
            else:
                self._last[campus_id] = chain[-1]
            return
        raise TemporaryFailure("audit_contended")

    def _absent(self, events: Sequence[AuditEvent]) -> list[AuditEvent]:
        known = self._records.find_many([event.id for event in events])
        return [event for event in events if event.id not in known]

    def find_last(self, campus_id: str | None) -> AuditEvent | None:
        """By looking at places: there is no gap in a chain, and not every engine sorts by an index."""
        last, step = self._known_last(campus_id), 1
        while further := self._at(campus_id, _seq(last) + step):
            last, step = further, step * 2
        while step > 1:
            step //= 2
            last = self._at(campus_id, _seq(last) + step) or last
        if last is not None:
            self._last[campus_id] = last
        return last

    def _known_last(self, campus_id: str | None) -> AuditEvent | None:
        """What this process saw last, if it is still there: a dump may have been restored."""
        known = self._last.get(campus_id)
        return None if known is None else self._records.find(known.id)

    def _at(self, campus_id: str | None, seq: int) -> AuditEvent | None:
        return self._records.find_by({"campus_id": campus_id, "seq": seq, "is_linked": True})

    def list_links(self, campus_id: str | None) -> Iterable[Link]:
        before: str | None = None
        while piece := self._page({"campus_id": campus_id}, (campus_id,), before, _PIECE):
            yield from map(link_of, piece)
            before = piece[-1].order

    def list_by_campus(self, campus_id: str, *, before: str | None = None, limit: int = 50) -> Sequence[AuditEvent]:
        return self._page({"campus_id": campus_id}, (campus_id,), before, limit)

    def list_all(
        self, campus_ids: Iterable[str] = (), *, before: str | None = None, limit: int = 50
    ) -> Sequence[AuditEvent]:
        return self._page({}, (None, *campus_ids), before, limit)

    def _page(
        self, wanted: dict[str, Any], chains: Sequence[str | None], before: str | None, limit: int
    ) -> Sequence[AuditEvent]:
        """The embedded engine reads the whole of a range before it sorts and cuts it: so the range begins where one of
        the chains has enough entries before its end, and further back while these were not enough."""
        places = {campus_id: self._place_of(campus_id, before) for campus_id in chains}
        count = limit
        while True:
            starts = (self._at(campus_id, place - count) for campus_id, place in places.items() if place > count)
            start = max((entry.order for entry in starts if entry is not None), default=_FIRST)
            in_range = {**wanted, "order": {"$gte": start, "$lt": before or _LAST}}
            found = self._records.list_by(in_range, sort=[("order", -1)], limit=limit)
            if len(found) == limit or start == _FIRST:
                return found
            count *= 2

    def _place_of(self, campus_id: str | None, before: str | None) -> int:
        """About where an entry of that `order` stands in the chain, or would; one past the end without it. Entries that
        were written at once may stand in another order than their moments."""
        least, beyond = 1, _seq(self.find_last(campus_id)) + 1
        while before is not None and least < beyond:
            middle = (least + beyond) // 2
            entry = self._at(campus_id, middle)
            if entry is not None and entry.order < before:
                least = middle + 1
            else:
                beyond = middle
        return beyond


def _seq(event: AuditEvent | None) -> int:
    return 0 if event is None else event.seq


class MongoAuditCheckpoints(AuditCheckpoints):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "audit_checkpoints", Checkpoint)

    def add(self, checkpoint: Checkpoint) -> bool:
        return self._records.insert_if_absent(checkpoint)

    def find_last(self, campus_id: str | None) -> Checkpoint | None:
        return next(iter(self._records.list_by({"campus_id": campus_id}, sort=[("seq", -1)], limit=1)), None)

    def list_by_campus(self, campus_id: str | None) -> Sequence[Checkpoint]:
        return self._records.list_by({"campus_id": campus_id}, sort=[("seq", 1)])
