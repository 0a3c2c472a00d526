"""python -m scripts.histories 100000 [seed]: plays histories of the attempt engine, says what was broken.

The last line is one JSON object; exits 1 when a promise was broken.
"""

import json
import logging
import sys
import time

import structlog

from scripts.histories.run import run

_CHUNK = 5_000


def main(arguments: list[str]) -> int:
    count = int(arguments[0]) if arguments else 10_000
    seed = arguments[1] if len(arguments) > 1 else "viva"
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began, done, figures = time.monotonic(), 0, None
    while done < count:
        part = run(min(_CHUNK, count - done), seed=f"{seed}:{done // _CHUNK}")
        done += part.histories
        if figures is None:
            figures = part
        else:
            figures.histories += part.histories
            figures.counts.update(part.counts)
            figures.ends.update(part.ends)
            figures.broken.update(part.broken)
            figures.failed += part.failed
        print(
            f"{done:>8} histories, {sum(figures.broken.values())} promises broken, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    if figures is None:
        return 1
    for line in figures.failed[:20]:
        print(line)
    print("ended as", dict(figures.ends))
    figure = {"histories": figures.histories, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps({**figure, **figures.counts, **figures.broken}))
    return 1 if any(figures.broken.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
