"""Does the adapter, reached over HTTP, believe Slack alone and lose nothing that Slack sent?"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from urllib.parse import urlencode

import aiohttp
import pytest

from adapters.slack.client import SlackClient
from adapters.slack.connection import connect
from adapters.slack.settings import SlackSettings
from bridge.clock import RandomIds, SystemClock
from bridge.model.inbound import Said, StatusAsked
from bridge.simulators.slack import RateLimits, SlackSimulator
from bridge.testing.clock import NOON, FakeClock
from tests.contract.slack_front import Front, fronted

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CLOCK = SystemClock()


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    quick = (timedelta(milliseconds=50), timedelta(milliseconds=100), timedelta(milliseconds=200))
    async with SlackSimulator(
        clock=CLOCK,
        ids=RandomIds(),
        limits=RateLimits.off(),
        ladder=quick,
        ack_deadline=timedelta(milliseconds=300),
    ) as simulator:
        yield simulator


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with fronted(CLOCK) as served:
        yield served


def settings_of(slack: SlackSimulator, front: Front) -> SlackSettings:
    return SlackSettings.model_validate(
        {
            "mode": "http",
            "bot_token": "xoxb-simulated",
            "signing_secret": SECRET,
            "public_url": front.url,
            "api_url": slack.api_url,
            "in_doubt_wait": "20ms",
        }
    )


@pytest.fixture
async def adapter(slack: SlackSimulator, front: Front) -> AsyncIterator[SlackClient]:
    async with connect(settings_of(slack, front), front.host) as client:
        slack.send_requests_to(front.events, SECRET)
        yield client


@pytest.fixture
def channel(slack: SlackSimulator) -> str:
    return slack.add_channel("help")


@pytest.fixture
def ann(slack: SlackSimulator) -> str:
    return slack.add_user("ann")


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


@pytest.mark.usefixtures("adapter")
async def test_a_mention_is_stored_and_then_acknowledged(
    slack: SlackSimulator, front: Front, channel: str, ann: str
) -> None:
    await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
    await eventually(lambda: all(each.acked for each in slack.envelopes))
    assert {inbound.body for inbound in front.host.accepted} == {Said("hello")}
    assert slack.connections == 0
    assert front.host.reports == [True]


@pytest.mark.usefixtures("adapter")
async def test_what_cannot_be_stored_is_sent_again_until_it_is(
    slack: SlackSimulator, front: Front, ann: str
) -> None:
    front.host.failing = 2
    await slack.direct_message(ann, "hello")
    await eventually(lambda: slack.envelopes and slack.envelopes[0].acked)
    assert [inbound.body for inbound in front.host.accepted] == [Said("hello")]
    assert len(slack.envelopes[0].deliveries) == 3


@pytest.mark.usefixtures("adapter")
async def test_presses_shortcuts_and_commands_come_by_the_same_address(
    slack: SlackSimulator, front: Front, channel: str, ann: str
) -> None:
    ts = await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
    assert (await slack.use_shortcut(channel, ts, ann, "polyai_conversation")).acked
    assert front.host.accepted[-1].body == StatusAsked()
    typed = await slack.command(channel, ann, "/agent", "help")
    assert typed.acked
    assert typed.response


def signed(body: bytes, timestamp: str) -> str:
    base = b":".join((b"v0", timestamp.encode(), body))
    return "v0=" + hmac.new(SECRET.encode(), base, hashlib.sha256).hexdigest()


async def sent(front: Front, body: bytes, **headers: str) -> int:
    timestamp = headers.pop("timestamp", str(int(CLOCK.now().timestamp())))
    given = {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signed(body, timestamp),
        "Content-Type": "application/json",
        **headers,
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(front.events, data=body, headers=given) as response,
    ):
        return response.status


MENTION = {
    "type": "event_callback",
    "team_id": "T0DEMO",
    "event_id": "Ev1",
    "event": {
        "type": "message",
        "channel_type": "im",
        "channel": "D1",
        "user": "U1",
        "ts": "1772366400.000100",
        "text": "hello",
    },
}


@pytest.mark.usefixtures("adapter")
async def test_only_slacks_own_fresh_signature_opens(front: Front) -> None:
    body = json.dumps(MENTION).encode()
    old = str(int((CLOCK.now() - timedelta(minutes=6)).timestamp()))
    ahead = str(int((CLOCK.now() + timedelta(minutes=6)).timestamp()))
    refused = [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=\u00e9"},
        {"timestamp": old},
        {"timestamp": ahead},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "9" * 400},
    ]
    for headers in refused:
        assert await sent(front, body, **headers) == 401, headers
    assert front.host.accepted == []
    assert await sent(front, body) == 200
    assert [inbound.body for inbound in front.host.accepted] == [Said("hello")]


async def test_a_request_is_fresh_by_our_clock_or_by_the_machines(slack: SlackSimulator) -> None:
    """Which differ where the machine's was wrong when we began, or is now."""
    body, stale = json.dumps(MENTION).encode(), timedelta(minutes=6)
    async with fronted(FakeClock(NOON)) as front, connect(settings_of(slack, front), front.host):
        for instant in (NOON, CLOCK.now()):
            for then, status in ((instant, 200), (instant - stale, 401), (instant + stale, 401)):
                timestamp = str(int(then.timestamp()))
                assert await sent(front, body, timestamp=timestamp) == status


