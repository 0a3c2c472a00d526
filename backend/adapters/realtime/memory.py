"""A feed that remembers what was published."""

from collections.abc import Mapping

from backend.core.ports import Feed


class MemoryFeed(Feed):
    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, object]]] = []
        self.namespaces: list[str] = []

    def publish(self, room: str, event: str, payload: Mapping[str, object], *, namespace: str = "/live") -> None:
        self.events.append((room, event, dict(payload)))
        self.namespaces.append(namespace)
