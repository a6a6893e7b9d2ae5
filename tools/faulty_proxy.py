"""A proxy before an object store that answers some requests with 503 or late, and for a while none: for `make soak`."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

SLOW_DOWN = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REFUSED, LATE = 0.02, 0.05
"""Shares of the pieces of requests that are answered with 503, and that wait."""
LATEST = 1.0
"""Longest wait [s]."""
PIECE = 65536


class FaultyProxy:
    """Passes bytes on to a store, mostly.

    port : of this machine, where it listens
    down : True: every request is answered with 503
    refused, delayed : how many it did that to
    """

    def __init__(self, store_port: int) -> None:
        """Listens nowhere yet.

        store_port : of this machine, where the store is
        """
        self.port, self.down, self.refused, self.delayed = 0, False, 0, 0
        self._store_port = store_port

    async def start(self) -> asyncio.Server:
        """Listens on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", self._store_port)
            answers = asyncio.create_task(_pass(there, writer))
            try:
                await self._requests(reader, writer, back)
            finally:
                answers.cancel()
                back.close()
        writer.close()

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        while piece := await reader.read(PIECE):
            chance = random.random()  # noqa: S311 - which request fails is nobody's secret
            if self.down or chance < REFUSED:
                self.refused += 1
                writer.write(SLOW_DOWN)
                return
            if chance < REFUSED + LATE:
                self.delayed += 1
                await asyncio.sleep(random.uniform(0, LATEST))  # noqa: S311
            back.write(piece)
            await back.drain()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
        writer.close()
