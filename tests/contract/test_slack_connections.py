"""Can the Slack adapter go deaf? Renewals, silence, strangers and outages, over real sockets."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import aiohttp
import pytest

from adapters.slack.client import SlackClient
from adapters.slack.connection import connect
from adapters.slack.doors.heard import LONGEST_GAP
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Said
from bridge.simulators.slack import RateLimits, SlackSimulator
from tests.contract.test_slack_adapter import (
    BRISK,
    CONNECT,
    CountedIds,
    HandClock,
    RecordingHost,
    eventually,
    is_adapters,
    outbound,
    passing,
    reply,
    settings_of,
)

OUTAGE = timedelta(minutes=10)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def slack(clock: HandClock) -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(clock=clock, ids=CountedIds(), limits=RateLimits.off()) as simulator:
        yield simulator


@pytest.fixture
async def host(clock: HandClock) -> AsyncIterator[RecordingHost]:
    async with aiohttp.ClientSession() as http:
        yield RecordingHost(clock, http)


@pytest.fixture
async def adapter(slack: SlackSimulator, host: RecordingHost) -> AsyncIterator[SlackClient]:
    async with connected(slack, host) as client:
        await eventually(lambda: slack.sockets == 2)
        yield client


@pytest.fixture
def channel(slack: SlackSimulator) -> str:
    return slack.add_channel("support")


@pytest.fixture
def ann(slack: SlackSimulator) -> str:
    return slack.add_user("ann")


def connected(
    slack: SlackSimulator, host: RecordingHost, **changes: object
) -> AbstractAsyncContextManager[SlackClient]:
    return connect(settings_of(slack, **changes), host, BRISK)


def said(host: RecordingHost) -> list[str]:
    """What was accepted, each once, in order."""
    texts = [inbound.body.text for inbound in host.accepted if isinstance(inbound.body, Said)]
    return list(dict.fromkeys(texts))


def times(slack: SlackSimulator, method: str) -> int:
    return [call.method for call in slack.calls].count(method)


def told(caplog: pytest.LogCaptureFixture, event: str) -> int:
    return [record.getMessage() for record in caplog.records].count(event)


# Renewal


@pytest.mark.parametrize("wanted", [1, 2, 4])
async def test_as_many_sockets_are_held_as_configured(
    slack: SlackSimulator, host: RecordingHost, wanted: int
) -> None:
    async with connected(slack, host, sockets=wanted):
        await eventually(lambda: slack.sockets == wanted)
        await asyncio.sleep(0.02)
        assert slack.connections == wanted
    assert not any(map(is_adapters, asyncio.all_tasks()))


@pytest.mark.parametrize("wanted", [1, 2])
@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_renewal_leaves_no_gap(
    slack: SlackSimulator, host: RecordingHost, ann: str, wanted: int, reason: str
) -> None:
    async with connected(slack, host, sockets=wanted):
        await eventually(lambda: slack.sockets == wanted)
        slack.disconnect("warning")
        slack.disconnect(reason)
        await eventually(lambda: slack.connections > wanted)
        for number in range(20):
            await slack.direct_message(ann, f"message {number}")
            await asyncio.sleep(0.002)
        await eventually(lambda: all(envelope.acked for envelope in slack.envelopes))
        assert all(len(envelope.deliveries) == 1 for envelope in slack.envelopes)
        assert len(host.accepted) == 20
        assert slack.connections == 2 * wanted
    assert host.reports == [True]


async def test_what_is_being_stored_is_acked_though_its_socket_is_renewed(
    slack: SlackSimulator, host: RecordingHost, ann: str
) -> None:
    begun, stored = asyncio.Event(), asyncio.Event()

    async def slow_commit() -> None:
        begun.set()
        await stored.wait()

    host.before = slow_commit
    async with connected(slack, host, sockets=1):
        await slack.direct_message(ann, "hi")
        await begun.wait()
        slack.disconnect("refresh_requested")
        await eventually(lambda: slack.connections == 2)
        stored.set()
        await eventually(lambda: slack.envelopes[0].acked)
        assert len(slack.envelopes[0].deliveries) == 1


async def test_one_lost_socket_of_two_is_nobodys_trouble(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, clock: HandClock
) -> None:
    slack.refuse_handshakes(n=2)
    slack._sockets.open[0].cut()
    await passing(clock, lambda: slack.connections == 3)
    assert host.reports == [True]


# What the sockets do not say of themselves


async def test_each_attempt_has_a_ticket_of_its_own(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock
) -> None:
    before = times(slack, CONNECT)
    slack.refuse_handshakes(n=5)
    slack.drop_sockets()
    await eventually(lambda: not slack.sockets)
    await passing(clock, lambda: slack.sockets == 2)
    assert times(slack, CONNECT) == before + 5 + 2


async def test_a_revoked_app_token_calls_a_person_and_is_tried_slowly(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, clock: HandClock
) -> None:
    slack.refuse_connections("account_inactive", n=3)
    slack.drop_sockets()
    started = clock.now()
    await passing(clock, lambda: host.reports == [True, False, True])
    assert clock.now() - started >= timedelta(minutes=3)


async def test_slacks_own_pause_is_kept(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, clock: HandClock
) -> None:
    slack.rate_limit(CONNECT, after=timedelta(seconds=100))
    slack.drop_sockets()
    await eventually(lambda: not slack.sockets)
    started = clock.now()
    await passing(clock, lambda: slack.sockets)
    assert clock.now() - started >= timedelta(seconds=100)


async def test_silent_sockets_are_renewed(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, clock: HandClock, ann: str
) -> None:
    slack.silence_sockets()
    await passing(clock, lambda: slack.connections == 4)
    await slack.direct_message(ann, "hi")
    await eventually(lambda: host.accepted)
    assert host.reports == [True]


@pytest.mark.thorough
async def test_a_quiet_night_renews_nothing(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock
) -> None:
    for _ in range(300):
        clock.advance(timedelta(seconds=10))
        await asyncio.sleep(0.002)
    assert slack.connections == 2


async def test_deaf_sockets_are_found_by_our_own_posts(
    adapter: SlackClient,
    slack: SlackSimulator,
    host: RecordingHost,
    clock: HandClock,
    channel: str,
    ann: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    root = await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
    await adapter.deliver(outbound(slack, channel, root, reply()))
    await eventually(lambda: all(envelope.acked for envelope in slack.envelopes))
    slack.deafen_sockets()
    for number in range(2, 5):
        posting = adapter.deliver(outbound(slack, channel, root, reply(), number=number))
        await passing(clock, asyncio.ensure_future(posting).done)
    await passing(clock, lambda: slack.connections == 4)
    await slack.say(channel, ann, "are you there?", thread_ts=root)
    await eventually(lambda: "are you there?" in said(host))
    posting = adapter.deliver(outbound(slack, channel, root, reply(), number=5))
    await passing(clock, asyncio.ensure_future(posting).done)
    await passing(clock, lambda: told(caplog, "slack.hears_again"))
    assert told(caplog, "slack.deaf") == 1
    assert host.reports == [True]


async def test_a_strangers_socket_is_warned_of_once(
    adapter: SlackClient,
    slack: SlackSimulator,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    slack.disconnect("refresh_requested")
    await eventually(lambda: slack.connections == 4)
    assert not told(caplog, "slack.sockets_shared")
    await passing(clock, lambda: slack.sockets == 2)
    clock.advance(timedelta(minutes=2))
    slack.add_stranger(2)
    slack.disconnect("refresh_requested")
    await eventually(lambda: slack.connections == 6)
    await passing(clock, lambda: slack.sockets == 2)
    assert told(caplog, "slack.sockets_shared") == 1
    slack.remove_strangers()
    clock.advance(timedelta(minutes=2))
    slack.disconnect("refresh_requested")
    await eventually(lambda: told(caplog, "slack.sockets_our_own"))


# Outages


async def an_open_thread(slack: SlackSimulator, host: RecordingHost, channel: str, ann: str) -> str:
    root = await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
    await eventually(lambda: len(host.accepted) >= 2)
    host.threads.append(ThreadKey(f"{slack.team_id}:{channel}:{root}"))
    return root


async def away(clock: HandClock, duration: timedelta) -> None:
    """Time during which nobody listens; Slack's own repeats go in vain."""
    for _ in range(int(duration / timedelta(seconds=10))):
        clock.advance(timedelta(seconds=10))
        await asyncio.sleep(0.001)


