"""Runs the product's jobs in forked children that die at a crash point: `python -m scripts.faults.forks`.

Reads lines {"job": name, "args": [...], "die_at": n} and answers each with {"died": bool, "points": n}. Everything is
imported once; each child makes its own connections, as a Celery worker's child does.
"""

import json
import os
import signal
import sys
from typing import Any

from scripts.faults import crash
from scripts.faults.jobs import celery_app
from scripts.services.tether import die_with_parent


def main() -> None:
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what jobs log is no reply
    crash.install()
    for line in sys.stdin:
        wanted = json.loads(line)
        inner, outer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(inner)
            _work(wanted, outer)
        os.close(outer)
        with os.fdopen(inner) as told:
            points = told.read()
        _, status = os.waitpid(child, 0)
        print(json.dumps({"died": os.WIFSIGNALED(status), "points": int(points or 0)}), file=replies, flush=True)


def _work(wanted: dict[str, Any], outer: int) -> None:
    die_with_parent(signal.SIGKILL)
    code = 0
    try:
        with crash.armed(int(wanted["die_at"])) as count:
            try:
                celery_app.tasks[wanted["job"]](*wanted["args"])
            finally:
                os.write(outer, str(count.passed).encode())
    except BaseException as problem:  # noqa: BLE001 - a worker would log it; the checker sees what it did
        print(repr(problem), file=sys.stderr, flush=True)
        code = 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
