"""A small TCP proxy that misbehaves on command. One thread with one event loop serves every proxy of a run.

pass         forwards
refuse       nobody listens, and what was open is reset
reset        every connection is reset at its first byte, and what was open at once
stall        connections are accepted, no byte passes; what waited goes on afterwards
slow         every chunk waits `delay_s`
half_close   requests pass, replies do not: after the first byte of a reply our half is closed
lose_reply   a request passes; when its reply comes, the connection is reset instead (every `every`-th reply)
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit, urlunsplit

from scripts.services.memory import free_port
from scripts.services.program import StartProblem

Mode = Literal["pass", "refuse", "reset", "stall", "slow", "half_close", "lose_reply"]
T = TypeVar("T")
CHUNK = 64 * 1024
_TRIES = 20
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
HOST = "127.0.0.1"
# The settings that reach each store; the first is where it is.
SETTINGS_OF = {
    "database": ("mongodb_uri",),
    "queue": ("redis_url",),
    "objects": ("s3_endpoint", "s3_public_endpoint"),
}


def _reserve() -> socket.socket:
    """Keeps a port. One that is free for a server may still be kept by connections that have just ended, from anybody
    who does not share it, and this socket must not share: then another is tried."""
    for _ in range(_TRIES):
        reserved = socket.socket()
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            reserved.bind((HOST, free_port(HOST)))
        except OSError:
            reserved.close()
            continue
        return reserved
    raise StartProblem(f"No port could be kept on {HOST}.")


class Loop:
    """The thread that proxies live in."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def stop(self) -> None:
        """Ends every line that is still open."""
        self.run(self._end_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    async def _end_all(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # A round for the transports that were just closed.
        await asyncio.sleep(0.01)


class Proxy:
    """Listens on a port of its own and forwards to `target` (host, port), which may be told later, as its mode says.

    The port stays ours while nobody listens on it: a socket that never listens keeps it."""

    def __init__(self, loop: Loop, *, target: tuple[str, int] | None = None) -> None:
        self.target, self._loop = target, loop
        self._reserved = _reserve()
        self.port: int = self._reserved.getsockname()[1]
        self._mode: Mode = "pass"
        self._delay_s, self._every, self._replies = 0.0, 1, 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        loop.run(self._listen())

    def set(self, mode: Mode, *, delay_s: float = 0.2, every: int = 1) -> None:
        self._loop.run(self._set(mode, delay_s, every))

    def close(self) -> None:
        self._loop.run(self._set("refuse", 0, 1))
        self._reserved.close()

    async def _set(self, mode: Mode, delay_s: float, every: int) -> None:
        self._mode, self._delay_s, self._every = mode, delay_s, every
        if mode == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        if mode in ("refuse", "reset"):
            self._reset_all()
        if mode != "refuse" and self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, self.port, reuse_port=True)

    def _reset_all(self) -> None:
        for writer in list(self._open):
            _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.target is None:
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(writer)
            self._open.discard(writer)
            return
        self._open.add(far_writer)
        try:
            await asyncio.gather(
                self._pump(reader, far_writer, writer, is_reply=False),
                self._pump(far_reader, writer, writer, is_reply=True),
            )
        finally:
            for each in (writer, far_writer):
                each.close()
                self._open.discard(each)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, near: asyncio.StreamWriter, *, is_reply: bool
    ) -> None:
        """`near` is the caller's side, whichever way the bytes go."""
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                while self._mode == "stall":
                    await asyncio.sleep(0.05)
                if not await self._let_pass(data, writer, near, is_reply=is_reply):
                    return
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof():
                writer.write_eof()

    async def _let_pass(
        self, data: bytes, writer: asyncio.StreamWriter, near: asyncio.StreamWriter, *, is_reply: bool
    ) -> bool:
        """Whether the connection goes on."""
        if self._mode == "reset" or (is_reply and self._loses_reply()):
            _reset(near)
            return False
        if is_reply and self._mode == "half_close":
            writer.write(data[:1])
            writer.write_eof()
            return False
        if self._mode == "slow":
            await asyncio.sleep(self._delay_s)
        writer.write(data)
        await writer.drain()
        return True

    def _loses_reply(self) -> bool:
        if self._mode != "lose_reply":
            return False
        self._replies += 1
        return self._replies % self._every == 0


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


def addresses_through(direct: Mapping[str, str], ports: Mapping[str, int]) -> dict[str, str]:
    """The addresses, by name of setting, of the parts that have a proxy: the same, at its port."""
    return {
        name: _at_port(direct[name], port)
        for part, port in ports.items()
        for name in SETTINGS_OF.get(part, ())
        if name in direct
    }


def host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return str(parts.hostname), int(parts.port or 0)


def _at_port(address: str, port: int) -> str:
    parts = urlsplit(address)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{HOST}:{port}"))
