"""How is what a step asks for carried out? In its order, after the commit."""

from datetime import datetime
from typing import Final, Protocol

from bridge import log
from bridge.core.effects import (
    Effect,
    ForgetSession,
    Grow,
    Note,
    Owe,
    OweAgain,
    Recycle,
    Show,
    Transmit,
)
from bridge.core.state import Conversation
from bridge.model.delivery import Ask, DeliveryState, ThreadBody
from bridge.model.ids import ConversationId, DeliveryId
from bridge.runtime.deciding import Decision
from bridge.runtime.persisting import Persistence
from bridge.runtime.world import World
from bridge.store import Store, ThreadDelivery

_log = log.get("worker")
#: How a note of the core's is told.
_LEVELS: Final = {"info": _log.info, "warning": _log.warning, "error": _log.error}


class Outbox(Protocol):
    """Where what is owed to threads goes, and passing signs of life."""

    def owe(self, delivery: ThreadDelivery) -> None:
        """Send it when its turn comes."""
        ...

    def crowded(self, conversation: ConversationId) -> bool:
        """Whether its thread is owed so much that no more should be heard for now."""
        ...

    def show(self, conversation: Conversation, effect: Show) -> None:
        """Show it if that is possible."""
        ...

    def grow(self, conversation: Conversation, effect: Grow) -> None:
        """Show more of an unfinished message, if that is possible."""
        ...


class Connections(Protocol):
    """Who keeps the sockets that conversations wish for."""

    def reconcile(self, conversation: Conversation) -> None:
        """Make the connection so."""
        ...

    async def transmit(self, conversation: ConversationId, frame: Transmit) -> None:
        """Send a frame if its socket is there."""
        ...

    def recycle(self, conversation: ConversationId, effect: Recycle) -> None:
        """Drop the socket; a new one will be wished for."""
        ...


class Carrying:
    """Hands what steps ask for to those who do it."""

    def __init__(
        self,
        outbox: Outbox,
        connections: Connections,
        store: Store,
        world: World,
        database: Persistence,
    ) -> None:
        self._outbox = outbox
        self._connections = connections
        self._store = store
        self._waits = world.progress.waits
        self._database = database

    async def out(self, decision: Decision, now: datetime) -> None:
        """All of a decision; what is owed by it is owed since `now`."""
        for effect in decision.effects:
            await self._carry(effect, decision.conversation, now)
        self._connections.reconcile(decision.conversation)

    async def _carry(self, effect: Effect, conversation: Conversation, now: datetime) -> None:
        match effect:
            case Owe(id=delivery, body=body) if not isinstance(body, Ask):
                self._outbox.owe(_owed(conversation, delivery, body, now))
            case OweAgain(id=delivery):
                await self._owe_again(delivery)
            case Transmit():
                with self._waits():
                    await self._connections.transmit(conversation.id, effect)
            case Recycle():
                self._connections.recycle(conversation.id, effect)
            case Show():
                self._outbox.show(conversation, effect)
            case Grow():
                self._outbox.grow(conversation, effect)
            case Note(event=event, level=level, fields=fields):
                _LEVELS[level](event, conversation=conversation.id, **fields)
            case ForgetSession(number=number):
                _log.info("session.over", conversation=conversation.id, number=number)
            case _:
                pass  # durable effects were carried out by the commit

    async def _owe_again(self, delivery: DeliveryId) -> None:
        """Unless it was settled in another way meanwhile, or forgotten."""
        found = await self._database.read(lambda: self._store.thread_delivery(delivery))
        if found is not None and found.state is DeliveryState.PENDING:
            self._outbox.owe(found)


def _owed(
    conversation: Conversation, delivery: DeliveryId, body: ThreadBody, now: datetime
) -> ThreadDelivery:
    return ThreadDelivery(
        id=delivery,
        conversation=conversation.id,
        adapter=conversation.adapter,
        thread=conversation.thread,
        body=body,
        state=DeliveryState.PENDING,
        attempts=0,
        owed_at=now,
    )
