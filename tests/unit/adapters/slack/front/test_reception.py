"""Is every payload acknowledged, whatever it holds, and told apart by whether it is stored?"""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import ids
from adapters.slack.front.reception import Reception, Reply
from adapters.slack.identity import BotIdentity
from adapters.slack.reading.interactions import SHORTCUT
from adapters.slack.settings import SlackSettings
from adapters.slack.web.calls import Calls
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.model.inbound import StatusAsked
from bridge.testing.clock import FakeClock
from bridge.testing.host import PlayedHost

TS = "1772366400.000100"
TOKENS = {"bot_token": "xoxb-1", "app_token": "xapp-1"}
SHORTCUT_USED: dict[str, Any] = {
    "type": "message_action",
    "callback_id": SHORTCUT,
    "team": {"id": "T1"},
    "user": {"id": "U1"},
    "channel": {"id": "C1"},
    "message": {"ts": TS},
    "action_ts": TS,
}
ACTION = {"action_id": "polyai_end", "value": "?", "action_ts": TS}


@pytest.fixture
async def host() -> AsyncIterator[PlayedHost]:
    async with aiohttp.ClientSession() as http:
        yield PlayedHost(FakeClock(), http)


@pytest.fixture
def reception(host: PlayedHost) -> Reception:
    """In a workspace whose Web API is nowhere: nothing here may need it."""
    bot = BotIdentity(team="T1", user="UBOT")
    workspace = Workspace(bot, Calls(AsyncWebClient(token="xoxb-1")))
    return Reception(OneWorkspace(workspace), host, SlackSettings.model_validate(TOKENS))


HOSTILE: list[object] = [
    None,
    7,
    "text",
    [],
    {},
    {"type": "new_kind_of_thing"},
    {"type": "block_actions"},
    {"type": "block_actions", "actions": "all"},
    {"type": "block_actions", "actions": [None, 7, {}]},
    {"type": "block_actions", "user": "U1", "actions": [ACTION], "response_url": 7},
    {"type": "block_actions", "user": {"id": "U1"}, "actions": [ACTION], "response_url": "x:y"},
    {"type": "block_actions", "container": {"type": "view"}, "view": None, "actions": [ACTION]},
    {"type": "message_action", "callback_id": SHORTCUT},
    {"type": "message_action", "callback_id": "another", "user": {"id": "U1"}},
    {"type": "view_submission", "user": {"id": "U1"}},
    {"command": "/agent"},
    {"command": "/agent", "team_id": "T2", "user_id": "U1", "channel_id": "C1"},
    {"command": ["/agent"], "team_id": "T1"},
    {"event": {"type": "app_home_opened"}},
    {"event": {"type": "app_home_opened", "tab": "home", "user": "U1"}, "team_id": "T2"},
    {"event": {"type": "app_home_opened", "tab": "home", "user": "\ud800"}, "team_id": "T1"},
]


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_comes_is_acked(
    reception: Reception, host: PlayedHost, payload: object
) -> None:
    reply = await reception.take(payload)
    await reception.close()
    assert (reply, host.accepted) == (Reply(), [])


async def test_what_is_stored_is_acked_and_what_is_not_is_not(
    reception: Reception, host: PlayedHost
) -> None:
    host.failing = 1
    assert (await reception.take(SHORTCUT_USED)).status == 500
    assert (await reception.take(SHORTCUT_USED)).status == 200
    assert [inbound.body for inbound in host.accepted] == [StatusAsked()]
    await reception.close()


async def test_a_payload_can_be_read_without_doing_anything(
    reception: Reception, host: PlayedHost
) -> None:
    inbound = reception.read(SHORTCUT_USED)
    assert inbound is not None
    assert inbound.thread == ids.SlackThread("T1", "C1", TS).key
    assert reception.read({"team": {"id": "T2"}}) is None
    assert host.accepted == []


async def test_a_command_is_answered_with_its_ack(reception: Reception) -> None:
    typed = {"command": "/agent", "team_id": "T1", "user_id": "U1", "channel_id": "C1"}
    reply = await reception.take(typed | {"text": "help", "trigger_id": "1"})
    assert reply.status == 200
    assert json.loads(reply.body)["response_type"] == "ephemeral"
