"""Are tokens renewed, kept and dropped so that no workspace is ever locked out?"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.slack.front.closing import places_closed
from adapters.slack.identity import BotIdentity
from adapters.slack.ids import ts_of
from adapters.slack.installs.installations import Installation, Installations
from adapters.slack.web.answers import Refusal
from adapters.slack.web.calls import Calls, web_client
from adapters.slack.web.governor import governing
from adapters.slack.workspaces import Workspace
from bridge.errors import DatabaseFailed
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost

DUE = Installation(
    team="T1",
    token="xoxb-1",
    user="UBOT",
    refresh_token="xoxe-1",
    expires_at=NOON + timedelta(hours=1),
    installed_at=NOON,
)


class Slack:
    """Gives a new token for each refresh token, once; refuses a call when told."""

    def __init__(self) -> None:
        self.refresh = ["xoxe-1"]
        self.asked = 0
        self.held: asyncio.Event | None = None
        self.refused = ""

    async def serve(self, request: web.Request) -> web.Response:
        if request.match_info["method"] != "oauth.v2.access":
            return web.json_response({"ok": not self.refused, "error": self.refused})
        self.asked += 1
        told = str((await request.post())["refresh_token"])
        if told not in self.refresh:
            return web.json_response({"ok": False, "error": "invalid_refresh_token"})
        self.refresh = [f"xoxe-{self.asked + 1}"]
        if self.held is not None:
            await self.held.wait()
        new = {"access_token": f"xoxb-{self.asked + 1}", "refresh_token": self.refresh[0]}
        return web.json_response({"ok": True, "expires_in": 12 * 3600, **new})


class FailingMemory:
    """Stands before the host's memory: so often it cannot keep anything."""

    def __init__(self, host: PlayedHost) -> None:
        self.failing = 0
        self._remember = host.memory.remember
        host.memory.remember = self.remember  # type: ignore[method-assign]

    async def remember(self, key: str, text: str, *, secret: bool = False) -> None:
        if self.failing:
            self.failing -= 1
            raise DatabaseFailed("full")
        await self._remember(key, text, secret=secret)


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
async def host() -> PlayedHost:
    return PlayedHost(FakeClock())


@pytest.fixture
async def many(slack: Slack, host: PlayedHost) -> AsyncIterator[Installations]:
    application = web.Application()
    application.router.add_route("*", "/api/{method}", slack.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    async with aiohttp.ClientSession() as http, governing(host) as governor:

        def opened(bot: BotIdentity, token: str) -> Workspace:
            client = web_client(token, base, http, local=True)
            return Workspace(bot, Calls(client, governor.of(bot.team)))

        client = web_client("", base, http, local=True)
        yield Installations(host, client, opened, client_id="1.2", client_secret="s")
    await runner.cleanup()


def kept(host: PlayedHost) -> str:
    return host.memory.kept.get("installation:T1", "")


async def eventually(condition: Any) -> None:  # noqa: ANN401 - whatever can be asked
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


async def test_a_renewed_token_is_kept_though_the_disk_was_full(
    many: Installations, slack: Slack, host: PlayedHost
) -> None:
    await many.add(DUE)
    memory = FailingMemory(host)
    memory.failing = 2
    renewing = asyncio.create_task(many.renew_for_ever())
    clock = host.clock
    assert isinstance(clock, FakeClock)
    await eventually(lambda: memory.failing == 1)
    for _ in range(3):
        await clock.advance(timedelta(seconds=5))
    assert "xoxe-2" in kept(host)
    assert not renewing.done()
    assert slack.asked == 1
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)


async def test_a_renewal_under_way_when_we_leave_is_kept(
    many: Installations, slack: Slack, host: PlayedHost
) -> None:
    await many.add(DUE)
    slack.held = asyncio.Event()
    renewing = asyncio.create_task(many.renew_for_ever())
    await eventually(lambda: slack.asked)
    renewing.cancel()
    await asyncio.sleep(0.01)
    slack.held.set()
    await asyncio.gather(renewing, return_exceptions=True)
    assert "xoxe-2" in kept(host)


async def test_a_new_token_is_not_held_back_by_what_the_old_one_was_refused(
    many: Installations, slack: Slack
) -> None:
    await many.add(DUE)
    calls = (await many.of("T1")).calls
    slack.refused = "token_expired"
    for _ in range(2):
        with contextlib.suppress(Refusal):
            await calls.ask(calls.web.auth_test)
    slack.refused = ""
    await many.renew_due()
    assert await calls.ask(calls.web.auth_test)
    assert calls.web.token == "xoxb-2"


async def test_an_uninstallation_that_is_told_late_takes_nothing_from_a_new_installation(
    many: Installations,
) -> None:
    await many.add(DUE)
    bot = (await many.of("T1")).bot
    told = {"team_id": "T1", "authorizations": [{"team_id": "T1"}]}

    def taken_out(minutes: int) -> dict[str, Any]:
        at = ts_of(NOON + timedelta(minutes=minutes))
        return {**told, "event": {"type": "app_uninstalled", "event_ts": at}}

    assert places_closed(taken_out(-1), bot) is None
    assert places_closed(taken_out(1), bot) is not None
    # The same where the workspace was open already when it was installed anew.
    await many.add(
        Installation(
            team="T1",
            token="xoxb-9",
            user="UBOT",
            installed_at=NOON + timedelta(minutes=2),
        )
    )
    assert places_closed(taken_out(1), (await many.of("T1")).bot) is None
