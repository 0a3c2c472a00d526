"""The process manager with small programs: order, readiness, restart, stop, and nothing left behind."""

import asyncio
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.services.logs import LogFile
from scripts.services.memory import HIGHEST_PORT, LOWEST_PORT, Memory, free_port, is_free
from scripts.services.program import Folders, Program, StartProblem, Step
from scripts.services.runfiles import (
    AlreadyRunning,
    Progress,
    State,
    end_what_was_left,
    is_running,
    is_same_process,
    locked,
    process_identity,
    read_notes,
    read_state,
)
from scripts.services.supervisor import Supervisor


@pytest.fixture
def folders(tmp_path):
    made = Folders(data=tmp_path / "data")
    made.make()
    return made


def run_alone(coroutine):
    """Its outcome, from a loop in a thread of its own: this thread may have one running, Playwright's."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(600)"


def supervise(folders, plan, *, while_running=None):
    """Runs the plan, then `while_running(supervisor)` once it is ready, then stops; the exit code and the notes."""

    async def run():
        state = State(pid=os.getpid(), identity=process_identity(os.getpid()), address="http://here")
        supervisor = Supervisor(folders=folders, state=state, progress=Progress(folders))
        running = asyncio.create_task(supervisor.run(plan))
        while not running.done() and not any(note.kind == "ready" for note in read_notes(folders, 0)[0]):
            await asyncio.sleep(0.02)
        if not running.done() and while_running is not None:
            await while_running(supervisor)
        supervisor.ask_to_stop()
        return await running

    code = run_alone(run())
    return code, read_notes(folders, 0)[0]


def recorded_pid(folders, name) -> int:
    return int(read_state(folders).processes.get(name, {"pid": 0})["pid"])


def test_starts_in_order_and_stops_all(folders):
    seen = {}

    async def look(_supervisor):
        seen.update({name: entry["pid"] for name, entry in read_state(folders).processes.items()})

    plan = [
        Program(name="first", title="First", command=python(FOREVER), ready_text="up"),
        Step(name="between", title="Between", command=python("print('half'); print('done')")),
        Program(name="second", title="Second", command=python(FOREVER), ready_text="up"),
    ]
    code, notes = supervise(folders, plan, while_running=look)
    assert code == 0
    shown = [(note.kind, note.text) for note in notes]
    assert shown == [
        ("step", "First"),
        ("step", "Between"),
        ("detail", "half"),
        ("detail", "done"),
        ("step", "Second"),
        ("ready", "http://here"),
        ("stopped", ""),
    ]
    assert list(seen) == ["first", "second"]
    assert not any(process_identity(pid) for pid in seen.values())
    assert "up" in (folders.logs / "first.log").read_text()


def test_what_dies_is_started_again_and_its_children_go_with_it(folders):
    """The leader's group is killed before the restart: an orphan would hold the port."""
    text = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print('child', child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    children = []

    async def kill(_supervisor):
        before = recorded_pid(folders, "web")
        os.kill(before, 9)
        deadline = time.monotonic() + 20
        while recorded_pid(folders, "web") in (0, before) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert recorded_pid(folders, "web") not in (0, before)
        children.append((folders.logs / "web.log").read_text().split()[2])

    code, _ = supervise(
        folders, [Program(name="web", title="Web", command=python(text), ready_text="child")], while_running=kill
    )
    assert code == 0
    assert process_identity(int(children[0])) == ""
    assert "ended with -9" in (folders.logs / "supervisor.log").read_text()


def test_what_lives_on_and_says_that_it_works_no_more_is_started_again(folders):
    """The first time it breaks, as a database does whose disk failed it; the second time it goes on."""
    broken = folders.data / "broken"
    text = (
        "import pathlib, time\n"
        f"broken = pathlib.Path({str(broken)!r})\n"
        "print('up', flush=True)\n"
        "if not broken.exists():\n"
        "    broken.touch()\n"
        "    print('it is broken: PANIC', flush=True)\n"
        "time.sleep(600)"
    )

    async def wait(_supervisor):
        log, deadline = folders.logs / "database.log", time.monotonic() + 20
        while log.read_text().count("up") < 2 and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert log.read_text().count("up") == 2

    database = Program(name="database", title="Database", command=python(text), ready_text="up", hopeless_text="PANIC")
    assert supervise(folders, [database], while_running=wait)[0] == 0
    assert "database: says that it works no more, killed" in (folders.logs / "supervisor.log").read_text()


def test_a_program_that_ends_at_once_fails_the_start_with_its_own_words(folders):
    plan = [
        Program(name="good", title="Good", command=python(FOREVER), ready_text="up"),
        Program(name="bad", title="Bad", command=python("import nothing_like_it"), ready_text="never"),
    ]
    code, notes = supervise(folders, plan)
    assert code == 1
    failed = next(note.text for note in notes if note.kind == "failed")
    assert failed.startswith("Bad ends right after its start: ModuleNotFoundError: No module named 'nothing_like_it'")
    assert read_state(folders).processes == {}


def test_a_program_that_does_not_answer_fails_the_start(folders):
    plan = [Program(name="deaf", title="Deaf", command=python(FOREVER), is_ready=lambda: False, ready_within_s=0.6)]
    code, notes = supervise(folders, plan)
    assert code == 1
    assert any(note.kind == "failed" and "did not answer within" in note.text for note in notes)


def test_a_step_that_fails_stops_the_start(folders):
    plan = [
        Step(name="migrate", title="Migrations", command=python("print('no such field'); raise SystemExit(3)")),
        Program(name="web", title="Web", command=python(FOREVER), ready_text="up"),
    ]
    code, notes = supervise(folders, plan)
    assert code == 1
    assert any(note.text.startswith("Migrations failed: no such field") for note in notes)
    assert not (folders.logs / "web.log").exists()


def test_a_stop_during_a_step_ends_it(folders):
    async def run():
        state = State(pid=os.getpid(), identity="x")
        supervisor = Supervisor(folders=folders, state=state, progress=Progress(folders))
        running = asyncio.create_task(supervisor.run([Step(name="long", title="Long", command=python(FOREVER))]))
        while not recorded_step():
            await asyncio.sleep(0.02)
        pid = recorded_pid(folders, "long")
        supervisor.ask_to_stop()
        return pid, await running

    def recorded_step():
        state = read_state(folders)
        return state is not None and "long" in state.processes

    pid, code = run_alone(run())
    assert code == 0
    assert process_identity(pid) == ""


def test_one_manager_a_folder(folders):
    assert not is_running(folders)
    with locked(folders):
        assert is_running(folders)
        with pytest.raises(AlreadyRunning), locked(folders):
            pass
    assert not is_running(folders)


def test_what_a_killed_manager_left_is_ended_but_no_stranger(folders):
    async def start():
        child = await asyncio.create_subprocess_exec(*python(FOREVER), start_new_session=True)
        entries = {
            "left": {"pid": child.pid, "identity": process_identity(child.pid)},
            "stranger": {"pid": os.getpid(), "identity": "another start time"},
        }
        (folders.run / "state.json").write_text(
            __import__("json").dumps({"pid": 1, "identity": "", "address": "", "processes": entries})
        )
        ended = end_what_was_left(folders)
        await child.wait()
        return ended

    assert run_alone(start()) == ["left"]


def test_identity_tells_processes_apart():
    own = process_identity(os.getpid())
    assert is_same_process(os.getpid(), own)
    assert not is_same_process(os.getpid(), "0")
    assert not is_same_process(2**22 - 3, "")


def test_ports_are_remembered_while_they_are_free(tmp_path):
    import socket

    memory = Memory(tmp_path / "memory.json")
    port = memory.port("mongodb")
    assert LOWEST_PORT <= port < HIGHEST_PORT
    assert Memory(tmp_path / "memory.json").port("mongodb") == port
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free("127.0.0.1", port)
        assert memory.port("mongodb") != port
    assert memory.secret("redis_password") == Memory(tmp_path / "memory.json").secret("redis_password")
    assert (tmp_path / "memory.json").stat().st_mode & 0o077 == 0
    assert free_port() != free_port() or free_port() != free_port()


def test_logs_turn_over(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.services.logs.TURN_OVER_AT_BYTES", 200)
    log = LogFile(tmp_path, "web")
    for number in range(60):
        log.write(f"line {number}")
    log.close()
    names = sorted(path.name for path in Path(tmp_path).iterdir())
    assert names == ["web.log", "web.log.1", "web.log.2", "web.log.3", "web.log.4", "web.log.5"]
    assert "line 59" in (tmp_path / "web.log").read_text() + (tmp_path / "web.log.1").read_text()


def test_a_start_problem_is_one_line():
    assert "\n" not in str(StartProblem("Port 8000 is taken."))


def test_a_start_takes_as_many_open_files_as_it_may_have():
    ask = "import resource; from scripts.services.handles import allow_many_open_files as allow; "
    ask += "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 2000)); "
    ask += "print(allow(), resource.getrlimit(resource.RLIMIT_NOFILE)[0], allow())"
    told = subprocess.run((sys.executable, "-c", ask), capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["2000", "2000", "2000"]
