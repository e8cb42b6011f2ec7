"""Does the client cope with what only an odd Slack would say?

What the real one says is played by the simulator, in `tests/contract/test_slack_adapter.py`.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.slack.client import SlackClient
from adapters.slack.identity import BotIdentity
from adapters.slack.installs.proving import identify
from adapters.slack.settings import SlackSettings
from adapters.slack.web.calls import Calls, web_client
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.errors import MaybeDelivered, Unreachable
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROOT = "1772366400.000100"
TS = "1772366460.000200"
OWED = Outbound(
    id=DeliveryId("c1.1"),
    thread=ThreadKey(f"T1:C1:{ROOT}"),
    content=AgentReply(Author(AuthorKind.AGENT), "Hello"),
    owed_at=NOW,
)


class StillClock:
    """A clock on which no time passes and sleeping takes none."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, duration: timedelta) -> None:
        assert duration > timedelta()


class OddSlack:
    """A server that answers every call with what it was told to."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {"ok": True}
        self.bodies: list[dict[str, Any]] = []

    async def serve(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            self.bodies.append(await request.json())
        return web.json_response(self.answer)


@pytest.fixture
def odd() -> OddSlack:
    return OddSlack()


@pytest.fixture
async def client(odd: OddSlack) -> AsyncIterator[SlackClient]:
    application = web.Application()
    application.router.add_route("*", "/api/{method}", odd.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = SlackSettings.model_validate(
        {
            "bot_token": "xoxb-1",
            "app_token": "xapp-1",
            "api_url": f"http://127.0.0.1:{runner.addresses[0][1]}/api/",
        }
    )
    async with aiohttp.ClientSession() as session:
        bot = BotIdentity(team="T1", user="UBOT", bot="BBOT")
        token = settings.bot_token.get_secret_value()
        calls = Calls(web_client(token, settings.api_url, session, local=settings.local))
        workspaces = OneWorkspace(Workspace(bot, calls))
        yield SlackClient(workspaces, StillClock(), timedelta(seconds=30))
    await runner.cleanup()


async def test_a_post_says_everything_that_keeps_it_quiet(
    client: SlackClient, odd: OddSlack
) -> None:
    odd.answer = {"ok": True, "ts": TS, "message": {"thread_ts": ROOT}}
    assert await client.deliver(OWED) == Receipt(f"C1:{TS}")
    (body,) = odd.bodies
    assert (body["channel"], body["thread_ts"], body["text"]) == ("C1", ROOT, "Hello")
    assert (body["unfurl_links"], body["unfurl_media"], body["link_names"]) == (False,) * 3
    assert body["parse"] == "none"
    assert body["metadata"]["event_payload"] == {"delivery": "c1.1"}
    assert json.dumps(body["blocks"])


async def test_an_answer_without_the_message_is_believed(
    client: SlackClient, odd: OddSlack
) -> None:
    odd.answer = {"ok": True, "ts": TS}
    assert await client.deliver(OWED) == Receipt(f"C1:{TS}")


@pytest.mark.parametrize("ts", [None, 7, "now"])
async def test_an_answer_that_names_no_message_leaves_it_open(
    client: SlackClient, odd: OddSlack, ts: object
) -> None:
    odd.answer = {"ok": True, "ts": ts}
    with pytest.raises(MaybeDelivered):
        await client.deliver(OWED)


MARKED = {"event_type": "polyai_bridge_delivery", "event_payload": {"delivery": "c1.1"}}


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"ts": TS, "bot_id": "BBOT", "metadata": MARKED}, True),
        ({"ts": TS, "user": "UBOT", "metadata": MARKED}, True),
        ({"ts": TS, "bot_id": "BBOT", "blocks": [{"block_id": "polyai:c1.1"}]}, True),
        ({"ts": TS, "bot_id": "BBOT", "metadata": {}, "blocks": [{}, 7]}, False),
        ({"ts": TS, "bot_id": "BBOT", "metadata": MARKED | {"event_payload": 7}}, False),
        ({"ts": TS, "bot_id": "BOTHER", "metadata": MARKED}, False),
        ({"ts": TS, "user": "U1", "blocks": [{"block_id": "polyai:c1.1"}]}, False),
        ({"ts": 7, "bot_id": "BBOT", "metadata": MARKED}, False),
        ({"ts": TS, "bot_id": "BBOT", "blocks": "polyai:c1.1"}, False),
        ("what?", False),
    ],
)
async def test_only_our_own_mark_is_taken_for_the_delivery(
    client: SlackClient, odd: OddSlack, message: object, *, found: bool
) -> None:
    odd.answer = {"ok": True, "messages": [message]}
    receipt = await client.find(OWED, since=NOW)
    assert receipt == (Receipt(f"C1:{TS}") if found else None)


async def test_a_thread_that_never_ends_is_not_read_for_ever(
    client: SlackClient, odd: OddSlack
) -> None:
    odd.answer = {"ok": True, "messages": [], "response_metadata": {"next_cursor": "more"}}
    with pytest.raises(MaybeDelivered, match="too many"):
        await client.find(OWED, since=NOW - timedelta(hours=1))


async def test_an_identity_that_says_nothing_is_no_identity(
    client: SlackClient, odd: OddSlack
) -> None:
    odd.answer = {"ok": True, "team_id": 7, "user_id": "UBOT"}
    with pytest.raises(Unreachable):
        await identify((await client._workspaces.of("T1")).calls.web)
