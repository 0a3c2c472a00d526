"""A drill that breaks off in its middle: `python -m tests.support.break_off FOLDER`.

Its workers stand still, and a job that is run by hand waits for a database that does so too. Prints the id of each
process that had been started, and when it began; then ends by the drill's exception.
"""

import contextlib
import json
import logging
import sys
import threading
import time
from pathlib import Path

import structlog

from backend.features.attempts.usecases import SCORE_RESPONSE
from scripts.faults.campus import Drillground
from scripts.faults.crash_drills import Forks, forks
from scripts.faults.drill import Drill, Fault
from scripts.faults.stack import PLAIN, PROGRAMS, family, running, wait_until
from scripts.services.runfiles import process_identity


def break_off(drill: Drill) -> float:
    time.sleep(2)
    drill.hold_workers()
    with forks(drill.stack) as made:
        drill.stack.freeze("database")
        threading.Thread(target=_ask, args=(made,), daemon=True).start()
        wait_until(lambda: len(family(made.pid)) > 1, within_s=120, what="the job")
        of_programs = [pid for name in PROGRAMS for pid in drill.stack.process_ids(name)]
        print(json.dumps({pid: process_identity(pid) for pid in [*family(made.pid), *of_programs]}), flush=True)
        raise ZeroDivisionError


def _ask(made: Forks) -> None:
    with contextlib.suppress(ValueError):  # it is killed meanwhile
        made.run(SCORE_RESPONSE, "nobody", die_at=0)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder = Path(sys.argv[1])
    fault = Fault(name="broken_off", title="breaks off", strike=break_off, clients=2)
    with running(folder, PLAIN) as stack:
        Drill(fault, stack, Drillground(stack.services), folder / "records", rounds=1).run()


if __name__ == "__main__":
    main()
