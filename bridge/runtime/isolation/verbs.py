"""What do the daemon and an adapter's process say to each other, beside the calls of an adapter?"""

from datetime import datetime
from typing import Any, Final

import msgspec

from bridge.config.sources import Given, Value
from bridge.model.delivery import Receipt
from bridge.model.ids import AdapterName, DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted, Capabilities, Glimpse
from bridge.runtime.adapters.calling import Verb
from bridge.runtime.isolation.line import LONGEST, LONGEST_THERE, Spoken

#: The longest text that an adapter in a process of its own remembers, or hands out as a receipt.
LONGEST_KEPT: Final = 1024 * 1024


class Settings(msgspec.Struct, frozen=True, array_like=True):
    """What the operator wrote for an adapter, secrets included: it goes over the line alone."""

    file: str
    at: tuple[str | int, ...]
    values: list[tuple[tuple[str | int, ...], Any, str]]  #: key, value, place

    def __repr__(self) -> str:
        """No values: any of them may be a secret."""
        return f"Settings({self.at})"

    @classmethod
    def of(cls, given: Given) -> "Settings":
        """The same, as it can be sent."""
        values = [(key, value.value, value.place) for key, value in given.values.items()]
        return cls(given.file, given.at, values)

    def given(self) -> Given:
        """What was sent."""
        values = {tuple(key): Value(value, place) for key, value, place in self.values}
        return Given(self.file, values, self.at)


class Adapter(msgspec.Struct, frozen=True, array_like=True):
    """Which adapter to be."""

    name: AdapterName
    type_name: str
    where: str  #: the key of its type, for refusals
    settings: Settings
    log_levels: dict[str, int]  #: from which level up, by logger
    now: datetime  #: on the daemon's clock, when so many seconds had elapsed
    elapsed: float


class Connected(msgspec.Struct, frozen=True, array_like=True):
    """What the adapter that is connected can do."""

    methods: frozenset[str]
    capabilities: Capabilities


class Request(msgspec.Struct, frozen=True, array_like=True):
    """An HTTP request, read whole."""

    method: str
    path: str  #: with the query, as it came
    headers: list[tuple[str, str]]
    body: bytes
    scheme: str
    remote: str | None


class Response(msgspec.Struct, frozen=True, array_like=True):
    """What it is answered."""

    status: int
    reason: str | None
    headers: list[tuple[str, str]]
    body: bytes


# To the adapter's process, in this order.
PREPARE: Final = Spoken("prepare", tuple[Adapter])  #: import, read the settings; no loop turns
CONNECT: Final = Spoken("connect", tuple[()], Connected)
STAY: Final = Spoken("stay", tuple[()])  #: answered when the adapter has left, or failed
LEAVE: Final = Spoken("leave", tuple[()])
PING: Final = Spoken("ping", tuple[()])  #: said, and heard as long as the loop turns
LOUDNESS: Final = Spoken("loudness", tuple[dict[str, int]])  #: as `Adapter.log_levels`
REQUEST: Final = Spoken("request", tuple[Request], Response)

# To the daemon.
PONG: Final = Spoken("pong", tuple[()])
ACCEPT: Final = Spoken("accept", tuple[Inbound], Accepted)
DOUBLED: Final = Spoken("doubled", tuple[DeliveryId, Receipt, bool], bool)
RECALL: Final = Spoken("recall", tuple[str], str | None, LONGEST_KEPT)
RECALL_ALL: Final = Spoken("recall_all", tuple[str], dict[str, str], LONGEST_THERE)
REMEMBER: Final = Spoken("remember", tuple[str, str, bool])
FORGET: Final = Spoken("forget", tuple[str])
OPEN_THREADS: Final = Spoken("open_threads", tuple[str], list[ThreadKey], LONGEST)
CONVERSATIONS_OF: Final = Spoken("conversations_of", tuple[PersonId], list[Glimpse], LONGEST_KEPT)
SERVE: Final = Spoken("serve", tuple[str, str])  #: method and path
REPORT: Final = Spoken("report", tuple[bool, str])
#: Logger, level, event, fields.
LOG: Final = Spoken("log", tuple[str, int, str, dict[str, str]])


def spoken(verb: Verb[Any]) -> Spoken:
    """The same verb, between processes."""
    return Spoken(verb.name, verb.arguments, verb.result)
