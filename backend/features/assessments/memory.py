"""Deliveries in memory: what the tests of everything else run on."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from backend.core.changes import write_over
from backend.core.errors import Conflict
from backend.features.assessments.model import Delivery
from backend.features.assessments.repository import (
    Deliveries,
    Formats,
    OfferedFormat,
    ReleasedResults,
)


class MemoryDeliveries(Deliveries):
    def __init__(self) -> None:
        self._deliveries: dict[str, Delivery] = {}
        self._lock = threading.Lock()

    def find(self, delivery_id: str) -> Delivery | None:
        return self._deliveries.get(delivery_id)

    def add(self, delivery: Delivery) -> None:
        with self._lock:
            if delivery.id in self._deliveries:
                raise Conflict("already_exists", "This exists already.")
            self._deliveries[delivery.id] = delivery

    def save(self, delivery: Delivery, *, seen: Delivery) -> bool:
        with self._lock:
            return write_over(self._deliveries, delivery, seen=seen)

    def list_by_campus(self, campus_id: str, *, limit: int = 200) -> Sequence[Delivery]:
        return self._latest_first([d for d in self._deliveries.values() if d.campus_id == campus_id])[:limit]

    def list_by_batch(self, batch_id: str) -> Sequence[Delivery]:
        return self._latest_first([d for d in self._deliveries.values() if d.batch_id == batch_id])

    def list_under_way(self, *, before: datetime, limit: int) -> Sequence[Delivery]:
        waiting = [(each.under_way_since, each) for each in self._deliveries.values() if each.under_way_since]
        return [each for since, each in sorted(waiting, key=lambda pair: pair[0]) if since < before][:limit]

    def _latest_first(self, deliveries: list[Delivery]) -> list[Delivery]:
        return sorted(deliveries, key=lambda delivery: delivery.opens_at, reverse=True)


class MemoryFormats(Formats):
    """Formats given at the start."""

    def __init__(self, offered: Sequence[OfferedFormat] = ()) -> None:
        self._offered = {each.id: each for each in offered}

    def list_offered(self) -> Sequence[OfferedFormat]:
        return list(self._offered.values())

    def find_offered(self, format_id: str) -> OfferedFormat | None:
        return self._offered.get(format_id)


class MemoryReleasedResults(ReleasedResults):
    """Released results by student, given by the test."""

    def __init__(self, released: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.released = dict(released or {})

    def list_released(self, student_id: str) -> Mapping[str, str]:
        return self.released.get(student_id, {})
