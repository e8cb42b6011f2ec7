"""Who keeps the adapters alive? Each connects, serves and is tried again, harming no other."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from bridge import log
from bridge.errors import BridgeError, ConfigurationError, CredentialsRefused, Unreachable
from bridge.model.ids import AdapterName
from bridge.plugin import Adapter, Queuer, Signaller
from bridge.runtime.adapters.patience import call_off
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.delivering.outcomes import cause_of
from bridge.runtime.watching.status import State, Status
from bridge.runtime.world import World

#: How long nobody asks again after the platform refused our credentials: a person must act.
_REFUSED: Final = timedelta(seconds=60)
#: Whoever was connected for so long is tried again at once, as if it had never failed.
STEADY: Final = timedelta(seconds=60)
#: How long connecting may take: there may be much to catch up with.
_CONNECTING: Final = timedelta(minutes=2)
#: How long leaving may take.
_LEAVING: Final = timedelta(seconds=5)
_GONE = "the adapter has left"
#: How much of a trouble is told, in characters.
_LONGEST: Final = 2_000


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
    """One configured adapter: how it is connected, again and again."""

    name: AdapterName
    #: A new context, in which the adapter is connected. Its errors are ours, or named like others.
    connect: Callable[[], AbstractAsyncContextManager[Adapter]]
    #: How it is called, if not as it is: see `patience`.
    called: Callable[[Adapter], Adapter] = lambda adapter: adapter


@dataclass(slots=True)
class _Stay:
    """One time that an adapter is connected, in a task of its own."""

    came: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Runs each adapter until `stop`, again and again if it fails."""

    def __init__(
        self,
        adapters: Adapters,
        status: Status,
        world: World,
        routes: Routes | None = None,
        *,
        among: Collection[AdapterName] = (),
        connecting: timedelta = _CONNECTING,
        leaving: timedelta = _LEAVING,
    ) -> None:
        """`among` are all that will be run; without any left that may serve, it is over."""
        self._adapters = adapters
        self._status = status
        self._world = world
        self._routes = routes or Routes()
        self._connecting = connecting.total_seconds()
        self._leaving = leaving.total_seconds()
        self._hopeful = set(among)
        self._refusal: CredentialsRefused | None = None

    async def run(self, post: Post, stop: asyncio.Event) -> None:
        """Keep one adapter connected.

        Raises:
            CredentialsRefused: at the first connect, and no other adapter can serve either: a
                person must act before it makes sense. Otherwise it is a trouble like any other:
                the other adapters are not to blame.
        """
        failures, served = 0, False
        self._status.expected(post.name)
        self._routes.expect(post.name)
        self._hopeful.add(post.name)
        while not stop.is_set():
            began = self._world.clock.now()
            stay = _Stay()
            cause = await self._stayed(post, stay, stop)
            served |= stay.came.is_set()
            if cause is None:
                return
            if not served:
                self._despair(post.name, cause)
            steady = stay.came.is_set() and self._world.clock.now() - began >= STEADY
            failures = 1 if steady else failures + 1
            self._status.failed(post.name, _state(cause), _told(cause), failures)
            await self._again(failures, cause, stop)

    def _despair(self, name: AdapterName, cause: BaseException) -> None:
        """Whoever was refused, or cannot be used, before it ever served is not hoped for.

        Raises:
            CredentialsRefused: nobody is.
        """
        if not isinstance(cause, CredentialsRefused | ConfigurationError):
            self._hopeful.add(name)
            return
        self._hopeful.discard(name)
        if isinstance(cause, CredentialsRefused):
            self._refusal = cause
        if self._refusal is not None and not self._hopeful:
            raise self._refusal from None

    async def _stayed(self, post: Post, stay: _Stay, stop: asyncio.Event) -> BaseException | None:
        """Have it connected until `stop` (None), or until something went wrong."""
        staying = asyncio.create_task(self._stay(post, stay, stop), name=f"adapter {post.name}")
        try:
            cause = await self._watched(staying, stay, stop)
        finally:
            self._routes.withdraw(post.name)
            self._adapters.left(post.name)
            if not staying.done():
                await call_off(staying)
        return cause

    async def _watched(
        self, staying: "asyncio.Task[BaseException | None]", stay: _Stay, stop: asyncio.Event
    ) -> BaseException | None:
        if not await _within(self._connecting, staying, stay.came, stop):
            return Unreachable("it took too long to connect")
        if stop.is_set() and not stay.came.is_set():
            return None  # it need not connect any more
        await _within(None, staying, stay.leaving)
        if not await _within(self._leaving, staying):
            return Unreachable("it took too long to leave")
        return staying.result()

    async def _stay(self, post: Post, stay: _Stay, stop: asyncio.Event) -> BaseException | None:
        """Connect, wait for `stop`, leave; what went wrong, whatever that is.

        It must not be raised: what is meant to end a program would end ours.
        """
        log.about(adapter=post.name)
        try:
            async with post.connect() as adapter:
                self._adapters.arrived(post.name, post.called(adapter))
                self._routes.arrived(post.name)
                self._status.arrived(post.name)
                stay.came.set()
                try:
                    await stop.wait()
                    # While it is whole, it finishes the requests that it has begun to answer.
                    await self._routes.close(post.name)
                    self._adapters.left(post.name)
                finally:
                    stay.leaving.set()
        except BaseException as error:
            return cause_of(error)
        return None

    async def _again(self, failures: int, cause: BaseException, stop: asyncio.Event) -> None:
        refused = isinstance(cause, CredentialsRefused)
        wait = self._world.clock.sleep(_REFUSED) if refused else self._world.pause(failures)
        pause = asyncio.ensure_future(wait)
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((pause, stopped), return_when=asyncio.FIRST_COMPLETED)
        for one in (pause, stopped):
            one.cancel()
        await asyncio.gather(pause, stopped, return_exceptions=True)


async def _within(seconds: float | None, task: "asyncio.Task[Any]", *events: asyncio.Event) -> bool:
    """Whether the task was done, or one of the events happened, within so long."""
    happened = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(
            (task, *happened), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for one in happened:
            one.cancel()
    return bool(done)


def _state(cause: BaseException) -> State:
    match cause:
        case CredentialsRefused():
            return State.REFUSED
        case ConfigurationError():
            return State.UNUSABLE
    return State.RESTARTING


def _signaller(adapter: object) -> Signaller | None:
    return adapter if isinstance(adapter, Signaller) else None


def _told(cause: BaseException) -> str:
    """Our own errors are fit to be read; foreign ones may quote anything, secrets too.

    What was said of an import that failed may do so as well, and `/ready` shows it to everybody.
    """
    told = str(cause) if isinstance(cause, BridgeError) else type(cause).__name__
    return log.redact(told)[:_LONGEST]


def _queuer(adapter: object) -> Queuer | None:
    return adapter if isinstance(adapter, Queuer) else None