async def test_what_an_outage_hid_is_handled_once_and_in_order(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, channel: str, ann: str
) -> None:
    async with connected(slack, host):
        root = await an_open_thread(slack, host, channel, ann)
        await slack.say(channel, ann, "before", thread_ts=root)
        await eventually(lambda: "before" in said(host))
    for number in range(3):
        await slack.say(channel, ann, f"missed {number}", thread_ts=root)
    await away(clock, OUTAGE)
    assert all(envelope.lost for envelope in slack.envelopes[-3:])
    async with connected(slack, host):
        await passing(clock, lambda: len(said(host)) == 5)
    assert said(host) == ["hello", "before", "missed 0", "missed 1", "missed 2"]


async def test_after_a_short_outage_slack_repeats_and_nothing_is_fetched(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, channel: str, ann: str
) -> None:
    async with connected(slack, host):
        root = await an_open_thread(slack, host, channel, ann)
    await slack.say(channel, ann, "missed", thread_ts=root)
    await away(clock, LONGEST_GAP - timedelta(minutes=1))
    async with connected(slack, host):
        await passing(clock, lambda: "missed" in said(host))
    assert not times(slack, "conversations.replies")


async def test_two_short_outages_in_a_row_are_a_long_one(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, channel: str, ann: str
) -> None:
    async with connected(slack, host):
        root = await an_open_thread(slack, host, channel, ann)
    await slack.say(channel, ann, "missed", thread_ts=root)
    await away(clock, timedelta(minutes=4))
    async with connected(slack, host):
        await away(clock, timedelta(seconds=30))
    await away(clock, timedelta(minutes=4))
    async with connected(slack, host):
        await passing(clock, lambda: "missed" in said(host))
    assert times(slack, "conversations.replies") == 1


