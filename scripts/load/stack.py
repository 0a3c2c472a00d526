"""A Viva of a load run's own: database, queue, object store and web processes, in a folder and on ports of their own.

No workers run: scoring has its own time and machine, and answers wait for it in the queue as they do on an exam day.
Only when a part is to go away, workers run as well (scripts.load.workers), with ears that need no models.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from backend.storage import connect
from config.settings import PROJECT_ROOT, Settings
from scripts.load.doors import Doors
from scripts.services import embedded
from scripts.services.memory import Memory, free_port
from scripts.services.program import Program, StartProblem

EngineName = Literal["embedded", "rust"]
RUST_ENGINE = Path(__file__).with_name("rust_engine.txt")
FORMATS = Path(__file__).with_name("formats")
GUNICORN = (sys.executable, "-m", "gunicorn", "--config", str(PROJECT_ROOT / "gunicorn.conf.py"))
SECRET = "of a load run, whose data ends with it"  # noqa: S105 - protects nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What runs: `groups` are process ids (leaders) by name, `engine` names the database for people."""

    settings: Settings
    engine: str
    folder: Path
    environment: Mapping[str, str]
    groups: dict[str, int] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings.viva_port}"


@contextlib.contextmanager
def running_services(folder: Path, *, engine: EngineName, workers: int, doors: Doors | None = None) -> Iterator[Stack]:
    """Database, queue and object store, the latter two behind `doors` if there are; everything is stopped at the end.

    `MONGODB_URI`, if set, is the server, with a database of the run's own that is dropped. Raises StartProblem.
    """
    memory = Memory(folder / "memory.json")
    port = free_port()
    addresses: dict[str, str] = {}
    groups: dict[str, int] = {}
    with contextlib.ExitStack() as stack:
        name = _start_database(stack, folder, memory, engine, addresses, groups)
        door = embedded.StoreDoor(origins=(f"http://127.0.0.1:{port}",))
        for key, service in (
            ("queue", embedded.queue(folder, memory)),
            ("objects", embedded.object_store(folder, memory, region="us-east-1", door=door)),
        ):
            groups[key] = _start(stack, service)
            addresses |= service.addresses
        if doors is not None:
            addresses = doors.lead(addresses)
        settings = Settings().with_values(
            viva_port=port,
            viva_public_url=f"http://127.0.0.1:{port}",
            viva_data=folder,
            viva_formats=FORMATS,
            viva_secret_key=SECRET,
            viva_web_workers=workers,
            mongodb_database=f"viva_load_{port}",
            log_level="WARNING",
            # Nobody signs in again during a run.
            session_access_minutes=240,
            **(doors.mail_settings if doors else {"mail_driver": "outbox"}),
            **addresses,
        )
        if "database" not in groups:
            stack.callback(_drop_database, settings)
        yield Stack(settings=settings, engine=name, folder=folder, environment=_environment(settings), groups=groups)


def _start_database(
    stack: contextlib.ExitStack,
    folder: Path,
    memory: Memory,
    engine: EngineName,
    addresses: dict[str, str],
    groups: dict[str, int],
) -> str:
    """Starts the chosen engine, unless MONGODB_URI names one; what it is, for people."""
    if os.environ.get("MONGODB_URI"):
        addresses["mongodb_uri"] = os.environ["MONGODB_URI"]
        return "the MongoDB that MONGODB_URI names"
    service = embedded.database(folder, memory)
    if engine == "rust":
        service = rust_database(folder, memory)
    groups["database"] = _start(stack, service)
    addresses |= service.addresses
    return {
        "embedded": "embedded SecantusDB (the default)",
        "rust": "Rust server of SecantusDB 0.6.0b17 (measuring only)",
    }[engine]


def _drop_database(settings: Settings) -> None:
    with connect(settings.mongodb_uri) as client:
        client.drop_database(settings.mongodb_database)


def rust_database(folder: Path, memory: Memory) -> embedded.Service:
    """The Rust server, installed by hash into the run's folder or found in the cache of an earlier run. No users."""
    target = PROJECT_ROOT / ".viva" / "cache" / "rust_engine"
    executable = target / "secantusdb.scripts" / "secantusd-rs"
    if not executable.exists():
        uv = Path(sys.executable).with_name("uv")
        options = ("--quiet", "--no-deps", "--require-hashes", "--python", sys.executable, "--target", str(target))
        outcome = subprocess.run((str(uv), "pip", "install", *options, "-r", str(RUST_ENGINE)), check=False)
        if outcome.returncode or not executable.exists():
            raise StartProblem("ENGINE=rust could not be installed: is there a network? Leave ENGINE away.")
    files, port = folder / "rust_database", memory.port("rust_database")
    files.mkdir(parents=True, exist_ok=True)
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true&{embedded.DATABASE_OPTIONS}"
    program = Program(
        name="database",
        title="Database (SecantusDB, Rust)",
        command=(
            *(str(executable), "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(files)),
            *("--sync-on-commit", "--log-file-max", "128MB", "--cache-size", "512M"),
        ),
        is_ready=lambda: embedded.database_answers(uri),
    )
    return embedded.Service(program=program, addresses={"mongodb_uri": uri})


def _start(stack: contextlib.ExitStack, service: embedded.Service) -> int:
    program = service.program
    process = stack.enter_context(embedded.running(program.command, dict(program.environment)))
    if program.is_ready is not None:
        embedded.wait_until(program.is_ready, process=process, title=program.title)
    return int(process.pid)


@contextlib.contextmanager
def running_web(stack: Stack, *, machines: int = 1) -> Iterator[None]:
    """The web processes as an installation runs them: gunicorn, `backend.serve:app`, `viva_web_workers` of them.

    `machines` above 1: so many installations over the same services, behind a proxy that takes turns.
    """
    with contextlib.ExitStack() as running:
        ports = [stack.settings.viva_port] if machines == 1 else [free_port() for _ in range(machines)]
        for number, port in enumerate(ports):
            command = (*GUNICORN, "--bind", f"127.0.0.1:{port}", "backend.serve:app")
            name = f"web {number + 1}" if machines > 1 else "web"
            running.enter_context(server(command, stack, name=name, address=f"http://127.0.0.1:{port}/healthz"))
        if machines > 1:
            spread = (sys.executable, "-m", "scripts.load.proxy", str(stack.settings.viva_port), *map(str, ports))
            running.enter_context(server(spread, stack, name="proxy", address=f"{stack.address}/healthz"))
        yield


@contextlib.contextmanager
def server(command: tuple[str, ...], stack: Stack, *, name: str, address: str) -> Iterator[None]:
    """A process that answers HTTP at `address`, its log in the run's folder."""
    with (stack.folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=dict(stack.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    stack.groups[name] = process.pid
    try:
        embedded.wait_until(lambda: embedded.http_answers(address), process=process, title=name, within_s=120)
        yield
    finally:
        embedded.stop(process)


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as variables: they win over a `.env` that is there."""
    names = [name for name in type(settings).model_fields if name.isidentifier()]
    values = {name.upper(): str(getattr(settings, name)) for name in names if getattr(settings, name) is not None}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIVA_")}
    return {**kept, **values, "OMP_NUM_THREADS": "1"}


def discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
