"""Messages on their way through the real core and store, hop by hop, on a clock that ticks.

Only what would carry them is played: an adapter, a socket, and a kill.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from bridge.core import events as e
from bridge.core.effects import Owe, Transmit
from bridge.core.state import Conversation
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState, Receipt
from bridge.model.ids import ConversationId, DeliveryId
from bridge.runtime.deciding import Decision, Mail, decide, entry_mail
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.reporting.noting import Hops
from bridge.store import Attempt, Entry, Noted, Outcome, Store, Timeline, open_store
from bridge.testing.builders import frame
from bridge.testing.clock import NOON
from tests.unit.store.given import SLACK, accept, made, said

C1 = ConversationId("c1")


class Journey:
    """One conversation, and everything that is noted of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOON
        self.metrics = Metrics()
        self.ended: list[DeliveryId] = []
        self.hops = Hops(store.notes, self.metrics, self.ended.append)
        self.terms = Terms()
        self.sequence = 0
        self._conversation: Conversation | None = None

    @property
    def present(self) -> Conversation | None:
        """The conversation as it stands."""
        return self._conversation

    def tick(self, milliseconds: int = 1) -> datetime:
        """So much later."""
        self.now += timedelta(milliseconds=milliseconds)
        return self.now

    def kill(self) -> None:
        """What was not written is forgotten, and what was remembered between two legs."""
        self.store.notes.taken()
        self.hops = Hops(self.store.notes, self.metrics, self.ended.append)

    async def accept(self, text: str, *, opens: bool = False) -> Entry:
        """Somebody says it, and it is committed."""
        at = self.tick()
        order = f"{at.timestamp():020.6f}"
        name = f"message:T1:C1:{at.timestamp():.6f}"
        inbound = said(text, name, opens=opens, order=order)
        accepted = await self.store.write(accept(inbound, at=at))
        (entry,) = accepted.entries
        self.hops.journaled(SLACK, entry, at, self.tick())
        self.hops.acked(entry, self.tick())
        return entry

    async def step(self, *mail: Mail) -> Decision:
        """A step is taken and committed; nothing of it is carried out."""
        before = self._conversation or await self.store.conversation(C1)
        assert before is not None
        decision = decide(before, list(mail), self.tick(), self.terms)
        self._conversation = decision.conversation
        if decision.change is not None:
            await self.store.write(decision.change)
        self.hops.stepped(decision, self.tick())
        return decision

    def send(self, decision: Decision) -> None:
        """What is for the agent goes out."""
        for effect in decision.effects:
            if isinstance(effect, Transmit):
                self.hops.transmitted(decision.conversation, effect, self.tick())

    async def happen(self, event: e.Event) -> Decision:
        """Something happens, and is carried out."""
        decision = await self.step(Mail(event, at=self.tick()))
        self.send(decision)
        return decision

    async def hear(self, body: f.FrameBody, **custom: str) -> Decision:
        """PolyAI says it."""
        self.sequence += 1
        told = frame(body, self.sequence, **custom)
        number = self._conversation.sessions if self._conversation else 1
        return await self.happen(e.FrameArrived(number, told))

    async def say(self, text: str, *, opens: bool = False) -> DeliveryId | None:
        """Somebody says it, and its step is carried out; what is owed to the agent for it."""
        decision = await self.step(entry_mail(await self.accept(text, opens=opens)))
        self.send(decision)
        return asked(decision)

    async def begin(self, text: str) -> DeliveryId:
        """Somebody opens the conversation with it, and PolyAI has it."""
        ask = await self.say(text, opens=True)
        assert ask is not None
        await self.connect()
        await self.echo(ask, text)
        return ask

    async def connect(self, number: int = 1) -> None:
        """A session, its socket, and the agent in it."""
        await self.happen(e.SessionOpened(number))
        await self.happen(e.SocketReady(number))
        await self.hear(f.JoinEchoed())
        await self.hear(f.AgentJoined())

    async def echo(self, ask: DeliveryId, text: str) -> None:
        """PolyAI has it."""
        await self.hear(f.MessageEchoed(text=text), client_event_id=ask)

    async def attempt(self, delivery: DeliveryId) -> None:
        await self.store.write(Attempt(id=delivery, at=self.tick()))

    async def settle(
        self,
        delivery: DeliveryId,
        state: DeliveryState = DeliveryState.SENT,
        *,
        found: bool = False,
        reason: str | None = None,
    ) -> None:
        """What became of an attempt is committed."""
        known = await self.store.thread_delivery(delivery)
        assert known is not None
        at = self.tick()
        receipt = Receipt(f"C1:{delivery}") if state is DeliveryState.SENT else None
        if receipt is not None:
            self.hops.posted(known, at)
        change = Outcome(
            id=delivery, state=state, at=at, receipt=receipt, found=found, reason=reason
        )
        await self.store.write(change)
        if state not in (DeliveryState.PENDING, DeliveryState.SENDING):
            self.hops.settled(known, self.tick())

    async def post(self, *deliveries: DeliveryId) -> None:
        """The thread shows them."""
        for delivery in deliveries:
            await self.attempt(delivery)
            await self.settle(delivery)

    async def answer(self, body: f.FrameBody) -> list[DeliveryId]:
        """PolyAI says it, and the thread shows it."""
        owed = shown(await self.hear(body))
        await self.post(*owed)
        return owed

    async def timeline(self, *, written: bool = True) -> Timeline:
        """What is on record; with what still waits for a commit, if that is `written` first."""
        if written:
            await self.store.write(Noted())
        found = await self.store.timelines.of(C1)
        assert found is not None
        return found


def asked(decision: Decision) -> DeliveryId | None:
    """What a step owes the agent."""
    owed = [x for x in decision.effects if isinstance(x, Owe) and isinstance(x.body, Ask)]
    return owed[0].id if owed else None


def shown(decision: Decision) -> list[DeliveryId]:
    """What a step owes the thread."""
    owed = [x for x in decision.effects if isinstance(x, Owe) and not isinstance(x.body, Ask)]
    return [one.id for one in owed]


@asynccontextmanager
async def journey(directory: Path) -> AsyncIterator[Journey]:
    """On an empty database."""
    async with open_store(made(directory)) as store:
        yield Journey(store)
