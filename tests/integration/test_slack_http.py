"""Slack over HTTP, and an app that workspaces install, through the real process and its deaths."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_town import SlackTown
from tests import leaks
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
KEY = "0123456789abcdef" * 4


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


class Reached:
    """The stage, with the address where Slack reaches the bridge."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def events(self) -> str:
        return f"{self.url}/slack/events"

    def configure(self, *, api_url: str, keys: str) -> None:
        text = self.stage.config.read_text()
        above, _, _ = text.partition("[adapters.slack]")
        above = above.replace("port = 0", f"port = {self.port}")
        above = above.replace("[database]\n", f'[database]\nencryption_key = "{KEY}"\n')
        self.stage.config.write_text(
            f'{above}[adapters.slack]\ntype = "slack"\nmode = "http"\nsigning_secret = "{SECRET}"\n'
            f'public_url = "{self.url}"\napi_url = "{api_url}"\nin_doubt_wait = "700ms"\n{keys}\n'
        )

    async def start(self, *, dies_at: str | None = None) -> None:
        await self.stage.start(dies_at=dies_at)
        await self.ready()

    async def ready(self) -> None:
        """Until the bridge says that it serves Slack."""
        said = self.stage.tail().count("adapter.connected")
        await self.stage.until(lambda: self.stage.tail().count("adapter.connected") > said)


@pytest.fixture
async def reached(tmp_path: Path) -> AsyncIterator[Reached]:
    async with staged(tmp_path) as stage:
        yield Reached(stage)


async def test_a_conversation_over_http_survives_a_kill(reached: Reached) -> None:
    stage = reached.stage
    reached.configure(api_url=stage.slack.api_url, keys='bot_token = "xoxb-simulated"')
    stage.slack.send_requests_to(reached.events, SECRET)
    await reached.start()
    thread = await stage.mention("say first")
    await stage.until(lambda: "first" in stage.told(thread))
    await stage.kill()
    await stage.reply(thread, "say second")  # nobody is there: Slack tries again
    await reached.start()
    await stage.until(lambda: "second" in stage.told(thread))
    await stage.quiet()
    assert stage.told(thread).count("first") == stage.told(thread).count("second") == 1
    assert stage.heard() == ["say first", "say second"]
    assert stage.slack.connections == 0
    assert await stage.stop() == 0


async def test_two_workspaces_talk_to_the_agent_and_one_leaves(reached: Reached) -> None:
    stage = reached.stage
    async with leaks.played(SlackTown(clock=SystemClock(), ids=RandomIds())) as town:
        acme, bolt = await town.add_workspace("T0ACME"), await town.add_workspace("T0BOLT")
        for slack in (acme, bolt):
            slack.send_requests_to(reached.events, SECRET)
        keys = 'client_id = "1.2"\nclient_secret = "simulated"'
        reached.configure(api_url=town.api_url, keys=keys)
        await reached.start()
        for team in ("T0ACME", "T0BOLT"):
            town.consents = team
            assert "Installed" in await visited(f"{reached.url}/slack/install")
        threads = {slack.team_id: await begun(stage, slack) for slack in (acme, bolt)}

        await stage.kill()
        await reached.start()
        channel, thread = threads["T0BOLT"]
        await bolt.say(channel, next(iter(bolt.users)), "say more", thread_ts=thread)
        await stage.until(lambda: "more" in said(bolt, channel, thread))

        town.uninstall("T0ACME")
        acmes, bolts = stage.sessions
        await stage.until(lambda: acmes.ended)
        assert not bolts.ended
        assert len(bolt.posts) == len({post.ts for post in bolt.posts})
        kept = b"".join(f.read_bytes() for f in stage.directory.glob("bridge.db*") if f.is_file())
        assert b"xoxb-" not in kept
        printed = stage.log.read_text()
        assert not any(secret in printed for secret in ("xoxb-", "simulated-secret", SECRET, KEY))


async def test_a_token_that_ran_out_meanwhile_is_renewed_before_anything_is_owed_by_it(
    reached: Reached,
) -> None:
    life, stage = timedelta(seconds=8), reached.stage
    async with leaks.played(
        SlackTown(clock=SystemClock(), ids=RandomIds(), token_life=life)
    ) as town:
        acme = await town.add_workspace("T0ACME")
        acme.send_requests_to(reached.events, SECRET)
        keys = 'client_id = "1.2"\nclient_secret = "simulated"\ntoken_rotation = true'
        reached.configure(api_url=town.api_url, keys=keys)
        await reached.start(dies_at="after-attempt:2")
        town.consents = "T0ACME"
        assert "Installed" in await visited(f"{reached.url}/slack/install")
        channel, ann = acme.add_channel("help"), acme.add_user("Ann")
        thread = await acme.say(channel, ann, f"<@{acme.bot_user_id}> say hello")
        await stage.died()
        await asyncio.sleep(life.total_seconds())

        await reached.start()
        await stage.until(lambda: "hello" in said(acme, channel, thread))
        await stage.kill()
        await reached.start()  # the token that renews is good once: the next one was kept
        await acme.say(channel, ann, "say more", thread_ts=thread)
        await stage.until(lambda: "more" in said(acme, channel, thread))
        assert town.renewals == 2
        assert said(acme, channel, thread).count("hello") == 1
        assert "token_expired" not in stage.log.read_text()


async def visited(url: str) -> str:
    """What a browser that allows cookies sees in the end."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http, http.get(url) as response:
        return await response.text()


def said(slack: SlackSimulator, channel: str, thread: str) -> list[str]:
    return [message.text for message in slack.messages(channel, thread)]


async def begun(stage: Stage, slack: SlackSimulator) -> tuple[str, str]:
    """Somebody of the workspace asks and is answered."""
    channel, ann = slack.add_channel("help"), slack.add_user("Ann")
    thread = await slack.say(channel, ann, f"<@{slack.bot_user_id}> say hello")
    await stage.until(lambda: "hello" in said(slack, channel, thread))
    return channel, thread
