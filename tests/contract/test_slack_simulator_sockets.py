"""Do the simulated Slack's sockets misbehave as told? Lives, strangers, deaf and silent ones."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from bridge.simulators.slack import RateLimits, SlackSimulator
from tests.contract.test_slack_simulator import (
    CountedIds,
    HandClock,
    client_of,
    eventually,
    refusal,
    wire,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def slack(clock: HandClock) -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(clock=clock, ids=CountedIds(), limits=RateLimits.off()) as simulator:
        yield simulator


@pytest.fixture
def channel(slack: SlackSimulator) -> str:
    return slack.add_channel("support")


@pytest.fixture
def ann(slack: SlackSimulator) -> str:
    return slack.add_user("ann")


async def address(slack: SlackSimulator) -> str:
    opened = await client_of(slack).apps_connections_open(app_token="xapp-simulated")
    return str(opened["url"])


async def test_a_stranger_is_counted_takes_its_share_and_acks_it(
    slack: SlackSimulator, channel: str, ann: str
) -> None:
    slack.add_stranger(2)
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(await address(slack)) as socket,
    ):
        assert (await socket.receive_json())["num_connections"] == 3
        for number in range(6):
            await slack.say(channel, ann, f"{number}")
        assert sum(envelope.acked is not None for envelope in slack.envelopes) == 4
        slack.remove_strangers()
        await slack.say(channel, ann, "ours")
        assert slack.envelopes[-1].acked is None
        assert slack.sockets == 1


async def test_a_deaf_socket_pings_and_gets_nothing_until_it_is_renewed(
    slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(await address(slack), autoping=False) as deaf,
    ):
        await deaf.receive_json()
        slack.deafen_sockets()
        await slack.say(channel, ann, "hello")
        await clock.advance(30 * SECOND)
        assert (await deaf.receive(timeout=5)).type is aiohttp.WSMsgType.PING
        assert slack.envelopes[0].deliveries[0].swallowed
    await eventually(lambda: slack.sockets == 0)
    async with wire(slack) as renewed:
        await clock.advance(60 * SECOND)
        assert (await renewed.frame())["payload"]["event"]["text"] == "hello"


async def test_a_silent_socket_neither_pings_nor_answers_pings(
    slack: SlackSimulator, clock: HandClock
) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(await address(slack), autoping=False) as socket,
    ):
        await socket.receive_json()
        await socket.ping(b"one")
        assert (await socket.receive(timeout=5)).data == b"one"
        slack.silence_sockets()
        await socket.ping(b"two")
        await clock.advance(90 * SECOND)
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.02)


async def test_socket_mode_can_be_switched_off_and_on(
    slack: SlackSimulator, clock: HandClock
) -> None:
    async with wire(slack) as socket:
        slack.switch_off_socket_mode()
        assert (await socket.frame())["reason"] == "link_disabled"
        asked = client_of(slack).apps_connections_open(app_token="xapp-simulated")
        assert await refusal(asked) == "link_disabled"
    slack.switch_on_socket_mode()
    async with wire(slack):
        assert slack.sockets == 1


async def test_a_socket_for_debugging_lives_six_minutes(
    slack: SlackSimulator, clock: HandClock
) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(await address(slack) + "&debug_reconnects=true") as socket,
    ):
        hello = await socket.receive_json()
        assert hello["debug_info"]["approximate_connection_time"] == 360
        await clock.advance(350 * SECOND)
        assert (await socket.receive_json(timeout=5))["reason"] == "warning"
        await clock.advance(10 * SECOND)
        assert (await socket.receive_json(timeout=5))["reason"] == "refresh_requested"


async def test_a_distributed_app_reads_fifteen_messages_a_minute(
    slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    root = await slack.say(channel, ann, "root")
    for number in range(20):
        await slack.say(channel, ann, f"{number}", thread_ts=root)
    slack.limit_history()
    client = client_of(slack)
    page = await client.conversations_replies(channel=channel, ts=root, limit=200)
    assert len(page["messages"]) == 1 + 15
    again = client.conversations_replies(channel=channel, ts=root)
    assert await refusal(again) == "ratelimited"
    await clock.advance(60 * SECOND)
    assert (await client.conversations_history(channel=channel))["ok"]
    slack.limit_history(on=False)
    page = await client.conversations_replies(channel=channel, ts=root)
    assert len(page["messages"]) == 21
