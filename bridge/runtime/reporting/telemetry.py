"""When do traces go out? Some time after a message has come to its end, in nobody's way.

They are made of the timeline in the database, so that they go on across a restart. Whatever finds
no room, or cannot be sent, is counted and forgotten.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from bridge import log
from bridge.errors import DatabaseFailed
from bridge.model.ids import ConversationId, DeliveryId
from bridge.runtime.reporting.otlp import Export
from bridge.runtime.reporting.spans import Span, sampled, spans_of
from bridge.runtime.world import World
from bridge.store import Store

_log = log.get("telemetry")
#: How many messages may wait to be told.
MOST_TO_TELL = 2_000
#: How many of them are told with one request.
_AT_ONCE = 50
#: How long more are waited for: what happened just then is written down meanwhile, too.
_GATHERING = timedelta(seconds=1)
#: What came to its end so shortly before the end of the last run is told again by this one.
_AGAIN = timedelta(seconds=10)
#: How long what is left is told when the bridge ends.
_ENDING = timedelta(seconds=2)


class Telemetry:
    """Traces of what has come to its end; `run` is its task."""

    def __init__(
        self,
        store: Store,
        world: World,
        export: Export,
        sample: float,
        lost: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`lost` is told of how many messages nothing was told."""
        self.dropped = 0  #: messages that were not told
        self._lost = lost
        self._store = store
        self._world = world
        self._export = export
        self._sample = sample
        self._waiting: dict[DeliveryId, None] = {}
        self._some = asyncio.Event()
        self._failing = False

    def settled(self, delivery: DeliveryId) -> None:
        """It has come to its end."""
        if len(self._waiting) < MOST_TO_TELL:
            self._waiting[delivery] = None
            self._some.set()
        else:
            self._drop(1)

    def _drop(self, number: int) -> None:
        self.dropped += number
        self._lost(number)

    async def run(self) -> None:
        """Tell for ever; first once more what a kill may have left untold: the same spans."""
        try:
            for delivery in await self._store.timelines.lately(_AGAIN, MOST_TO_TELL):
                self.settled(delivery)
        except DatabaseFailed as error:
            _log.warning("telemetry.not_told_again", error=str(error))
        while True:
            await self._some.wait()
            await self._world.clock.sleep(_GATHERING)
            await self._tell_all()

    async def finish(self) -> None:
        """Tell what is left, as far as that is soon done."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDING.total_seconds()):
                await self._tell_all()

    async def _tell_all(self) -> None:
        while self._waiting:
            some = list(self._waiting)[:_AT_ONCE]
            for delivery in some:
                del self._waiting[delivery]
            await self._tell(some)
        self._some.clear()

    async def _tell(self, settled: list[DeliveryId]) -> None:
        try:
            spans = [span for delivery in settled for span in await self._spans(delivery)]
            taken = not spans or await self._export(spans)
        except Exception as error:
            if not isinstance(error, DatabaseFailed):  # whoever writes will say so
                _log.error("telemetry.surprise", error=log.where(error))
            taken = False
        if not taken:
            self._drop(len(settled))
        if self._failing == taken:
            self._failing = not taken
            if self._failing:
                _log.warning("telemetry.failing", dropped=self.dropped)
            else:
                _log.info("telemetry.working", dropped=self.dropped)

    async def _spans(self, delivery: DeliveryId) -> list[Span]:
        conversation, _, number = delivery.rpartition(".")
        timeline = await self._store.timelines.around(ConversationId(conversation), int(number))
        spans = spans_of(timeline, delivery) if timeline is not None else []
        return [span for span in spans if sampled(span.trace, self._sample)]
