"""Who keeps the adapters alive? Each connects, serves and is tried again, harming no other."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from bridge.errors import BridgeError, CredentialsRefused, Unreachable
from bridge.model.ids import AdapterName
from bridge.plugin import Adapter, Host, Plugin, Queuer, Signaller
from bridge.runtime.routes import Routes
from bridge.runtime.status import Status
from bridge.runtime.world import World

#: How long nobody asks again after the platform refused our credentials: a person must act.
_REFUSED = timedelta(seconds=60)
_GONE = "the adapter has left"


@dataclass(slots=True)
class _Slot:
    adapter: Adapter | None = None
    signaller: Signaller | None = None  #: the same, if it can show signs of life
    queuer: Queuer | None = None  #: the same, if there are turns to wait for
    there: asyncio.Event = field(default_factory=asyncio.Event)
    waits: set[asyncio.Timeout] = field(default_factory=set)  #: to be over when it leaves


class Adapters:
    """The adapters that are connected at this moment, by name."""

    def __init__(self) -> None:
        self._slots: dict[AdapterName, _Slot] = {}

    def now(self, name: AdapterName) -> Adapter | None:
        """The adapter, if it is connected."""
        slot = self._slots.get(name)
        return slot.adapter if slot else None

    def signaller(self, name: AdapterName) -> Signaller | None:
        """The adapter, if it is connected and can show signs of life."""
        slot = self._slots.get(name)
        return slot.signaller if slot else None

    def queuer(self, name: AdapterName) -> Queuer | None:
        """The adapter, if it is connected and lets only so much through."""
        slot = self._slots.get(name)
        return slot.queuer if slot else None

    async def connected(self, name: AdapterName) -> Adapter:
        """The adapter, as soon as it is connected; what is owed to one that was removed waits."""
        slot = self._slots.setdefault(name, _Slot())
        while slot.adapter is None:
            await slot.there.wait()
        return slot.adapter

    async def while_there(
        self, name: AdapterName, adapter: Adapter, turn: Callable[[], Awaitable[None]]
    ) -> None:
        """Wait for `turn`, only as long as this very adapter is connected; raises what it raises.

        Raises:
            Unreachable: it has left.
        """
        slot = self._slots.setdefault(name, _Slot())
        if slot.adapter is not adapter:
            raise Unreachable(_GONE)
        wait = asyncio.timeout(None)
        slot.waits.add(wait)
        try:
            async with wait:
                await turn()
        except TimeoutError:
            if wait.expired():
                raise Unreachable(_GONE) from None
            raise
        finally:
            slot.waits.discard(wait)

    def arrived(self, name: AdapterName, adapter: Adapter) -> None:
        """It is connected."""
        slot = self._slots.setdefault(name, _Slot())
        slot.adapter = adapter
        # Asked once: to compare with a protocol takes as long as a small step of a conversation.
        slot.signaller, slot.queuer = _signaller(adapter), _queuer(adapter)
        slot.there.set()

    def left(self, name: AdapterName) -> None:
        """It is not connected any more."""
        slot = self._slots.setdefault(name, _Slot())
        slot.adapter = slot.signaller = slot.queuer = None
        slot.there.clear()
        waits, slot.waits = slot.waits, set()
        for wait in waits:
            wait.reschedule(asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One configured adapter: its plug-in, its own settings, and the host it is lent."""

    name: AdapterName
    plugin: Plugin[Any]
    settings: BaseModel
    host: Host


class Supervisor:
    """Runs each adapter until `stop`, again and again if it fails."""

    def __init__(
        self, adapters: Adapters, status: Status, world: World, routes: Routes | None = None
    ) -> None:
        self._adapters = adapters
        self._status = status
        self._world = world
        self._routes = routes or Routes()

    async def run(self, post: Post, stop: asyncio.Event) -> None:
        """Keep one adapter connected.

        Raises:
            CredentialsRefused: at the first connect: a person must act before it makes sense.
                Later it is a trouble like any other: the other adapters are not to blame.
        """
        failures, served = 0, False
        self._status.expected(post.name)
        while not stop.is_set():
            try:
                async with post.plugin.connect(post.settings, post.host) as adapter:
                    self._adapters.arrived(post.name, adapter)
                    self._status.adapter(post.name, connected=True)
                    failures, served = 0, True
                    await stop.wait()
                    # While it is whole, it finishes the requests that it has begun to answer.
                    await self._routes.close(post.name)
                    self._adapters.left(post.name)
            except Exception as error:
                self._routes.withdraw(post.name)
                self._adapters.left(post.name)
                cause = _cause(error)
                if isinstance(cause, CredentialsRefused) and not served:
                    raise cause from None
                failures += 1
                self._status.adapter(post.name, connected=False, detail=_told(cause))
                await self._again(failures, cause, stop)

    async def _again(self, failures: int, cause: BaseException, stop: asyncio.Event) -> None:
        refused = isinstance(cause, CredentialsRefused)
        wait = self._world.clock.sleep(_REFUSED) if refused else self._world.pause(failures)
        pause = asyncio.ensure_future(wait)
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((pause, stopped), return_when=asyncio.FIRST_COMPLETED)
        for one in (pause, stopped):
            one.cancel()
        await asyncio.gather(pause, stopped, return_exceptions=True)


def _signaller(adapter: object) -> Signaller | None:
    return adapter if isinstance(adapter, Signaller) else None


def _cause(error: BaseException) -> BaseException:
    """What went wrong, out of the groups that an adapter's own tasks wrapped it in."""
    while isinstance(error, BaseExceptionGroup):
        error = (error.subgroup(BridgeError) or error).exceptions[0]
    return error


def _told(cause: BaseException) -> str:
    """Our own errors are fit to be read; foreign ones may quote anything, secrets too."""
    return str(cause) if isinstance(cause, BridgeError) else type(cause).__name__


def _queuer(adapter: object) -> Queuer | None:
    return adapter if isinstance(adapter, Queuer) else None
