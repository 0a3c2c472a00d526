"""The files by which a start, a stop and a status find each other: the lock, the state, the progress."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from scripts.services.memory import write_private
from scripts.services.program import Folders

NoteKind = Literal["step", "detail", "ready", "failed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line of progress."""

    kind: NoteKind
    text: str


@dataclass(slots=True, kw_only=True)
class State:
    """Who runs here. Process ids come with their start time, because ids are used again.

    `address` is what browsers use, `local_address` where this machine asks; `tls_cert` is the file to trust there.
    """

    pid: int
    identity: str
    address: str = ""
    local_address: str = ""
    tls_cert: str = ""
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)


class AlreadyRunning(Exception):
    """Another process manager holds this data folder."""


@contextlib.contextmanager
def locked(folders: Folders) -> Iterator[None]:
    """Holds the data folder for one process manager. Released by the kernel, however we end."""
    with (folders.run / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning from None
        yield


def is_running(folders: Folders) -> bool:
    """Whether a process manager holds the data folder now."""
    try:
        with (folders.run / "lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


# -- state -----------------------------------------------------------------------------------------------------------


def write_state(folders: Folders, state: State) -> None:
    write_private(folders.run / "state.json", json.dumps(asdict(state), indent=1))


def read_state(folders: Folders) -> State | None:
    try:
        return State(**json.loads((folders.run / "state.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def process_identity(pid: int) -> str:
    """When the process started, in whatever unit the system tells; "" when there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] == "Z" else fields[19]
    found = subprocess.run(("ps", "-o", "lstart=", "-p", str(pid)), capture_output=True, text=True, check=False)
    return found.stdout.strip()


def is_same_process(pid: int, identity: str) -> bool:
    return bool(identity) and process_identity(pid) == identity


def end_what_was_left(folders: Folders) -> list[str]:
    """Kills the recorded processes of a start whose manager was killed; their names."""
    state, ended = read_state(folders), []
    for name, entry in (state.processes if state else {}).items():
        if is_same_process(entry["pid"], entry["identity"]):
            kill_group(entry["pid"], signal.SIGTERM)
            ended.append((name, entry))
    deadline = time.monotonic() + 15
    for _, entry in ended:
        while is_same_process(entry["pid"], entry["identity"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        kill_group(entry["pid"], signal.SIGKILL)
    return [name for name, _ in ended]


def kill_group(pid: int, number: int) -> None:
    """Signals the group that `pid` leads, if it is still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


# -- progress --------------------------------------------------------------------------------------------------------


class Progress:
    """What the process manager tells whoever follows the start."""

    def __init__(self, folders: Folders) -> None:
        self._path = folders.run / "progress.jsonl"
        self._path.write_text("", encoding="utf-8")

    def say(self, kind: NoteKind, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "text": text}) + "\n")


def read_notes(folders: Folders, offset: int) -> tuple[list[Note], int]:
    """The notes after `offset`, and the offset to go on from."""
    try:
        with (folders.run / "progress.jsonl").open("rb") as file:
            file.seek(offset)
            whole = file.read().rpartition(b"\n")[0]
    except FileNotFoundError:
        return [], offset
    if not whole:
        return [], offset
    return [Note(**json.loads(line)) for line in whole.splitlines()], offset + len(whole) + 1
