"""What a client asked and was told: one JSON line for the call, one for its outcome, with monotonic times.

An outcome is *ok* (the server acknowledged), *fail* (surely nothing happened: refused, or never sent) or *unknown* (the
connection broke, or a server error came: it may have happened). A call without an outcome is unknown.
"""

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TextIO


class Phase(StrEnum):
    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`call` counts a client's calls. `at_s` is monotonic, the same clock for every client of a run; `wall_s` since
    1970. `data`: with the call what was sent, with the outcome what was told."""

    client: str
    call: int
    op: str
    phase: Phase
    at_s: float
    wall_s: float
    attempt: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call with its outcome. `ended_s` is None where nobody knows."""

    client: str
    number: int
    op: str
    attempt: str
    sent: Mapping[str, object]
    outcome: Phase
    told: Mapping[str, object]
    began_s: float
    began_wall_s: float
    ended_s: float | None = None
    ended_wall_s: float | None = None

    @property
    def is_ok(self) -> bool:
        return self.outcome is Phase.OK


class Recorder:
    """Writes one client's events. A line is written before its request leaves, and flushed."""

    def __init__(self, client: str, path: Path) -> None:
        self.client = client
        self._calls = 0
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8")

    def invoke(self, op: str, attempt: str, data: Mapping[str, object]) -> int:
        """The call's number, for its outcome."""
        with self._lock:
            self._calls += 1
            self._write(self._calls, op, Phase.INVOKE, attempt, data)
            return self._calls

    def outcome(self, call: int, op: str, phase: Phase, attempt: str, data: Mapping[str, object]) -> None:
        with self._lock:
            self._write(call, op, phase, attempt, data)

    def close(self) -> None:
        self._file.close()

    def _write(self, call: int, op: str, phase: Phase, attempt: str, data: Mapping[str, object]) -> None:
        event = Event(
            client=self.client,
            call=call,
            op=op,
            phase=phase,
            at_s=time.monotonic(),
            wall_s=time.time(),
            attempt=attempt,
            data=data,
        )
        self._file.write(json.dumps(asdict(event), separators=(",", ":")) + "\n")
        self._file.flush()


def read_events(paths: Iterable[Path]) -> list[Event]:
    """Every event of these files; a last line that a crash cut is left out."""
    events = []
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                fields = json.loads(line)
            except ValueError:
                continue
            events.append(Event(**{**fields, "phase": Phase(fields["phase"])}))
    return events


def calls_of(events: Sequence[Event]) -> list[Call]:
    """Calls with their outcomes, in the order in which they began."""
    begun: dict[tuple[str, int], Event] = {}
    ended: dict[tuple[str, int], Event] = {}
    for event in events:
        (begun if event.phase is Phase.INVOKE else ended)[event.client, event.call] = event
    calls = [_call(event, ended.get(key)) for key, event in begun.items()]
    return sorted(calls, key=lambda call: call.began_s)


def _call(begun: Event, ended: Event | None) -> Call:
    return Call(
        client=begun.client,
        number=begun.call,
        op=begun.op,
        attempt=begun.attempt or (ended.attempt if ended else ""),
        sent=begun.data,
        outcome=ended.phase if ended else Phase.UNKNOWN,
        told=ended.data if ended else {},
        began_s=begun.at_s,
        began_wall_s=begun.wall_s,
        ended_s=ended.at_s if ended else None,
        ended_wall_s=ended.wall_s if ended else None,
    )
