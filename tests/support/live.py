"""The real product for a journey: the process manager that `make up` uses, in a folder of its own, on free ports.

What is made once and is the same for everybody (speech models, rendered prompts) is shared with `.viva` next door, so
that a start takes seconds. Processes can be killed; logs are kept where a failure can show them.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.services.program import Folders
from scripts.services.runfiles import Note, read_notes, read_state
from tests.support.source import ROOT

START_WITHIN_S = 600
STOP_WITHIN_S = 60
SHARED = ROOT / ".viva"
SHARED_FOLDERS = ("models", "cache")
# `make journey-full` sits the true short form in real time.
IS_FULL = os.environ.get("JOURNEY") == "full"
FORMATS = ROOT / "config" / "formats" if IS_FULL else ROOT / "tests" / "support" / "formats"


class LiveProduct:
    """One running Viva. `address` is where browsers find it."""

    def __init__(self, folder: Path, *, port: int = 0, **environment: str) -> None:
        self.folders = Folders(data=folder)
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("VIVA_")},
            "VIVA_DATA": str(folder),
            "VIVA_HOST": "127.0.0.1",
            "VIVA_PORT": str(self.port),
            "VIVA_WEB_WORKERS": "2",
            "VIVA_SCORING_WORKERS": "1",
            "VIVA_FORMATS": str(FORMATS),
            "MAIL_DRIVER": "outbox",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    # -- life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Returns when every process is ready; raises with the failing step's own words."""
        self.folders.make()
        self._share_what_is_the_same_for_all()
        (self.folders.run / "progress.jsonl").unlink(missing_ok=True)
        with (self.folders.logs / "start.log").open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "scripts.serve"),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_for("ready")

    def _share_what_is_the_same_for_all(self) -> None:
        for name in SHARED_FOLDERS:
            (SHARED / name).mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                (self.folders.data / name).symlink_to(SHARED / name, target_is_directory=True)

    def stop(self) -> None:
        """Safe to repeat."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_for(self, kind: str) -> None:
        offset, deadline = 0, time.monotonic() + START_WITHIN_S
        seen: list[Note] = []
        while time.monotonic() < deadline:
            notes, offset = read_notes(self.folders, offset)
            seen += notes
            if any(note.kind == kind for note in notes):
                return
            failed = [note.text for note in notes if note.kind == "failed"]
            ended = self._process is not None and self._process.poll() is not None
            if failed or (ended and not notes):
                raise AssertionError(f"the product did not start: {' '.join(failed)}\n{self.last_lines()}")
            pause()
        last = [note.text for note in seen[-3:]]
        raise AssertionError(f"not ready within {START_WITHIN_S} s: {last}\n{self.last_lines()}")

    # -- faults ----------------------------------------------------------------------------------------------------

    def process_ids(self, name: str) -> list[int]:
        """The program's process and its children, the parent first."""
        state = read_state(self.folders)
        assert state is not None, "nothing runs here"
        return _family(state.processes[name]["pid"])

    def kill(self, name: str) -> None:
        """kill -9 of the program and all of its children; the process manager starts it again."""
        before = self.process_ids(name)
        for pid in reversed(before):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_until(self, question: Callable[[], bool], *, within_s: float, what: str) -> None:
        deadline = time.monotonic() + within_s
        while not question():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {within_s:.0f} s\n{self.last_lines()}")
            pause()

    def answers(self, path: str = "/healthz") -> bool:
        try:
            with urllib.request.urlopen(self.address + path, timeout=5) as reply:  # noqa: S310 - ours
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    # -- commands --------------------------------------------------------------------------------------------------

    def run(self, module: str, *arguments: str, timeout_s: float = 300) -> str:
        """A script of the product, in this product's environment; its output."""
        outcome = subprocess.run(
            (sys.executable, "-m", module, *arguments),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert outcome.returncode == 0, outcome.stdout[-3000:] + outcome.stderr[-3000:]
        return outcome.stdout

    def find_setup_link(self) -> str | None:
        """The one-time address at which the first superadmin is made; None when there is one."""
        found = re.search(r"https?://\S+/setup/\S+", self.run("scripts.first_superadmin"))
        return found[0] if found else None

    def last_lines(self, count: int = 25) -> str:
        """The end of every log, for a failing test's message."""
        parts = []
        for path in sorted(self.folders.logs.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-count:]
            parts.append(f"--- {path.name}\n" + "\n".join(line[:400] for line in lines))
        return "\n".join(parts)


def pause() -> None:
    """Between two looks at something outside of a browser."""
    time.sleep(0.1)


def free_port() -> int:
    """Below the ephemeral range, where an outgoing connection might take it before the server does."""
    for _ in range(200):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no free port found")


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += _family(int(child))
    return found


@contextlib.contextmanager
def live_product(**environment: str) -> Iterator[LiveProduct]:
    """A product that is gone afterwards; its logs stay in test-results/ when something failed inside.

    Whoever writes journeys may keep one running (`python -m tests.support.live FOLDER PORT`) and set
    LIVE_PRODUCT=FOLDER:PORT: then that one is used, and left running.
    """
    if os.environ.get("LIVE_PRODUCT"):
        kept, _, port = os.environ["LIVE_PRODUCT"].rpartition(":")
        yield LiveProduct(Path(kept), port=int(port), **environment)
        return
    folder = Path(tempfile.mkdtemp(prefix="viva-live-"))
    product = LiveProduct(folder, port=0, **environment)
    try:
        product.start()
        yield product
    except BaseException:
        keep_logs(product)
        raise
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


def keep_logs(product: LiveProduct) -> Path:
    target = ROOT / "test-results" / f"logs-{product.port}"
    shutil.copytree(product.folders.logs, target, dirs_exist_ok=True)
    (target / "progress.json").write_text(json.dumps([note.text for note in read_notes(product.folders, 0)[0]]))
    return target


if __name__ == "__main__":
    lasting = LiveProduct(Path(sys.argv[1]), port=int(sys.argv[2]))
    lasting.start()
    print(lasting.address)