@pytest.mark.usefixtures("adapter")
async def test_each_reason_why_a_request_is_refused_is_logged_once(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    body, now = json.dumps(MENTION).encode(), int(CLOCK.now().timestamp())
    unsigned = {"X-Slack-Signature": ""}
    forged = {"X-Slack-Signature": "v0=" + "0" * 64}
    old = str(now - 400)
    late = {"X-Slack-Request-Timestamp": old, "X-Slack-Signature": signed(body, old)}
    for headers in (unsigned, unsigned, forged, late, forged, late):
        assert await sent(front, body, **headers) == 401
    told = [vars(one)["reason"] for one in caplog.records if one.msg == "slack.request_refused"]
    assert told == ["unsigned", "signature", "clock"]


@pytest.mark.usefixtures("adapter")
async def test_a_request_replayed_by_a_stranger_is_the_same_thing_told_twice(front: Front) -> None:
    body = json.dumps(MENTION).encode()
    assert await sent(front, body) == await sent(front, body) == 200
    first, second = front.host.accepted
    assert first.identities == second.identities


@pytest.mark.usefixtures("adapter")
async def test_a_changed_body_is_not_slacks(front: Front) -> None:
    body = json.dumps(MENTION).encode()
    timestamp = str(int(CLOCK.now().timestamp()))
    other = body.replace(b"hello", b"hullo")
    assert await sent(front, other, **{"X-Slack-Signature": signed(body, timestamp)}) == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"[1]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"payload=", "application/x-www-form-urlencoded"),
        (b"payload={", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(500)), "application/x-www-form-urlencoded"),
        (urlencode({"payload": "[]"}).encode(), "application/x-www-form-urlencoded"),
        (b"%", "text/plain"),
    ],
)
@pytest.mark.usefixtures("adapter")
async def test_what_makes_no_sense_is_acknowledged_and_means_nothing(
    front: Front, body: bytes, kind: str
) -> None:
    status = await sent(front, body, **{"Content-Type": kind})
    assert status in {200, 401}  # the SDK takes a body that is no text for a forgery
    assert front.host.accepted == []


@pytest.mark.usefixtures("adapter")
async def test_slack_is_told_that_the_address_is_ours(front: Front) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"}).encode()
    timestamp = str(int(CLOCK.now().timestamp()))
    headers = {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signed(body, timestamp),
        "Content-Type": "application/json",
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(front.events, data=body, headers=headers) as response,
    ):
        assert (response.status, await response.text()) == (200, "3eZbrw1aB")
