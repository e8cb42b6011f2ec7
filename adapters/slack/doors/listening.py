"""How does Slack reach us without an address of ours? Socket Mode: tickets, sockets, and Bolt.

Bolt acknowledges before a listener runs, and answers 200 when its own authorisation fails; so
everything that comes to it is taken in `before_authorize`, which comes before both and always
answers itself. Events, which are nearly all that comes, are taken without it, by the same function.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.doors.hearing import Hearing
from adapters.slack.doors.socket import Pace, Socket, Take
from adapters.slack.doors.sockets import Sockets, SwitchedOff
from adapters.slack.doors.watch import watch
from adapters.slack.front.reception import Reply
from adapters.slack.logs import sdk_log
from adapters.slack.web.answers import Refusal, asked
from bridge.errors import BridgeError, CredentialsRefused, Rejected, RetryLater, Unreachable
from bridge.plugin import Host


class SocketDoor:
    """Where sockets come from: each by a ticket of its own, as one is good for a single use."""

    def __init__(
        self, web: AsyncWebClient, token: str, take: Take, hearing: Hearing, host: Host, pace: Pace
    ) -> None:
        self._web = web
        self._token = token
        self._take = _in_turn(take, hearing)
        self._app = _app(web, self._take)
        self._hearing = hearing
        self._http: aiohttp.ClientSession = host.http
        self._pace = pace

    async def open(self) -> Socket:
        """A socket that listens.

        Raises:
            CredentialsRefused, SwitchedOff: a person must act.
            RetryLater: Slack asks to wait.
            Unreachable: it cannot be opened now.
        """
        address = await ticket(self._web, self._token)
        socket = Socket(self._app, self._take, self._http, self._pace)
        await socket.open(address, self._web.proxy, self._hearing.listening)
        return socket


@contextlib.asynccontextmanager
async def listening(
    door: SocketDoor, hearing: Hearing, host: Host, *, sockets: int, pace: Pace
) -> AsyncIterator[None]:
    """Listen for as long as the block lasts.

    Raises:
        CredentialsRefused: Slack refuses the token.
        Unreachable: Slack cannot be reached, or gives no connections.
    """
    kept = Sockets(door, host.clock, wanted=sockets, linger=pace.linger)
    watching: asyncio.Task[None] | None = None
    await hearing.recall()
    try:
        with entering():
            await kept.begin()
        watching = asyncio.create_task(watch(kept, hearing, host), name="slack-watch")
        yield
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        await kept.leave()
        await hearing.leave()


@contextlib.contextmanager
def entering() -> Iterator[None]:
    """At the entrance only two things matter: shall a person act, or shall we try again."""
    try:
        yield
    except RetryLater as later:
        raise Unreachable(later.message) from None


async def ticket(web: AsyncWebClient, token: str) -> str:
    """The address of a WebSocket for one use. It is a secret as long as it is fresh.

    Raises:
        CredentialsRefused, SwitchedOff: a person must act.
        RetryLater: Slack asks to wait.
        Unreachable: Slack cannot be reached.
    """
    try:
        answer = await asked(web.apps_connections_open(app_token=token))
    except Refusal as refusal:
        raise _no_entry(refusal) from None
    if not isinstance(answer.get("url"), str):
        raise Unreachable("the answer to apps.connections.open names no address")
    return str(answer["url"])


def _no_entry(refusal: Refusal) -> BridgeError:
    meaning = refusal.meaning(posting=False, setting="app_token")
    if isinstance(meaning, CredentialsRefused | RetryLater | Unreachable):
        return meaning
    remedy = "switch Socket Mode on in the settings of the Slack app"
    if isinstance(meaning, Rejected):
        return SwitchedOff(f"Slack gives no connections: {refusal}", remedy=remedy)
    return Unreachable(meaning.message, remedy=meaning.remedy)


def _in_turn(take: Take, hearing: Hearing) -> Take:
    """Take what comes behind what was said earlier."""

    async def taken(payload: dict[str, Any]) -> Reply:
        await hearing.before(payload)
        return await take(payload)

    return taken


def _app(web: AsyncWebClient, take: Take) -> AsyncApp:
    """A Bolt app that does one thing: store, then acknowledge."""

    async def taken(req: AsyncBoltRequest) -> BoltResponse:
        reply = await take(req.body)
        return BoltResponse(status=reply.status, body=reply.body)

    return AsyncApp(
        client=web,
        name=sdk_log().name,  # Bolt mutes the log of this name
        logger=sdk_log(),
        before_authorize=taken,
        # In Socket Mode nothing is signed, and the built-in steps would come before or after ours
        # for nothing.
        request_verification_enabled=False,
        ssl_check_enabled=False,
        ignoring_self_events_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
