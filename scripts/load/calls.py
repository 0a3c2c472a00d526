"""What each call of a whole exam costs a web process and the database: `python -m scripts.load.calls`, CPU time.

A Viva of the run's own with one web process; candidates sit over HTTP, in the load run's calls and counts, while a
monitor watches. All make the same step before any makes the next, and around each step the kernel is asked how long
each has run: what happens behind a reply (events heard, jobs sent) is part of it. Prints a table, and as its last line
one JSON object. Reads /proc: Linux only.
"""

import argparse
import contextlib
import json
import logging
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from simple_websocket import Client, ConnectionClosed

from backend.wiring import build_services
from scripts.faults.exam_calls import ExamCalls, Reply, now_text
from scripts.faults.proxy import host_and_port
from scripts.faults.records import Recorder
from scripts.load import campus, sounds
from scripts.load.campus import Pass
from scripts.load.stack import Stack, discard, running_services, running_web
from scripts.services.handles import allow_many_open_files

SAVES = 26  # a minute's essay, saved every 2.5 s
BEATS_AN_ITEM = 2  # an item takes 16 s, a heartbeat comes every 10 s
CROWD = 8
PING, PONG = "2", "3"  # Engine.IO's
REST_S = 0.02  # for what comes behind the last reply

Json = dict[str, Any]
Costs = dict[str, list[dict[str, float]]]
Step = tuple[str, Callable[[], object]]


def main() -> int:
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    allow_many_open_files()
    folder = Path(tempfile.mkdtemp(prefix="viva-calls-"))
    try:
        with running_services(folder, engine=arguments.engine, workers=1) as stack:
            costs = _measure(stack, candidates=arguments.candidates)
    finally:
        discard(folder)
    _report(costs, candidates=arguments.candidates)
    return 0


def _measure(stack: Stack, *, candidates: int) -> Costs:
    """The milliseconds of each process that each kind of call took, for each step that all candidates made together."""
    services = build_services(stack.settings)
    campus.prepare_storage(stack.settings)
    campus.prepare_items(services)
    cast_of_run = campus.seed(services, candidates=candidates + CROWD, format_id="load_exam")
    recording = stack.folder / "answer.webm"
    sounds.make_recording(recording)
    with running_web(stack):
        monitor = _join(stack, cast_of_run.admin, "/live", "join_delivery", {"delivery_id": cast_of_run.delivery.id})
        pages = [_Page(stack, student, cast_of_run.delivery.id) for student in cast_of_run.students]
        processes = {"web": _worker_of(stack.groups["web"])}
        if "database" in stack.groups:  # else it is the one that MONGODB_URI names
            processes["database"] = stack.groups["database"]
        _sit(pages[:CROWD], recording.read_bytes(), processes)  # not counted: connections are made, schemas built
        costs = _sit(pages[CROWD:], recording.read_bytes(), processes)
        _leave(monitor)
        return costs


def _sit(pages: Sequence["_Page"], recording: bytes, processes: Mapping[str, int]) -> Costs:
    """Whole exams, step by step, `CROWD` calls at once."""
    costs: Costs = defaultdict(list)
    with ThreadPoolExecutor(CROWD) as crowd:
        for steps in zip(*(page.steps(recording) for page in pages), strict=True):
            before = {name: _spent_ms(pid) for name, pid in processes.items()}
            list(crowd.map(lambda step: step[1](), steps))
            time.sleep(REST_S)
            spent = {name: (_spent_ms(pid) - before[name]) / len(steps) for name, pid in processes.items()}
            costs[steps[0][0]].append(spent)
    return costs


def _worker_of(leader: int) -> int:
    """The one web process below gunicorn's."""
    (worker,) = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
    return int(worker)


def _spent_ms(pid: int) -> float:
    """CPU of a process so far, of all its threads."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


def _join(stack: Stack, who: Pass, namespace: str, event: str, message: Json) -> Client:
    """A Socket.IO connection that has joined a room."""
    headers = {"Cookie": who.cookie_header, "Origin": stack.address}
    client = Client.connect(
        f"{stack.address.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket", headers=headers
    )
    client.receive(timeout=10)
    client.send(f"40{namespace},")
    client.receive(timeout=10)
    client.send(f"42{namespace},0{json.dumps([event, message])}")
    reply = str(client.receive(timeout=10))
    if '"problem"' in reply:
        raise RuntimeError(f"{event} was refused")
    threading.Thread(target=_listen, args=(client,), daemon=True).start()
    return client


def _listen(client: Client) -> None:
    """Hears all that comes, and answers pings."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            if client.receive() == PING:
                client.send(PONG)


