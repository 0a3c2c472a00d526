"""`make test-eventlet`: starts Viva with VIVA_ASYNC_MODE=eventlet in an environment of its own, and asks it something.

A separate environment, because an installed eventlet is imported by others (Sentry does) whether it is used or not.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import simple_websocket

from config.settings import PROJECT_ROOT
from scripts.services.memory import free_port

ENVIRONMENT = PROJECT_ROOT / ".venv" / "eventlet"
UV = PROJECT_ROOT / ".venv" / "bin" / "uv"
LOCKS = ("requirements.txt", "requirements-eventlet.txt", "requirements-uv.txt")


def main() -> int:
    _make_environment()
    with tempfile.TemporaryDirectory(prefix="viva-eventlet-") as data:
        port = free_port()
        environment = {**os.environ, "VIVA_DATA": data, "VIVA_PORT": str(port), "VIVA_ASYNC_MODE": "eventlet"}
        python = str(ENVIRONMENT / "bin" / "python")
        try:
            subprocess.run((python, "-m", "scripts.up"), cwd=PROJECT_ROOT, env=environment, check=True)
            _ask(f"http://127.0.0.1:{port}")
        finally:
            subprocess.run((python, "-m", "scripts.down"), cwd=PROJECT_ROOT, env=environment, check=False)
    print("eventlet: pages answer, the database, queue and store are reached, and a websocket opens.")
    return 0


def _make_environment() -> None:
    python = str(ENVIRONMENT / "bin" / "python")
    if not Path(python).exists():
        subprocess.run((str(UV), "venv", "--quiet", "--python", sys.executable, str(ENVIRONMENT)), check=True)
    locks = [str(PROJECT_ROOT / name) for name in LOCKS]
    subprocess.run((str(UV), "pip", "sync", "--quiet", "--python", python, "--require-hashes", *locks), check=True)


def _ask(address: str) -> None:
    """Raises when a page, the readiness or a websocket is not as in the other modes."""
    with urllib.request.urlopen(f"{address}/readyz", timeout=20) as reply:  # noqa: S310 - our own address
        parts = json.load(reply)["parts"]
    if set(parts.values()) != {"ready"}:
        raise SystemExit(f"not ready: {parts}")
    with urllib.request.urlopen(f"{address}/sign-in", timeout=20) as reply:  # noqa: S310
        if b"<form" not in reply.read():
            raise SystemExit("the sign-in page has no form")
    socket = simple_websocket.Client(
        f"{address.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket", headers={"Origin": address}
    )
    try:
        opened = socket.receive(timeout=10)
        if not str(opened).startswith("0{"):
            raise SystemExit(f"the websocket did not open: {opened!r}")
    finally:
        socket.close()


if __name__ == "__main__":
    sys.exit(main())
