"""A plain proxy that hands each new connection to the next machine: no cookies read, nothing sticky, nothing of HTTP.

python -m scripts.load.proxy PORT BACKEND_PORT [BACKEND_PORT ...]
"""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Iterator

HOST = "127.0.0.1"
PIECE = 64 * 1024
WAITING = 1024


async def serve(port: int, backends: list[int]) -> None:
    turn = itertools.cycle(backends)
    server = await asyncio.start_server(lambda *ends: _join(turn, *ends), HOST, port, backlog=WAITING)
    async with server:
        await server.serve_forever()


async def _join(turn: Iterator[int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection of a browser, to one machine, until either end closes."""
    with contextlib.suppress(OSError):
        inner_reader, inner_writer = await asyncio.open_connection(HOST, next(turn))
        try:
            ways = (_carry(reader, inner_writer), _carry(inner_reader, writer))
            await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
        finally:
            inner_writer.close()
    writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
