"""How long does each leg of a message's way take, and what is noted for its timeline outside of
every transaction?

Nothing here waits, and nothing is decided by it. What is remembered of a message between two of its
legs is lost with the process: then that leg is not measured.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar

from bridge.core.effects import Owe, Settle, Transmit
from bridge.core.state import Conversation
from bridge.model.delivery import Ask, Post
from bridge.model.hops import HopKind, hop
from bridge.model.ids import AdapterName, DeliveryId, EntryId
from bridge.runtime.deciding import Decision
from bridge.runtime.reporting.hops import Taken, is_answer, unanswered
from bridge.runtime.reporting.metrics import Leg, Metrics
from bridge.store import Entry, Notes, ThreadDelivery

#: Of how many messages between two legs it is remembered when the last one ended.
MOST_UNDER_WAY = 10_000

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class _Way(NamedTuple):
    """A person's message: when it was received, and when its last leg ended."""

    received: datetime
    last: datetime


class Hops:
    """What is noted, and the figures of each leg."""

    def __init__(
        self,
        notes: Notes,
        metrics: Metrics | None = None,
        ended: Callable[[DeliveryId], None] | None = None,
    ) -> None:
        """`ended` is told of each delivery that came to its end."""
        self._ended = ended
        self._notes = notes
        self._metrics = metrics
        self._entries: dict[EntryId, _Way] = {}
        self._asks: dict[DeliveryId, _Way] = {}
        self._answers: dict[DeliveryId, datetime] = {}  #: when what they answer was received

    def journaled(
        self, adapter: AdapterName, entry: Entry, received: datetime, now: datetime
    ) -> None:
        """An inbound is committed."""
        self._notes.entry(entry.id, hop(HopKind.JOURNALED, now))
        _put(self._entries, entry.id, _Way(received, now))
        self._leg(Leg.ACCEPT, received, now, adapter=adapter)

    def acked(self, entry: Entry, now: datetime) -> None:
        """The adapter is told that it may acknowledge."""
        self._notes.entry(entry.id, hop(HopKind.ACKED, now))

    def stepped(self, decision: Decision, now: datetime) -> None:
        """A step is committed."""
        journaled = hop(HopKind.JOURNALED, now)
        for delivery, _ in decision.change.owed if decision.change else ():
            self._notes.delivery(delivery, journaled)
        if self._ended is not None and decision.change is not None:
            for outcome in decision.change.settled:
                self._ended(outcome.id)
        for taken in decision.steps:
            self._follow(taken, now)

    def transmitted(
        self, conversation: Conversation | None, frame: Transmit, now: datetime
    ) -> None:
        """A frame was given to its socket."""
        if frame.delivery is None:
            return
        self._notes.delivery(frame.delivery, hop(HopKind.TRANSMITTED, now, frame.number))
        way = self._asks.get(frame.delivery)
        if way is not None and conversation is not None:
            self._asks[frame.delivery] = _Way(way.received, now)
            self._of(conversation, Leg.SEND, way.last, now)

    def grew(self, delivery: DeliveryId, times: int, now: datetime) -> None:
        """An unfinished message was shown growing, so many times by now."""
        self._notes.delivery(delivery, hop(HopKind.GREW, now, times))

    def posted(self, delivery: ThreadDelivery, now: datetime) -> None:
        """It stands in its thread."""
        received = self._answers.pop(delivery.id, None)
        if isinstance(delivery.body, Post):
            self._leg(Leg.POST, delivery.owed_at, now, adapter=delivery.adapter)
        if received is not None:
            self._leg(Leg.WHOLE, received, now, adapter=delivery.adapter)

    def settled(self, delivery: ThreadDelivery, now: datetime) -> None:
        """How it came to its end is committed."""
        self._notes.delivery(delivery.id, hop(HopKind.WRITTEN, now))
        if self._ended is not None:
            self._ended(delivery.id)

    def _follow(self, taken: Taken, now: datetime) -> None:
        entry = self._entries.pop(taken.entry, None) if taken.entry is not None else None
        conversation = taken.after
        if entry is not None:
            self._of(conversation, Leg.STEP, entry.last, now)
        for effect in taken.effects:
            match effect:
                case Owe(id=delivery, body=Ask()) if entry is not None:
                    _put(self._asks, delivery, _Way(entry.received, now))
                case Settle(id=delivery) if (way := self._asks.get(delivery)) is not None:
                    self._asks[delivery] = _Way(way.received, now)
                    self._of(conversation, Leg.ECHO, way.last, now)
                case Owe(id=delivery, body=body) if is_answer(body):
                    self._answered(taken, delivery, now)
                case _:
                    pass

    def _answered(self, taken: Taken, answer: DeliveryId, now: datetime) -> None:
        """The oldest that waited is answered first, if anything waited."""
        for heard in unanswered(taken.before):
            way = self._asks.pop(heard.delivery, None)
            if way is not None:
                if answer not in self._answers:
                    _put(self._answers, answer, way.received)
                self._of(taken.after, Leg.ANSWER, way.last, now)

    def _of(self, conversation: Conversation, leg: Leg, since: datetime, now: datetime) -> None:
        self._leg(leg, since, now, adapter=conversation.adapter, agent=conversation.agent)

    def _leg(
        self, leg: Leg, since: datetime, now: datetime, *, adapter: str = "", agent: str = ""
    ) -> None:
        if self._metrics is not None:
            self._metrics.hop(leg, (now - since).total_seconds(), adapter=adapter, agent=agent)


def _put(known: dict[KeyT, ValueT], key: KeyT, value: ValueT) -> None:
    known[key] = value
    if len(known) > MOST_UNDER_WAY:
        del known[next(iter(known))]
