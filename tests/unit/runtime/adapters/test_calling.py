"""A front has the methods that it is given, no more, and hands every call over whole."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.messages import Notice, NoticeKind
from bridge.plugin import (
    Announcer,
    Finder,
    Grower,
    Namer,
    Queuer,
    Rememberer,
    Reviser,
    Signal,
    SignalKind,
    Signaller,
)
from bridge.runtime.adapters.calling import VERBS, Verb, front, methods_of
from bridge.testing.clock import NOON

PROTOCOLS: dict[str, Any] = {
    "announce": Announcer,
    "find": Finder,
    "revise": Reviser,
    "grow": Grower,
    "turn": Queuer,
    "name_of": Namer,
    "remembered_of": Rememberer,
    "signal": Signaller,
}
OUTBOUND = Outbound(
    id=DeliveryId("c.1"),
    thread=ThreadKey("t"),
    content=Notice(NoticeKind.ENDED),
    owed_at=NOON,
)
RECEIPT = Receipt("r")
SINCE = NOON - timedelta(hours=1)
SIGN = Signal(SignalKind.TYPING)


async def nothing(*_: object) -> None:
    """Nobody is asked."""


@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_it_can_what_it_is_said_to_and_nothing_else(size: int) -> None:
    for methods in itertools.combinations(PROTOCOLS, size):
        made = front(frozenset({"deliver", *methods}), nothing)

        can = {name for name, kind in PROTOCOLS.items() if isinstance(made, kind)}
        assert can == set(methods)
        assert methods_of(made) == {"deliver", *methods}


async def test_each_call_reaches_the_adapter_as_it_was_made() -> None:
    class Everything:
        """Keeps how it was called."""

        def __init__(self) -> None:
            self.calls: list[tuple[object, ...]] = []

        async def deliver(self, outbound: Outbound) -> Receipt:
            self.calls.append(("deliver", outbound))
            return RECEIPT

        async def announce(self, outbound: Outbound) -> Receipt:
            self.calls.append(("announce", outbound))
            return RECEIPT

        async def find(self, outbound: Outbound, *, since: object) -> Receipt | None:
            self.calls.append(("find", outbound, since))
            return None

        async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
            self.calls.append(("revise", outbound, receipt))

        async def grow(self, outbound: Outbound, receipt: Receipt) -> None:
            self.calls.append(("grow", outbound, receipt))

        async def turn(self, outbound: Outbound, *, revising: bool = False) -> None:
            self.calls.append(("turn", outbound, revising))

        async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
            self.calls.append(("name_of", person, thread))
            return "Ann"

        async def remembered_of(self, person: PersonId) -> list[str]:
            self.calls.append(("remembered_of", person))
            return ["key"]

        async def signal(self, thread: ThreadKey, signal: Signal) -> None:
            self.calls.append(("signal", thread, signal))

    adapter = Everything()

    async def ask(verb: Verb[Any], *arguments: object) -> object:
        return await verb.ask(adapter, *arguments)

    made: Any = front(methods_of(adapter), ask)

    assert await made.deliver(OUTBOUND) == await made.announce(OUTBOUND) == RECEIPT
    assert await made.find(OUTBOUND, since=SINCE) is None
    await made.revise(OUTBOUND, RECEIPT)
    await made.grow(OUTBOUND, RECEIPT)
    await made.turn(OUTBOUND, revising=True)
    await made.turn(OUTBOUND)
    assert await made.name_of(PersonId("p"), ThreadKey("t")) == "Ann"
    assert await made.remembered_of(PersonId("p")) == ["key"]
    await made.signal(ThreadKey("t"), SIGN)

    assert adapter.calls == [
        ("deliver", OUTBOUND),
        ("announce", OUTBOUND),
        ("find", OUTBOUND, SINCE),
        ("revise", OUTBOUND, RECEIPT),
        ("grow", OUTBOUND, RECEIPT),
        ("turn", OUTBOUND, True),
        ("turn", OUTBOUND, False),
        ("name_of", "p", "t"),
        ("remembered_of", "p"),
        ("signal", "t", SIGN),
    ]
    assert {call[0] for call in adapter.calls} == {verb.name for verb in VERBS}
