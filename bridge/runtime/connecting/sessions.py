"""Who keeps the connections that conversations wish for? One reconciler makes each wish so.

A conversation's state says whether a session and its socket should exist. A keeper, one task for
each conversation that wishes for something, sees to it.
"""

import asyncio

from bridge.core.effects import Recycle, SendKind, Transmit
from bridge.core.state import Conversation, Wish
from bridge.model.ids import ConversationId
from bridge.polyai.wire import encode_end, encode_join, encode_message
from bridge.runtime.connecting.connection import Connection
from bridge.runtime.connecting.keeping import Keeper, Means, Shared, wished
from bridge.runtime.connecting.pace import Gate
from bridge.runtime.connecting.recalling import Recall
from bridge.runtime.timers import LATENESS, Timers


class Sessions:
    """Every conversation's connection."""

    def __init__(self, means: Means, tasks: asyncio.TaskGroup) -> None:
        self._means = means
        self._tasks = tasks
        self._keepers: dict[ConversationId, Keeper] = {}
        timers = Timers(means.world.clock, self._wake)
        means.world.progress.watch("socket timers", timers.overdue, patience=LATENESS)
        self._shared = Shared(timers, Gate(means.pace), Recall(means.store, means.world))
        tasks.create_task(timers.run(), name="sockets")

    @property
    def open(self) -> int:
        """How many sockets are open."""
        return sum(keeper.connection is not None for keeper in self._keepers.values())

    @property
    def connections(self) -> list[Connection]:
        """The open sockets."""
        return [keeper.connection for keeper in self._keepers.values() if keeper.connection]

    def reconcile(self, conversation: Conversation) -> None:
        """Make the connection what the conversation wishes for."""
        keeper = self._keepers.get(conversation.id)
        if keeper is None:
            if conversation.wish is not Wish.NOTHING:
                keeper = self._keepers[conversation.id] = Keeper(
                    conversation.id, self._means, self._shared
                )
                self._tasks.create_task(self._keep(conversation.id, keeper), name="keeper")
            return
        connection = keeper.connection
        if connection is None and conversation.asked:
            self._shared.gate.hurry(conversation.id)
        if connection is not None and not wished(conversation, connection.number):
            connection.drop()

    async def transmit(self, conversation: ConversationId, frame: Transmit) -> None:
        """Send a frame if its session's socket is there; if not, a replay will tell."""
        connection = self._connection(conversation, frame.number)
        if connection is not None:
            self._means.world.reached("before-transmit")
            if await connection.send(_encoded(frame)):
                worker, now = self._means.worker, self._means.world.clock.now()
                worker.hops.transmitted(worker.present(conversation), frame, now)
            self._means.world.reached("after-transmit")

    def recycle(self, conversation: ConversationId, effect: Recycle) -> None:
        """Drop the socket; the keeper connects anew."""
        connection = self._connection(conversation, effect.number)
        if connection is not None:
            connection.drop("recycled")

    def _wake(self, conversation: ConversationId) -> None:
        keeper = self._keepers.get(conversation)
        if keeper is not None and keeper.connection is not None:
            keeper.connection.wake()

    def _connection(self, conversation: ConversationId, number: int) -> Connection | None:
        """The socket of that session, if it is there: a later session's is another."""
        keeper = self._keepers.get(conversation)
        connection = keeper.connection if keeper else None
        return connection if connection is not None and connection.number == number else None

    async def _keep(self, identity: ConversationId, keeper: Keeper) -> None:
        try:
            await keeper.keep()
        finally:
            del self._keepers[identity]


def _encoded(frame: Transmit) -> str:
    match frame.kind:
        case SendKind.JOIN:
            return encode_join()
        case SendKind.END:
            return encode_end()
        case SendKind.MESSAGE:
            return encode_message(frame.text, frame.delivery or "", frame.person)
