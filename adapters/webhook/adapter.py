"""Any system that speaks HTTP: it tells us by signed requests, and is told by signed callbacks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

import aiohttp

from adapters.webhook import outbound as said
from adapters.webhook.callback import Callbacks
from adapters.webhook.door import MESSAGES_PATH, Door
from adapters.webhook.settings import WebhookSettings
from bridge.clock import Clock
from bridge.errors import DeliveryFailed, MaybeDelivered, Unreachable
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import ThreadKey
from bridge.plugin import Host, Signal
from bridge.plugin.canary import Canary

_PING_KEY: Final = "ping"


class Webhook:
    """What every system gets: messages, and calls for help."""

    def __init__(self, callbacks: Callbacks, clock: Clock) -> None:
        self._callbacks = callbacks
        self._clock = clock

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Tell it as a new message; the delivery's id is the key."""
        reference = await self._callbacks.post(said.message(outbound), outbound.id)
        return Receipt(reference or outbound.id)

    async def announce(self, outbound: Outbound) -> Receipt:
        """Tell it as a call for help in another place."""
        return await self.deliver(outbound)

    def _new_key(self, of: str) -> str:
        """Never the same: what is changed and changed back is no repetition."""
        return f"{of}@{self._clock.now().isoformat(timespec='microseconds')}"


class Finding(Webhook):
    """For a system that promises to show once what comes twice under one key."""

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """Tell it again under the same key: then it is shown, once."""
        del since
        try:
            return await self.deliver(outbound)
        except MaybeDelivered as error:  # it was not heard this time: later it may be
            raise Unreachable(error.message) from None


class Editing(Webhook):
    """For a system that can change what it showed."""

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Tell it what the message shows from now on."""
        await self._callbacks.post(said.change(outbound, receipt), self._new_key(outbound.id))


class Signalling(Webhook):
    """For a system that can show signs of life."""

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        """Tell it, once."""
        await self._callbacks.post(said.sign_of_life(thread, signal), self._new_key(thread))


def kind_for(settings: WebhookSettings) -> type[Webhook]:
    """The adapter with the verbs that these settings make sense of, and no others."""
    able: dict[type[Webhook], bool] = {
        Finding: settings.callback_idempotent,
        Editing: "edits" in settings.show,
        Signalling: "signals" in settings.show,
    }
    kinds = tuple(kind for kind, able_to in able.items() if able_to)
    return type("Webhook", kinds or (Webhook,), {})


@asynccontextmanager
async def connect(settings: WebhookSettings, host: Host) -> AsyncIterator[Webhook]:
    """The adapter, taking in for as long as the block lasts.

    A system that is away does not keep us from hearing it: only one that does not believe us does.

    Raises:
        CredentialsRefused: the system refuses our signature.
    """
    # Connections of our own: a system that answers slowly holds up to a hundred of them, and of
    # those that the host lends others would find none.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        callbacks = Callbacks(settings, http)
        host.serve("POST", MESSAGES_PATH, Door(settings, host).answer)
        with suppress(DeliveryFailed):  # each delivery will say so itself, and say it better
            await callbacks.post(said.ping(), _PING_KEY)
        host.report(connected=True, detail=f"callbacks to {callbacks.place}")
        canary = Canary(host.clock, callbacks.reach, lambda trouble: _tell(host, trouble))
        callbacks.answered = canary.alive
        probing = asyncio.create_task(canary.watch(), name="webhook-canary")
        try:
            yield kind_for(settings)(callbacks, host.clock)
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)


def _tell(host: Host, trouble: str | None) -> None:
    """The system is away, or is back."""
    host.report(connected=trouble is None, detail=trouble or "it answers again")


async def prove(settings: WebhookSettings, http: aiohttp.ClientSession) -> str:
    """Whether the system can be told something, and believes that it is we who tell it.

    Raises:
        CredentialsRefused: it refuses our signature.
        Unreachable: it cannot be reached, or does not take a ping.
    """
    callbacks = Callbacks(settings, http)
    try:
        await callbacks.post(said.ping(), _PING_KEY)
    except DeliveryFailed as error:
        remedy = error.remedy or "it is to answer a ping like any callback, with 200"
        raise Unreachable(error.message, remedy=remedy) from None
    return f"{callbacks.place} takes callbacks"
