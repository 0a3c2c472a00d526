"""Candidates without a browser: over HTTP, as the exam's client talks, against a running product."""

import hashlib
import http.cookiejar
import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

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
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self._csrf = ""
        reply = self.call("POST", "/session", {"login": login, "password": password})
        assert reply.status < 300, reply
        self._csrf = str(self.call("GET", "/session").body.get("csrf_token", ""))

    def call(self, method: str, path: str, body: dict | None = None) -> Reply:
        request = urllib.request.Request(  # noqa: S310 - our own product
            f"{self.live.address}/api{path}",
            data=None if method == "GET" else json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json", "X-CSRF-TOKEN": self._csrf},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=30) as reply:
                return Reply(reply.status, json.loads(reply.read() or b"{}"))
        except urllib.error.HTTPError as refusal:
            return Reply(refusal.code, json.loads(refusal.read() or b"{}"))

    def begin(self, delivery_id: str) -> str:
        """Enters, passes the check, begins; the attempt's id."""
        attempt = str(self.call("POST", f"/deliveries/{delivery_id}/attempts").body["id"])
        assert self.call("POST", f"/attempts/{attempt}/check", CHECKS).status == 200
        assert self.call("POST", f"/attempts/{attempt}/begin").status == 200
        return attempt

    def open_item(self, attempt: str, position: int) -> Reply:
        return self.call("POST", f"/attempts/{attempt}/items/{position}/open")

    def close_item(self, attempt: str, position: int) -> Reply:
        return self.call("POST", f"/attempts/{attempt}/items/{position}/close")

    def record(self, attempt: str, position: int, sound: Path = VOICE) -> str:
        """Announces, uploads, confirms; returns the recording's id once the server has acknowledged it."""
        data, recording_id = sound.read_bytes(), str(uuid.uuid4())
        announced = self.call(
            "POST",
            f"/attempts/{attempt}/recordings",
            {
                "recording_id": recording_id,
                "position": position,
                "segment": 0,
                "sha256": hashlib.sha256(data).hexdigest(),
                "size": len(data),
                "content_type": "audio/ogg",
                "duration_ms": 4_000,
            },
        )
        assert announced.status == 201, announced
        upload = announced.body["upload"]
        put = urllib.request.Request(  # noqa: S310 - our own store
            upload["url"], data=data, headers=upload["headers"], method=upload["method"]
        )
        with urllib.request.urlopen(put, timeout=30) as reply:  # noqa: S310
            assert reply.status == 200
        confirmed = self.call("POST", f"/attempts/{attempt}/recordings/{recording_id}/confirm")
        assert confirmed.status == 202, confirmed
        assert confirmed.body["stored"] is True
        return recording_id
