"""How do we call Slack's Web API? One door for every call of one workspace, none repeated here."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.answers import TIMEOUT, asked
from adapters.slack.logs import sdk_log
from bridge.model.delivery import Urgency

#: A method of the SDK's client.
Method = Callable[..., Awaitable[AsyncSlackResponse]]


class Calls:
    """The calls of one workspace's bot."""

    def __init__(self, web: AsyncWebClient) -> None:
        self.web = web

    async def ask(
        self,
        method: Method,
        *,
        urgency: Urgency = Urgency.ANSWER,
        channel: str = "",
        **arguments: Any,  # noqa: ANN401 - whatever the method takes
    ) -> dict[str, Any]:
        """Slack's answer to `method` with these arguments.

        Raises:
            Refusal: there is no good answer.
        """
        del urgency
        if channel:
            arguments["channel"] = channel
        return await asked(method(**arguments))


def web_client(
    token: str, api_url: str, session: aiohttp.ClientSession, *, local: bool
) -> AsyncWebClient:
    """The Web API with one token. No retry handlers: the SDK's own one posts twice on a reset."""
    web = AsyncWebClient(
        token=token,
        base_url=api_url,
        timeout=int(TIMEOUT.total_seconds()),
        session=session,
        retry_handlers=[],
        logger=sdk_log(),
    )
    if local:
        web.proxy = None  # the SDK would send even loopback through the environment's proxy
    return web
