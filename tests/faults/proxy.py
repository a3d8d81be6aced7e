"""A TCP proxy before each server: what it passes on, loses or swallows is the fault.

A real network that drops packets leaves connections open on both sides, so a connection that has lost a byte never
passes another one: it stays half open until its client gives up, and the server is not told even then.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum
from pathlib import Path

CHUNK_BYTES = 65_536


class Mode(Enum):
    """What happens to new connections, and to bytes of all connections that are not half open yet."""

    PASS = "pass"
    REFUSE = "refuse"
    LOSE_REPLIES = "lose replies"
    SWALLOW = "swallow"


class _Link:
    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.up_lost = self.down_lost = False

    def abort(self) -> None:
        for side in (self.client, self.server):
            side.transport.abort()


class Proxy:
    """Listens on a loopback port and passes to a server's unix socket (or loopback port), as ``mode`` says."""

    def __init__(self, target: Path | int) -> None:
        self._target = target
        self._links: set[_Link] = set()
        self._listener: asyncio.Server | None = None
        self.mode = Mode.PASS
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop everything."""
        if self._listener is not None:
            self._listener.close()
        self.drop()
        await asyncio.sleep(0)

    def drop(self) -> None:
        """Reset every connection, on both sides."""
        for link in list(self._links):
            link.abort()

    def half_open(self) -> None:
        """Have all present connections swallow everything for good; new ones pass."""
        for link in self._links:
            link.up_lost = link.down_lost = True

    def lose_replies(self) -> None:
        """Have present connections lose what the server says, for good; new ones pass."""
        for link in self._links:
            link.down_lost = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.REFUSE:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        down = asyncio.create_task(self._down(link, server_reader))
        try:
            await self._up(link, reader)
            if not (link.up_lost or link.down_lost):
                server_writer.transport.abort()
            await down
        finally:
            down.cancel()
            link.abort()
            self._links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, int):
            return await asyncio.open_connection("127.0.0.1", self._target)
        return await asyncio.open_unix_connection(str(self._target))

    async def _up(self, link: _Link, reader: asyncio.StreamReader) -> None:
        with suppress(OSError, RuntimeError):  # uvloop's error for a transport that is closed
            while data := await reader.read(CHUNK_BYTES):
                link.up_lost |= self.mode is Mode.SWALLOW
                if not link.up_lost:
                    link.server.write(data)
                    await link.server.drain()

    async def _down(self, link: _Link, reader: asyncio.StreamReader) -> None:
        with suppress(OSError, RuntimeError):
            while data := await reader.read(CHUNK_BYTES):
                link.down_lost |= self.mode in (Mode.SWALLOW, Mode.LOSE_REPLIES)
                if not link.down_lost:
                    link.client.write(data)
                    await link.client.drain()
        if not link.down_lost:
            link.client.transport.abort()
