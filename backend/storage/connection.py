"""One client a process: acknowledged by a majority and journaled, aware UTC times, bounded waits."""

from datetime import UTC
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from backend.storage.errors import storage_errors

MongoDatabase = Database[dict[str, Any]]


def connect(
    uri: str, *, server_selection_timeout_ms: int = 5_000, socket_timeout_ms: int = 20_000
) -> MongoClient[dict[str, Any]]:
    """A client for `uri`. Connects on first use, so it may be made before a fork-free start is complete.

    Writes wait for majority and journal whatever the URI says: an acknowledged answer is never lost.
    """
    return MongoClient(
        uri,
        w="majority",
        journal=True,
        tz_aware=True,
        tzinfo=UTC,
        uuidRepresentation="standard",
        serverSelectionTimeoutMS=server_selection_timeout_ms,
        connectTimeoutMS=server_selection_timeout_ms,
        socketTimeoutMS=socket_timeout_ms,
        maxPoolSize=50,
        appname="viva",
        connect=False,
    )


@storage_errors()
def ping(database: MongoDatabase) -> None:
    """Raises TemporaryFailure or PermanentFailure when the database does not answer."""
    database.command("ping")
