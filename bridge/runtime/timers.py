"""When must a conversation be woken? One heap for all; no task per timer."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from bridge.clock import Clock
from bridge.model.ids import ConversationId

#: From how many on entries that another took the place of are thrown away, if they are the most.
_SWEPT_AT: Final = 100
#: How late they may be: a machine that was suspended notices in half a minute (`clock`).
LATENESS: Final = timedelta(seconds=60)


class Timers:
    """The next deadline of each conversation."""

    def __init__(self, clock: Clock, wake: Callable[[ConversationId], None]) -> None:
        self._clock = clock
        self._wake = wake
        self._due: dict[ConversationId, datetime] = {}
        self._heap: list[tuple[datetime, ConversationId]] = []
        #: The earliest entry of each conversation in the heap. A deadline that is put off needs no
        #: other: when that one comes up it is put off too. Most are, again and again.
        self._queued: dict[ConversationId, datetime] = {}
        self._nap: asyncio.Task[None] | None = None  #: ends when the first is due

    def set(self, conversation: ConversationId, due: datetime | None) -> None:
        """Wake it at `due`, instead of whatever was set before; None: never."""
        if self._due.get(conversation) == due:
            return
        if due is None:
            self._due.pop(conversation, None)
            return
        self._due[conversation] = due
        queued = self._queued.get(conversation)
        if queued is None or due < queued:
            self._queue(conversation, due)
            if self._nap is not None and self._heap[0][0] == due:
                self._nap.cancel()

    def overdue(self) -> tuple[datetime, ConversationId] | None:
        """The first that should have been woken by now."""
        first = self._heap[0] if self._heap else None
        return first if first is not None and first[0] <= self._clock.now() else None

    def _queue(self, conversation: ConversationId, due: datetime) -> None:
        self._queued[conversation] = due
        heapq.heappush(self._heap, (due, conversation))
        if len(self._heap) > _SWEPT_AT + 2 * len(self._queued):
            # Each time a near deadline is over, one in half an hour may be left behind here.
            self._heap = [(due, conversation) for conversation, due in self._queued.items()]
            heapq.heapify(self._heap)

    async def run(self) -> None:
        """Wake whoever is due, for ever."""
        while True:
            self._wake_due()
            await self._wait()

    def _wake_due(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            queued, conversation = heapq.heappop(self._heap)
            if self._queued.get(conversation) != queued:
                continue  # an earlier one took its place
            del self._queued[conversation]
            due = self._due.get(conversation)
            if due is not None and due > now:
                self._queue(conversation, due)
            elif due is not None:
                del self._due[conversation]
                self._wake(conversation)

    async def _wait(self) -> None:
        """Until the first is due, or another is sooner."""
        nap = self._nap = asyncio.ensure_future(self._sleep())
        try:
            await asyncio.wait((nap,))
        finally:
            nap.cancel()

    async def _sleep(self) -> None:
        if self._heap:
            await self._clock.sleep(self._heap[0][0] - self._clock.now())
        else:
            await asyncio.Event().wait()
