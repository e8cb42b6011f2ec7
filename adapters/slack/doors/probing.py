"""Does Slack's Web API answer? Its sockets, on other machines, may live while nothing can be said.

It is asked by `api.test`, which needs nothing and changes nothing (docs.slack.dev/reference/
methods/api.test), by the way that all calls go.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.doors.hearing import Hearing
from adapters.slack.web.answers import Refusal, asked
from bridge.clock import Clock
from bridge.errors import Unreachable
from bridge.plugin.canary import Canary


@contextlib.asynccontextmanager
async def probed(web: AsyncWebClient, hearing: Hearing, clock: Clock) -> AsyncIterator[None]:
    """Let `hearing` know, for as long as the block lasts, whether the Web API answers."""

    def tell(trouble: str | None) -> None:
        hearing.speechless = trouble

    canary = Canary(clock, lambda: _answers(web), tell)
    watching = asyncio.create_task(canary.watch(), name="slack-canary")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _answers(web: AsyncWebClient) -> None:
    """Any answer of Slack's proves that it is there, a refusal too.

    Raises:
        Unreachable: there was none, or a gateway's.
    """
    try:
        await asked(web.api_call("api.test"))
    except Refusal as refusal:
        if refusal.code or 0 < refusal.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        raise Unreachable(f"Slack's Web API cannot be reached: {refusal}") from None
