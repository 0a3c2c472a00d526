"""A Viva of the programme's own, as the rest of it sees it: start, kill, freeze, cut the power, reach the stores."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from backend.wiring import Services, build_services
from config.settings import PROJECT_ROOT, Settings, load_settings
from scripts.faults.mail_double import MailDouble
from scripts.faults.proxy import SETTINGS_OF, Loop, Proxy, host_and_port
from scripts.faults.web_forks import TETHERED, WebForks
from scripts.services.embedded import database_answers, http_answers, queue_answers
from scripts.services.memory import free_port, write_private
from scripts.services.program import Folders
from scripts.services.runfiles import is_same_process, kill_group, read_notes, read_state

STORE_NAMES = tuple(SETTINGS_OF)
WORKERS = ("scorer", "worker", "clock", "beat")
PROGRAMS = (*STORE_NAMES, "web", *WORKERS)
RETURNS_WITHIN_S = 300
STOPS_WITHIN_S = 60
FORMATS = Path(__file__).with_name("formats")
# Busy machines exist, and a slow start is not what is judged here.
START_WITHIN_S = 900
# Gone with the programme, however that ends.
MANAGER = (*TETHERED, "-m", "scripts.faults.serve")
SECRET = "of the fault programme, whose data ends with it"  # noqa: S105 - protects nothing


class StackProblem(RuntimeError):
    """The programme's own stack does not do what it should; the text says which part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Which Viva a fault needs. `disk`: its stores are on a disk that can lose power. `sync`: database and client wait
    for that disk. `without`: programs that are left out. `pause_s`: how long a dead program stays so, at most."""

    name: str
    disk: bool = False
    sync: bool = True
    without: tuple[str, ...] = ()
    pause_s: float = 1.0


PLAIN = Setup(name="plain")
ON_DISK = Setup(name="disk", disk=True)
FORKED = Setup(name="forked", without=("web",), pause_s=0.05)
STORES = Setup(name="stores", disk=True, without=("web", *WORKERS), pause_s=0.05)
CARELESS = Setup(name="control", disk=True, sync=False, without=WORKERS)
CARELESS_STORES = Setup(name="stores_control", disk=True, sync=False, without=("web", *WORKERS), pause_s=0.05)
SETUPS = (PLAIN, FORKED, ON_DISK, STORES, CARELESS, CARELESS_STORES)


class Stack:
    """One running product in `folder`. What is started says at once how it ends, so that `stop` ends just that."""

    def __init__(self, folder: Path, setup: Setup, **environment: str) -> None:
        self.folders = Folders(data=folder / "data")
        self.setup = setup
        self._disk = PowerDisk(folder / "disk") if setup.disk else None
        self._forks: WebForks | None = None
        self._direct: dict[str, str] = {}
        self._manager: subprocess.Popen[bytes] | None = None
        self.web_port, self.mail_port = free_port(), free_port()
        with contextlib.ExitStack() as ends:
            self._open_lines(ends)
            self._ends = ends.pop_all()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("VIVA_", "FAULT_"))},
            "VIVA_DATA": str(self.folders.data),
            "VIVA_HOST": "127.0.0.1",
            "VIVA_PORT": str(self.web_port),
            "VIVA_WEB_WORKERS": "2",
            "VIVA_SCORING_WORKERS": "1",
            "VIVA_FORMATS": str(FORMATS),
            "VIVA_SECRET_KEY": SECRET,
            "MAIL_DRIVER": "brevo",
            "BREVO_API_KEY": "of-a-drill",
            "BREVO_BASE_URL": f"http://127.0.0.1:{self.mail_port}/v3",
            "LOG_LEVEL": "WARNING",
            # Candidates of a drill sign in once.
            "SESSION_ACCESS_MINUTES": "240",
            "FAULT_STACK": str(folder / "stack.json"),
            "FAULT_JOURNAL": "on" if setup.sync else "off",
            **environment,
        }
        self.direct_environment = dict(self.environment)
        self.services: Services

    def _open_lines(self, ends: contextlib.ExitStack) -> None:
        self._loop = Loop()
        ends.callback(self._loop.stop)
        self.mail = MailDouble(self.mail_port)
        ends.callback(self.mail.close)
        # Their ports are ours from now on; where they lead is known when the stores have started.
        self.proxies: dict[str, Proxy] = {}
        for name in (*STORE_NAMES, "door"):
            self.proxies[name] = Proxy(self._loop)
            ends.callback(self.proxies[name].close)

    @property
    def address(self) -> tuple[str, int]:
        """Where candidates reach the web process: through a proxy."""
        return ("127.0.0.1", self.proxies["door"].port)

    # -- life ----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.folders.make()
        if self._disk is not None:
            self._ends.callback(self._disk.unmount)
            self._disk.mount()
        differences = {
            "proxies": {name: self.proxies[name].port for name in STORE_NAMES},
            "disk": str(self._disk.place) if self._disk else None,
            "sync": self.setup.sync,
            "without": self.setup.without,
            "pause_s": self.setup.pause_s,
        }
        write_private(Path(self.environment["FAULT_STACK"]), json.dumps(differences))
        with (self.folders.logs / "start.log").open("ab") as log:
            self._manager = subprocess.Popen(
                MANAGER,
                cwd=PROJECT_ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._ends.callback(self._end_manager)
        self._ends.callback(self.calm)
        self._direct = self._wait_for_addresses()
        self._aim_proxies(self._direct)
        self._wait_until_ready()
        self.services = build_services(self._settings(self._direct))

    def _wait_for_addresses(self) -> dict[str, str]:
        path = self.folders.run / "direct.json"
        wait_until(path.exists, within_s=START_WITHIN_S, what="the stores' addresses", check=self._check_manager)
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def _aim_proxies(self, direct: dict[str, str]) -> None:
        for part in STORE_NAMES:
            self.proxies[part].target = host_and_port(direct[SETTINGS_OF[part][0]])
        self.proxies["door"].target = ("127.0.0.1", self.web_port)

    def _check_manager(self) -> None:
        notes, _ = read_notes(self.folders, 0)
        failed = [note.text for note in notes if note.kind == "failed"]
        if failed or (self._manager is not None and self._manager.poll() is not None):
            raise StackProblem(f"the stack did not start: {' '.join(failed)} (see {self.folders.logs})")

    def _wait_until_ready(self) -> None:
        def is_ready() -> bool:
            return any(note.kind == "ready" for note in read_notes(self.folders, 0)[0])

        wait_until(is_ready, within_s=START_WITHIN_S, what="the whole stack", check=self._check_manager)

    def _settings(self, direct: dict[str, str]) -> Settings:
        self.direct_environment |= {name.upper(): value for name, value in direct.items()}
        return load_settings(env_file=None, environ=self.direct_environment, fill_embedded=False)

    def stop(self) -> None:
        """Ends everything, in the opposite order: the programs while their lines are whole, or they would wait for
        them. What fails keeps nothing else from its end. Safe to repeat."""
        self._ends.close()

    def _end_manager(self) -> None:
        """With all that it started: what does not stop when asked is killed."""
        manager, self._manager = self._manager, None
        if manager is None:
            return
        manager.send_signal(signal.SIGTERM)
        try:
            manager.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # The manager first: it would start again what dies.
            for pid in family(manager.pid) if manager.poll() is None else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            manager.wait()
            self._kill_what_was_left()

    def _kill_what_was_left(self) -> None:
        """By a manager that was killed: its programs were asked to end when it did, and need not obey."""
        state = read_state(self.folders)
        for entry in state.processes.values() if state else ():
            if is_same_process(entry["pid"], entry["identity"]):
                kill_group(entry["pid"], signal.SIGKILL)

    # -- faults --------------------------------------------------------------------------------------------------------

    def calm(self) -> None:
        """Undoes what a fault does until it is undone: lines, frozen programs, disk and mail provider are well."""
        for proxy in self.proxies.values():
            proxy.set("pass")
        for name in PROGRAMS:
            self.thaw(name)
        if self._disk is not None:
            self._disk.set_mood("")
        self.mail.mode = "ok"

    def kill(self, *names: str) -> None:
        """kill -9 of these programs with all their children, as nearly at once as can be. They are started again."""
        for pid in [pid for name in names for pid in reversed(self.process_ids(name))]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_child(self, name: str) -> bool:
        """kill -9 of one process that the program started: a gunicorn or a Celery worker. Whether there was one."""
        children = self.process_ids(name)[1:]
        if not children:
            return False
        try:
            os.kill(children[-1], signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def freeze(self, name: str) -> None:
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        for pid in self.process_ids(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def cut_power(self) -> None:
        """The stores die, and what they had not synced is gone; then the disk, and they, are back."""
        disk = self._need_disk()
        self.kill(*STORE_NAMES)
        disk.cut()
        disk.mount()

    def set_mood(self, mood: str) -> None:
        """Of the disk: "eio", "full", "slow 0.2" or "" (see scripts.faults.disk)."""
        self._need_disk().set_mood(mood)

    def _need_disk(self) -> "PowerDisk":
        if self._disk is None:
            raise StackProblem("this stack has no disk of its own")
        return self._disk

    def wait_for_stores(self) -> dict[str, float]:
        """Until each answers again; after how many seconds it did."""
        began, back = time.monotonic(), dict[str, float]()
        asked = {"database": self._database_answers, "queue": self._queue_answers, "objects": self._objects_answer}

        def are_back() -> bool:
            for name, answers in asked.items():
                if name not in back and answers():
                    back[name] = time.monotonic() - began
            return len(back) == len(asked)

        wait_until(are_back, within_s=RETURNS_WITHIN_S, what="the stores")
        return back

    def _database_answers(self) -> bool:
        # The driver waits half a second between two tries, so the port is asked first.
        uri = self._direct["mongodb_uri"]
        return _listens(uri) and database_answers(uri)

    def _queue_answers(self) -> bool:
        parts = urlsplit(self._direct["redis_url"])
        return _listens(self._direct["redis_url"]) and queue_answers(int(parts.port or 0), str(parts.password))

    def _objects_answer(self) -> bool:
        return _listens(self._direct["s3_endpoint"]) and http_answers(f"{self._direct['s3_endpoint']}/")

    def process_ids(self, name: str) -> list[int]:
        """The program's process and its descendants, the parent first; none while it is down."""
        state = read_state(self.folders)
        entry = state.processes.get(name) if state else None
        return family(entry["pid"]) if entry else []

    def answers(self) -> bool:
        return http_answers(f"http://127.0.0.1:{self.web_port}/readyz")

    # -- web processes by the dozen ------------------------------------------------------------------------------------

    @property
    def forks(self) -> WebForks:
        """Beside the product's own web process, or in its place; made on first use."""
        if self._forks is None:
            self._forks = WebForks(self.direct_environment, log=self.folders.logs / "forks.log")
            self._ends.callback(self._forks.close)
        return self._forks


