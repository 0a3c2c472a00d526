"""The process that opens uploads: a program of its own, so that a hostile file meets no secret and no open connection.

Protocol, all integers big-endian: requests on stdin are `size:u32 longest_ms:u32` and the bytes; replies on stdout are
`status:u8 truncated:u8 size:u32` and int16 samples (mono, 16 kHz). Each request is served by a forked child under
limits on CPU, memory and wall time; whatever kills the child becomes the status `decode_failed`. Standard library and
av only.
"""

import io
import os
import resource
import signal
import struct
import sys

import av
import av.audio.resampler
from av.container import InputContainer

OK, NOT_AUDIO, EMPTY, TOO_LONG, DECODE_FAILED = range(5)
RATE = 16_000
_CPU_S, _WALL_S, _MEMORY = 20, 30, 1 << 30
_REPLY = struct.Struct(">BBI")
_REQUEST = struct.Struct(">II")


def sniff(data: bytes) -> str | None:
    """The one demuxer that may open these bytes, or None. Playlists and concatenations never match."""
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if data[:4] == b"OggS":
        return "ogg"
    if data[:4] == b"fLaC":
        return "flac"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:3] == b"ID3" or data[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "mp3"  # our own prompts
    return "mov" if data[4:8] in (b"ftyp", b"styp", b"moov") else None


def ends_early(kind: str, data: bytes) -> bool:
    """Whether the container itself says that bytes are missing at its end."""
    if kind == "wav":
        promised = int.from_bytes(data[4:8], "little") + 8
        return promised < 0xFFFF0000 and promised > len(data)
    if kind == "ogg":
        last = data.rfind(b"OggS")
        return len(data) < last + 27 or not data[last + 5] & 4  # the flag of the last page
    return False


class _TooLong(Exception):
    """More sound than was asked for."""


def _samples(container: InputContainer, limit: int) -> tuple[bool, bytearray]:
    """(cut off, int16 samples) of the first audio stream. What a cut file still holds is kept."""
    samples = bytearray()
    resampler = av.audio.resampler.AudioResampler(format="s16", layout="mono", rate=RATE)
    cut_off = False
    try:
        for frame in container.decode(container.streams.audio[0]):
            frame.pts = None
            for piece in resampler.resample(frame):
                samples += piece.to_ndarray().tobytes()
            if len(samples) > limit:
                raise _TooLong
    except av.FFmpegError:
        cut_off = True
    for piece in resampler.resample(None):
        samples += piece.to_ndarray().tobytes()
    promised_s = container.duration / 1e6 if container.duration else 0.0
    return cut_off or promised_s - len(samples) / 2 / RATE > 0.5, samples


def decode(data: bytes, longest_ms: int) -> tuple[int, bool, bytes]:
    """(status, truncated, int16 samples)."""
    kind = sniff(data)
    if kind is None:
        return (NOT_AUDIO if data else EMPTY), False, b""
    options = {"protocol_whitelist": "none", "enable_drefs": "0"}
    try:
        with av.open(io.BytesIO(data), mode="r", format=kind, options=options) as container:
            if not container.streams.audio:
                return NOT_AUDIO, False, b""
            truncated, samples = _samples(container, longest_ms * RATE // 1000 * 2)
    except _TooLong:
        return TOO_LONG, False, b""
    except av.FFmpegError:
        return DECODE_FAILED, False, b""
    if not samples:
        return (DECODE_FAILED if truncated else EMPTY), False, b""
    return OK, truncated or ends_early(kind, data), bytes(samples)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _WALL_S)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def _serve_one(data: bytes, longest_ms: int) -> bytes:
    """Decode in a fork; its whole reply, or the one that says that it died."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        try:
            _limit()
            status, truncated, samples = decode(data, longest_ms)
            _write_all(writable, _REPLY.pack(status, truncated, len(samples)) + samples)
        finally:
            os._exit(0)
    os.close(writable)
    reply = _read_all(readable)
    os.close(readable)
    os.waitpid(child, 0)
    whole = len(reply) >= _REPLY.size and len(reply) == _REPLY.size + _REPLY.unpack_from(reply)[2]
    return reply if whole else _REPLY.pack(DECODE_FAILED, False, 0)


def _read_exactly(size: int) -> bytes:
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        sys.exit(0)
    return data


def main() -> None:
    """Serve until stdin closes: the worker that started us has ended."""
    av.logging.set_level(None)
    while True:
        size, longest_ms = _REQUEST.unpack(_read_exactly(_REQUEST.size))
        _write_all(1, _serve_one(_read_exactly(size), longest_ms))


if __name__ == "__main__":
    main()
