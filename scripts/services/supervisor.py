"""The one process manager: starts in order, waits until each answers, restarts what dies, stops in reverse order."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from scripts.services.logs import LogFile
from scripts.services.program import Folders, Program, StartProblem, Step
from scripts.services.runfiles import Progress, State, kill_group, process_identity, write_state

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
# What lived this long had started well: killed, it is started again at once, and not as one that dies by itself.
STEADY_AFTER_S = 10.0
TETHER = str(Path(__file__).with_name("tether.py"))
LONGEST_LINE = 64 * 1024
EXCEPTION = re.compile(r"[\w.]+(Error|Exception|NotFound|Problem)\b.*")

T = TypeVar("T")


class Supervisor:
    """Runs a plan of programs and steps in one data folder until it is asked to stop."""

    def __init__(self, *, folders: Folders, state: State, progress: Progress) -> None:
        self._folders, self._state, self._progress = folders, state, progress
        self._log = LogFile(folders.logs, "supervisor")
        self._stopping = asyncio.Event()
        self._kept: list[Keeper] = []

    def ask_to_stop(self) -> None:
        self._stopping.set()

    async def run(self, plan: Sequence[Program | Step]) -> int:
        """0 after an orderly stop, 1 when the start failed. Everything started is stopped in either case."""
        try:
            started = await self._start(plan)
            if started:
                self._progress.say("ready", self._state.address)
                await self._stopping.wait()
            return 0
        except StartProblem as problem:
            self._log.write(f"start failed: {problem}")
            self._progress.say("failed", str(problem))
            return 1
        finally:
            await self._stop_all()
            self._log.close()
            self._progress.say("stopped", "")

    async def _start(self, plan: Sequence[Program | Step]) -> bool:
        """Whether the whole plan runs; False when a stop was asked for meanwhile."""
        for entry in plan:
            if self._stopping.is_set():
                return False
            self._progress.say("step", entry.title)
            if isinstance(entry, Step):
                await self._run_step(entry)
            else:
                await self._run_program(entry)
        return not self._stopping.is_set()

    async def _run_program(self, program: Program) -> None:
        keeper = Keeper(program, folders=self._folders, state=self._state, log=self._log)
        self._kept.append(keeper)
        keeper.begin()
        await self._unless_stopped(keeper.wait_until_ready())

    async def _run_step(self, step: Step) -> None:
        log, last = LogFile(self._folders.logs, step.name), ""

        def take(line: str) -> None:
            nonlocal last
            log.write(line)
            last = line.strip() or last
            self._progress.say("detail", line.strip())

        child = await _spawn(step.command, {})
        _record(self._folders, self._state, step.name, child.pid)
        try:
            code = await self._unless_stopped(child.wait(take))
        finally:
            kill_group(child.pid, signal.SIGKILL)
            await child.process.wait()
            _forget(self._folders, self._state, step.name)
            log.close()
        if code:
            raise StartProblem(f"{step.title} failed: {last} (see {self._folders.logs / step.name}.log)")

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The outcome of `work`, or None as soon as a stop is asked for."""
        working, stopping = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if working.done():
            return working.result()
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        return None

    async def _stop_all(self) -> None:
        for keeper in reversed(self._kept):
            self._log.write(f"{keeper.program.name}: stopping")
            await keeper.end()
        self._log.write("all stopped")


