"""What of ours came back? Slack sends us our own posts as events, by which a doubt ends unasked."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from adapters.slack import ids
from adapters.slack.marks import delivery_of
from bridge.clock import Clock
from bridge.model.ids import DeliveryId

#: Of so many posts the echo is kept; a doubt begins while its own is among the newest.
_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class Echo:
    """Where a post of ours stands: in the thread of `root`, or with "" at the top of a channel."""

    spot: ids.Spot
    root: str


#: A post of ours: its channel and its delivery.
_Post = tuple[str, DeliveryId]


class Echoes:
    """Where our posts stand, as Slack's events tell."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: OrderedDict[_Post, Echo] = OrderedDict()
        self._hearing: OrderedDict[str, None] = OrderedDict()
        self._doubts: dict[_Post, set[asyncio.Event]] = {}

    def heard(self, channel: str, message: Mapping[str, Any]) -> Echo | None:
        """A message of ours came back from there. Its earlier twin, if there is one."""
        _keep(self._hearing, channel, None)
        delivery, ts, root = delivery_of(message), message.get("ts"), message.get("thread_ts")
        if delivery is None or not ids.is_ts(ts):
            return None
        below = root if isinstance(root, str) and root != ts else ""
        return self.stands(delivery, Echo(ids.Spot(channel, str(ts)), below))

    def stands(self, delivery: DeliveryId, echo: Echo) -> Echo | None:
        """It stands there. The twin that was known before, beside it in the same thread, if any."""
        post = (echo.spot.channel, delivery)
        first = self._heard.get(post)
        if first is None:
            _keep(self._heard, post, echo)
        for doubt in self._doubts.get(post, ()):
            doubt.set()
        return first if first and first.root == echo.root and first != echo else None

    def hears(self, channel: str) -> bool:
        """Whether posts of ours come back from there: lately one did."""
        return channel in self._hearing

    async def wait(self, channel: str, delivery: DeliveryId, most: timedelta) -> Echo | None:
        """Its echo as soon as it comes, or came; None if that takes longer than `most`."""
        post = (channel, delivery)
        if most <= timedelta() or post in self._heard:
            return self._heard.get(post)
        doubt = asyncio.Event()
        self._doubts.setdefault(post, set()).add(doubt)
        told = asyncio.ensure_future(doubt.wait())
        late = asyncio.ensure_future(self._clock.sleep(most))
        try:
            await asyncio.wait((told, late), return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            late.cancel()
            self._doubts[post].discard(doubt)
            if not self._doubts[post]:
                del self._doubts[post]
        return self._heard.get(post)


def _keep(kept: "OrderedDict[Any, Any]", key: object, value: object) -> None:
    """Keep it as the newest, and no more than can be of use."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST:
        kept.popitem(last=False)
