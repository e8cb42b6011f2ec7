"""Who are we, and what do we lack? Credentials proved without starting to serve.

Slack tells with every answer which scopes the token has (docs.slack.dev/authentication). Which
events the app subscribes to it tells only to an app configuration token, which lives for twelve
hours and is of no other use here.
"""

from collections.abc import Iterator, Sequence

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.doors.listening import entering, ticket
from adapters.slack.identity import BotIdentity
from adapters.slack.installs import needs
from adapters.slack.installs.needs import Need
from adapters.slack.settings import SlackSettings
from adapters.slack.web.answers import Refusal, asked
from adapters.slack.web.calls import oauth_access, web_client
from bridge.errors import CredentialsRefused, Unreachable

_REMEDY = (
    "paste what `polyai-bridge slack manifest` prints as the app's manifest, and install it again"
)
_RENEW = "a config_token lives for twelve hours: generate a new one"
#: A code that nobody was given: being refused it proves the app's id and secret.
_NO_CODE = "polyai-bridge-check"


async def prove(settings: SlackSettings, session: aiohttp.ClientSession) -> str:
    """Who the tokens are, and a line for each thing the app lacks that can be spared.

    Raises:
        CredentialsRefused: Slack refuses a token, or the app lacks what nothing works without.
        Unreachable: Slack cannot be reached.
    """
    web = _web(settings, session)
    if settings.installs:
        await _prove_app(settings, web)
        lines, lacking = [f"app {settings.client_id}, for workspaces that install it"], []
    else:
        bot = await identify(web)
        lines = [f"team {bot.team_name} as @{bot.name}"]
        lacking = [("scope", need) for need in await _scopes_lacking(settings, web)]
        lacking += [("event", need) for need in await _events_lacking(settings, web, bot, lines)]
    if settings.mode == "socket":
        with entering():
            await ticket(web, settings.app_token.get_secret_value())
    if any(not need.spared for _, need in lacking):
        raise CredentialsRefused(f"the Slack app lacks {'; '.join(_told(lacking))}", remedy=_REMEDY)
    return "\n".join([*lines, *(f"lacks {line}" for line in _told(lacking))])


async def identify(web: AsyncWebClient) -> BotIdentity:
    """Who the bot token belongs to.

    Raises:
        CredentialsRefused: Slack refuses it.
        Unreachable: Slack cannot be reached.
    """
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


async def _prove_app(settings: SlackSettings, web: AsyncWebClient) -> None:
    secret = settings.client_secret.get_secret_value()
    try:
        await oauth_access(web, settings.client_id, secret, code=_NO_CODE)
    except Refusal as refusal:
        if refusal.code != "invalid_code":
            raise _no_entry(refusal, "client_secret") from None


async def _scopes_lacking(settings: SlackSettings, web: AsyncWebClient) -> list[Need]:
    """The scopes that the token does not have; none if Slack does not say."""
    heard: list[AsyncSlackResponse] = []

    async def asking() -> AsyncSlackResponse:
        heard.append(await web.auth_test())
        return heard[0]

    try:
        await asked(asking())
    except Refusal as refusal:
        raise _no_entry(refusal, "bot_token") from None
    headers = {name.lower(): value for name, value in heard[0].headers.items()}
    told = headers.get("x-oauth-scopes")
    if told is None:
        return []
    granted = {scope.strip() for scope in told.split(",")}
    return [need for need in needs.scopes(settings) if need.name not in granted]


async def _events_lacking(
    settings: SlackSettings, web: AsyncWebClient, bot: BotIdentity, lines: list[str]
) -> list[Need]:
    """The events that the app does not subscribe to; a line says so where that cannot be seen."""
    token = settings.config_token.get_secret_value()
    if not token:
        lines.append("events: not looked at, as that needs a config_token")
        return []
    try:
        about = await asked(web.bots_info(bot=bot.bot))
        app = str((about.get("bot") or {}).get("app_id") or "")
        answer = await asked(web.apps_manifest_export(app_id=app, token=token))
    except Refusal as refusal:
        lines.append(f"events: not looked at{_why(refusal)}")
        return []
    subscribed = _subscribed(answer)
    return [need for need in needs.events(settings) if need.name not in subscribed]


def _why(refusal: Refusal) -> str:
    if refusal.needed:  # the app's id is told only to who may ask about bots
        return f", as that needs the scope {refusal.needed}"
    return f": {refusal} ({_RENEW})" if refusal.code else f": {refusal}"


def _subscribed(answer: object) -> set[str]:
    """The bot events of an exported manifest, wherever it is whole enough to have some."""
    for key in ("manifest", "settings", "event_subscriptions", "bot_events"):
        answer = answer.get(key) if isinstance(answer, dict) else None
    return {str(event) for event in answer} if isinstance(answer, list) else set()


def _told(lacking: Sequence[tuple[str, Need]]) -> Iterator[str]:
    return (f"the {kind} {need.name}: {need.without}" for kind, need in lacking)


def _no_entry(refusal: Refusal, setting: str) -> CredentialsRefused | Unreachable:
    """At the entrance only two things matter: shall a person act, or shall we try again."""
    meaning = refusal.meaning(posting=False, setting=setting)
    if isinstance(meaning, CredentialsRefused | Unreachable):
        return meaning
    if refusal.code in {"bad_client_secret", "invalid_client_id"}:
        return CredentialsRefused(
            f"Slack refuses the app: {refusal.code}",
            remedy="put the Client ID and the Client Secret of Basic Information there",
        )
    return Unreachable(meaning.message, remedy=meaning.remedy)


def _web(settings: SlackSettings, session: aiohttp.ClientSession) -> AsyncWebClient:
    token = settings.bot_token.get_secret_value()
    return web_client(token, settings.api_url, session, local=settings.local)
