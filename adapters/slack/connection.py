"""How are we connected? Socket Mode under Bolt, and a watch over it.

Bolt acknowledges before a listener runs, and answers 200 when its own authorisation fails; so
everything is taken in `before_authorize`, which comes before both and always answers itself.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.answers import Refusal, asked
from adapters.slack.calls import Calls, web_client
from adapters.slack.client import SlackClient
from adapters.slack.from_slack import BotIdentity
from adapters.slack.governor import Governor, governing
from adapters.slack.logs import LOG, sdk_log
from adapters.slack.reception import Reception
from adapters.slack.settings import SlackSettings
from adapters.slack.to_slack import Features
from adapters.slack.watch import watch
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.errors import CredentialsRefused, Unreachable
from bridge.plugin import Host


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How patient the connection is."""

    ping: timedelta = timedelta(seconds=5)  #: four without an answer, and it is taken for dead
    handshake: timedelta = timedelta(seconds=15)
    farewell: timedelta = timedelta(seconds=3)


_USUAL = Pace()


@contextlib.asynccontextmanager
async def connect(
    settings: SlackSettings, host: Host, pace: Pace = _USUAL
) -> AsyncIterator[SlackClient]:
    """The adapter, receiving for as long as the block lasts.

    Raises:
        CredentialsRefused: Slack refuses one of the tokens.
        Unreachable: Slack cannot be reached.
    """
    async with (
        governing(host) as governor,
        _connected(settings, host, pace, governor) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def _connected(
    settings: SlackSettings, host: Host, pace: Pace, governor: Governor
) -> AsyncIterator[SlackClient]:
    web = _web(settings, host.http)
    bot = await identify(web)
    ticket = await _ticket(web, settings)
    calls = Calls(web, governor.of(bot.team))
    workspaces = OneWorkspace(Workspace(bot, calls, Features(address=bot.address)))
    reception = Reception(workspaces, host, settings)
    socket = _Socket(settings, web, _app(web, reception), pace)
    watching: asyncio.Task[None] | None = None
    try:
        await socket.open(ticket)
        host.report(connected=True, detail=f"{bot.team_name} as @{bot.name}")
        watching = asyncio.create_task(watch(socket, host), name="slack-watch")
        yield SlackClient(workspaces, host.clock, settings.in_doubt_wait)
    finally:
        await _gone({watching} if watching else set())
        await socket.leave()
        await reception.close()


async def prove(settings: SlackSettings, session: aiohttp.ClientSession) -> str:
    """Who both tokens are, without opening a connection.

    Raises:
        CredentialsRefused: Slack refuses one of the tokens.
        Unreachable: Slack cannot be reached.
    """
    web = _web(settings, session)
    bot = await identify(web)
    await _ticket(web, settings)
    return f"team {bot.team_name} as @{bot.name}"


def _web(settings: SlackSettings, session: aiohttp.ClientSession) -> AsyncWebClient:
    token = settings.bot_token.get_secret_value()
    return web_client(token, settings.api_url, session, local=settings.local)


async def identify(web: AsyncWebClient) -> BotIdentity:
    """Who the bot token belongs to."""
    try:
        answer = await asked(web.auth_test())
    except Refusal as refusal:
        raise _no_entry(refusal, "bot_token") from None
    told = {name: value for name, value in answer.items() if isinstance(value, str)}
    if not (told.get("team_id") and told.get("user_id")):
        raise Unreachable("the answer to auth.test does not say who we are")
    return BotIdentity(
        team=told["team_id"],
        user=told["user_id"],
        bot=told.get("bot_id", ""),
        name=told.get("user", ""),
        team_name=told.get("team", ""),
        address=told.get("url", ""),
    )


async def _ticket(web: AsyncWebClient, settings: SlackSettings) -> str:
    """The address of a WebSocket for one use. It is a secret as long as it is fresh."""
    token = settings.app_token.get_secret_value()
    try:
        answer = await asked(web.apps_connections_open(app_token=token))
    except Refusal as refusal:
        raise _no_entry(refusal, "app_token") from None
    if not isinstance(answer.get("url"), str):
        raise Unreachable("the answer to apps.connections.open names no address")
    return str(answer["url"])


def _no_entry(refusal: Refusal, setting: str) -> CredentialsRefused | Unreachable:
    """At the entrance only two things matter: shall a person act, or shall we try again."""
    meaning = refusal.meaning(posting=False, setting=setting)
    if isinstance(meaning, CredentialsRefused | Unreachable):
        return meaning
    return Unreachable(meaning.message, remedy=meaning.remedy)


def _app(web: AsyncWebClient, reception: Reception) -> AsyncApp:
    """A Bolt app that does one thing: store, then acknowledge."""

    async def take(req: AsyncBoltRequest) -> BoltResponse:
        reply = await reception.take(req.body)
        return BoltResponse(status=reply.status, body=reply.body)

    return AsyncApp(
        client=web,
        name=sdk_log().name,  # Bolt mutes the log of this name
        logger=sdk_log(),
        before_authorize=take,
        # In Socket Mode nothing is signed, and the built-in steps would come before or after ours
        # for nothing.
        request_verification_enabled=False,
        ssl_check_enabled=False,
        ignoring_self_events_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )


class _Client(SocketModeClient):
    """The SDK's client, which here knows the tasks it starts and says what it cannot read."""

    def __init__(self, token: str, web: AsyncWebClient, ping: timedelta) -> None:
        super().__init__(
            app_token=token, logger=sdk_log(), web_client=web, ping_interval=ping.total_seconds()
        )
        self.proxy = web.proxy
        self.envelopes: set[asyncio.Task[None]] = set()

    async def process_message(self) -> None:
        """Take one frame from the queue and serve it in a task of its own."""
        raw = await self.message_queue.get()
        try:
            message = json.loads(raw)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            LOG.warning("slack.frame_unreadable", extra={"length": len(raw)})
            return
        task = asyncio.create_task(self.run_message_listeners(message, raw))
        self.envelopes.add(task)
        task.add_done_callback(self.envelopes.discard)

    def everything(self) -> set["asyncio.Future[None]"]:
        """Every task of the client's that may still run."""
        loops = {self.message_processor, self.current_session_monitor, self.message_receiver}
        return {task for task in (*loops, *self.envelopes) if task is not None}


class _Socket(AsyncSocketModeHandler):
    """The connection: opened at once or not at all, left without a trace."""

    def __init__(
        self, settings: SlackSettings, web: AsyncWebClient, app: AsyncApp, pace: Pace
    ) -> None:
        # The base builds an SDK client of its own; this one differs only in which.
        self._pace = pace
        self.app = app
        self.app_token = settings.app_token.get_secret_value()
        self.client: _Client = _Client(self.app_token, web, pace.ping)
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]  # as the base does

    async def open(self, ticket: str) -> None:
        """Open the WebSocket. Raises Unreachable if that takes too long."""
        self.client.wss_uri = ticket
        try:
            async with asyncio.timeout(self._pace.handshake.total_seconds()):
                await self.connect_async()  # type: ignore[no-untyped-call]  # the SDK's
        except TimeoutError:
            raise Unreachable("Slack's WebSocket cannot be opened") from None

    async def connected(self) -> bool:
        """Whether there is a connection that answers."""
        return await self.client.is_connected()

    def forget_ticket(self) -> None:
        """Let the SDK, which tries a failed address again for ever, ask for another."""
        self.client.wss_uri = None

    async def renew(self) -> None:
        """Get a connection where the SDK has stopped trying."""
        if not self.client.connect_operation_lock.locked():
            with contextlib.suppress(Exception):  # looked at again by the watch
                async with asyncio.timeout(self._pace.handshake.total_seconds()):
                    await self.client.connect_to_new_endpoint()

    async def leave(self) -> None:
        """Let what is being served be acknowledged, then close; no task stays behind."""
        if self.client.envelopes:
            await asyncio.wait(self.client.envelopes, timeout=self._pace.farewell.total_seconds())
        try:
            async with asyncio.timeout(self._pace.farewell.total_seconds()):
                await self.close_async()  # type: ignore[no-untyped-call]  # the SDK's
        except TimeoutError:
            await self.client.aiohttp_client_session.close()
        await _gone(self.client.everything())


async def _gone(tasks: "set[asyncio.Task[None]] | set[asyncio.Future[None]]") -> None:
    """Cancel and see them end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
