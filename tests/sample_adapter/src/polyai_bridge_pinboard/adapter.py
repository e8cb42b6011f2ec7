"""What people pin to a thread goes to the agent, and what the agent says is pinned there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import aiohttp

from bridge.errors import DatabaseFailed, DeliveryFailed, RetryLater, Unreachable
from bridge.model.delivery import Outbound, Receipt
from bridge.plugin import Capabilities, Grade, Host, Plugin, text_of
from polyai_bridge_pinboard.calls import Calls, Settings
from polyai_bridge_pinboard.events import inbound_of

LONG_POLL = 20  #: for so many seconds the board holds a question to which nothing is new
PAUSE = timedelta(seconds=1)  #: before it is asked again, or looked for what may be on its way


class Pinboard:
    """A board on which the bot reads and pins."""

    def __init__(self, calls: Calls, host: Host) -> None:
        self._calls, self._host = calls, host

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Pin it, marked with its id. What goes wrong is raised, and nothing is tried again."""
        # YOURS: how your platform posts, and where it keeps the mark.
        pin = {"thread": outbound.thread, "text": text_of(outbound.content), "tag": outbound.id}
        return Receipt((await self._calls.change("POST", "/pins", pin))["pin"])

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """Look for its mark, wherever it stands in the thread; newer copies are taken away."""
        if self._host.clock.now() < since + PAUSE:
            raise RetryLater("it may still be on its way to the board", after=PAUSE)
        told = await self._calls.ask("/pins", thread=outbound.thread, tag=outbound.id)
        pins = [Receipt(pin) for pin in told["pins"]]
        for copy in pins[1:]:
            await self._host.doubled(outbound.id, copy)
            await self._calls.change("DELETE", f"/pins/{copy.reference}", {}, lost=Unreachable)
            await self._host.doubled(outbound.id, copy, removed=True)
        return pins[0] if pins else None

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Put the new text where the old one stands; twice is the same as once."""
        text = {"text": text_of(outbound.content)}
        await self._calls.change("PUT", f"/pins/{receipt.reference}", text)

    async def listen(self) -> None:
        """Read the feed for ever; what we could not have stored, the board tells again."""
        after, well = await self._host.memory.recall("feed") or "0", True
        while True:
            try:
                after, trouble = await self._read(after), ""
            except (DeliveryFailed, DatabaseFailed) as error:
                trouble = str(error)
            if well == bool(trouble):
                well = not trouble
                self._host.report(connected=well, detail=trouble)
            await self._host.clock.sleep(PAUSE if trouble else timedelta())

    async def _read(self, after: str) -> str:
        """Accept what comes after this place, and only then remember the place behind it.

        To ask for what is behind a place tells the board that we have all before it.
        """
        feed = await self._calls.ask("/feed", wait=LONG_POLL, after=after)
        for event in feed["events"]:
            if inbound := inbound_of(event):
                await self._host.accept(inbound)
        if feed["last"] != after:
            await self._host.memory.remember("feed", feed["last"])
        return str(feed["last"])


@asynccontextmanager
async def connect(settings: Settings, host: Host) -> AsyncIterator[Pinboard]:
    """Read and pin for as long as the context lasts."""
    await prove(settings, host.http)
    board = Pinboard(Calls(settings, host.http), host)
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(board.listen())
        yield board
        listening.cancel()


async def prove(settings: Settings, http: aiohttp.ClientSession) -> str:
    """As whom the board knows the token."""
    return f"{(await Calls(settings, http).ask('/me'))['name']}, at {settings.url}"


PLUGIN = Plugin(
    settings=Settings,
    # YOURS: what your platform shows. What it does not, the bridge puts into words.
    capabilities=Capabilities(edits=Grade.FULL, text_limit=1000),
    connect=connect,
    prove=prove,
    api_version=1,
)
