"""What an embedded service must find again at the next start: its port, its password. One file, mode 600."""

import contextlib
import json
import os
import random
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.services.program import StartProblem

# Ports from 32768 on are handed out to outgoing connections: a server there collides sooner or later.
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000


@dataclass(frozen=True, slots=True)
class Memory:
    """Ports and secrets by name, kept in `path`."""

    path: Path

    def port(self, name: str, *, host: str = "127.0.0.1") -> int:
        """The remembered port if it is free, else another free one, remembered."""
        kept = self._read().get(f"{name}_port")
        if kept is not None and is_free(host, int(kept)):
            return int(kept)
        chosen = free_port(host)
        self._keep(f"{name}_port", chosen)
        return chosen

    def secret(self, name: str) -> str:
        """The remembered secret, made on first use."""
        kept = self._read().get(name)
        if kept is None:
            kept = secrets.token_hex(24)
            self._keep(name, kept)
        return str(kept)

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _keep(self, name: str, value: object) -> None:
        write_private(self.path, json.dumps({**self._read(), name: value}, indent=1))


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, whole or not at all, also when the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: without it, connections that just ended would keep the port for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A free port below the range of outgoing connections."""
    for port in random.sample(range(LOWEST_PORT, HIGHEST_PORT), 200):
        if is_free(host, port):
            return port
    raise StartProblem(f"No free port between {LOWEST_PORT} and {HIGHEST_PORT} on {host}.")
