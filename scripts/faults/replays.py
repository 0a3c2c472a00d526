"""Candidates who were cut off: five hundred operations wait on each device, and go when the line is back.

The moments that operations claim are those at which they were made, seconds ago: half an hour by the clocks of page and
server is tests/browser/test_long_offline.py.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence

from scripts.faults.candidate import SPOKEN_TASKS
from scripts.faults.crash_drills import insist
from scripts.faults.drill import Drill, Fault
from scripts.faults.exam_calls import OPUS_IN_WEBM, ExamCalls, Reply, now_text

OPERATIONS = 500
CUT_OFF_S = 5.0
INSISTS_S = 300.0
Operation = Callable[[ExamCalls], Reply]


def replay(drill: Drill) -> float:
    """Begins the exams, cuts the line, lets everything be done without it, and gives it back: then each candidate sends
    what waits, in its order, and all of it once more, as a page does whose last reply was lost."""
    lines = drill.lines()
    queues = [_sit_without_line(line, drill) for line in lines]
    drill.stack.proxies["door"].set("refuse")
    time.sleep(CUT_OFF_S)
    drill.stack.proxies["door"].set("pass")
    from_s = time.monotonic()
    threads = [
        threading.Thread(target=_send, args=(drill, *each), daemon=True) for each in zip(lines, queues, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return from_s


def _send(drill: Drill, line: ExamCalls, queue: Sequence[Operation]) -> None:
    began = time.monotonic()
    line.hang_up()
    for operation in queue:
        insist(line, operation, within_s=INSISTS_S)
    drill.spent(f"{len(queue)} operations", time.monotonic() - began)
    for operation in queue:
        operation(line)


def _sit_without_line(line: ExamCalls, drill: Drill) -> list[Operation]:
    """The whole test after its beginning, as operations."""
    page = str(uuid.uuid4())
    insist(line, lambda each: each.enter(drill.delivery_ids[0], page))
    insist(line, ExamCalls.check)
    sections = insist(line, ExamCalls.begin).body["sections"]
    tasks = [section["task"] for section in sections for _ in range(section["item_count"])]
    insist(line, lambda each: each.moves([_move("open", 0)]))
    typed = sum(1 for task in tasks if task not in SPOKEN_TASKS)
    # Each item is closed once and each spoken one has one recording; the rest are saves of typed text.
    saves, more = divmod(OPERATIONS - len(tasks) - (len(tasks) - typed), typed)
    queue: list[Operation] = []
    for position, task in enumerate(tasks):
        if task in SPOKEN_TASKS:
            queue.append(_recording(position, OPUS_IN_WEBM + drill.random.randbytes(3_000)))
        else:
            queue += [_save(position, number + 1, line.epoch or 1) for number in range(saves + more)]
            more = 0
        following = [_move("open", position + 1)] if position + 1 < len(tasks) else []
        queue.append(_moves([_move("close", position), *following]))
    return queue


def _recording(position: int, data: bytes) -> Operation:
    name = str(uuid.uuid4())
    return lambda line: line.record(position, 0, name, data)


def _save(position: int, number: int, epoch: int) -> Operation:
    return lambda line: line.answer(position, (epoch, number), f"word {position} {number}")


def _moves(moves: list[dict[str, object]]) -> Operation:
    return lambda line: line.moves(moves)


def _move(kind: str, position: int) -> dict[str, object]:
    return {"kind": kind, "position": position, "at": now_text()}


REPLAY = Fault(
    name="replay",
    title="cut off with 500 operations on each device, sent twice",
    strike=replay,
    rounds=1,
    clients=4,
    deliveries=1,
    sits=False,
)