class Keeper:
    """Keeps one program running until `end`."""

    def __init__(self, program: Program, *, folders: Folders, state: State, log: LogFile) -> None:
        self.program = program
        self._folders, self._state, self._log = folders, state, log
        self._output = LogFile(folders.logs, program.name)
        self._last_lines: deque[str] = deque(maxlen=80)
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready_text_seen = asyncio.Event()
        self._deaths = 0
        self._ending = False

    def begin(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=self.program.name)

    async def wait_until_ready(self) -> None:
        """Returns when the program answers. StartProblem when it died three times, or the time is over."""
        deadline = time.monotonic() + self.program.ready_within_s
        while not await self._is_ready():
            if self._deaths >= 3:
                raise StartProblem(self._trouble("ends right after its start"))
            if time.monotonic() > deadline:
                raise StartProblem(self._trouble(f"did not answer within {self.program.ready_within_s:.0f} s"))
            await asyncio.sleep(0.2)

    def _trouble(self, what: str) -> str:
        lines = [line.strip() for line in self._last_lines if line.strip()]
        # Python's last word is the exception; servers go on talking after it.
        said = next((line for line in reversed(lines) if EXCEPTION.match(line)), " | ".join(lines[-2:]))
        return f"{self.program.title} {what}: {said or 'no output'} (see {self._folders.logs}/{self.program.name}.log)"

    async def _is_ready(self) -> bool:
        if self.program.ready_text is not None:
            return self._ready_text_seen.is_set()
        if self.program.is_ready is None or self._child is None:
            return self._child is not None
        return await asyncio.to_thread(self.program.is_ready)

    async def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._ending:
            began = time.monotonic()
            code = await self._run_once()
            if self._end_was_asked():
                return
            self._deaths += 1
            lived_s = time.monotonic() - began
            pause_s = FIRST_PAUSE_S if lived_s > STEADY_AFTER_S else min(pause_s * 2, LONGEST_PAUSE_S)
            self._log.write(f"{self.program.name}: ended with {code} after {lived_s:.1f} s, again in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)

    async def _run_once(self) -> int:
        child = await _spawn(self.program.command, dict(self.program.environment))
        self._child = child
        _record(self._folders, self._state, self.program.name, child.pid)
        self._log.write(f"{self.program.name}: started as {child.pid}")
        if self._end_was_asked():
            child.process.terminate()
        # What its leader left behind would hold the port, or answer with old code: the group goes with it.
        code = await child.wait(self._take)
        _forget(self._folders, self._state, self.program.name)
        return code

    def _end_was_asked(self) -> bool:
        return self._ending

    def _take(self, line: str) -> None:
        self._output.write(line)
        self._last_lines.append(line)
        if self.program.ready_text is not None and self.program.ready_text in line:
            self._ready_text_seen.set()
        if self.program.hopeless_text is not None and self.program.hopeless_text in line:
            self._give_up()

    def _give_up(self) -> None:
        if self._child is not None and self._child.is_alive and not self._ending:
            self._log.write(f"{self.program.name}: says that it works no more, killed")
            kill_group(self._child.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Asks, waits, then kills the group."""
        self._ending = True
        if self._task is None:
            return
        if self._child is not None and self._child.is_alive:
            with contextlib.suppress(ProcessLookupError):
                self._child.process.terminate()
            await asyncio.wait((self._task,), timeout=self.program.stop_within_s)
            kill_group(self._child.pid, signal.SIGKILL)
            await asyncio.wait((self._task,), timeout=5)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._output.close()


class Child:
    """A started process and its output.

    The pipe is ours, not asyncio's: whether `wait()` returns while a grandchild still holds the output differs between
    Python versions.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, output: asyncio.StreamReader, pipe: asyncio.ReadTransport
    ) -> None:
        self.process, self._output, self._pipe = process, output, pipe
        self.pid = process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    async def lines(self) -> AsyncIterator[str]:
        """The output by lines; a line that is too long comes in pieces."""
        while True:
            try:
                raw = await self._output.readline()
            except ValueError:
                raw = await self._output.read(LONGEST_LINE)
            if not raw:
                return
            yield raw.decode("utf-8", errors="replace").rstrip("\r\n")

    async def wait(self, take: Callable[[str], None]) -> int:
        """The exit code; each line of output goes to `take`. What outlived the process is killed with its group."""

        async def read() -> None:
            async for line in self.lines():
                take(line)

        reading = asyncio.create_task(read())
        try:
            code = await self.process.wait()
            kill_group(self.pid, signal.SIGKILL)
            await asyncio.wait((reading,), timeout=2)
        finally:
            reading.cancel()
            self._pipe.close()
        return code


async def _spawn(command: Sequence[str], environment: dict[str, str]) -> Child:
    inner, outer = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-S", TETHER, *command),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=outer,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        os.close(outer)
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(inner, "rb", 0)
    )
    return Child(process, reader, pipe)


def _record(folders: Folders, state: State, name: str, pid: int) -> None:
    state.processes[name] = {"pid": pid, "identity": process_identity(pid)}
    write_state(folders, state)


def _forget(folders: Folders, state: State, name: str) -> None:
    state.processes.pop(name, None)
    write_state(folders, state)
