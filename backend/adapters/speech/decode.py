"""Uploaded bytes to samples, decoded in a process of its own under limits (see decode_child)."""

import atexit
import os
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.core.errors import PermanentFailure, TemporaryFailure
from backend.scoring.evidence import Pcm

LONGEST_MS = 10 * 60_000
LARGEST_BYTES = 64 << 20
_PATIENCE_S = 45.0
_REASONS = {1: "not_audio", 2: "empty", 3: "too_long", 4: "decode_failed"}  # decode_child's statuses
_REPLY = struct.Struct(">BBI")
_REQUEST = struct.Struct(">II")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedSound:
    """Mono float32 at 16 kHz; `truncated`: the file ended in the middle, what it held is here."""

    pcm: Pcm
    truncated: bool


class _Decoder:
    """One decoding process, restarted when it dies. Belongs to the process that made it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            script = Path(__file__).with_name("decode_child.py")
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath},
            )
        return self._process

    def close(self) -> None:
        """End the decoding process, if this process started it."""
        if self._process is not None and self.owner == os.getpid():
            self._process.kill()
            self._process.communicate()
            self._process = None

    def ask(self, data: bytes, longest_ms: int) -> tuple[int, bool, bytes]:
        with self._lock:
            process = self._running()
            if process.stdin is None or process.stdout is None:  # both are pipes: this tells the type checker
                raise TemporaryFailure("decoder_died")
            guard = threading.Timer(_PATIENCE_S, process.kill)
            guard.start()
            try:
                process.stdin.write(_REQUEST.pack(len(data), longest_ms) + data)
                process.stdin.flush()
                head = process.stdout.read(_REPLY.size)
                status, truncated, size = _REPLY.unpack(head)
                samples = process.stdout.read(size)
            except (BrokenPipeError, struct.error) as died:
                self.close()
                raise TemporaryFailure("decoder_died") from died
            finally:
                guard.cancel()
        if len(samples) < size:
            raise TemporaryFailure("decoder_died")
        return status, bool(truncated), samples


_decoders: dict[int, _Decoder] = {}


def _decoder() -> _Decoder:
    """This process's own decoder: one inherited over a fork would mix two workers' answers."""
    found = _decoders.get(os.getpid())
    if found is None:
        _decoders.clear()
        found = _decoders.setdefault(os.getpid(), _Decoder())
        atexit.register(found.close)
    return found


def decode(data: bytes, *, longest_ms: int = LONGEST_MS) -> DecodedSound:
    """webm, ogg, mp4, wav or flac to samples.

    PermanentFailure: `empty`, `not_audio`, `too_long`, `decode_failed`. TemporaryFailure: `decoder_died`.
    """
    if not data:
        raise PermanentFailure("empty")
    if len(data) > LARGEST_BYTES:
        raise PermanentFailure("too_long")
    status, truncated, samples = _decoder().ask(data, longest_ms)
    if status:
        raise PermanentFailure(_REASONS[status])
    return DecodedSound(
        pcm=np.asarray(np.frombuffer(samples, dtype="<i2") / 32768, dtype=np.float32), truncated=truncated
    )
