"""Runs the migrations that this database has not seen, one start at a time, and keeps their log."""

import importlib
import pkgutil
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import sleep
from types import ModuleType

from pymongo.errors import DuplicateKeyError

import backend.migrations
from backend.core.errors import TemporaryFailure
from backend.storage import MongoDatabase, storage_errors

RECORDS = "migrations"
LOCK_ID = "lock"
LOCK_FOR = timedelta(minutes=10)
NAME = re.compile(r"m\d{4}_[a-z0-9_]+")

Clock = Callable[[], datetime]
Say = Callable[[str], None]


class MigrationFailed(Exception):
    """A migration raised; its record has the log, nothing after it ran, and the next start tries it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One module of this package."""

    name: str
    story: str
    migrate: Callable[[MongoDatabase], None]


def find_migrations(package: ModuleType = backend.migrations) -> list[Migration]:
    """All of them by number. ValueError when two share a number, or one lacks its story or its `migrate`."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if NAME.fullmatch(module.name))
    numbers = [name[:5] for name in names]
    if len(numbers) != len(set(numbers)):
        raise ValueError(f"two migrations share a number: {names}")
    return [_load(package, name) for name in names]


def _load(package: ModuleType, name: str) -> Migration:
    module = importlib.import_module(f"{package.__name__}.{name}")
    if not module.__doc__:
        raise ValueError(f"{name} tells no story in its docstring")
    return Migration(name=name, story=module.__doc__.strip(), migrate=module.migrate)


@storage_errors()
def schema_version(database: MongoDatabase) -> str:
    """The name of the last migration that was applied; "" before the first."""
    applied = database[RECORDS].find({"_id": {"$gte": "m0000", "$lt": "m:"}, "state": "applied"})
    return max((str(record["_id"]) for record in applied), default="")


def run_migrations(
    database: MongoDatabase,
    *,
    migrations: Sequence[Migration],
    now: Clock,
    owner: str,
    say: Say,
    wait_s: float = 120,
) -> list[str]:
    """Applies what is missing and returns the names. A second start meanwhile waits, then finds nothing to do.

    Raises MigrationFailed; TemporaryFailure when another start holds the lock for longer than `wait_s`.
    """
    with _lock(database, now=now, owner=owner, say=say, wait_s=wait_s):
        applied = _applied(database)
        missing = [migration for migration in migrations if migration.name not in applied]
        for migration in missing:
            say(f"{migration.name}: {migration.story.splitlines()[0]}")
            _apply(database, migration, now)
        return [migration.name for migration in missing]


@storage_errors()
def _applied(database: MongoDatabase) -> set[str]:
    records = database[RECORDS].find({"_id": {"$gte": "m0000", "$lt": "m:"}, "state": "applied"})
    return {str(record["_id"]) for record in records}


def _apply(database: MongoDatabase, migration: Migration, now: Clock) -> None:
    started_at = now()
    try:
        migration.migrate(database)
    except Exception as error:
        _record(database, migration, "failed", started_at, now(), "".join(traceback.format_tb(error.__traceback__)))
        raise MigrationFailed(f"{migration.name} failed: {type(error).__name__}") from error
    _record(database, migration, "applied", started_at, now(), "")


@storage_errors()
def _record(
    database: MongoDatabase, migration: Migration, state: str, started_at: datetime, ended_at: datetime, log: str
) -> None:
    record = {"state": state, "story": migration.story, "started_at": started_at, "ended_at": ended_at, "log": log}
    database[RECORDS].replace_one({"_id": migration.name}, record, upsert=True)


@contextmanager
def _lock(database: MongoDatabase, *, now: Clock, owner: str, say: Say, wait_s: float) -> Iterator[None]:
    """One start at a time; a lock whose owner died is taken over when its time is up."""
    waited_s = 0.0
    while not _take(database, owner, now()):
        if waited_s >= wait_s:
            raise TemporaryFailure("migrations_locked")
        say("Another start is migrating; waiting for it")
        sleep(0.5)
        waited_s += 0.5
    try:
        yield
    finally:
        with storage_errors():
            database[RECORDS].delete_one({"_id": LOCK_ID, "owner": owner})


@storage_errors()
def _take(database: MongoDatabase, owner: str, now: datetime) -> bool:
    lock = {"owner": owner, "until": now + LOCK_FOR}
    try:
        database[RECORDS].insert_one({"_id": LOCK_ID, **lock})
    except DuplicateKeyError:
        taken_over = database[RECORDS].update_one({"_id": LOCK_ID, "until": {"$lte": now}}, {"$set": lock})
        return taken_over.matched_count == 1
    return True
