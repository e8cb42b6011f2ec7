"""A host without a bridge behind it: what an adapter is lent, kept in memory for a test."""

import aiohttp

from bridge.clock import Clock
from bridge.errors import DatabaseFailed
from bridge.model.delivery import Receipt
from bridge.model.ids import AdapterName, DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted, Glimpse, Handler


class PlayedMemory:
    """A memory that lasts as long as the object; `secrets` are the keys of what is sealed."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.secrets: set[str] = set()

    async def recall(self, key: str) -> str | None:
        """What is kept."""
        return self.kept.get(key)

    async def recall_all(self, prefix: str) -> dict[str, str]:
        """Everything kept under these keys."""
        return {key: text for key, text in self.kept.items() if key.startswith(prefix)}

    async def remember(self, key: str, text: str, *, secret: bool = False) -> None:
        """Keep it."""
        self.kept[key] = text
        (self.secrets.add if secret else self.secrets.discard)(key)

    async def forget(self, key: str) -> None:
        """Keep it no longer."""
        self.kept.pop(key, None)
        self.secrets.discard(key)


class PlayedHost:
    """A host that keeps what it is told; `failing` is how often it cannot store.

    `threads` are the open ones and `glimpses` the conversations of each person; `routes` are what
    the adapter serves, by method and path; `receipts` are those by which later changes go.
    """

    def __init__(
        self, clock: Clock, http: aiohttp.ClientSession | None = None, *, name: str = "slack"
    ) -> None:
        self.name = AdapterName(name)
        self.clock = clock
        self._http = http
        self.memory = PlayedMemory()
        self.accepted: list[Inbound] = []
        self.reports: list[bool] = []
        self.doubles: list[tuple[DeliveryId, Receipt, bool]] = []
        self.receipts: set[Receipt] = set()
        self.failing = 0
        self.threads: list[ThreadKey] = []
        self.glimpses: dict[PersonId, list[Glimpse]] = {}
        self.routes: dict[tuple[str, str], Handler] = {}

    @property
    def http(self) -> aiohttp.ClientSession:
        """The session given; without one an adapter has no business on the network."""
        if self._http is None:
            raise AssertionError("no session was lent")
        return self._http

    async def accept(self, inbound: Inbound) -> Accepted:
        """Keep it; known is what shares an identity with an earlier one."""
        if self.failing:
            self.failing -= 1
            raise DatabaseFailed("full")
        known = any(set(old.identities) & set(inbound.identities) for old in self.accepted)
        self.accepted.append(inbound)
        return Accepted.KNOWN if known else Accepted.NEW

    async def doubled(self, delivery: DeliveryId, copy: Receipt, *, removed: bool = False) -> bool:
        """Keep what stood twice, unless its receipt is one of `receipts`."""
        if self.failing:
            self.failing -= 1
            raise DatabaseFailed("full")
        if copy in self.receipts:
            return False
        self.doubles.append((delivery, copy, removed))
        return True

    async def open_threads(self, prefix: str = "") -> list[ThreadKey]:
        """The threads given that begin so."""
        return [thread for thread in self.threads if thread.startswith(prefix)]

    async def conversations_of(self, person: PersonId) -> list[Glimpse]:
        """The glimpses given for them."""
        return list(self.glimpses.get(person, ()))

    def serve(self, method: str, path: str, handler: Handler) -> None:
        """Keep the route."""
        self.routes[method, path] = handler

    def report(self, *, connected: bool, detail: str = "") -> None:
        """Keep how the connection stands."""
        del detail
        self.reports.append(connected)
