"""Any system that speaks HTTP: it tells us by signed requests, and is told by signed callbacks."""

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

_PING_KEY: Final = "ping"


class Webhook:
    """What every system gets: messages, calls for help, and, if it promised to, each once."""

    def __init__(self, callbacks: Callbacks, clock: Clock, *, idempotent: bool) -> None:
        self._callbacks = callbacks
        self._clock = clock
        self._idempotent = idempotent

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Tell it as a new message; the delivery's id is the key."""
        reference = await self._callbacks.post(said.message(outbound), outbound.id)
        return Receipt(reference or outbound.id)

    async def announce(self, outbound: Outbound) -> Receipt:
        """Tell it as a call for help in another place."""
        return await self.deliver(outbound)

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """Tell it again under the same key, which the system promised to show once."""
        del since
        if not self._idempotent:
            raise MaybeDelivered("the system does not promise to show once what comes twice")
        try:
            return await self.deliver(outbound)
        except MaybeDelivered as error:  # it was not heard this time: later it may be
            raise Unreachable(error.message) from None

    def _key_of_change(self, outbound: Outbound) -> str:
        """Never the same: what is changed and changed back is no repetition."""
        return f"{outbound.id}@{self._clock.now().isoformat(timespec='microseconds')}"


class Editing(Webhook):
    """For a system that can change what it showed."""

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Tell it what the message shows from now on."""
        body = said.change(outbound, receipt)
        await self._callbacks.post(body, self._key_of_change(outbound))


class Signalling(Webhook):
    """For a system that can show signs of life."""

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        """Tell it, once."""
        await self._callbacks.post(said.sign_of_life(thread, signal), self._key_of_signal(thread))

    def _key_of_signal(self, thread: ThreadKey) -> str:
        return f"{thread}@{self._clock.now().isoformat(timespec='microseconds')}"


class EditingAndSignalling(Editing, Signalling):
    """For one that can do both."""


_KINDS: Final[dict[tuple[bool, bool], type[Webhook]]] = {
    (False, False): Webhook,
    (True, False): Editing,
    (False, True): Signalling,
    (True, True): EditingAndSignalling,
}


@asynccontextmanager
async def connect(settings: WebhookSettings, host: Host) -> AsyncIterator[Webhook]:
    """The adapter, taking in for as long as the block lasts.

    A system that is away does not keep us from hearing it: only one that does not believe us does.

    Raises:
        CredentialsRefused: the system refuses our signature.
    """
    callbacks = Callbacks(settings, host.http)
    kind = _KINDS["edits" in settings.show, "signals" in settings.show]
    host.serve("POST", MESSAGES_PATH, Door(settings, host).answer)
    with suppress(DeliveryFailed):  # each delivery will say so itself, and say it better
        await callbacks.post(said.ping(), _PING_KEY)
    host.report(connected=True, detail=f"callbacks to {callbacks.place}")
    yield kind(callbacks, host.clock, idempotent=settings.callback_idempotent)


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
