"""Who holds whom while we are connected? The parts of a connected adapter, put together."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.answers import Refusal, asked
from adapters.slack.calls import Calls, web_client
from adapters.slack.client import SlackClient
from adapters.slack.from_slack import BotIdentity
from adapters.slack.governor import Governor, governing
from adapters.slack.hearing import Hearing
from adapters.slack.listening import SocketDoor, entering, listening, ticket
from adapters.slack.reception import Reception
from adapters.slack.settings import SlackSettings
from adapters.slack.socket import Pace
from adapters.slack.streams import Streams
from adapters.slack.to_slack import Features
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.errors import CredentialsRefused, Unreachable
from bridge.plugin import Host

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
    calls = Calls(web, governor.of(bot.team))
    workspaces = OneWorkspace(Workspace(bot, calls, Features(address=bot.address)))
    reception = Reception(workspaces, host, settings)
    streams = Streams(host.clock, settings)
    client = SlackClient(workspaces, host.clock, settings.in_doubt_wait, streams)
    hearing = Hearing(host, workspaces, reception.read, backfill=settings.backfill)
    client.posted = hearing.posted
    token = settings.app_token.get_secret_value()
    door = SocketDoor(web, token, reception.take, hearing, host, pace)
    try:
        async with listening(door, hearing, host, sockets=settings.sockets, pace=pace):
            host.report(connected=True, detail=f"{bot.team_name} as @{bot.name}")
            yield client
    finally:
        await reception.close()


async def prove(settings: SlackSettings, session: aiohttp.ClientSession) -> str:
    """Who both tokens are, without opening a connection.

    Raises:
        CredentialsRefused: Slack refuses one of the tokens.
        Unreachable: Slack cannot be reached.
    """
    web = _web(settings, session)
    bot = await identify(web)
    with entering():
        await ticket(web, settings.app_token.get_secret_value())
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


def _no_entry(refusal: Refusal, setting: str) -> CredentialsRefused | Unreachable:
    """At the entrance only two things matter: shall a person act, or shall we try again."""
    meaning = refusal.meaning(posting=False, setting=setting)
    if isinstance(meaning, CredentialsRefused | Unreachable):
        return meaning
    return Unreachable(meaning.message, remedy=meaning.remedy)
