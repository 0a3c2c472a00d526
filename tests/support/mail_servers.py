"""Mail providers on loopback: one that speaks Brevo's HTTP, one that speaks SMTP. Each keeps what it accepted."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeBrevo:
    """`plan` holds what the next requests meet: (status, body, headers), "accept and break" or "break"."""

    url: str = ""
    accepted: list[dict[str, Any]] = field(default_factory=list)
    api_keys: list[str] = field(default_factory=list)
    plan: list[tuple[int, dict[str, str], dict[str, str]] | str] = field(default_factory=list)


class _BrevoHandler(BaseHTTPRequestHandler):
    fake: FakeBrevo

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.fake.api_keys.append(self.headers.get("api-key", ""))
        planned = self.fake.plan.pop(0) if self.fake.plan else None
        if isinstance(planned, tuple):
            self._answer(*planned)
        elif planned == "break":
            self.close_connection = True
        else:
            self._take(body, breaks=planned == "accept and break")

    def _take(self, body: dict[str, Any], *, breaks: bool) -> None:
        key = body.get("headers", {}).get("idempotencyKey")
        if key and any(key == each["headers"]["idempotencyKey"] for each in self.fake.accepted):
            self._answer(400, {"code": "duplicate_parameter", "message": "idempotencyKey was used"}, {})
            return
        self.fake.accepted.append(body)
        if breaks:
            self.close_connection = True
            return
        self._answer(201, {"messageId": f"<{len(self.fake.accepted)}@brevo.test>"}, {})

    def _answer(self, status: int, body: dict[str, str], headers: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def fake_brevo() -> Iterator[FakeBrevo]:
    fake = FakeBrevo()
    handler = type("Handler", (_BrevoHandler,), {"fake": fake})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        fake.url = f"http://127.0.0.1:{server.server_address[1]}/v3"
        with _serving(server):
            yield fake


@dataclass
class FakeSmtp:
    """`plan` holds what the next messages meet: "RCPT <reply>", "DATA <reply>", "END <reply>", or "break" after all."""

    url: str = ""
    accepted: list[tuple[str, EmailMessage]] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)


class _SmtpHandler(socketserver.StreamRequestHandler):
    fake: FakeSmtp

    def handle(self) -> None:
        planned = self.fake.plan.pop(0) if self.fake.plan else ""
        recipient = ""
        self._say("220 test")
        while line := self.rfile.readline():
            word = line.split(b" ", 1)[0].strip().upper().decode()
            if word in ("EHLO", "HELO", "MAIL", "RSET", "NOOP"):
                self._say("250 ok")
            elif word == "RCPT":
                recipient = line.decode().split("<", 1)[1].split(">", 1)[0]
                self._say(planned[5:] if planned.startswith("RCPT") else "250 ok")
            elif word == "DATA":
                if not self._take(recipient, planned):
                    return
            elif word == "QUIT":
                self._say("221 bye")
                return

    def _take(self, recipient: str, planned: str) -> bool:
        """Reads one message; False where the connection is to break."""
        if planned.startswith("DATA"):
            self._say(planned[5:])
            return True
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b"..") else line)
        if planned.startswith("END"):
            self._say(planned[4:])
            return True
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        self.fake.accepted.append((recipient, message))
        if planned == "break":
            return False
        self._say("250 taken")
        return True

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


@contextmanager
def fake_smtp() -> Iterator[FakeSmtp]:
    fake = FakeSmtp()
    handler = type("Handler", (_SmtpHandler,), {"fake": fake})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        fake.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        with _serving(server):
            yield fake


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(timeout=5)
