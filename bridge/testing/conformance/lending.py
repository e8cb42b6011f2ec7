"""What is an adapter lent here? A host that can refuse and wait, its memory, a real listener."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from bridge.clock import Clock, SystemClock
from bridge.errors import DatabaseFailed
from bridge.model.delivery import Receipt
from bridge.model.ids import AdapterName, DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted, Glimpse, Handler, Memory
from bridge.runtime.adapters.routes import BODY_LIMIT, Routes
from bridge.testing.host import PlayedMemory


@dataclass(slots=True)
class Intake:
    """What an adapter brought. It outlives the adapter, as a database does.

    While `failing` nothing can be stored; while the `gate` is shut nothing is decided.
    """

    brought: list[Inbound] = field(default_factory=list)  #: whatever became of it
    stored: list[Inbound] = field(default_factory=list)  #: in the order it was stored, all copies
    failing: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    memory: PlayedMemory = field(default_factory=PlayedMemory)
    reports: list[tuple[bool, str]] = field(default_factory=list)
    doubles: list[tuple[DeliveryId, Receipt, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    async def accept(self, inbound: Inbound) -> Accepted:
        """Store it as the bridge would, if that can be done; raises DatabaseFailed if not."""
        self.brought.append(inbound)
        await self.gate.wait()
        if self.failing:
            raise DatabaseFailed("the kit lets nothing be stored at the moment")
        threads = self.open_threads()
        known = any(set(old.identities) & set(inbound.identities) for old in self.stored)
        if not known and not inbound.opens and inbound.thread not in threads:
            return Accepted.IGNORED
        self.stored.append(inbound)
        return Accepted.KNOWN if known else Accepted.NEW

    def open_threads(self, prefix: str = "") -> list[ThreadKey]:
        """The threads that something opened."""
        opened = (one.thread for one in self.stored if one.opens)
        return [thread for thread in dict.fromkeys(opened) if thread.startswith(prefix)]


class LentHost:
    """A host over an intake; what it serves is really served while the adapter is held."""

    def __init__(self, name: str, intake: Intake, http: aiohttp.ClientSession) -> None:
        self.name = AdapterName(name)
        self.clock: Clock = SystemClock()
        self.http = http
        self.intake = intake
        self.memory: Memory = intake.memory
        self.routes = Routes()

    async def accept(self, inbound: Inbound) -> Accepted:
        """Store it; raises DatabaseFailed where the rule wants that."""
        return await self.intake.accept(inbound)

    async def doubled(self, delivery: DeliveryId, copy: Receipt, *, removed: bool = False) -> bool:
        """Keep it on record."""
        self.intake.doubles.append((delivery, copy, removed))
        return True

    async def open_threads(self, prefix: str = "") -> list[ThreadKey]:
        """The threads that something opened."""
        return self.intake.open_threads(prefix)

    async def conversations_of(self, person: PersonId) -> list[Glimpse]:
        """None: the kit has no conversations."""
        del person
        return []

    def serve(self, method: str, path: str, handler: Handler) -> None:
        """Answer there, as the daemon would."""
        self.routes.add(self.name, method, path, handler)

    def report(self, *, connected: bool, detail: str = "") -> None:
        """Keep how the connection stands."""
        self.intake.reports.append((connected, detail))


@contextmanager
def reserved() -> Iterator[int]:
    """A port on loopback that is ours: refused while nobody listens there, never given away."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@asynccontextmanager
async def listening(routes: Routes, port: int) -> AsyncIterator[None]:
    """Answer at `port` what `routes` hold, as the daemon's listener does."""
    application = web.Application(client_max_size=BODY_LIMIT)
    application.router.add_route("*", "/{adapter}/{path:.+}", routes.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, reuse_port=True).start()
        yield
    finally:
        await runner.cleanup()


def http_session() -> aiohttp.ClientSession:
    """As the daemon lends it: without cookies."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
