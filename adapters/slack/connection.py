"""Who holds whom while we are connected? The parts of a connected adapter, put together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.client import SlackClient
from adapters.slack.doors.hearing import Hearing
from adapters.slack.doors.listening import SocketDoor, listening
from adapters.slack.doors.probing import probed
from adapters.slack.doors.requests import Requests, served
from adapters.slack.doors.socket import Pace
from adapters.slack.front.reception import Reception, Reply
from adapters.slack.identity import BotIdentity
from adapters.slack.installs.installations import Installations
from adapters.slack.installs.manifest import EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH
from adapters.slack.installs.pages import InstallPages
from adapters.slack.installs.proving import identify
from adapters.slack.settings import SlackSettings
from adapters.slack.streams import Streams
from adapters.slack.to_slack import Features
from adapters.slack.twins import Twins
from adapters.slack.web.calls import Calls, web_client
from adapters.slack.web.governor import Governor, governing
from adapters.slack.workspaces import OneWorkspace, Workspace, Workspaces
from bridge.clock import RandomIds
from bridge.plugin import Host

_USUAL = Pace()

#: Stores a payload and says what Slack is answered.
_Take = Callable[[dict[str, Any]], Awaitable[Reply]]


@contextlib.asynccontextmanager
async def connect(
    settings: SlackSettings, host: Host, pace: Pace = _USUAL
) -> AsyncIterator[SlackClient]:
    """The adapter, receiving for as long as the block lasts.

    Raises:
        CredentialsRefused: Slack refuses one of the tokens.
        Unreachable: Slack cannot be reached.
    """
    web = _client(settings, host, settings.bot_token.get_secret_value())
    async with (
        governing(host) as governor,
        _served(settings, host, web, governor) as (workspaces, told),
        _received(workspaces, host, settings) as reception,
    ):
        streams = Streams(host.clock, settings)
        twins = Twins(workspaces, host)
        client = SlackClient(workspaces, host.clock, settings.in_doubt_wait, streams, twins)
        hearing = Hearing(host, workspaces, reception.read, backfill=settings.backfill)
        client.posted, hearing.came_back = hearing.posted, client.came_back
        try:
            async with (
                probed(web, hearing, host.clock),
                _reached(settings, host, web, reception.take, hearing, pace),
            ):
                host.report(connected=True, detail=told)
                yield client
        finally:
            await client.close()


@contextlib.asynccontextmanager
async def _served(
    settings: SlackSettings, host: Host, web: AsyncWebClient, governor: Governor
) -> AsyncIterator[tuple[Workspaces, str]]:
    """The workspaces that we serve, and a word on which."""

    def opened(bot: BotIdentity, token: str) -> Workspace:
        calls = Calls(_client(settings, host, token), governor.of(bot.team))
        return Workspace(bot, calls, Features(address=bot.address))

    if not settings.installs:
        bot = await identify(web)
        one = opened(bot, settings.bot_token.get_secret_value())
        yield OneWorkspace(one), f"{bot.team_name} as @{bot.name}"
        return
    secret = settings.client_secret.get_secret_value()
    many = Installations(host, web, opened, client_id=settings.client_id, client_secret=secret)
    await many.load()
    pages = InstallPages(settings, host, web, many, RandomIds())
    host.serve("GET", INSTALL_PATH, pages.leave)
    host.serve("GET", REDIRECT_PATH, pages.come_back)
    renewing = asyncio.create_task(many.renew_for_ever(), name="slack-renew")
    try:
        await many.looked_through()
        yield many, f"installed {many.count} times"
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


@contextlib.asynccontextmanager
async def _received(
    workspaces: Workspaces, host: Host, settings: SlackSettings
) -> AsyncIterator[Reception]:
    reception = Reception(workspaces, host, settings)
    try:
        yield reception
    finally:
        await reception.close()


@contextlib.asynccontextmanager
async def _reached(
    settings: SlackSettings,
    host: Host,
    web: AsyncWebClient,
    take: _Take,
    hearing: Hearing,
    pace: Pace,
) -> AsyncIterator[None]:
    """Slack reaches us, in the way that the settings say, for as long as the block lasts."""
    if settings.mode == "http":
        requests = Requests(settings.signing_secret.get_secret_value(), take, hearing, host.clock)
        host.serve("POST", EVENTS_PATH, requests.answer)
        async with served(hearing, host):
            yield
    else:
        door = SocketDoor(web, settings.app_token.get_secret_value(), take, hearing, host, pace)
        async with listening(door, hearing, host, sockets=settings.sockets, pace=pace):
            yield


def _client(settings: SlackSettings, host: Host, token: str) -> AsyncWebClient:
    return web_client(token, settings.api_url, host.http, local=settings.local)
