"""The generator as a process: Node, on the last core."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scripts.services.program import StartProblem

GENERATOR = Path(__file__).with_name("generator") / "main.mjs"


def generate(plan: Path, *, on_line: Callable[[str], None] = print) -> None:
    """Runs a plan to its end; each line that the generator says goes to `on_line` at once. Raises StartProblem."""
    node = Path(sys.executable).with_name("node")
    generator = subprocess.Popen(
        (str(node), str(GENERATOR), str(plan)), stdout=subprocess.PIPE, text=True, preexec_fn=_on_the_last_core
    )
    for line in generator.stdout or ():
        on_line(line.rstrip())
    if generator.wait() != 0:
        raise StartProblem("The generator broke; see above.")


def _on_the_last_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
