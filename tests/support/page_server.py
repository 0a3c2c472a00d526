"""The application on memory services behind a real address: for pages that only a browser can judge."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, g, request
from werkzeug.serving import make_server

from backend.app import create_app
from backend.wiring import Services
from tests.support.exam import CAST


def sign_in_by_cookie(app: Flask) -> None:
    """Who asks is in the cookie `actor`: a browser cannot send a header with a link."""

    def load_actor() -> None:
        if request.cookies.get("actor") in CAST:
            g.actor = CAST[request.cookies["actor"]]

    app.before_request_funcs.setdefault(None, []).insert(0, load_actor)


@contextmanager
def page_server(services: Services) -> Iterator[str]:
    """Serves until the block ends; gives the address without a final slash."""
    app = create_app(services=services)
    sign_in_by_cookie(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
