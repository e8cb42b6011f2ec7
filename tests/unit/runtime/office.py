"""A dispatcher at work, and those who are told what came of it."""

from datetime import timedelta

from bridge.core import events as e
from bridge.core.state import Conversation
from bridge.model.delivery import ThreadBody
from bridge.model.ids import ConversationId, DeliveryId
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.delivering.dispatcher import Dispatcher
from bridge.runtime.watching.status import Status
from bridge.store import TakeStep, ThreadDelivery
from bridge.testing.clock import NOON
from tests.unit.runtime.house import Full, House, Plain
from tests.unit.store.given import SLACK


class Office:
    """A dispatcher at work."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.adapters = Adapters()
        self.status = Status()
        self.platform = Full(house)
        #: What conversations were told, and the state of each delivery at that moment.
        self.told: list[tuple[str, e.Event, list[str]]] = []
        self.then_owed: list[ThreadDelivery] = []  #: what the conversation makes of it
        self.dispatcher = self.restarted()

    def restarted(self) -> Dispatcher:
        """Another dispatcher, as after a restart."""
        house = self.house
        return Dispatcher(
            house.store,
            house.world,
            self.adapters,
            self.status,
            house.tasks,
            tell=self._tell,
        )

    async def _tell(self, conversation: ConversationId, event: e.Event) -> None:
        self.told.append((conversation, event, list(self.house.states().values())))
        for delivery in self.then_owed:
            self.dispatcher.owe(delivery)

    def connect(self, platform: Plain | None = None) -> None:
        self.adapters.arrived(SLACK, platform or self.platform)

    async def owed(self, conversation: Conversation, *bodies: ThreadBody) -> list[ThreadDelivery]:
        """Commit that these are owed, without telling the dispatcher."""
        first = len(await self.house.store.list_deliveries(conversation.id)) + 1
        owed = tuple(
            (DeliveryId(f"{conversation.id}.{first + n}"), body) for n, body in enumerate(bodies)
        )
        await self.house.store.write(TakeStep(conversation=conversation, at=NOON, owed=owed))
        found = [await self.house.store.thread_delivery(identity) for identity, _ in owed]
        return [delivery for delivery in found if delivery is not None]

    async def owe(self, conversation: Conversation, *bodies: ThreadBody) -> None:
        """Commit that these are owed, and tell the dispatcher."""
        for delivery in await self.owed(conversation, *bodies):
            self.dispatcher.owe(delivery)

    async def idle(self, by: timedelta = timedelta(seconds=1)) -> None:
        """Wait until nothing is owed, however long that takes on their clock."""
        await self.house.until(lambda: not self.dispatcher.owed, by=by)

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.platform.posted]

    def count(self, outcome: str) -> float | None:
        labels = {"adapter": "slack", "outcome": outcome}
        return self.status.metrics.registry.get_sample_value(
            "polyai_bridge_deliveries_total", labels
        )