async def test_an_outage_of_the_running_adapter_is_filled_as_well(
    adapter: SlackClient,
    slack: SlackSimulator,
    host: RecordingHost,
    clock: HandClock,
    channel: str,
    ann: str,
) -> None:
    root = await an_open_thread(slack, host, channel, ann)
    slack.refuse_handshakes(n=10_000)
    slack.drop_sockets()
    await eventually(lambda: not slack.sockets)
    await slack.say(channel, ann, "missed", thread_ts=root)
    await away(clock, OUTAGE)
    slack._sockets._refusals.clear()
    await passing(clock, lambda: "missed" in said(host))


async def test_nothing_overtakes_what_was_missed_in_its_thread(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, channel: str, ann: str
) -> None:
    async with connected(slack, host):
        roots = [await an_open_thread(slack, host, channel, ann) for _ in range(3)]
    for root in roots:
        await slack.say(channel, ann, f"missed in {root}", thread_ts=root)
    await away(clock, OUTAGE)
    async with connected(slack, host):
        for root in roots:
            await slack.say(channel, ann, f"live in {root}", thread_ts=root)
        await eventually(lambda: len(said(host)) == 7)
    for root in roots:
        assert said(host).index(f"missed in {root}") < said(host).index(f"live in {root}")
    assert all(envelope.acked for envelope in slack.envelopes[-3:])


@pytest.mark.thorough  # it waits in real time
async def test_what_slack_will_not_show_in_time_holds_up_nothing(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, channel: str, ann: str
) -> None:
    async with connected(slack, host):
        root = await an_open_thread(slack, host, channel, ann)
    await slack.say(channel, ann, "missed", thread_ts=root)
    await away(clock, OUTAGE)
    slack.rate_limit("conversations.replies", after=timedelta(seconds=60))
    async with connected(slack, host):
        await slack.say(channel, ann, "live", thread_ts=root)
        await eventually(lambda: "live" in said(host))
        assert "missed" not in said(host)
        await passing(clock, lambda: "missed" in said(host))


@pytest.mark.thorough
async def test_a_distributed_app_reads_page_by_page(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, channel: str, ann: str
) -> None:
    async with connected(slack, host):
        root = await an_open_thread(slack, host, channel, ann)
    texts = [f"missed {number}" for number in range(40)]
    for text in texts:
        await slack.say(channel, ann, text, thread_ts=root)
    await away(clock, OUTAGE)
    slack.limit_history()
    async with connected(slack, host):
        await passing(clock, lambda: len(said(host)) == 41)
    assert said(host)[1:] == texts
    assert times(slack, "conversations.replies") >= 3


async def test_a_backfill_that_was_cut_off_begins_anew(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, channel: str, ann: str
) -> None:
    async with connected(slack, host):
        roots = [await an_open_thread(slack, host, channel, ann) for _ in range(2)]
    for root in roots:
        await slack.say(channel, ann, f"missed in {root}", thread_ts=root)
    await away(clock, OUTAGE)
    async with connected(slack, host):
        await eventually(lambda: len(said(host)) == 2)
    assert f"missed in {roots[0]}" not in said(host)
    async with connected(slack, host):
        await passing(clock, lambda: len(said(host)) == 3)


async def test_direct_conversations_are_read_at_their_top_too(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, ann: str
) -> None:
    async with connected(slack, host):
        root = await slack.direct_message(ann, "hello")
        await eventually(lambda: host.accepted)
        direct = slack.direct_channel(ann)
        host.threads.append(ThreadKey(f"{slack.team_id}:{direct}:{root}"))
    other = await slack.direct_message(ann, "missed")
    await slack.direct_message(ann, "and its reply", thread_ts=other)
    await slack.direct_message(ann, "a third")
    await away(clock, OUTAGE)
    async with connected(slack, host):
        await passing(clock, lambda: len(said(host)) == 4)
    assert set(said(host)) == {"hello", "missed", "a third", "and its reply"}
    assert all(inbound.opens for inbound in host.accepted)


async def test_a_thread_that_cannot_be_read_is_told_and_left_out(
    slack: SlackSimulator,
    host: RecordingHost,
    clock: HandClock,
    channel: str,
    ann: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(slack, host):
        root = await an_open_thread(slack, host, channel, ann)
        host.threads.append(ThreadKey(f"{slack.team_id}:{channel}:1999999999.000100"))
    await slack.say(channel, ann, "missed", thread_ts=root)
    await away(clock, OUTAGE)
    async with connected(slack, host):
        await passing(clock, lambda: "missed" in said(host))
    assert told(caplog, "slack.thread_not_read") == 1


async def test_it_can_be_left_out(
    slack: SlackSimulator, host: RecordingHost, clock: HandClock, channel: str, ann: str
) -> None:
    async with connected(slack, host, backfill=False):
        root = await an_open_thread(slack, host, channel, ann)
    await slack.say(channel, ann, "missed", thread_ts=root)
    await away(clock, OUTAGE)
    async with connected(slack, host, backfill=False):
        await away(clock, timedelta(minutes=1))
    assert not times(slack, "conversations.replies")
    assert not host.memory.kept
