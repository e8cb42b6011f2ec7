"""How is an adapter asked for something, wherever it runs?

Each thing it can be asked for is a verb: what goes with it, what comes back, how long that may
take, and what is known if no answer comes. A `Front` has the methods of one adapter and hands
each call over: to the adapter itself (`patience`), or to its process (`isolation`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from bridge.errors import DeliveryFailed, MaybeDelivered, Unreachable
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.signal import Signal

ResultT = TypeVar("ResultT")

#: How long a call may take before it is called off: longer than any adapter's own patience.
PATIENCE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Verb(Generic[ResultT]):
    """One thing that can be asked of an adapter."""

    name: str
    #: What goes with it, in order, and what comes back: types that msgspec can read.
    arguments: Any
    result: Any
    #: Asks the adapter itself.
    ask: Callable[..., Awaitable[ResultT]]
    #: What a call without an answer comes to.
    unanswered: type[DeliveryFailed] = Unreachable
    #: None: whoever asks has a patience of their own.
    patience: timedelta | None = PATIENCE


DELIVER: Final[Verb[Receipt]] = Verb(
    "deliver",
    tuple[Outbound],
    Receipt,
    lambda adapter, outbound: adapter.deliver(outbound),
    MaybeDelivered,
)
ANNOUNCE: Final[Verb[Receipt]] = Verb(
    "announce",
    tuple[Outbound],
    Receipt,
    lambda adapter, outbound: adapter.announce(outbound),
    MaybeDelivered,
)
FIND: Final[Verb[Receipt | None]] = Verb(
    "find",
    tuple[Outbound, datetime],
    Receipt | None,
    lambda adapter, outbound, since: adapter.find(outbound, since=since),
)
REVISE: Final[Verb[None]] = Verb(
    "revise",
    tuple[Outbound, Receipt],
    None,
    lambda adapter, outbound, receipt: adapter.revise(outbound, receipt),
)
GROW: Final[Verb[None]] = Verb(
    "grow",
    tuple[Outbound, Receipt],
    None,
    lambda adapter, outbound, receipt: adapter.grow(outbound, receipt),
    patience=None,
)
TURN: Final[Verb[None]] = Verb(
    "turn",
    tuple[Outbound, bool],
    None,
    lambda adapter, outbound, revising: adapter.turn(outbound, revising=revising),
    patience=None,
)
NAME_OF: Final[Verb[str | None]] = Verb(
    "name_of",
    tuple[PersonId, ThreadKey],
    str | None,
    lambda adapter, person, thread: adapter.name_of(person, thread),
    patience=None,
)
SIGNAL: Final[Verb[None]] = Verb(
    "signal",
    tuple[ThreadKey, Signal],
    None,
    lambda adapter, thread, signal: adapter.signal(thread, signal),
    patience=None,
)

REMEMBERED_OF: Final[Verb[list[str]]] = Verb(
    "remembered_of",
    tuple[PersonId],
    list[str],
    lambda adapter, person: adapter.remembered_of(person),
    patience=None,
)

#: Makes a call of a verb with its arguments.
Call = Callable[..., Awaitable[Any]]


class Front:
    """What every adapter can be asked for."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Show it as a new message."""
        receipt: Receipt = await self._call(DELIVER, outbound)
        return receipt


class _Announces(Front):
    async def announce(self, outbound: Outbound) -> Receipt:
        receipt: Receipt = await self._call(ANNOUNCE, outbound)
        return receipt


class _Finds(Front):
    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        receipt: Receipt | None = await self._call(FIND, outbound, since)
        return receipt


class _Revises(Front):
    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        await self._call(REVISE, outbound, receipt)


class _Grows(Front):
    async def grow(self, outbound: Outbound, receipt: Receipt) -> None:
        await self._call(GROW, outbound, receipt)


class _Queues(Front):
    async def turn(self, outbound: Outbound, *, revising: bool = False) -> None:
        await self._call(TURN, outbound, revising)


class _Names(Front):
    async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
        name: str | None = await self._call(NAME_OF, person, thread)
        return name


class _Remembers(Front):
    async def remembered_of(self, person: PersonId) -> list[str]:
        keys: list[str] = await self._call(REMEMBERED_OF, person)
        return keys


class _Signals(Front):
    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        await self._call(SIGNAL, thread, signal)


_OPTIONAL: Final[dict[Verb[Any], type[Front]]] = {
    ANNOUNCE: _Announces,
    FIND: _Finds,
    REVISE: _Revises,
    GROW: _Grows,
    TURN: _Queues,
    NAME_OF: _Names,
    REMEMBERED_OF: _Remembers,
    SIGNAL: _Signals,
}
VERBS: Final = (DELIVER, *_OPTIONAL)


def methods_of(adapter: object) -> frozenset[str]:
    """The names of the verbs that it has methods for."""
    return frozenset(verb.name for verb in VERBS if callable(getattr(adapter, verb.name, None)))


def front(methods: frozenset[str], call: Call) -> Front:
    """An adapter with just these methods: whoever asks what it can do is told the truth."""
    kinds = tuple(kind for verb, kind in _OPTIONAL.items() if verb.name in methods)
    made: Front = type("Front", kinds or (Front,), {})(call)
    return made
