"""Does the simulated Slack stream as Slack does? Driven by Slack's own client."""

from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bridge.clock import RandomIds
from bridge.simulators.slack import RateLimits, SlackSimulator
from bridge.testing.clock import FakeClock

LIFE = timedelta(minutes=5)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(clock=clock, ids=RandomIds(), limits=RateLimits.off()) as simulator:
        yield simulator


@pytest.fixture
def client(slack: SlackSimulator) -> AsyncWebClient:
    return AsyncWebClient(
        token="xoxb-simulated", base_url=slack.api_url, retry_handlers=[], timeout=5
    )


class Place:
    """A thread with a stream in it."""

    def __init__(self, channel: str, root: str, ts: str) -> None:
        self.channel, self.root, self.ts = channel, root, ts


@pytest.fixture
async def place(slack: SlackSimulator, client: AsyncWebClient) -> Place:
    """Ann has asked in a direct message, and a stream has begun."""
    ann = slack.add_user("ann")
    root = await slack.direct_message(ann, "hello")
    channel = slack.direct_channel(ann)
    begun = await client.chat_startStream(channel=channel, thread_ts=root, markdown_text="One")
    return Place(channel, root, str(begun["ts"]))


async def refusal(call: Awaitable[Any]) -> str:
    """The error that a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_a_stream_grows_and_ends_as_one_message(
    slack: SlackSimulator, client: AsyncWebClient, place: Place
) -> None:
    at: dict[str, Any] = {"channel": place.channel, "ts": place.ts}
    await client.chat_appendStream(**at, markdown_text=" two")
    marked = {"event_type": "mine", "event_payload": {"n": 1}}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "below"}}
    await client.chat_stopStream(**at, markdown_text=" three", metadata=marked, blocks=[section])
    assert slack.texts(place.channel, place.ts) == ["One", "One two", "One two three"]
    (_, shown) = slack.messages(place.channel, place.root)
    assert [block["type"] for block in shown.blocks] == ["markdown", "section"]
    assert shown.metadata == marked
    assert shown.streaming_state == "completed"


async def test_history_shows_a_stream_without_any_mark(
    client: AsyncWebClient, place: Place
) -> None:
    found = await client.conversations_replies(
        channel=place.channel, ts=place.root, include_all_metadata=True
    )
    message = found["messages"][1]
    assert (message["text"], message["streaming_state"]) == ("One", "in_progress")
    assert "metadata" not in message


async def test_a_stream_lives_five_minutes_however_much_is_appended(
    slack: SlackSimulator, client: AsyncWebClient, clock: FakeClock, place: Place
) -> None:
    at: dict[str, Any] = {"channel": place.channel, "ts": place.ts}
    await clock.advance(LIFE - timedelta(seconds=1))
    await client.chat_appendStream(**at, markdown_text=" two")
    await clock.advance(timedelta(seconds=1))
    over = "message_not_in_streaming_state"
    assert await refusal(client.chat_appendStream(**at, markdown_text=" three")) == over
    assert await refusal(client.chat_stopStream(**at)) == over
    assert slack.messages(place.channel, place.root)[1].text == "One two"
    await client.chat_update(**at, text="all of it")
    assert slack.messages(place.channel, place.root)[1].text == "all of it"


async def test_a_stream_cannot_be_changed_while_it_flows(
    client: AsyncWebClient, place: Place
) -> None:
    at: dict[str, Any] = {"channel": place.channel, "ts": place.ts}
    assert await refusal(client.chat_update(**at, text="x")) == "streaming_state_conflict"
    await client.chat_stopStream(**at)
    await client.chat_update(**at, text="x")


async def test_a_stream_that_expired_unnoticed_can_be_changed(
    client: AsyncWebClient, clock: FakeClock, place: Place
) -> None:
    await clock.advance(LIFE)
    await client.chat_update(channel=place.channel, ts=place.ts, text="x")


async def test_a_stream_holds_twelve_thousand_characters(
    client: AsyncWebClient, place: Place
) -> None:
    at: dict[str, Any] = {"channel": place.channel, "ts": place.ts}
    await client.chat_appendStream(**at, markdown_text="x" * (12_000 - 3))
    assert await refusal(client.chat_appendStream(**at, markdown_text="y")) == "msg_too_long"
    assert await refusal(client.chat_appendStream(**at, markdown_text="")) == "no_text"


async def test_a_person_stops_a_stream(
    slack: SlackSimulator, client: AsyncWebClient, place: Place
) -> None:
    at: dict[str, Any] = {"channel": place.channel, "ts": place.ts}
    await slack.stop_stream(place.channel, place.ts)
    for call in (client.chat_appendStream(**at, markdown_text="x"), client.chat_stopStream(**at)):
        assert await refusal(call) == "stopped_by_user"
    with pytest.raises(ValueError, match="no stream"):
        await slack.stop_stream(place.channel, place.ts)
    await client.chat_update(**at, text="x")


async def test_a_channel_must_be_told_whom_the_words_flow_to(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    channel, ann = slack.add_channel("support"), slack.add_user("ann")
    at: dict[str, Any] = {"channel": channel, "thread_ts": await slack.say(channel, ann, "hello")}
    start = client.chat_startStream
    assert await refusal(start(**at)) == "missing_recipient_user_id"
    assert await refusal(start(**at, recipient_user_id=ann)) == "missing_recipient_team_id"
    await start(**at, recipient_user_id=ann, recipient_team_id=slack.team_id)


async def test_a_kind_of_channel_may_have_no_streams(
    slack: SlackSimulator, client: AsyncWebClient, place: Place
) -> None:
    at: dict[str, Any] = {"channel": place.channel, "thread_ts": place.root}
    slack.refuse_streams(kind="im")
    assert await refusal(client.chat_startStream(**at)) == "channel_type_not_supported"
    slack.allow_streams()
    await client.chat_startStream(**at)
    slack.refuse_streams("feature_not_enabled")
    assert await refusal(client.chat_startStream(**at)) == "feature_not_enabled"


async def test_only_text_flows_and_only_below_a_message(
    slack: SlackSimulator, client: AsyncWebClient, place: Place
) -> None:
    at: dict[str, Any] = {"channel": place.channel, "ts": place.ts}
    assert (
        await refusal(client.chat_appendStream(**at, chunks=[{"type": "task_update", "id": "1"}]))
        == "invalid_chunks"
    )
    await client.chat_appendStream(**at, chunks=[{"type": "markdown_text", "text": " two"}])
    assert slack.texts(*at.values()) == ["One", "One two"]
    call = client.api_call("chat.startStream", json={"channel": place.channel})
    assert await refusal(call) == "invalid_thread_ts"


async def test_what_one_person_sees_in_private_nobody_else_does(
    slack: SlackSimulator, client: AsyncWebClient, place: Place
) -> None:
    ben = slack.add_user("ben")
    call = client.chat_postEphemeral(channel=place.channel, user=ben, text="psst")
    assert await refusal(call) == "user_not_in_channel"
    channel = slack.add_channel("support")
    await client.chat_postEphemeral(channel=channel, user=ben, text="psst")
    (seen,) = slack.ephemerals
    assert (seen.user, seen.text) == (ben, "psst")
    assert slack.messages(channel) == []
