"""The whole of `Services` on memory: for web and realtime tests, nothing leaves the process."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backend.wiring import Services
from config.settings import Settings


class TestClock:
    """A clock that stands still until it is told to move."""

    __test__ = False

    def __init__(self, start: datetime = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> datetime:
        """Moves on, e.g. ``clock.move(seconds=5)``."""
        self.moment += timedelta(**by)
        return self.moment


class CountingIds:
    """Predictable identifiers: id000001, id000002, ..."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self) -> str:
        self.given += 1
        return f"id{self.given:06d}"


def build_memory_services(**changes: object) -> Services:
    """Memory repositories and adapters; `changes` replaces single fields."""
    services = Services(settings=memory_settings(), now=TestClock(), new_id=CountingIds())
    return replace(services, **changes)  # type: ignore[arg-type]  # the names are Services' own fields


def memory_settings() -> Settings:
    """Settings of a test process: nothing embedded, nothing remote."""
    return Settings(viva_env="test")
