"""A mail provider on loopback that speaks Brevo's HTTP and misbehaves on command; it counts what it took as new.

    ok         takes
    busy       429, come back in five seconds
    deaf       500 *after* taking the mail
    broken     takes the mail and breaks the line
    slow       takes after two seconds
As Brevo's, a repeat of a key that it knows is refused as a duplicate, and is not a second mail.
"""

import json
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

MailMode = Literal["ok", "busy", "deaf", "broken", "slow"]
DOMAIN = "mail.test"


class MailDouble:
    """`accepted` counts new mails by the result that they are about: whatever key a second one has, it is a second."""

    def __init__(self, port: int) -> None:
        self.mode: MailMode = "ok"
        self.accepted: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"double": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="mail", daemon=True).start()

    def take(self, body: dict[str, Any]) -> bool:
        """Whether it was new."""
        key = str(body.get("headers", {}).get("idempotencyKey"))
        with self._lock:
            if key in self._keys:
                return False
            self._keys.add(key)
            about = re.search(r"/results/([\w-]+)", body["textContent"])
            self.accepted[about[1] if about else ""] += 1
            return True

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A worker that is killed while it waits for us is what drills are about."""


class _Handler(BaseHTTPRequestHandler):
    double: MailDouble

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        mode = self.double.mode
        if mode == "busy":
            return self._answer(429, {"code": "too_many_requests", "message": "later"}, {"Retry-After": "5"})
        if mode == "slow":
            time.sleep(2)
        is_new = self.double.take(body)
        if mode == "broken":
            self.close_connection = True
            return None
        if mode == "deaf":
            return self._answer(500, {"code": "internal", "message": "sorry"}, {})
        if not is_new:
            return self._answer(400, {"code": "duplicate_parameter", "message": "idempotencyKey was used"}, {})
        return self._answer(201, {"messageId": f"<{time.monotonic_ns()}@{DOMAIN}>"}, {})

    def _answer(self, status: int, body: dict[str, str], headers: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return
