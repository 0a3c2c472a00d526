"""What every engine that runs somebody else's library shares: whether it is installed, and what its errors become."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from traceback import walk_tb
from typing import Literal

import structlog

from backend.core.errors import AdapterError, PermanentFailure, TemporaryFailure

Doing = Literal["loading", "asking", "reading"]

_REASONS: Mapping[Doing, str] = {
    "loading": "engine_not_loaded",
    "asking": "engine_failed",
    "reading": "engine_reply_unreadable",
}

log = structlog.get_logger()


def installed_version(distribution: str) -> str:
    """PermanentFailure("engine_not_installed"): most of these libraries are in requirements-cloud.txt only."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        raise PermanentFailure("engine_not_installed") from None


@contextmanager
def failing_as_ours(engine: str, doing: Doing) -> Iterator[None]:
    """While the library is loaded, asked, or its reply read: whatever it raises becomes TemporaryFailure, with the
    reason `engine_not_loaded` (the machine may only be short of something), `engine_failed` or
    `engine_reply_unreadable`. Failures of ours pass.

    A library's text may hold a voice, an answer or a key: it is neither chained nor logged. Type and place are logged,
    so that a mistake of our own in between is seen.
    """
    try:
        yield
    except AdapterError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge to libraries that raise what they like
        place = _place(error)
        log.warning("engine_broke", engine=engine, doing=doing, kind=type(error).__name__, place=place)
        raise TemporaryFailure(_REASONS[doing]) from None


def _place(error: Exception) -> str:
    """File and line that raised it."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    return f"{Path(frame.f_code.co_filename).name}:{line}"
