"""The sample plug-in with one fault each, as plug-ins of their own: the kill matrix must see them.

A process of its own imports them: `sample.with_broken` lays this file beside the sample.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from polyai_bridge_pinboard.adapter import PLUGIN, Pinboard, prove
from polyai_bridge_pinboard.calls import Calls, Settings
from polyai_bridge_pinboard.events import inbound_of

from bridge.errors import MaybeDelivered
from bridge.model.delivery import Outbound, Receipt
from bridge.plugin import Host, Plugin

#: How long what should have come first comes late, in seconds.
_LATE = 1.0


class AnySettings(Settings, frozen=True):
    """The sample's, for a plug-in of another name."""

    type: str = ""  # type: ignore[assignment]  # the sample takes only its own


class RemembersTooSoon(Pinboard):
    """The place in the feed is remembered before what stands there is accepted."""

    async def _read(self, after: str) -> str:
        feed = await self._calls.ask("/feed", wait=20, after=after)
        await self._host.memory.remember("feed", feed["last"])
        await self._accept(feed["events"])
        return str(feed["last"])

    async def _accept(self, events: list[Any]) -> None:
        for event in events:
            if inbound := inbound_of(event):
                await self._host.accept(inbound)


class AcceptsLater(RemembersTooSoon):
    """What was told is acknowledged, and accepted when there is time."""

    async def _accept(self, events: list[Any]) -> None:
        async def later() -> None:
            await asyncio.sleep(_LATE)
            await super(AcceptsLater, self)._accept(events)

        self._accepting = asyncio.ensure_future(later())


class NamesAnew(Pinboard):
    """What is told twice has another name each time."""

    async def _read(self, after: str) -> str:
        feed = await self._calls.ask("/feed", wait=20, after=after)
        for event in feed["events"]:
            if inbound := inbound_of(event):
                name = f"{event['id']} {uuid.uuid4()}"
                await self._host.accept(msgspec.structs.replace(inbound, identities=(name,)))
        await self._host.memory.remember("feed", feed["last"])
        return str(feed["last"])


class NeverFinds(Pinboard):
    """What is in doubt is taken for absent."""

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """Nobody looks."""
        return None


class AlwaysFinds(Pinboard):
    """What is in doubt is taken for pinned."""

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """Nobody looks."""
        return Receipt("it will hang there")


class TriesAgain(Pinboard):
    """What had no answer is posted again at once."""

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Twice, if need be."""
        try:
            return await super().deliver(outbound)
        except MaybeDelivered:
            return await super().deliver(outbound)


class AnswersTooSoon(Pinboard):
    """What is still to be posted is said to be there."""

    async def deliver(self, outbound: Outbound) -> Receipt:
        """It will be."""

        async def later() -> None:
            await asyncio.sleep(_LATE)
            await super(AnswersTooSoon, self).deliver(outbound)

        self._posting = asyncio.ensure_future(later())
        return Receipt("on its way")


def _plugin(board: Callable[[Calls, Host], Pinboard]) -> Plugin[AnySettings]:
    @asynccontextmanager
    async def connect(settings: AnySettings, host: Host) -> AsyncIterator[Pinboard]:
        await prove(settings, host.http)
        adapter = board(Calls(settings, host.http), host)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(adapter.listen())
            yield adapter
            listening.cancel()

    return Plugin(
        api_version=1,
        settings=AnySettings,
        capabilities=PLUGIN.capabilities,
        connect=connect,
        prove=prove,
    )


#: By the type under which each is announced.
BROKEN = {
    "remembers_too_soon": _plugin(RemembersTooSoon),
    "accepts_later": _plugin(AcceptsLater),
    "names_anew": _plugin(NamesAnew),
    "never_finds": _plugin(NeverFinds),
    "always_finds": _plugin(AlwaysFinds),
    "tries_again": _plugin(TriesAgain),
    "answers_too_soon": _plugin(AnswersTooSoon),
}


def __getattr__(name: str) -> Plugin[AnySettings]:
    """Each is an attribute, as an entry point names it."""
    if name not in BROKEN:
        raise AttributeError(name)
    return BROKEN[name]
