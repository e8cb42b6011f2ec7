"""Who is at the port? The listening socket, which can be shut while connections go on."""

import asyncio
from datetime import timedelta

from aiohttp import web

from bridge.clock import Clock

#: Connections that may wait to be accepted: a whole fleet reconnects at once.
BACKLOG = 1024


class Listener:
    """Listens on 127.0.0.1."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.port = port  #: once open, the real one
        self._clock = clock
        self._server: web.Server | None = None
        self._listening: asyncio.Server | None = None

    async def serve(self, server: web.Server) -> None:
        """Listen for `server` from now on."""
        self._server = server
        await self.open()

    async def open(self, after: timedelta = timedelta()) -> None:
        """Listen again, `after` a while, unless it does or has nothing to serve any more."""
        await self._clock.sleep(after)
        if self._listening is None and self._server is not None:
            self._listening = await asyncio.get_running_loop().create_server(
                self._server, "127.0.0.1", self.port, backlog=BACKLOG
            )
            self.port = self._listening.sockets[0].getsockname()[1]

    @property
    def listening(self) -> bool:
        """Whether somebody is at the port."""
        return self._listening is not None

    def shut(self) -> None:
        """Listen no more: new connections are refused by the machine, open ones go on."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def leave(self) -> None:
        """Shut, for good."""
        self.shut()
        self._server = None
