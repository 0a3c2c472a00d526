"""A feed that remembers what was published."""

from collections.abc import Mapping

from backend.core.ports import Feed


class MemoryFeed(Feed):
    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, object]]] = []

    def publish(self, room: str, event: str, payload: Mapping[str, object]) -> None:
        self.events.append((room, event, dict(payload)))
