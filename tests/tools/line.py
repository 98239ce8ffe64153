"""A line between a browser and a server that a test can hold up or cut, as a Wi-Fi does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

BYTES = 65536


class Line:
    """Passes bytes on between `port`, on this machine, and a server. In a thread with a loop of its own."""

    def __init__(self, server: str):
        self.server = urlsplit(server)
        self.loop = asyncio.new_event_loop()
        self.open = asyncio.Event()
        self.tasks: set[asyncio.Task] = set()
        self.dead = False
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    async def begin(self) -> None:
        self.open.set()
        listening = await asyncio.start_server(self.take, "localhost", 0)
        self.port = listening.sockets[0].getsockname()[1]
        for more in listening.sockets[1:]:  # one port for both kinds of address would be luck: one is enough
            more.close()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.dead:
            writer.transport.abort()
            return
        there = await asyncio.open_connection(self.server.hostname, self.server.port)
        both = [self.loop.create_task(self.carry(*pair)) for pair in ((reader, there[1]), (there[0], writer))]
        self.tasks.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, there[1]):
            end.transport.abort() if self.dead else end.close()
        for task in both:
            task.cancel()
        self.tasks.difference_update(both)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while given := await reader.read(BYTES):
            await self.open.wait()
            writer.write(given)
            await writer.drain()

    def _do(self, what) -> None:
        self.loop.call_soon_threadsafe(what)

    def hold(self) -> None:
        """Nothing passes, and nobody is told: as out of reach. What was sent arrives when it is let go."""
        self._do(self.open.clear)

    def let_go(self) -> None:
        self._do(self.open.set)

    def cut(self) -> None:
        """All connections break, and no new one comes about."""

        self._do(self.break_all)

    def break_all(self) -> None:
        self.dead = True
        self.open.set()  # what comes next is not held up
        for task in list(self.tasks):
            task.cancel()

    def mend(self) -> None:
        self._do(lambda: setattr(self, "dead", False))


@contextmanager
def line_to(server: str) -> Iterator[Line]:
    line = Line(server)
    thread = threading.Thread(target=line.loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(line.begin(), line.loop).result(10)
    try:
        yield line
    finally:
        line.cut()
        line.loop.call_soon_threadsafe(line.loop.call_later, 0.1, line.loop.stop)
        thread.join(10)
