"""The exam's API as a recorded client calls it: each call is written down before it leaves, with its outcome after."""

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scripts.faults.records import Phase, Recorder
from scripts.load.campus import Pass

CHECKS = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")
TIMEOUT_S = 10.0
OPUS_IN_WEBM = b"\x1a\x45\xdf\xa3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`status` 0: none came. `phase` is the outcome that was recorded."""

    phase: Phase
    status: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        return self.phase is Phase.OK

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


class ExamCalls:
    """One candidate's line to the server. Nothing is retried here. For one thread at a time."""

    def __init__(self, who: Pass, *, address: tuple[str, int], recorder: Recorder) -> None:
        self.who = who
        self._address, self._recorder = address, recorder
        self._cookie = who.cookie_header
        self._line: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()
        self.attempt = ""
        self.epoch: int | None = None
        # Sent with the next call only: crash points (scripts.faults.crash).
        self.extra_headers: dict[str, str] = {}

    def hang_up(self) -> None:
        """The next call opens a new connection, as after a reload."""
        if self._line is not None:
            self._line.close()
            self._line = None

    # -- calls ---------------------------------------------------------------------------------------------------------

    def enter(self, delivery_id: str, client_id: str) -> Reply:
        sent = {"delivery": delivery_id, "student": self.who.account_id}
        self.attempt, self.epoch = "", None
        return self._json("enter", "POST", f"/deliveries/{delivery_id}/attempts", {"client_id": client_id}, sent)

    def check(self) -> Reply:
        return self._json("check", "POST", f"/attempts/{self.attempt}/check", CHECKS, {})

    def begin(self) -> Reply:
        return self._json("begin", "POST", f"/attempts/{self.attempt}/begin", {}, {})

    def show(self) -> Reply:
        return self._json("show", "GET", f"/attempts/{self.attempt}", None, {})

    def heartbeat(self, position: int) -> Reply:
        body = {"position": position, "uploads_pending": 0, "microphone": "ok"}
        return self._json("heartbeat", "POST", f"/attempts/{self.attempt}/heartbeat", body, {})

    def moves(self, moves: Sequence[Mapping[str, object]]) -> Reply:
        return self._json("moves", "POST", f"/attempts/{self.attempt}/moves", {"moves": moves}, {"moves": list(moves)})

    def answer(self, position: int, sequence: tuple[int, int], text: str) -> Reply:
        body = {"sequence": list(sequence), "content": {"text": text}}
        sent = {"position": position, "sequence": list(sequence), "digest": digest_of_text(text)}
        return self._json("answer", "PUT", f"/attempts/{self.attempt}/answers/{position}", body, sent)

    def record(
        self, position: int, segment: int, recording_id: str, data: bytes, *, offset: int = 0, until: int | None = None
    ) -> Reply:
        """The recording's bytes from `offset` to `until` (None: its end)."""
        digest = hashlib.sha256(data).hexdigest()
        headers = {
            "Upload-Offset": str(offset),
            "Upload-Length": str(len(data)),
            "Upload-Digest": digest,
            "X-Position": str(position),
            "X-Segment": str(segment),
            "X-Duration-Ms": "3000",
            "Content-Type": "audio/webm",
        }
        sent = {"recording_id": recording_id, "position": position, "segment": segment, "digest": digest}
        path = f"/attempts/{self.attempt}/recordings/{recording_id}"
        return self._call("record", "PUT", path, data[offset:until], headers, sent)

    # -- the line ------------------------------------------------------------------------------------------------------

    def _json(self, op: str, method: str, path: str, body: object, sent: Mapping[str, object]) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        return self._call(op, method, path, data, {"Content-Type": "application/json"}, sent)

    def _call(
        self,
        op: str,
        method: str,
        path: str,
        data: bytes | None,
        headers: dict[str, str],
        sent: Mapping[str, object],
    ) -> Reply:
        with self._lock:
            number = self._recorder.invoke(op, self.attempt, sent)
            reply = self._ask(method, f"/api{path}", data, headers)
            if op == "enter" and reply.is_ok:
                self.attempt = str(reply.body["id"])
            if isinstance(reply.body.get("epoch"), int):
                self.epoch = int(reply.body["epoch"])
            self._recorder.outcome(number, op, reply.phase, self.attempt, told_by(reply))
            return reply

    def _ask(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Reply:
        headers = {**headers, "Cookie": self._cookie, "X-CSRF-TOKEN": self.who.csrf, **self.extra_headers}
        if self.epoch is not None:
            headers["X-Attempt-Epoch"] = str(self.epoch)
        try:
            line = self._connected()
        except OSError:
            self.hang_up()
            return Reply(phase=Phase.FAIL)
        try:
            line.request(method, path, body=data, headers=headers)
            raw = line.getresponse()
            body, shown = raw.read(), dict(raw.getheaders())
            if raw.will_close:
                self.hang_up()
            return Reply(phase=_phase_of(raw.status), status=raw.status, body=_read(body), headers=shown)
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return Reply(phase=Phase.UNKNOWN)

    def _connected(self) -> http.client.HTTPConnection:
        if self._line is None:
            line = http.client.HTTPConnection(*self._address, timeout=TIMEOUT_S)
            line.connect()
            self._line = line
        return self._line


def _phase_of(status: int) -> Phase:
    """A server error may come after the change was made."""
    if status < 300:
        return Phase.OK
    return Phase.FAIL if status < 500 else Phase.UNKNOWN


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def digest_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def seconds(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


# -- what a reply told, as the checker reads it ------------------------------------------------------------------------

KEPT = ("state", "position", "stored", "offset", "sha256", "sequence", "epoch", "stored_recordings", "code")


def told_by(reply: Reply) -> dict[str, object]:
    told: dict[str, object] = {"status": reply.status}
    told |= {name: reply.body[name] for name in KEPT if name in reply.body}
    if reply.body.get("deadline_at"):
        told["deadline_at"] = seconds(reply.body["deadline_at"])
    item = reply.body.get("item")
    if isinstance(item, dict):
        told["item"] = {
            "position": item["position"],
            "opened_s": seconds(item["opened_at"]),
            "elapsed_ms": item["elapsed_ms"],
        }
    return told


def now_text(skew_s: float = 0.0) -> str:
    """A client's idea of the server's time, `skew_s` off."""
    return datetime.fromtimestamp(time.time() + skew_s).astimezone().isoformat()
