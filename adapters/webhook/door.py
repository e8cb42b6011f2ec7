"""How does a system reach us? One address, which takes one signed message at a time.

It is answered that we have a message only once it is stored. Whoever is refused learns why and what
to do, and nothing of a secret; the log tells each reason once.
"""

import logging
from datetime import timedelta

from aiohttp import web

from adapters.webhook.inbound import BODY_LIMIT, Unreadable, inbound_of, read
from adapters.webhook.settings import WebhookSettings
from adapters.webhook.signing import Distrust, distrust
from bridge.clock import wall_time
from bridge.errors import DatabaseFailed
from bridge.plugin import Host
from bridge.plugin.signing import SIGNATURE, TIMESTAMP
from bridge.plugin.telling import repeated

LOG = logging.getLogger("polyai_bridge.adapters.webhook")
repeated("webhook.not_stored")

#: Below the adapter's name.
MESSAGES_PATH = "/messages"
#: When to tell us again what could not be stored.
AGAIN = timedelta(seconds=5)

_DISTRUSTED = {
    Distrust.UNSIGNED: (
        "the request is not signed",
        f"send {TIMESTAMP} in seconds since 1970, and {SIGNATURE}",
    ),
    Distrust.FORGED: (
        "the signature is not that of this body",
        f"sign v1:<{TIMESTAMP}>:<body> by HMAC-SHA256 with the secret of both sides",
    ),
    Distrust.STALE: (
        "the request was not signed just now",
        "set the clocks right, and sign each request as it is sent",
    ),
}


class Door:
    """Answers the requests of one system."""

    def __init__(self, settings: WebhookSettings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._taken = 0
        self._warned: set[Distrust] = set()

    async def answer(self, request: web.Request) -> web.Response:
        """Take one message."""
        body = await request.read()
        if (reason := self._distrusted(request, body)) is not None:
            self._warn(reason)
            challenge = {"WWW-Authenticate": "X-Bridge-Signature"}
            return _refused(401, *_DISTRUSTED[reason], headers=challenge)
        if request.content_type != "application/json":
            return _refused(415, "the body is not said to be JSON", "send application/json")
        if len(body) > BODY_LIMIT:
            limit = f"send {BODY_LIMIT} bytes at most, a long text as several messages"
            return _refused(413, "the body is too large", limit)
        try:
            message = read(body)
        except Unreadable as error:
            return _refused(400, f"the body cannot be taken: {error}", "see the OpenAPI document")
        self._taken += 1
        try:
            inbound = inbound_of(message, self._host.clock.now(), self._taken)
            accepted = await self._host.accept(inbound)
        except DatabaseFailed:
            LOG.warning("webhook.not_stored", extra={"adapter": self._host.name})
            again = {"Retry-After": str(int(AGAIN.total_seconds()))}
            return _refused(503, "it could not be stored", "send it again later", headers=again)
        return web.json_response({"accepted": accepted.value})

    def _distrusted(self, request: web.Request, body: bytes) -> Distrust | None:
        return distrust(
            request.headers,
            body,
            secrets=self._settings.accepted_secrets,
            window=self._settings.window,
            # Ours is not moved when the machine's is set wrong, and that one is right once it is
            # set right.
            clocks=(self._host.clock.now(), wall_time()),
        )

    def _warn(self, reason: Distrust) -> None:
        """Once for each reason: a stranger who knocks all night hides no wrong secret."""
        if reason not in self._warned:
            self._warned.add(reason)
            extra = {"adapter": self._host.name, "reason": reason.value}
            LOG.warning("webhook.request_refused", extra=extra)


def _refused(
    status: int, error: str, remedy: str, *, headers: dict[str, str] | None = None
) -> web.Response:
    return web.json_response({"error": error, "remedy": remedy}, status=status, headers=headers)
