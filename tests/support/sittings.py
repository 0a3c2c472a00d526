"""Candidates without a browser: over HTTP, as the exam's client talks, against a running product."""

import http.cookiejar
import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support.exam import announce, recording_headers
from tests.support.live import LiveProduct
from tests.support.source import ROOT

VOICE = ROOT / "tests" / "fixtures" / "audio" / "speech_jfk.ogg"
CHECKS = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")


@dataclass(frozen=True)
class Reply:
    status: int
    body: dict


class Candidate:
    """A signed-in student's client. Calls answer with status and body; nothing is retried unless a test does it."""

    def __init__(self, live: LiveProduct, login: str, password: str) -> None:
        self.live = live
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self._csrf = ""
        self._epoch = ""
        reply = self.call("POST", "/session", {"login": login, "password": password})
        assert reply.status < 300, reply
        self._csrf = str(self.call("GET", "/session").body.get("csrf_token", ""))

    def call(self, method: str, path: str, body: dict | None = None) -> Reply:
        request = urllib.request.Request(  # noqa: S310 - our own product
            f"{self.live.address}/api{path}",
            data=None if method == "GET" else json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json", "X-CSRF-TOKEN": self._csrf, "X-Attempt-Epoch": self._epoch},
            method=method,
        )
        return self._ask(request)

    def _ask(self, request: urllib.request.Request) -> Reply:
        try:
            with self._opener.open(request, timeout=30) as reply:
                return Reply(reply.status, json.loads(reply.read() or b"{}"))
        except urllib.error.HTTPError as refusal:
            return Reply(refusal.code, json.loads(refusal.read() or b"{}"))

    def put(self, path: str, data: bytes, headers: dict[str, str]) -> Reply:
        """Bytes, as a recording's are sent."""
        request = urllib.request.Request(  # noqa: S310 - our own product
            f"{self.live.address}/api{path}", data=data, headers={**headers, "X-CSRF-TOKEN": self._csrf}, method="PUT"
        )
        return self._ask(request)

    def own_headers(self) -> dict[str, str]:
        """What makes a request this candidate's, for one that is sent by hand."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)
        return {"Cookie": cookies, "X-CSRF-TOKEN": self._csrf}

    def begin(self, delivery_id: str) -> str:
        """Enters, passes the check, begins; the attempt's id."""
        entered = self.call("POST", f"/deliveries/{delivery_id}/attempts", {"client_id": str(uuid.uuid4())}).body
        attempt, self._epoch = str(entered["id"]), str(entered["epoch"])
        for step, body in (("check", CHECKS), ("begin", None)):
            reply = self.call("POST", f"/attempts/{attempt}/{step}", body)
            assert reply.status == 200, reply
        return attempt

    def open_item(self, attempt: str, position: int) -> Reply:
        return self.move(attempt, "open", position)

    def close_item(self, attempt: str, position: int) -> Reply:
        return self.move(attempt, "close", position)

    def move(self, attempt: str, kind: str, position: int) -> Reply:
        move = {"kind": kind, "position": position, "at": datetime.now(UTC).isoformat()}
        return self.call("POST", f"/attempts/{attempt}/moves", {"moves": [move]})

    def record(self, attempt: str, position: int, sound: Path = VOICE) -> str:
        """Sends a recording; returns its id once the server has acknowledged it."""
        data, recording_id = sound.read_bytes(), str(uuid.uuid4())
        announced = announce(data, position=position, content_type="audio/ogg", duration_ms=4_000)
        reply = self.put(f"/attempts/{attempt}/recordings/{recording_id}", data, recording_headers(announced))
        assert reply.status == 202, reply
        assert reply.body["stored"] is True
        return recording_id
