"""How long do calls of an adapter take, and how long is what waits going to wait?

Seen from outside, at the calls themselves: so every adapter has these figures, wherever it runs.
"""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from bridge.clock import Clock
from bridge.errors import RetryLater
from bridge.model.ids import AdapterName
from bridge.plugin import Adapter
from bridge.runtime.adapters.calling import FIND, TURN, Verb, front, methods_of
from bridge.runtime.reporting.metrics import Metrics

#: A turn that comes sooner was not waited for.
_AT_ONCE: Final = timedelta(milliseconds=50)
#: So many of the last turns say how fast they come.
_LATELY: Final = 16
_NONE: Final = timedelta()


class Turns:
    """Those who wait for their turn with one adapter; and what its platform has put off."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, datetime] = {}  #: since when, the longest first
        self._number = 0
        self._last: datetime | None = None
        self._gaps: deque[timedelta] = deque(maxlen=_LATELY)
        self._put_off: dict[str, datetime] = {}  #: until when, by call

    @property
    def waiting(self) -> int:
        """How many there are."""
        return len(self._waiting)

    def came(self) -> int:
        """Somebody waits; the number by which they leave."""
        self._number += 1
        self._waiting[self._number] = self._clock.now()
        return self._number

    def left(self, number: int, *, granted: bool) -> None:
        """They wait no more: their turn came, or they were called off."""
        since, now = self._waiting.pop(number), self._clock.now()
        if not granted:
            return
        if now - since > _AT_ONCE:
            self._gaps.append(now - max(since, self._last or since))
        self._last = now

    def put_off(self, call: str, after: timedelta) -> None:
        """The platform asked not to be called so for so long."""
        self._put_off[call] = self._clock.now() + after

    def waits(self) -> dict[str, timedelta]:
        """How long whatever is called now will wait, by call: what was asked for, or the queue.

        The last in the queue waits as long as so many turns took lately; and nobody less than the
        first has waited already.
        """
        now = self._clock.now()
        waits = {call: max(_NONE, until - now) for call, until in self._put_off.items()}
        if self._waiting:
            so_far = now - next(iter(self._waiting.values()))
            each = sum(self._gaps, _NONE) / max(1, len(self._gaps))
            waits[TURN.name] = max(waits.get(TURN.name, _NONE), so_far, each * self.waiting)
        return waits


class Calls:
    """All adapters' calls, measured."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._turns: dict[AdapterName, Turns] = {}
        metrics.watch_each("wait_seconds", self._waits)
        metrics.watch_each("turns_waiting", self._waiting)

    def measured(self, name: AdapterName, adapter: Adapter) -> Adapter:
        """The same adapter, whose calls are measured."""
        turns = self._turns.setdefault(name, Turns(self._clock))
        return front(methods_of(adapter), partial(self._call, name, adapter, turns))

    async def _call(
        self, name: AdapterName, adapter: Adapter, turns: Turns, verb: Verb[Any], *arguments: object
    ) -> object:
        began = self._clock.now()
        try:
            if verb is TURN:
                await _waited(turns, adapter, arguments)
                return None
            return await verb.ask(adapter, *arguments)
        except RetryLater as error:
            if verb is not FIND:  # which says so while it is too early to tell
                turns.put_off(verb.name, error.after)
                self._metrics.limited(name, verb.name)
            raise
        finally:
            self._metrics.called(name, verb.name, (self._clock.now() - began).total_seconds())

    def _waits(self) -> Mapping[tuple[str, ...], float]:
        return {
            (name, call): wait.total_seconds()
            for name, turns in self._turns.items()
            for call, wait in turns.waits().items()
        }

    def _waiting(self) -> Mapping[tuple[str, ...], float]:
        return {(name,): turns.waiting for name, turns in self._turns.items()}


async def _waited(turns: Turns, adapter: Adapter, arguments: tuple[object, ...]) -> None:
    number, granted = turns.came(), False
    try:
        await TURN.ask(adapter, *arguments)
        granted = True
    finally:
        turns.left(number, granted=granted)
