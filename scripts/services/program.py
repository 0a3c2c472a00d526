"""What the process manager keeps running, and what it runs once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


class StartProblem(Exception):
    """The start cannot go on; the text is one plain line with what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A process that stays, ready when `is_ready()` says so (quick, never raises) or its output has `ready_text`. Once
    its output has `hopeless_text` it lives on and works no more: it is killed, and started again."""

    name: str
    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] | None = None
    ready_text: str | None = None
    hopeless_text: str | None = None
    ready_within_s: float = 60
    stop_within_s: float = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command that must end well before the start goes on; its last line of output is shown as progress."""

    name: str
    title: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where one copy of Viva keeps what it runs on."""

    data: Path

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def make(self) -> None:
        for folder in (self.data, self.run, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
