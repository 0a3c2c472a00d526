"""Web processes that are made by a fork in milliseconds and killed one by one (scripts.faults.fork_server)."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from config.settings import PROJECT_ROOT
from scripts.services.supervisor import TETHER

BACKLOG = 512
TETHERED = (sys.executable, "-S", TETHER, sys.executable)


class WebForks:
    """The fork server and its children. The listening socket is ours: while none lives, callers wait in its queue."""

    def __init__(self, environment: Mapping[str, str], *, log: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        descriptor = self._listener.fileno()
        with log.open("ab") as errors:
            self._server = subprocess.Popen(
                (*TETHERED, "-W", "ignore", "-m", "scripts.faults.fork_server", str(descriptor)),
                cwd=PROJECT_ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=(descriptor,),
                text=True,
            )
        self.pids: list[int] = []
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listener.getsockname()
        return host, port

    def fork(self, number: int = 1) -> None:
        assert self._server.stdin is not None  # noqa: S101 - opened above
        for _ in range(number):
            self._server.stdin.write("fork\n")
            self._server.stdin.flush()
            self.pids.append(int(self._read()))

    def kill(self, pid: int) -> None:
        """kill -9."""
        self.pids.remove(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def kill_all(self) -> None:
        for pid in list(self.pids):
            self.kill(pid)

    def close(self) -> None:
        self.kill_all()
        with self._server:  # which closes its pipes and waits for it
            self._server.kill()
        self._listener.close()

    def _read(self) -> str:
        assert self._server.stdout is not None  # noqa: S101 - opened above
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError("the fork server ended")
        return line.strip()
