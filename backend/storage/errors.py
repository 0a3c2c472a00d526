"""pymongo's errors in our words: callers catch Conflict, TemporaryFailure and PermanentFailure only."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from backend.core.errors import AdapterError, AppError, Conflict, PermanentFailure, TemporaryFailure

DUPLICATE_KEY = 11000
_GONE_FOR_NOW = (AutoReconnect, ConnectionFailure, CursorNotFound, ExecutionTimeout, NetworkTimeout, WTimeoutError)
# WriteConflict, NotWritablePrimary, PrimarySteppedDown, InterruptedAtShutdown, ShutdownInProgress, LockTimeout
_WORTH_ANOTHER_TRY = frozenset({112, 10107, 189, 11600, 91, 24, 50, 202})


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raises our error for each of pymongo's; also usable as a decorator.

    A duplicate key is Conflict("already_exists"); a lost connection or a timeout TemporaryFailure; the rest
    PermanentFailure. The vendor's text is not carried over: it can quote documents.
    """
    try:
        yield
    except PyMongoError as error:
        raise translated(error) from None


def translated(error: PyMongoError) -> AppError | AdapterError:
    """Our error for one of pymongo's."""
    if is_duplicate_key(error):
        return Conflict("already_exists", "This exists already.")
    if isinstance(error, _GONE_FOR_NOW):
        return TemporaryFailure("database_unreachable")
    if isinstance(error, OperationFailure) and _may_be_tried_again(error):
        return TemporaryFailure("database_busy")
    if isinstance(error, OperationFailure):
        return PermanentFailure(f"database_refused_{error.code or 0}")
    return PermanentFailure("database_error")


def is_duplicate_key(error: PyMongoError) -> bool:
    """Whether a unique index, or `_id`, refused the write, alone or as part of a bulk."""
    if isinstance(error, DuplicateKeyError):
        return True
    if isinstance(error, BulkWriteError):
        mistakes = error.details.get("writeErrors", [])
        return bool(mistakes) and all(mistake.get("code") == DUPLICATE_KEY for mistake in mistakes)
    return False


def _may_be_tried_again(error: OperationFailure) -> bool:
    return error.code in _WORTH_ANOTHER_TRY or error.has_error_label("RetryableWriteError")