class PowerDisk:
    """The mount of scripts.faults.disk, in its own process."""

    def __init__(self, base: Path) -> None:
        self._base, self.place = base, base.with_name("mount")
        self._server: subprocess.Popen[bytes] | None = None

    def mount(self) -> None:
        for folder in (self._base, self.place):
            folder.mkdir(parents=True, exist_ok=True)
        self._server = subprocess.Popen(
            (*TETHERED, "-W", "ignore", "-m", "scripts.faults.disk", str(self._base), str(self.place)),
            cwd=PROJECT_ROOT,
            start_new_session=True,
        )
        wait_until(self.place.is_mount, within_s=RETURNS_WITHIN_S, what="the disk")

    def cut(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        subprocess.run(("umount", "-l", str(self.place)), stderr=subprocess.DEVNULL, check=False)
        wait_until(lambda: not self.place.is_mount(), within_s=RETURNS_WITHIN_S, what="the disk's end")

    unmount = cut

    def set_mood(self, mood: str) -> None:
        draft = self._base / "mood.draft"
        draft.write_text(mood, encoding="utf-8")
        draft.replace(self._base / "mood")


def why_no_disk() -> str:
    """Why this machine cannot mount our disk, in one line; "" when it can."""
    if not Path("/dev/fuse").exists() or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse that we may use"
    try:
        import mfusepy  # noqa: F401 - only whether it loads: it looks for libfuse
    except (ImportError, OSError) as problem:
        return f"FUSE's library is missing (apt-get install libfuse2): {problem}"
    return "" if os.geteuid() == 0 else "mounting needs root here"


def family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += family(int(child))
    return found


def wait_until(
    question: Callable[[], bool], *, within_s: float, what: str, check: Callable[[], None] | None = None
) -> None:
    deadline = time.monotonic() + within_s
    while not question():
        if check is not None:
            check()
        if time.monotonic() > deadline:
            raise StackProblem(f"{what}: not within {within_s:.0f} s")
        time.sleep(0.05)


def _listens(address: str) -> bool:
    try:
        with socket.create_connection(host_and_port(address), timeout=0.8):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def running(folder: Path, setup: Setup, **environment: str) -> Iterator[Stack]:
    """A started stack, gone afterwards."""
    stack = Stack(folder, setup, **environment)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
