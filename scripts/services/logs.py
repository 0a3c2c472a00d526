"""One log file a process, in the data folder, turned over by size."""

from datetime import UTC, datetime
from pathlib import Path
from typing import IO

TURN_OVER_AT_BYTES = 10_000_000
KEPT_FILES = 5


class LogFile:
    """Lines with their time, in `<name>.log`; older ones in `<name>.log.1` and on."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.log"
        self._file: IO[str] = self._path.open("a", encoding="utf-8", buffering=1)

    def write(self, line: str) -> None:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        self._file.write(f"{moment}Z {line}\n")
        if self._file.tell() > TURN_OVER_AT_BYTES:
            self._turn_over()

    def close(self) -> None:
        self._file.close()

    def _turn_over(self) -> None:
        self._file.close()
        for number in range(KEPT_FILES - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._file = self._path.open("a", encoding="utf-8", buffering=1)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
