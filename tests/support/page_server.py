"""The application on memory services behind a real address: for pages that only a browser can judge."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import Flask, Response, g, request
from werkzeug.serving import make_server

from backend.adapters.blobs.memory import MemoryBlobs
from backend.app import create_app
from backend.wiring import Services
from tests.support.exam import CAST, OPENS

_BLOBS = "/blobs/"


class RunningClock:
    """Goes as clocks do, from the opening of the small exam on; `move` leaps."""

    def __init__(self) -> None:
        self._began, self._leapt = time.monotonic(), timedelta()

    def __call__(self) -> datetime:
        return OPENS + timedelta(seconds=time.monotonic() - self._began) + self._leapt

    def move(self, **by: float) -> None:
        self._leapt += timedelta(**by)


class ServedBlobs(MemoryBlobs):
    """Objects in memory that a browser can fetch from the page server."""

    def presign_get(self, key: str, *, now: datetime) -> str:
        return _BLOBS + key


def sign_in_by_cookie(app: Flask) -> None:
    """Who asks is in the cookie `actor`: a browser cannot send a header with a link."""

    def load_actor() -> None:
        if request.cookies.get("actor") in CAST:
            g.actor = CAST[request.cookies["actor"]]

    app.before_request_funcs.setdefault(None, []).insert(0, load_actor)


def serve_blobs(app: Flask, services: Services) -> None:
    """Before anything else is asked: the store is not part of the application."""

    def find_blob() -> Response | None:
        if not request.path.startswith(_BLOBS):
            return None
        return Response(services.blobs.get(request.path.removeprefix(_BLOBS)), content_type="application/octet-stream")

    app.before_request_funcs.setdefault(None, []).insert(0, find_blob)


@contextmanager
def page_server(services: Services) -> Iterator[str]:
    """Serves until the block ends; gives the address without a final slash."""
    app = create_app(services=services)
    sign_in_by_cookie(app)
    serve_blobs(app, services)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
