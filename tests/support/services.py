"""The real services that contract tests run on: the address that is set, or an embedded one for this test session.

The same code that `make up` uses starts them. Each pytest-xdist worker starts its own, on first use, in a folder that
goes away; `MONGODB_URI`, `REDIS_URL` or `S3_ENDPOINT` (with its keys) replaces one by a real server.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.services import embedded
from scripts.services.memory import Memory


@dataclass(frozen=True, slots=True)
class Engine:
    """Which server a test ran on, and how to reach it."""

    name: str
    addresses: dict[str, str]


@contextmanager
def database_engine() -> Iterator[Engine]:
    """MongoDB's wire protocol."""
    with _engine("MONGODB_URI", ("mongodb_uri",), "SecantusDB (embedded)", _start_database) as engine:
        yield engine


@contextmanager
def queue_engine() -> Iterator[Engine]:
    """Redis."""
    with _engine("REDIS_URL", ("redis_url",), "Valkey (embedded)", embedded.queue) as engine:
        yield engine


@contextmanager
def store_engine() -> Iterator[Engine]:
    """S3."""
    names = ("s3_endpoint", "s3_access_key", "s3_secret_key")
    with _engine("S3_ENDPOINT", names, "nanio (embedded)", _start_store) as engine:
        yield engine


def _start_database(data: Path, memory: Memory) -> embedded.Service:
    return embedded.database(data, memory, cache="128M")


def _start_store(data: Path, memory: Memory) -> embedded.Service:
    door = embedded.StoreDoor(origins=("http://127.0.0.1",))
    return embedded.object_store(data, memory, region="us-east-1", door=door)


@contextmanager
def _engine(
    setting: str, names: tuple[str, ...], title: str, make: Callable[[Path, Memory], embedded.Service]
) -> Iterator[Engine]:
    if os.environ.get(setting):
        given = {name: os.environ[name.upper()] for name in names if os.environ.get(name.upper())}
        yield Engine(f"the {setting} that is set", given)
        return
    folder = Path(tempfile.mkdtemp(prefix="viva-test-"))
    try:
        service = make(folder, Memory(folder / "memory.json"))
        program = service.program
        with embedded.running(program.command, dict(program.environment)) as process:
            assert program.is_ready is not None
            embedded.wait_until(program.is_ready, process=process, title=title)
            yield Engine(title, service.addresses)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
