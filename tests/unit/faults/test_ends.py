"""However a drill or the programme breaks off: what they started ends, and nobody calls any more."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.faults import drill as drills
from scripts.faults import stack as stacks
from scripts.faults.drill import Drill, Fault
from scripts.faults.stack import PLAIN, running
from scripts.services.runfiles import process_identity

STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(600)\n"
ADDRESSES = {
    "mongodb_uri": "mongodb://127.0.0.1:9/viva",
    "redis_url": "redis://127.0.0.1:9",
    "s3_endpoint": "http://127.0.0.1:9",
    "s3_access_key": "nobody",
    "s3_secret_key": "nothing",
}
# As scripts.faults.serve: a program of its own, its address and state, and word that all is ready.
MANAGER = f"""
import json, os, pathlib, subprocess, sys
from scripts.services.program import Folders
from scripts.services.runfiles import Progress, State, process_identity, write_state
folders = Folders(data=pathlib.Path(os.environ["VIVA_DATA"]))
command = (sys.executable, "-c", {STUBBORN + FOREVER!r})
program = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
program.stdout.readline()
state = State(pid=os.getpid(), identity="")
state.processes["worker"] = dict(pid=program.pid, identity=process_identity(program.pid))
write_state(folders, state)
(folders.run / "direct.json").write_text(json.dumps({ADDRESSES}))
Progress(folders).say("ready", "")
"""


@pytest.fixture
def manage(monkeypatch):
    """Stacks are managed by this program."""

    def manage(text):
        monkeypatch.setattr(stacks, "MANAGER", (sys.executable, "-W", "ignore", "-c", text))
        monkeypatch.setattr(stacks, "STOPS_WITHIN_S", 0.5)
        monkeypatch.setattr(stacks, "build_services", lambda _: None)

    return manage


def programs_of(stack):
    found = stack.process_ids("worker")
    assert len(found) == 1
    return {pid: process_identity(pid) for pid in [*found, stack._manager.pid]}


def living(programs):
    return [pid for pid, identity in programs.items() if process_identity(pid) == identity]


@pytest.mark.parametrize("becomes", ["deaf", "obedient", "killed"])
def test_no_program_outlives_its_stack_whatever_became_of_the_manager(manage, tmp_path, becomes):
    manage((STUBBORN if becomes == "deaf" else "") + MANAGER + FOREVER)
    with running(tmp_path, PLAIN) as stack:
        programs = programs_of(stack)
        if becomes == "killed":
            stack._manager.kill()
            stack._manager.wait()
    assert living(programs) == []
    stack.stop()


def test_an_end_that_fails_keeps_no_other_from_its_turn(manage, monkeypatch, tmp_path):
    manage(MANAGER + FOREVER)
    stack = stacks.Stack(tmp_path, PLAIN)
    stack.start()
    programs = programs_of(stack)

    def fail():
        raise OSError("the line")

    monkeypatch.setattr(stack.proxies["door"], "set", lambda *_: fail())
    with pytest.raises(OSError):
        stack.stop()
    assert living(programs) == []
    assert stack._loop.loop.is_closed()


class Called:
    """Takes every call, and notes its name."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *_, **__: self.calls.append(name)


class Client(Called):
    def __init__(self, *_, **__):
        super().__init__()

    def is_alive(self):
        return "leave" not in self.calls


def test_a_strike_that_breaks_off_leaves_no_client_and_no_fault_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(drills, "Candidate", Client)
    monkeypatch.setattr(drills, "WARM_UP_S", 0)
    stack: Any = Called()
    stack.forks = Called()
    stack.forks.address = ("127.0.0.1", 9)
    cast = SimpleNamespace(candidates=["asha", "ravi"], deliveries=[])
    ground: Any = SimpleNamespace(cast=lambda **_: cast)

    def strike(drill):
        drill.hold_workers()
        raise ZeroDivisionError

    fault = Fault(name="broken_off", title="breaks off", strike=strike, forks=2)
    drill: Any = Drill(fault, stack, ground, tmp_path, rounds=1)
    with pytest.raises(ZeroDivisionError):
        drill.run()
    assert [client.calls for client in drill.clients] == [["start", "leave"]] * 2
    assert stack.calls == ["freeze"] * 4 + ["calm"]
    assert stack.forks.calls == ["fork", "kill_all"]
