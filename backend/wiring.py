"""Which adapter serves which port: the one place that knows them all.

`Services` is everything a view, a socket event or a task may reach. Add a field with its type in the section of your
feature, and its real adapter in `build_services`; the memory one goes into tests/support/services_memory.py.
"""

from dataclasses import dataclass

from backend.core.clock import Clock, utc_now
from backend.core.ids import IdSource, random_id
from backend.storage import MongoDatabase, connect
from config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One process's repositories and ports. Frozen: made once, at start."""

    settings: Settings
    now: Clock
    new_id: IdSource


def open_database(settings: Settings) -> MongoDatabase:
    """The database of these settings; connects on first use."""
    return connect(settings.mongodb_uri)[settings.mongodb_database]


def build_services(settings: Settings) -> Services:
    """The real wiring. Opens no connection by itself: each adapter connects on its first use."""
    return Services(settings=settings, now=utc_now, new_id=random_id)
