"""What can an operator do about what did not arrive? Each thing in its conversation's turn.

So nothing else happens to a letter meanwhile, such as somebody who presses *Try again*.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec

from bridge.clock import Clock
from bridge.core import events as e
from bridge.model.ids import AdapterName, ConversationId, DeliveryId
from bridge.model.value import Value
from bridge.runtime.control import Control, Verb
from bridge.runtime.deciding import Mail
from bridge.runtime.worker import Worker
from bridge.store import Store
from bridge.store.letters import HELD, MOST_AT_ONCE, entry_of
from bridge.store.records import Letter
from bridge.store.redriving import Arrived, DropLetter, Seen, TakenUpAgain

_NONE: Final = "there is no such delivery"
_GONE: Final = "what it says is not kept any more"
_UNDER_WAY: Final = "it is under way: try again in a moment"
_SETTLE: Final = "it is held, and may have arrived: look, and settle it first"


class Outcome(Value, frozen=True, kw_only=True):
    """What became of a letter: `note` says how, or why nothing was done."""

    id: str
    done: bool
    note: str = ""


class Which(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked for, with these letters."""

    ids: list[str]


class Lanes(Protocol):
    """Who sends to threads."""

    def serves(self, delivery: DeliveryId, conversation: ConversationId) -> bool:
        """Whether it waits there, or is under way."""
        ...

    def certain(self, adapter: AdapterName, delivery: DeliveryId) -> None:
        """It is not in doubt any more."""
        ...


class Letters:
    """The verbs for letters; without `lanes` nothing is sent before the next start."""

    def __init__(
        self, store: Store, worker: Worker, clock: Clock, lanes: Lanes | None = None
    ) -> None:
        self._store = store
        self._worker = worker
        self._clock = clock
        self._lanes = lanes
        #: By the names of the control socket.
        self.verbs: dict[str, Callable[[str], Awaitable[Outcome]]] = {
            "deliveries.redrive": self.redrive,
            "deliveries.drop": self.drop,
            "deliveries.seen": self.seen,
            "deliveries.arrived": self.arrived,
            "deliveries.absent": self.absent,
        }

    def offer(self, control: Control) -> None:
        """Let a running bridge be asked for them."""
        for name in self.verbs:
            control.offer(name, self._verb(name))

    async def each(self, name: str, ids: list[str]) -> list[Outcome]:
        """One after the other; raises DatabaseFailed where that cannot be known."""
        return [await self.verbs[name](one) for one in ids[:MOST_AT_ONCE]]

    def _verb(self, name: str) -> Verb:
        async def verb(arguments: dict[str, Any]) -> object:
            return await self.each(name, msgspec.convert(arguments, Which).ids)

        return verb

    async def redrive(self, identity: str) -> Outcome:
        """A dead letter is owed again."""
        entry = entry_of(identity)
        if entry is not None:
            taken = await self._store.write(TakenUpAgain(entry=entry, at=self._clock.now()))
            if taken is None:
                return await self._not("dead", identity)
            if self._lanes is not None:
                self._worker.take([taken])
            return Outcome(id=identity, done=True, note="it is taken up again")
        return await self._owed_again(identity, "dead")

    async def absent(self, identity: str) -> Outcome:
        """What is held did not arrive: it is sent again."""
        return await self._owed_again(identity, HELD)

    async def arrived(self, identity: str) -> Outcome:
        """What is held did arrive."""
        change = Arrived(id=DeliveryId(identity), at=self._clock.now())
        return await self._settled(identity, change, HELD, "it arrived")

    async def drop(self, identity: str) -> Outcome:
        """A dead or held one is not needed any more."""
        change = DropLetter(id=identity, at=self._clock.now())
        return await self._settled(identity, change, "dead or held", "dropped")

    async def seen(self, identity: str) -> Outcome:
        """A dead one is known."""
        change = Seen(id=identity, at=self._clock.now())
        return await self._settled(identity, change, "dead", "seen", certain=False)

    async def _owed_again(self, identity: str, state: str) -> Outcome:
        letter = await self._store.letters.one(identity)
        if letter is None:
            return Outcome(id=identity, done=False, note=_NONE)
        why = ""

        async def errand() -> list[Mail]:
            nonlocal why
            why, mail = await self._asked_for(identity, state)
            return mail

        done = await self._worker.in_turn(letter.conversation, errand)
        if not done:
            note = why or "the bridge could not do it: see its log"
            return Outcome(id=identity, done=False, note=note)
        self._certain(letter)
        return await self._became(identity)

    async def _asked_for(self, identity: str, state: str) -> tuple[str, list[Mail]]:
        """Why it cannot be owed again, or the mail by which it is; in its conversation's turn."""
        letter = await self._store.letters.one(identity)
        if letter is None:
            return _NONE, []
        if letter.state != state:
            return _other(letter, state), []
        if self._under_way(letter):
            return _UNDER_WAY, []
        if not await self._store.letters.body(identity):
            return _GONE, []
        ask = await self._store.letters.dead_ask(DeliveryId(identity))
        return "", [Mail(e.Redriven(DeliveryId(identity), ask))]

    async def _became(self, identity: str) -> Outcome:
        letter = await self._store.letters.one(identity)
        if letter is None or letter.state in ("dead", HELD):
            return Outcome(id=identity, done=False, note="the agent does not take it")
        note = letter.reason if letter.to == "agent" and letter.reason else "it is owed again"
        return Outcome(id=identity, done=True, note=note)

    async def _settled(
        self,
        identity: str,
        change: Arrived | DropLetter | Seen,
        state: str,
        note: str,
        *,
        certain: bool = True,
    ) -> Outcome:
        letter = await self._store.letters.one(identity)
        if letter is not None and letter.state == HELD and self._under_way(letter):
            # Its outcome would be written over what the operator says.
            return Outcome(id=identity, done=False, note=_UNDER_WAY)
        if letter is None or not await self._store.write(change):
            return await self._not(state, identity)
        if certain:
            self._certain(letter)
        return Outcome(id=identity, done=True, note=note)

    async def _not(self, state: str, identity: str) -> Outcome:
        letter = await self._store.letters.one(identity)
        note = _NONE if letter is None else _other(letter, state)
        return Outcome(id=identity, done=False, note=note)

    def _under_way(self, letter: Letter) -> bool:
        """Whether its lane has it: what is held is looked for at each start."""
        identity = DeliveryId(letter.id)
        return self._lanes is not None and self._lanes.serves(identity, letter.conversation)

    def _certain(self, letter: Letter) -> None:
        if self._lanes is not None and entry_of(letter.id) is None:
            self._lanes.certain(letter.adapter, DeliveryId(letter.id))


def _other(letter: Letter, state: str) -> str:
    if letter.state == HELD and state == "dead":
        return _SETTLE
    return f"it is not {state}, but {letter.state}"
