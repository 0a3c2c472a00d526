# ruff: noqa: E402 - the patch must come before everything that opens a socket
from gevent import monkey

monkey.patch_all()

"""The programme's web process as a fork server: `python -m scripts.faults.fork_server DESCRIPTOR`.

The application is imported once. Each line on stdin makes one process more that serves the listening socket of that
descriptor, with connections of its own, as gunicorn's workers do; its pid is the answer. They are killed from outside.
"""

import os
import signal
import socket
import sys
from typing import NoReturn

from gevent.os import fork_gevent
from gevent.pywsgi import WSGIServer

from scripts.faults.web import app
from scripts.services.tether import die_with_parent


def main() -> None:
    descriptor = int(sys.argv[1])
    # Whoever dies is reaped by the kernel.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _warm_up()
    print("ready", flush=True)
    for _ in sys.stdin:
        pid = fork_gevent()
        if pid == 0:
            _serve(descriptor)
        print(pid, flush=True)


def _warm_up() -> None:
    """What a first request makes and a fork may share: routes, and the object store's client, which has not called."""
    services = app.extensions["viva"]
    services.blobs.presign_get("nothing", now=services.now())
    app.test_client().get("/healthz")
    app.test_client().get("/api/attempts/nobody")


def _serve(descriptor: int) -> NoReturn:
    die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # What the application logs must not be read as an answer of ours.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        WSGIServer(socket.socket(fileno=descriptor), app, log=None).serve_forever()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
