"""Beat and the workers of a load run, by the commands that `make up` starts them with."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Sequence

from config.settings import PROJECT_ROOT
from scripts.load.stack import Stack
from scripts.services import embedded
from scripts.services.plan import viva_programs
from scripts.services.program import Folders, Program

LEFT_OUT = ("web", "prompts")


def _as_it_is(program: Program) -> Program:
    return program


@contextlib.contextmanager
def running_workers(
    stack: Stack, *, without: Sequence[str] = (), ours: Callable[[Program], Program] = _as_it_is
) -> Iterator[None]:
    """`ours` may change how each is started."""
    folders = Folders(data=stack.folder)
    folders.run.mkdir(parents=True, exist_ok=True)
    left_out = (*LEFT_OUT, *without)
    programs = [each for each in viva_programs(stack.settings, folders) if each.name not in left_out]
    with contextlib.ExitStack() as running:
        for program in programs:
            running.enter_context(_program(ours(program), stack))
        yield


@contextlib.contextmanager
def _program(program: Program, stack: Stack) -> Iterator[None]:
    path = stack.folder / f"{program.name}.log"
    with path.open("ab") as log:
        process = subprocess.Popen(
            program.command,
            cwd=PROJECT_ROOT,
            env={**stack.environment, "VIVA_DATA": str(stack.folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    stack.groups[program.name] = process.pid
    try:
        text = program.ready_text or ""
        embedded.wait_until(lambda: text in path.read_text(), process=process, title=program.title, within_s=180)
        yield
    finally:
        embedded.stop(process)
