"""A way between two ends that can be cut: what is sent on it is lost, and nobody is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Way:
    """Carries every connection that comes to `port` on to another port of this machine."""

    def __init__(self, to: int) -> None:
        self.port = 0
        self.cut = asyncio.Event()
        self._to = to
        self._tasks: set[asyncio.Task[None]] = set()

    def mend(self) -> None:
        """What comes from now on arrives; connections that lost something are gone."""
        self.cut.clear()
        self._break()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there = None
        try:
            if self.cut.is_set():
                await asyncio.Event().wait()
            back, there = await asyncio.open_connection("127.0.0.1", self._to)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pipe(reader, there))
                both.create_task(self._pipe(back, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, there):
                if end is not None:
                    end.transport.abort()

    async def _pipe(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if not self.cut.is_set():
                to.write(data)
                await to.drain()
        raise ConnectionResetError

    def _break(self) -> None:
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def way(to: int) -> AsyncIterator[Way]:
    """A way to that port, for as long as the block lasts."""
    made = Way(to)
    server = await asyncio.start_server(made._carry, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made._break()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*made._tasks, return_exceptions=True)
