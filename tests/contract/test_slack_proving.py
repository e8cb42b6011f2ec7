"""Does a check of the connection name who we are, and everything the app lacks?"""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.slack import PLUGIN
from adapters.slack.settings import SlackSettings
from bridge.clock import RandomIds, SystemClock
from bridge.errors import CredentialsRefused, Unreachable
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_methods import CONFIG_TOKEN

NOT_LOOKED = "events: not looked at, as that needs a config_token"


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(clock=SystemClock(), ids=RandomIds()) as simulator:
        yield simulator


async def proved(slack: SlackSimulator, **more: object) -> list[str]:
    settings = SlackSettings.model_validate(
        {
            "bot_token": "xoxb-simulated",
            "app_token": "xapp-simulated",
            "api_url": slack.api_url,
            **more,
        }
    )
    async with aiohttp.ClientSession() as http:
        return (await PLUGIN.prove(settings, http)).split("\n")


async def test_it_says_who_we_are_and_opens_nothing(slack: SlackSimulator) -> None:
    assert await proved(slack) == ["team Simulated as @bridge", NOT_LOOKED]
    assert slack.connections == 0


async def test_with_a_configuration_token_events_are_looked_at(slack: SlackSimulator) -> None:
    assert await proved(slack, config_token=CONFIG_TOKEN) == ["team Simulated as @bridge"]
    slack.unsubscribe("app_home_opened")
    *_, line = await proved(slack, config_token=CONFIG_TOKEN)
    assert line == "lacks the event app_home_opened: the home tab stays empty"


async def test_what_can_be_spared_is_named_with_what_breaks(slack: SlackSimulator) -> None:
    slack.revoke_scope("users:read")
    slack.revoke_scope("chat:write.customize")
    lines = await proved(slack)
    assert "lacks the scope users:read: the agent is not told people's names" in lines
    assert "lacks the scope chat:write.customize: live agents' names stand in the text" in lines


async def test_what_nothing_works_without_is_refused_with_the_remedy(slack: SlackSimulator) -> None:
    slack.revoke_scope("im:history")
    slack.unsubscribe("message.channels")
    with pytest.raises(CredentialsRefused) as refused:
        await proved(slack, config_token=CONFIG_TOKEN)
    told = str(refused.value)
    assert "the scope im:history: direct messages are not received" in told
    assert "the event message.channels: replies in threads of public channels" in told
    assert "polyai-bridge slack manifest" in told


async def test_a_configuration_token_that_has_expired_spoils_nothing(slack: SlackSimulator) -> None:
    remedy = "a config_token lives for twelve hours: generate a new one"
    assert await proved(slack, config_token="xoxe.xoxp-old") == [
        "team Simulated as @bridge",
        f"events: not looked at: invalid_auth ({remedy})",
    ]


async def test_why_events_are_not_looked_at_is_told_with_the_scope_that_it_needs(
    slack: SlackSimulator,
) -> None:
    slack.revoke_scope("users:read")
    assert await proved(slack, config_token=CONFIG_TOKEN) == [
        "team Simulated as @bridge",
        "events: not looked at, as that needs the scope users:read",
        "lacks the scope users:read: the agent is not told people's names",
    ]


async def test_a_revoked_token_fails(slack: SlackSimulator) -> None:
    slack.revoke_token("token_revoked")
    with pytest.raises(CredentialsRefused, match="token_revoked") as revoked:
        await proved(slack)
    assert revoked.value.remedy.startswith("install the Slack app again")


async def test_a_wrong_app_token_fails(slack: SlackSimulator) -> None:
    with pytest.raises(CredentialsRefused, match="app_token"):
        await proved(slack, app_token="xapp-other")


async def test_a_slack_that_is_away_is_no_refusal(slack: SlackSimulator) -> None:
    slack.http_error("auth.test", 503)
    with pytest.raises(Unreachable):
        await proved(slack)
