"""How do we call Slack's Web API? One door for every call of one workspace, none repeated here."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.web.answers import Refusal, asked
from adapters.slack.web.governor import Turns
from adapters.slack.web.sending import SlackWeb
from adapters.slack.web.standing import Standing
from bridge.model.delivery import Urgency

#: A method of the SDK's client; or, where the SDK would do nothing but look its arguments through,
#: the name of one that takes JSON.
Method = Callable[..., Awaitable[AsyncSlackResponse]] | str

#: The pause after a 429 that names none.
_UNSAID: Final = timedelta(seconds=30)


class Calls:
    """The calls of one workspace's bot, each at its turn. Without `turns` all go at once."""

    def __init__(self, web: AsyncWebClient, turns: Turns | None = None) -> None:
        self.web = web
        self.turns = turns
        self._standing = Standing()

    def go_on_with(self, token: str) -> None:
        """Use another token of the same bot; what the one before was refused counts no more."""
        self.web.token = token
        self._standing = Standing()

    async def ask(
        self,
        method: Method,
        *,
        urgency: Urgency = Urgency.ANSWER,
        channel: str = "",
        owed: str = "",
        **arguments: Any,  # noqa: ANN401 - whatever the method takes
    ) -> dict[str, Any]:
        """Slack's answer to `method` with these arguments.

        `owed` names the delivery that it is for, if its turn was taken before.

        Raises:
            Refusal: there is no good answer.
            RetryLater: certainly nothing was sent. For a whisper (SIGNAL, GROWTH): there is no room
                for it now. For what is `owed`: Slack asked to wait after its turn was taken.
        """
        if channel:
            arguments["channel"] = channel
        if self.turns is None:
            return await asked(self._call(method, arguments))
        name = _name(method, arguments)
        place = channel or str(arguments.get("channel_id") or "")
        about = f"{place}:{arguments['ts']}" if place and arguments.get("ts") else ""
        self._try_nothing_vain(name, place)
        if not (owed and self.turns.use(owed, name, about=about)):
            await self.turns.wait(name, place, urgency, about=about)
            self._try_nothing_vain(name, place)
        return await self._asked(self.turns, name, place, method, arguments)

    async def turn(
        self, method: str, *, owed: str, urgency: Urgency = Urgency.ANSWER, channel: str = ""
    ) -> None:
        """Take the turn of a call of `method` that follows soon; at once if it would be in vain."""
        if self.turns is None or self._refusal(method, channel):
            return
        await self.turns.take(owed, method, channel, urgency)

    def has(self, method: str, channel: str = "") -> bool:
        """Whether the workspace, as far as we know, lets us use `method` in such a channel."""
        return self._refusal(method, channel) is None

    def _try_nothing_vain(self, name: str, place: str) -> None:
        if refusal := self._refusal(name, place):
            raise refusal

    def _refusal(self, name: str, place: str) -> Refusal | None:
        """The refusal that a call would only bring again."""
        if self.turns is None or self._standing.good:
            return None
        return self._standing.refusal(name, place, self.turns.clock.now())

    async def _asked(
        self, turns: Turns, name: str, place: str, method: Method, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        standing = self._standing  # of this token: meanwhile there may be another
        if not standing.good:
            standing.asking(turns.clock.now())
        try:
            answer = await asked(self._call(method, arguments))
        except Refusal as refusal:
            standing.refused(refusal, name, place, turns.clock.now())
            if refusal.too_many:
                turns.pause(name, refusal.after or _UNSAID)
            raise
        standing.answered()
        return answer

    def _call(self, method: Method, arguments: dict[str, Any]) -> Awaitable[AsyncSlackResponse]:
        if not isinstance(method, str):
            return method(**arguments)
        given = {name: value for name, value in arguments.items() if value is not None}
        return self.web.api_call(method, json=given)


def _name(method: Method, arguments: dict[str, Any]) -> str:
    """The Web API's name of a method of the SDK, which writes its dots as underscores."""
    if isinstance(method, str):
        return method
    python: str = getattr(method, "__name__", "")
    return str(arguments["api_method"]) if python == "api_call" else python.replace("_", ".")


async def oauth_access(
    web: AsyncWebClient, client_id: str, client_secret: str, **wanted: str
) -> dict[str, Any]:
    """What `oauth.v2.access` gives for a code or a refresh token. Raises Refusal.

    The SDK's own method goes by a class that aiohttp will not keep.
    """
    credentials = aiohttp.encode_basic_auth(client_id, client_secret)
    headers = {"Authorization": credentials}
    return await asked(web.api_call("oauth.v2.access", data=wanted, headers=headers))


def web_client(
    token: str, api_url: str, session: aiohttp.ClientSession, *, local: bool
) -> AsyncWebClient:
    """The Web API with one token, by the shared session."""
    return SlackWeb(token, api_url, session, local=local)
