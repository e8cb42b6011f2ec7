"""How are several connections kept, so that at no moment none listens?

Each place is kept by a task: when its socket is to be replaced, another is opened first, and only
then is the old one let go, once what it is serving is acknowledged. Sockets are opened one at a
time, so that places share one trouble, and one pace at which it is tried again.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Protocol

from adapters.slack.doors.socket import LOST
from adapters.slack.logs import LOG
from bridge.clock import Clock
from bridge.errors import BridgeError, CredentialsRefused, RetryLater, Unreachable

#: Reasons of our own to replace a socket; any other is Slack's, which then may still send by it.
SILENT, DEAF = "silent", "deaf"

#: How soon a trouble is tried again that only a person can end.
_SLOWLY = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(seconds=30)
#: A socket that lasts no longer has not healed whatever ended the one before it.
_SHORT_LIFE = timedelta(seconds=10)
#: How long Slack may go on counting a connection that has ended.
_STILL_COUNTED = timedelta(minutes=1)


class SwitchedOff(Unreachable):
    """Slack gives no connections: Socket Mode is off, which only a person can change."""


class Link(Protocol):
    """One socket, as its keeper sees it."""

    events: int  #: how many have come by it
    reason: str  #: why it is to be replaced, once it is
    connections: int  #: how many Slack held for the app when it opened, this one among them
    over: asyncio.Event
    gone: asyncio.Event

    @property
    def listening(self) -> bool:
        """Whether Slack can reach us by it, as far as can be seen."""
        ...

    def signs(self) -> int:
        """How many signs of life Slack has given since this was asked last."""
        ...

    def replace(self, reason: str) -> None:
        """Another is to be opened in its place."""
        ...

    async def leave(self) -> None:
        """Let what is being served be acknowledged, then close."""
        ...


class Door(Protocol):
    """Where sockets come from."""

    async def open(self) -> Link:
        """A socket that listens, by a ticket of its own; raises BridgeError."""
        ...


class Sockets:
    """As many connections as are wanted, each renewed by one that is opened before it is closed."""

    def __init__(self, door: Door, clock: Clock, *, wanted: int, linger: timedelta) -> None:
        self._door = door
        self._clock = clock
        self._linger = linger
        self._places: list[Link | None] = [None] * wanted
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: set[Link] = set()
        self._ended: list[datetime] = []
        self.shared = False  #: somebody else holds sockets of the app
        self.trouble: BridgeError | None = None  #: why none can be opened now

    async def begin(self) -> None:
        """Open one, and let the others follow. Raises what the door does."""
        self._places[0] = first = await self._door.open()
        self._count(first.connections)
        for place in range(len(self._places)):
            self._start(self._keep(place))

    @property
    def links(self) -> list[Link]:
        """Those that are there now."""
        return [link for link in self._places if link is not None]

    @property
    def wanted(self) -> int:
        """How many there should be."""
        return len(self._places)

    @property
    def listening(self) -> int:
        """How many can be reached, also one that will be replaced in a moment."""
        return sum(link.listening for link in (*self.links, *self._leaving))

    def renew(self, reason: str) -> None:
        """Replace all of them."""
        for link in self.links:
            link.replace(reason)

    async def leave(self) -> None:
        """Close all; no task stays behind."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(link.leave() for link in (*self.links, *self._leaving)))

    async def _keep(self, place: int) -> None:
        """One place, for ever."""
        hasty = 0
        while True:
            old = self._places[place]
            began = self._clock.now()
            if old is not None:
                await old.over.wait()
                hasty = hasty + 1 if self._clock.now() - began < _SHORT_LIFE else 0
                await self._clock.sleep(_pause(hasty - 1))
            async with self._turn:
                self._places[place] = new = await self._opened()
                if old is not None:
                    self._leaving.add(old)
                    self._start(self._let_go(old))
                self._count(new.connections)

    async def _opened(self) -> Link:
        """A new socket, however long that takes."""
        failures = 0
        while True:
            try:
                link = await self._door.open()
            except Exception as error:
                failures += 1
                self.trouble = error if isinstance(error, BridgeError) else None
                if self.trouble is None:
                    LOG.exception("slack.surprise", extra={"error": type(error).__name__})
                await self._clock.sleep(pause_after(error, failures))
            else:
                self.trouble = None
                return link

    async def _let_go(self, link: Link) -> None:
        """See the old one off. Slack may still send by one that it has told to leave."""
        if link.reason not in {LOST, SILENT, DEAF}:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._linger.total_seconds()):
                    await link.gone.wait()
        await link.leave()
        self._leaving.discard(link)
        self._ended.append(self._clock.now())

    def _count(self, told: int) -> None:
        """Compare what Slack counts with what we hold, or have held until a moment ago."""
        since = self._clock.now() - _STILL_COUNTED
        self._ended = [at for at in self._ended if at > since]
        ours = len(self.links) + len(self._leaving) + len(self._ended)
        if (told > ours) == self.shared:
            return
        self.shared = told > ours
        if self.shared:
            LOG.warning("slack.sockets_shared", extra={"connections": told, "ours": ours})
        else:
            LOG.info("slack.sockets_our_own", extra={"connections": told})

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def pause_after(error: Exception, failures: int) -> timedelta:
    """How long nothing is tried after this trouble."""
    if isinstance(error, RetryLater):
        return error.after
    return _SLOWLY if needs_a_person(error) else _pause(failures)


def needs_a_person(error: Exception | None) -> bool:
    """Whether trying again is no use until somebody has acted."""
    return isinstance(error, CredentialsRefused | SwitchedOff)


def _pause(failures: int) -> timedelta:
    if failures <= 0:
        return timedelta()
    return min(_LONGEST_PAUSE, timedelta(seconds=2 ** min(failures - 1, 10)))
