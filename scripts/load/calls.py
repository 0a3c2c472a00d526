"""What each call of a whole exam costs a web process: `python -m scripts.load.calls`, CPU time, so any machine will do.

A Viva of the run's own with one web process; candidates sit over HTTP, in the load run's calls and counts, while a
monitor watches. All make the same step before any makes the next, and around each step the kernel is asked how long
the process has run: what happens behind a reply (events heard, jobs sent) is part of it. Prints a table, and as its
last line one JSON object. Reads /proc: Linux only.
"""

import argparse
import contextlib
import hashlib
import http.client
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
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from simple_websocket import Client, ConnectionClosed

from backend.wiring import build_services
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
Costs = dict[str, list[float]]
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
    """The milliseconds that each kind of call took, one figure for each step that all candidates made together."""
    services = build_services(stack.settings)
    campus.prepare_storage(stack.settings)
    campus.prepare_items(services)
    cast_of_run = campus.seed(services, candidates=candidates + CROWD, format_id="load_exam")
    recording = stack.folder / "answer.webm"
    sounds.make_recording(recording)
    with running_web(stack):
        monitor = _join(stack, cast_of_run.admin, "/live", "join_delivery", {"delivery_id": cast_of_run.delivery.id})
        pages = [_Page(stack, student, cast_of_run.delivery.id) for student in cast_of_run.students]
        worker = _worker_of(stack.groups["web"])
        _sit(pages[:CROWD], recording.read_bytes(), worker)  # not counted: connections are made, schemas built
        costs = _sit(pages[CROWD:], recording.read_bytes(), worker)
        _leave(monitor)
        return costs


def _sit(pages: Sequence["_Page"], recording: bytes, worker: int) -> Costs:
    """Whole exams, step by step, `CROWD` calls at once."""
    costs: Costs = defaultdict(list)
    with ThreadPoolExecutor(CROWD) as crowd:
        for steps in zip(*(page.steps(recording) for page in pages), strict=True):
            before = _spent_ms(worker)
            list(crowd.map(lambda step: step[1](), steps))
            time.sleep(REST_S)
            costs[steps[0][0]].append((_spent_ms(worker) - before) / len(steps))
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
    headers = {"Cookie": _cookies(who), "Origin": stack.address}
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


def _cookies(who: Pass) -> str:
    return "; ".join(f"{name}={value}" for name, value in who.cookies.items())


class _Page:
    """One candidate's page; its calls are those of `generator/candidate.mjs`."""

    def __init__(self, stack: Stack, who: Pass, delivery_id: str) -> None:
        self._stack = stack
        self._who = who
        self._delivery_id = delivery_id
        self._connection = http.client.HTTPConnection(urlsplit(stack.address).netloc)
        self._snapshot: Json = {}
        self._place = f"deliveries/{delivery_id}/attempts"
        self._room: Client | None = None

    def steps(self, recording: bytes) -> Iterator[Step]:
        """A whole exam: the kind of each call, and the call. Each is made before the next is asked for."""
        yield "enter", self._enter
        checks = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")
        yield "check", partial(self._post, "check", checks)
        yield "join", self._join
        yield "begin", partial(self._post, "begin", {})
        yield "move", partial(self._move, ("open", 0))
        while item := self._snapshot["item"]:
            position, is_last = item["position"], item["position"] + 1 == self._snapshot["total_items"]
            if item["answer_kind"] == "recording":
                yield "recording", partial(self._record, position, recording)
            else:
                yield from (("save", partial(self._save, position, number)) for number in range(1, SAVES + 1))
            beat = {"position": position, "uploads_pending": 0, "microphone": "ok"}
            yield from [("heartbeat", partial(self._post, "heartbeat", beat))] * BEATS_AN_ITEM
            yield "move", partial(self._move, ("close", position), *(() if is_last else (("open", position + 1),)))
        yield "hand_in", self._look
        yield "leave", self._leave

    def _enter(self) -> None:
        self._snapshot = self._call("POST", "", {"client_id": str(uuid.uuid4())})
        self._place = f"attempts/{self._snapshot['id']}"

    def _join(self) -> None:
        self._room = _join(self._stack, self._who, "/exam", "join_attempt", {"attempt_id": self._snapshot["id"]})

    def _look(self) -> None:
        if self._call("GET", "")["state"] != "submitted":
            raise RuntimeError("not handed in")

    def _leave(self) -> None:
        if self._room is not None:
            _leave(self._room)
        self._connection.close()

    def _save(self, position: int, number: int) -> None:
        content = {"text": "because the bridge is " * number}
        self._call("PUT", f"/answers/{position}", {"sequence": [self._snapshot["epoch"], number], "content": content})

    def _move(self, *moves: tuple[str, int]) -> None:
        at = datetime.now().astimezone().isoformat()
        made = [{"kind": kind, "position": position, "at": at} for kind, position in moves]
        self._snapshot = self._post("moves", {"moves": made})

    def _record(self, position: int, recording: bytes) -> None:
        mark = uuid.uuid4().bytes
        data = recording + bytes([0xEC, 0x80 | len(mark)]) + mark
        headers = {
            "Upload-Offset": "0",
            "Upload-Length": str(len(data)),
            "Upload-Digest": hashlib.sha256(data).hexdigest(),
            "X-Position": str(position),
            "X-Segment": "0",
            "X-Duration-Ms": str(sounds.ANSWER_MS),
            "Content-Type": sounds.CONTENT_TYPE,
        }
        self._call("PUT", f"/recordings/{uuid.uuid4()}", data, headers)

    def _post(self, what: str, body: Json) -> Json:
        return self._call("POST", f"/{what}", body, {"X-Attempt-Epoch": str(self._snapshot["epoch"])})

    def _call(
        self, method: str, path: str, body: Json | bytes | None = None, more: Mapping[str, str] | None = None
    ) -> Json:
        """The reply; `path` is below the attempt's, once there is one."""
        headers = {
            "Cookie": _cookies(self._who),
            "Accept": "application/json",
            "Origin": self._stack.address,
            "X-CSRF-TOKEN": self._who.csrf,
            **({"Content-Type": "application/json"} if isinstance(body, dict) else {}),
            **(more or {}),
        }
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        self._connection.request(method, f"/api/{self._place}{path}", body=data, headers=headers)
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path} was answered {reply.status}")
        return cast("Json", json.loads(text))


def _report(costs: Costs, *, candidates: int) -> None:
    """Medians over the steps of a kind, and their sum."""
    each = {kind: statistics.median(figures) for kind, figures in costs.items()}
    exam_ms = sum(each[kind] * len(figures) for kind, figures in costs.items())
    print(f"{'call':<12}{'calls':>6}{'ms each':>9}{'ms an exam':>12}")
    for kind, figures in costs.items():
        print(f"{kind:<12}{len(figures):>6}{each[kind]:>9.2f}{each[kind] * len(figures):>12.1f}")
    print(f"{'':<27}{exam_ms:>12.1f}")
    found = {f"{kind}_ms": round(figure, 3) for kind, figure in each.items()}
    print(json.dumps({"candidates": candidates, **found, "exam_ms": round(exam_ms, 1)}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.load.calls", description=__doc__)
    parser.add_argument("--candidates", type=int, default=24)
    parser.add_argument("--engine", choices=("embedded", "rust"), default="embedded")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
