"""Is the other side of a socket still there? Our signs of life, and the wait for theirs.

Heartbeats go out as often as the session asks for, protocol pings where it wants none. Whatever
comes in is a sign of life; too long without any, and the socket is taken for dead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from bridge.polyai.socket import SocketClosed
from bridge.runtime.world import World

#: Seconds between heartbeats unless the session says otherwise (S-ws).
_HEARTBEAT: Final = 30
#: No session is asked for a sign of life less often, whatever it says.
_SLOWEST_HEARTBEAT: Final = 600
#: So many intervals without any sign of life, and the socket is taken for dead.
_PATIENCE: Final = 2.5
_MOMENT: Final = timedelta(seconds=1)


def heartbeat_interval(named: int | None) -> timedelta | None:
    """A session's own interval, within reason; None if it wants no heartbeats (capability 0)."""
    if named == 0:
        return None
    seconds = named if named is not None and named > 0 else _HEARTBEAT
    return timedelta(seconds=min(seconds, _SLOWEST_HEARTBEAT))


class Pulse:
    """The signs of life of one socket.

    `named` reads the interval the session asks for at present, `beat` sends a heartbeat, `ping`
    returns once a protocol ping is answered.
    """

    def __init__(
        self,
        world: World,
        *,
        named: Callable[[], int | None],
        beat: Callable[[], Awaitable[None]],
        ping: Callable[[], Awaitable[None]],
    ) -> None:
        self._world = world
        self._named = named
        self._beat = beat
        self._ping = ping
        self._felt_at = world.clock.now()
        self._busy = False

    def felt(self) -> None:
        """There was a sign of life."""
        self._felt_at = self._world.clock.now()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While what came is being followed nothing else is read: that is not their silence."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            self.felt()

    async def send(self) -> None:
        """Send signs of life for ever, out of step with everybody else's."""
        part = self._world.chance.random()
        async with asyncio.TaskGroup() as pings:
            pinging: asyncio.Task[None] | None = None
            while True:
                await self._world.clock.sleep(self._interval() * part)
                part = 1.0
                # Asked anew after the wait: the session may have said otherwise meanwhile.
                if heartbeat_interval(self._named()) is not None:
                    await self._beat()
                elif pinging is None or pinging.done():
                    # Beside the loop: a dead socket never answers, and a new ping adds nothing.
                    pinging = pings.create_task(self._pinged())

    async def gone(self) -> None:
        """Return once there was no sign of life for too long."""
        while True:
            wait = self._felt_at + self._interval() * _PATIENCE - self._world.clock.now()
            if wait <= timedelta(0) and not self._busy:
                return
            await self._world.clock.sleep(max(wait, _MOMENT))

    def _interval(self) -> timedelta:
        return heartbeat_interval(self._named()) or timedelta(seconds=_HEARTBEAT)

    async def _pinged(self) -> None:
        try:
            await self._ping()
        except SocketClosed:
            return
        self.felt()