def _leave(client: Client) -> None:
    with contextlib.suppress(ConnectionClosed):
        client.close()


class _Page:
    """One candidate's page; its calls are those of `generator/candidate.mjs`."""

    def __init__(self, stack: Stack, who: Pass, delivery_id: str) -> None:
        self._stack, self._who, self._delivery_id = stack, who, delivery_id
        recorder = Recorder(who.account_id, stack.folder / "calls" / f"{who.account_id}.jsonl")
        self._line = ExamCalls(who, address=host_and_port(stack.address), recorder=recorder)
        self._snapshot: Mapping[str, Any] = {}
        self._room: Client | None = None

    def steps(self, recording: bytes) -> Iterator[Step]:
        """A whole exam: the kind of each call, and the call. Each is made before the next is asked for."""
        yield "enter", self._enter
        yield "check", lambda: _body(self._line.check())
        yield "join", self._join
        yield "begin", lambda: _body(self._line.begin())
        yield "move", partial(self._move, ("open", 0))
        while item := self._snapshot["item"]:
            position, is_last = item["position"], item["position"] + 1 == self._snapshot["total_items"]
            if item["answer_kind"] == "recording":
                yield "recording", partial(self._record, position, recording)
            else:
                yield from (("save", partial(self._save, position, number)) for number in range(1, SAVES + 1))
            yield from [("heartbeat", partial(self._beat, position))] * BEATS_AN_ITEM
            yield "move", partial(self._move, ("close", position), *(() if is_last else (("open", position + 1),)))
        yield "hand_in", self._look
        yield "leave", self._leave

    def _enter(self) -> None:
        self._snapshot = _body(self._line.enter(self._delivery_id, str(uuid.uuid4())))

    def _join(self) -> None:
        self._room = _join(self._stack, self._who, "/exam", "join_attempt", {"attempt_id": self._line.attempt})

    def _look(self) -> None:
        if _body(self._line.show())["state"] != "submitted":
            raise RuntimeError("not handed in")

    def _leave(self) -> None:
        if self._room is not None:
            _leave(self._room)
        self._line.hang_up()

    def _beat(self, position: int) -> None:
        _body(self._line.heartbeat(position))

    def _save(self, position: int, number: int) -> None:
        _body(self._line.answer(position, (self._line.epoch or 0, number), "because the bridge is " * number))

    def _move(self, *moves: tuple[str, int]) -> None:
        at = now_text()
        made = [{"kind": kind, "position": position, "at": at} for kind, position in moves]
        self._snapshot = _body(self._line.moves(made))

    def _record(self, position: int, recording: bytes) -> None:
        mark = uuid.uuid4().bytes
        data = recording + bytes([0xEC, 0x80 | len(mark)]) + mark
        _body(self._line.record(position, 0, str(uuid.uuid4()), data))


def _body(reply: Reply) -> Mapping[str, Any]:
    """What was answered; RuntimeError where it was not done."""
    if not reply.is_ok:
        raise RuntimeError(f"answered {reply.status} {reply.code}")
    return reply.body


def _report(costs: Costs, *, candidates: int) -> None:
    """Medians over the steps of a kind, and their sum over an exam."""
    names = list(next(iter(costs.values()))[0])
    each = {
        kind: {name: statistics.median(step[name] for step in steps) for name in names} for kind, steps in costs.items()
    }
    exam = {name: sum(each[kind][name] * len(steps) for kind, steps in costs.items()) for name in names}
    print(f"{'call':<12}{'calls':>6}" + "".join(f"{name:>10}" for name in names) + "  ms each")
    for kind, steps in costs.items():
        print(f"{kind:<12}{len(steps):>6}" + "".join(f"{each[kind][name]:>10.2f}" for name in names))
    print(f"{'an exam':<18}" + "".join(f"{exam[name]:>10.1f}" for name in names))
    found = {name: {kind: round(each[kind][name], 3) for kind in each} for name in names}
    sums = {f"exam_{name}_ms": round(exam[name], 1) for name in names}
    print(json.dumps({"candidates": candidates, **sums, "each_ms": found}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.load.calls", description=__doc__)
    parser.add_argument("--candidates", type=int, default=24)
    parser.add_argument("--engine", choices=("embedded", "rust"), default="embedded")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
