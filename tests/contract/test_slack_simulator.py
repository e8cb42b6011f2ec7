"""Is the simulated Slack as strict as Slack? Driven by Slack's own clients, and by raw sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.http_retry.builtin_interval_calculators import FixedValueRetryIntervalCalculator
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bridge.simulators.slack import RateLimits, SlackSimulator
from bridge.simulators.slack_blocks import problems
from tests.examples import many

Json = dict[str, Any]
Listener = Callable[[Json], Awaitable[int]]

BOT_TOKEN = "xoxb-simulated"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, duration: timedelta) -> None:
        if duration <= timedelta():
            return
        sleeper = (self._now + duration, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    async def advance(self, duration: timedelta) -> None:
        """Wake every sleeper that falls due, in order, letting the others run in between."""
        end = self._now + duration
        await settle()
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end]:
            self._now, future = min(due, key=lambda sleeper: sleeper[0])
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = end
        await settle()


class CountedIds:
    """n0, n1, n2 …"""

    def __init__(self) -> None:
        self._numbers = count()

    def new(self) -> str:
        return f"n{next(self._numbers)}"


async def settle() -> None:
    """Let loopback traffic and tasks run."""
    for _ in range(5):
        await asyncio.sleep(0.0005)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait, in real time, for what loopback traffic brings."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def slack(clock: HandClock) -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(clock=clock, ids=CountedIds(), limits=RateLimits.off()) as simulator:
        yield simulator


@pytest.fixture
def client(slack: SlackSimulator) -> AsyncWebClient:
    return client_of(slack)


@pytest.fixture
def channel(slack: SlackSimulator) -> str:
    return slack.add_channel("support")


@pytest.fixture
def ann(slack: SlackSimulator) -> str:
    return slack.add_user("ann")


def client_of(slack: SlackSimulator, token: str = BOT_TOKEN) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=slack.api_url, retry_handlers=[], timeout=5)


async def refusal(call: Awaitable[Any]) -> str:
    """The error that a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def findings(call: Awaitable[Any]) -> list[str]:
    """What Slack has against the blocks of a call."""
    with pytest.raises(SlackApiError) as caught:
        await call
    assert caught.value.response["error"] == "invalid_blocks"
    messages: list[str] = caught.value.response["response_metadata"]["messages"]
    return messages


class Wire:
    """A Socket Mode client made of a bare socket, so that each frame is seen."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def frame(self) -> Json:
        async with asyncio.timeout(5):
            return dict(await self.socket.receive_json())

    async def ack(self, frame: Json, **more: object) -> None:
        await self.socket.send_json({"envelope_id": frame["envelope_id"], **more})

    async def silent(self) -> bool:
        """Whether nothing more arrives."""
        try:
            await self.socket.receive(timeout=0.01)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def wire(slack: SlackSimulator) -> AsyncIterator[Wire]:
    """A new socket, its hello already read."""
    opened = await client_of(slack).apps_connections_open(app_token="xapp-simulated")
    async with aiohttp.ClientSession() as http, http.ws_connect(opened["url"]) as socket:
        connected = Wire(socket)
        assert (await connected.frame())["type"] == "hello"
        yield connected


@asynccontextmanager
async def bolt(slack: SlackSimulator, listener: Listener) -> AsyncIterator[AsyncSocketModeHandler]:
    """Slack's own client, handing every body to `listener`, which gives the status to answer."""

    async def accept(body: Json) -> BoltResponse:
        return BoltResponse(status=await listener(body), body="")

    app = AsyncApp(client=client_of(slack), before_authorize=accept)
    handler = AsyncSocketModeHandler(app, "xapp-simulated", ping_interval=0.05)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt gives no types here
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt gives no types here
        await settle()


def button(text: str, action_id: str, **more: object) -> Json:
    label = {"type": "plain_text", "text": text}
    return {"type": "button", "text": label, "action_id": action_id, **more}


def actions(*elements: Json, **more: object) -> Json:
    return {"type": "actions", "elements": list(elements), **more}


def section(text: str, **more: object) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


class TestCredentials:
    async def test_the_right_token_says_who_we_are(
        self, slack: SlackSimulator, client: AsyncWebClient
    ) -> None:
        answer = await client.auth_test()
        assert (answer["user_id"], answer["bot_id"]) == (slack.bot_user_id, slack.bot_id)
        assert answer["team_id"] == "T0DEMO"

    async def test_no_token_and_a_wrong_one_are_told_apart(self, slack: SlackSimulator) -> None:
        address = slack.api_url + "auth.test"
        async with aiohttp.ClientSession() as http, http.post(address) as response:
            assert response.status == 200
            assert await response.json() == {"ok": False, "error": "not_authed"}
        assert await refusal(client_of(slack, "xoxb-other").auth_test()) == "invalid_auth"

    async def test_the_two_tokens_are_not_exchangeable(self, slack: SlackSimulator) -> None:
        opened = client_of(slack).apps_connections_open(app_token="xoxb-simulated")
        assert await refusal(opened) == "not_allowed_token_type"
        assert await refusal(client_of(slack, "xapp-simulated").auth_test()) == (
            "not_allowed_token_type"
        )

    async def test_a_token_may_come_in_the_form(self, slack: SlackSimulator) -> None:
        address, form = slack.api_url + "auth.test", {"token": "xoxb-simulated"}
        async with aiohttp.ClientSession() as http, http.post(address, data=form) as response:
            assert (await response.json())["ok"] is True
        assert slack.calls[-1].arguments == {}

    async def test_a_revoked_token_is_refused_until_it_is_restored(
        self, slack: SlackSimulator, client: AsyncWebClient
    ) -> None:
        slack.revoke_token("account_inactive")
        assert await refusal(client.auth_test()) == "account_inactive"
        slack.restore_token()
        assert (await client.auth_test())["ok"]

    async def test_a_scope_that_was_not_granted_is_named(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        slack.revoke_scope("chat:write")
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=channel, text="hello")
        assert caught.value.response["error"] == "missing_scope"
        assert caught.value.response["needed"] == "chat:write"

    async def test_a_method_that_slack_does_not_have_is_unknown(
        self, client: AsyncWebClient
    ) -> None:
        assert await refusal(client.api_call("chat.shout")) == "unknown_method"

    async def test_a_body_that_is_not_json_is_refused(self, slack: SlackSimulator) -> None:
        headers = {"Authorization": "Bearer xoxb-simulated", "Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=headers) as http:
            for body, error in (("{", "invalid_json"), ("[]", "json_not_object")):
                async with http.post(slack.api_url + "chat.postMessage", data=body) as response:
                    assert (await response.json())["error"] == error

    async def test_reading_methods_ignore_a_json_body_as_slack_does(
        self, client: AsyncWebClient, channel: str
    ) -> None:
        asked = client.api_call(
            "conversations.replies", json={"channel": channel, "ts": "1.000000"}
        )
        assert await refusal(asked) == "invalid_arguments"


class TestPosting:
    async def test_a_post_answers_with_the_message_and_is_seen_in_its_thread(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        root = await slack.say(channel, ann, "hello")
        answer = await client.chat_postMessage(
            channel=channel, thread_ts=root, text="hi", blocks=[section("hi")]
        )
        assert answer["message"]["thread_ts"] == root
        assert answer["message"]["bot_id"] == slack.bot_id
        assert answer["message"]["blocks"][0]["block_id"]
        asked, answered = slack.messages(channel, root)
        assert (asked.user, asked.text) == (ann, "hello")
        assert (answered.ts, answered.text, answered.user) == (
            answer["ts"],
            "hi",
            slack.bot_user_id,
        )
        assert slack.posts == [answered]

    async def test_stamps_grow_strictly_though_time_stands_still(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        stamps = [await slack.say(channel, ann, "one")]
        stamps += [(await client.chat_postMessage(channel=channel, text="two"))["ts"]]
        stamps += [await slack.say(channel, ann, "three")]
        assert stamps == sorted(set(stamps))
        assert all(len(ts.split(".")[1]) == 6 for ts in stamps)

    async def test_a_form_may_hold_structures_as_json_text(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        form = {"channel": channel, "text": "hi", "blocks": json.dumps([section("hi")])}
        await client.api_call("chat.postMessage", data=form)
        assert slack.posts[0].blocks[0]["type"] == "section"
        form["blocks"] = "[nonsense"
        posted = client.api_call("chat.postMessage", data=form)
        assert await refusal(posted) == "invalid_blocks_format"

    async def test_where_the_app_cannot_write_it_is_told_why(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        async def posting_to(where: str) -> str:
            return await refusal(client.chat_postMessage(channel=where, text="hi"))

        assert await posting_to("C0NOWHERE") == "channel_not_found"
        assert await posting_to(slack.add_channel("open", member=False)) == "not_in_channel"
        hidden = slack.add_channel("hidden", private=True, member=False)
        assert await posting_to(hidden) == "channel_not_found"
        slack.remove_bot(channel)
        assert await posting_to(channel) == "not_in_channel"
        slack.invite_bot(channel)
        slack.archive(channel)
        assert await posting_to(channel) == "is_archived"
        slack.unarchive(channel)
        await client.chat_postMessage(channel=channel, text="hi")

    async def test_missing_arguments_are_named(self, client: AsyncWebClient) -> None:
        with pytest.raises(SlackApiError) as caught:
            await client.api_call("chat.postMessage", json={"text": "hi"})
        assert caught.value.response["error"] == "invalid_arguments"
        assert "channel" in caught.value.response["response_metadata"]["messages"][0]

    async def test_text_must_be_there_and_not_too_long(
        self, client: AsyncWebClient, channel: str
    ) -> None:
        async def posting(**content: object) -> str:
            body = {"channel": channel, **content}
            return await refusal(client.api_call("chat.postMessage", json=body))

        assert await posting(text="  ") == "no_text"
        assert await posting(text="x" * 40_001) == "msg_too_long"
        assert await posting(markdown_text="x" * 12_001) == "msg_too_long"
        assert await posting(markdown_text="x", text="y") == "markdown_text_conflict"
        long = [{"type": "markdown", "text": "x" * 6_001}] * 2
        assert await posting(text="x", blocks=long) == "msg_blocks_too_long"
        await client.chat_postMessage(channel=channel, text="x" * 40_000)

    async def test_a_post_to_a_thread_whose_root_is_gone_lands_in_the_open(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        root = await slack.say(channel, ann, "hello")
        await slack.delete(channel, root)
        answer = await client.chat_postMessage(channel=channel, thread_ts=root, text="hi")
        assert "thread_ts" not in answer["message"]
        assert slack.messages(channel)[-1].text == "hi"
        never = await client.chat_postMessage(channel=channel, thread_ts="1.000000", text="hi")
        assert "thread_ts" not in never["message"]

    async def test_a_thread_must_be_named_by_its_root(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        async def replying_to(ts: str) -> str:
            return await refusal(client.chat_postMessage(channel=channel, thread_ts=ts, text="hi"))

        root = await slack.say(channel, ann, "hello")
        reply = await slack.say(channel, ann, "and", thread_ts=root)
        joined = await slack.say(channel, ann, "joined", subtype="channel_join")
        assert await replying_to(reply) == "cannot_reply_to_message"
        assert await replying_to(joined) == "cannot_reply_to_message"
        assert await replying_to("yesterday") == "invalid_thread_ts"

    async def test_a_taken_name_comes_back_without_a_user(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        answer = await client.chat_postMessage(
            channel=channel, text="hi", username="Maya", icon_url="https://example.com/maya.png"
        )
        message = answer["message"]
        assert (message["subtype"], message["username"]) == ("bot_message", "Maya")
        assert "user" not in message
        assert (slack.posts[0].username, slack.posts[0].icon_url) == (
            "Maya",
            "https://example.com/maya.png",
        )
        taken = client.chat_postMessage(channel=channel, text="hi", username="slackbot")
        assert await refusal(taken) == "reserved_username"

    async def test_without_the_scope_a_name_is_refused_or_ignored(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        async def post() -> AsyncSlackResponse:
            return await client.chat_postMessage(channel=channel, text="hi", username="Maya")

        slack.revoke_scope("chat:write.customize")
        assert await refusal(post()) == "missing_scope"
        slack.revoke_scope("chat:write.customize", silently=True)
        assert (await post())["message"]["user"] == slack.bot_user_id
        slack.grant_scope("chat:write.customize")
        assert (await post())["message"]["username"] == "Maya"

    async def test_metadata_must_be_flat_named_and_small(
        self, client: AsyncWebClient, channel: str
    ) -> None:
        async def posting(metadata: object) -> str:
            body = {"channel": channel, "text": "hi", "metadata": metadata}
            return await refusal(client.api_call("chat.postMessage", json=body))

        assert await posting("{") == "invalid_metadata_format"
        assert await posting([1]) == "invalid_metadata_format"
        assert await posting({"event_type": "x"}) == "invalid_metadata_format"
        assert await posting({"event_type": "", "event_payload": {}}) == "invalid_metadata_format"
        nested = {"event_type": "x", "event_payload": {"a": {"b": 1}}}
        assert await posting(nested) == "invalid_metadata_format"
        large = {"event_type": "x", "event_payload": {"a": "x" * 8_000}}
        assert await posting(large) == "metadata_too_large"

    async def test_an_ephemeral_is_shown_to_one_person_and_kept_nowhere(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        root = await slack.say(channel, ann, "hello")
        await client.chat_postEphemeral(channel=channel, user=ann, text="psst", thread_ts=root)
        shown = slack.ephemerals[0]
        assert (shown.user, shown.text, shown.thread_ts) == (ann, "psst", root)
        assert len(slack.messages(channel, root)) == 1
        stranger = client.chat_postEphemeral(channel=channel, user="U0", text="psst")
        assert await refusal(stranger) == "user_not_in_channel"


class TestChanging:
    async def test_text_without_blocks_takes_the_blocks_away_and_leaves_the_metadata(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        mark = {"event_type": "bridge", "event_payload": {"id": "1"}}
        posted = await client.chat_postMessage(
            channel=channel, text="one", blocks=[section("one")], metadata=mark
        )
        with_blocks = [section("two")]
        await client.chat_update(channel=channel, ts=posted["ts"], text="two", blocks=with_blocks)
        assert slack.messages(channel)[0].edited_ts is None
        await client.chat_update(channel=channel, ts=posted["ts"], text="three")
        message = slack.messages(channel)[0]
        assert (message.text, message.blocks, message.metadata) == ("three", (), mark)
        assert (message.edits, message.edited_ts is not None) == (2, True)
        assert [update.text for update in slack.updates] == ["two", "three"]

    async def test_only_the_apps_own_messages_can_be_changed(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        theirs = await slack.say(channel, ann, "mine")
        update = client.chat_update(channel=channel, ts=theirs, text="yours")
        assert await refusal(update) == "cant_update_message"
        delete = client.chat_delete(channel=channel, ts=theirs)
        assert await refusal(delete) == "cant_delete_message"

    async def test_what_is_not_there_cannot_be_changed(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        ts = (await client.chat_postMessage(channel=channel, text="hi"))["ts"]
        too_long = client.chat_update(channel=channel, ts=ts, text="x" * 4_001)
        assert await refusal(too_long) == "msg_too_long"
        empty = client.api_call("chat.update", json={"channel": channel, "ts": ts})
        assert await refusal(empty) == "no_text"
        await client.chat_delete(channel=channel, ts=ts)
        assert slack.messages(channel)[0].deleted
        gone = client.chat_update(channel=channel, ts=ts, text="hi")
        assert await refusal(gone) == "message_not_found"


class TestReading:
    async def test_metadata_comes_back_through_the_thread_if_asked_for(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        root = await slack.say(channel, ann, "hello")
        mark = {"event_type": "bridge", "event_payload": {"delivery": "abc.1", "n": 1}}
        await client.chat_postMessage(channel=channel, thread_ts=root, text="hi", metadata=mark)
        with_it = await client.conversations_replies(
            channel=channel, ts=root, include_all_metadata=True
        )
        without = await client.conversations_replies(channel=channel, ts=root)
        assert with_it["messages"][1]["metadata"] == mark
        assert "metadata" not in without["messages"][1]
        assert with_it["messages"][0]["reply_count"] == 1

    async def test_a_long_thread_is_paged_and_each_page_begins_with_the_root(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        root = await slack.say(channel, ann, "root")
        said = [await slack.say(channel, ann, f"{n}", thread_ts=root) for n in range(5)]
        seen: list[str] = []
        cursor = None
        while cursor != "":
            page = await client.conversations_replies(
                channel=channel, ts=root, limit=2, cursor=cursor
            )
            assert page["messages"][0]["ts"] == root
            seen += [message["ts"] for message in page["messages"][1:]]
            cursor = page["response_metadata"]["next_cursor"]
            assert page["has_more"] is bool(cursor)
        assert seen == said

    async def test_bounds_are_exclusive_unless_asked_otherwise(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        root = await slack.say(channel, ann, "root")
        said = [await slack.say(channel, ann, f"{n}", thread_ts=root) for n in range(3)]

        async def replies(**bounds: object) -> list[str]:
            asked = {"channel": channel, "ts": root, **bounds}
            found = await client.api_call("conversations.replies", params=asked)
            return [message["ts"] for message in found["messages"][1:]]

        assert await replies(oldest=said[0]) == said[1:]
        assert await replies(oldest=said[0], inclusive=True) == said
        assert await replies(latest=said[2]) == said[:2]
        assert await replies(oldest=said[0], latest=said[2]) == [said[1]]

    async def test_history_is_newest_first_and_leaves_replies_out(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        roots = [await slack.say(channel, ann, f"{n}") for n in range(3)]
        await slack.say(channel, ann, "reply", thread_ts=roots[0])
        first = await client.conversations_history(channel=channel, limit=2)
        await slack.say(channel, ann, "newer")
        cursor = first["response_metadata"]["next_cursor"]
        second = await client.conversations_history(channel=channel, limit=2, cursor=cursor)
        pages = [message["ts"] for page in (first, second) for message in page["messages"]]
        assert pages == roots[::-1]

    async def test_a_deleted_root_is_a_tombstone_while_its_thread_lives(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        root = await slack.say(channel, ann, "root")
        reply = await slack.say(channel, ann, "reply", thread_ts=root)
        await slack.delete(channel, root)
        found = await client.conversations_replies(channel=channel, ts=root)
        assert found["messages"][0]["subtype"] == "tombstone"
        assert found["messages"][1]["ts"] == reply
        link = client.chat_getPermalink(channel=channel, message_ts=root)
        assert await refusal(link) == "message_not_found"
        await slack.delete(channel, reply)
        again = client.conversations_replies(channel=channel, ts=root)
        assert await refusal(again) == "thread_not_found"

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"limit": 0}, "invalid_limit"),
            ({"limit": "many"}, "invalid_limit"),
            ({"cursor": "nonsense"}, "invalid_cursor"),
            ({"ts": "1.000000"}, "thread_not_found"),
            ({"oldest": "yesterday"}, "invalid_arguments"),
        ],
    )
    async def test_bad_questions_are_refused(
        self,
        slack: SlackSimulator,
        client: AsyncWebClient,
        channel: str,
        ann: str,
        arguments: Json,
        error: str,
    ) -> None:
        root = await slack.say(channel, ann, "root")
        await slack.say(channel, ann, "reply", thread_ts=root)
        asked = {"channel": channel, "ts": root, **arguments}
        assert await refusal(client.api_call("conversations.replies", params=asked)) == error

    async def test_people_and_channels_are_described(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        assert (await client.users_info(user=ann))["user"]["profile"]["display_name"] == "ann"
        assert await refusal(client.users_info(user="U0")) == "user_not_found"
        assert (await client.conversations_info(channel=channel))["channel"]["is_member"]
        direct = (await client.conversations_open(users=ann))["channel"]["id"]
        assert (await client.conversations_info(channel=direct))["channel"]["user"] == ann
        assert direct == slack.direct_channel(ann)
        foreign = slack.add_channel("open", member=False)
        assert await refusal(client.conversations_history(channel=foreign)) == "not_in_channel"
        await client.conversations_join(channel=foreign)
        assert (await client.conversations_history(channel=foreign))["messages"] == []


class TestStatus:
    async def test_a_status_is_cleared_by_a_reply_and_lapses(
        self,
        slack: SlackSimulator,
        client: AsyncWebClient,
        clock: HandClock,
        channel: str,
        ann: str,
    ) -> None:
        root = await slack.say(channel, ann, "hello")

        async def think() -> None:
            await client.assistant_threads_setStatus(
                channel_id=channel, thread_ts=root, status="is thinking"
            )

        await think()
        assert slack.status(channel, root) == "is thinking"
        await client.chat_postMessage(channel=channel, thread_ts=root, text="hi")
        assert slack.status(channel, root) == ""
        await think()
        await clock.advance(2 * MINUTE)
        assert slack.status(channel, root) == ""
        assert [status.status for status in slack.statuses] == ["is thinking"] * 2

    async def test_a_status_needs_a_thread(self, client: AsyncWebClient, channel: str) -> None:
        asked = client.assistant_threads_setStatus(
            channel_id=channel, thread_ts="1.000000", status="is thinking"
        )
        assert await refusal(asked) == "invalid_thread_ts"


BAD_BLOCKS: list[tuple[str, list[Any], str, str]] = [
    ("51 blocks", [{"type": "divider"}] * 51, "no more than 50 items", "/blocks"),
    ("no type", [{}], "missing required field: type", "/blocks/0"),
    ("unknown type", [{"type": "poem"}], "unsupported type: poem", "/blocks/0/type"),
    ("not an object", ["section"], "must provide an object", "/blocks/0"),
    ("empty section", [{"type": "section"}], "missing required field: text", "/blocks/0"),
    ("long section", [section("x" * 3001)], "less than 3001", "/blocks/0/text/text"),
    ("empty text", [section("")], "more than 0", "/blocks/0/text/text"),
    (
        "long field",
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
        "less than 2001",
        "/blocks/0/fields/0/text",
    ),
    ("unknown property", [section("x", colour="red")], "additional property: colour", "/blocks/0"),
    (
        "header in mrkdwn",
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "unsupported type: mrkdwn",
        "/blocks/0/text/type",
    ),
    (
        "long header",
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        "less than 151",
        "/blocks/0/text/text",
    ),
    (
        "26 buttons",
        [actions(*(button("x", f"a{n}") for n in range(26)))],
        "no more than 25 items",
        "/blocks/0/elements",
    ),
    ("no buttons", [actions()], "no fewer than 1 items", "/blocks/0/elements"),
    (
        "long button",
        [actions(button("x" * 76, "a"))],
        "less than 76",
        "/blocks/0/elements/0/text/text",
    ),
    (
        "long value",
        [actions(button("x", "a", value="x" * 2001))],
        "less than 2001",
        "/blocks/0/elements/0/value",
    ),
    (
        "long action id",
        [actions(button("x", "a" * 256))],
        "less than 256",
        "/blocks/0/elements/0/action_id",
    ),
    (
        "twin action ids",
        [actions(button("x", "a"), button("y", "a"))],
        "`action_id` already exists",
        "/blocks/0/elements/1/action_id",
    ),
    (
        "twin block ids",
        [section("x", block_id="b"), section("y", block_id="b")],
        "`block_id` already exists",
        "/blocks/1/block_id",
    ),
    ("long block id", [section("x", block_id="b" * 256)], "less than 256", "/blocks/0/block_id"),
    (
        "bad style",
        [actions(button("x", "a", style="loud"))],
        "must be one of",
        "/blocks/0/elements/0/style",
    ),
    (
        "button in mrkdwn",
        [
            actions(
                {"type": "button", "action_id": "a", "text": {"type": "mrkdwn", "text": "x"}},
            )
        ],
        "unsupported type: mrkdwn",
        "/blocks/0/elements/0/text/type",
    ),
    (
        "image from elsewhere",
        [{"type": "image", "image_url": "file:///etc/passwd", "alt_text": "x"}],
        "invalid url",
        "/blocks/0/image_url",
    ),
    (
        "image without words",
        [{"type": "image", "image_url": "https://example.com/x.png"}],
        "missing required field: alt_text",
        "/blocks/0",
    ),
    (
        "crowded context",
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        "no more than 10 items",
        "/blocks/0/elements",
    ),
    (
        "telephone link",
        [actions(button("x", "a", url="tel:123"))],
        "invalid url",
        "/blocks/0/elements/0/url",
    ),
]


class TestBlocks:
    @pytest.mark.parametrize(
        ("blocks", "what", "where"),
        [case[1:] for case in BAD_BLOCKS],
        ids=[case[0] for case in BAD_BLOCKS],
    )
    async def test_blocks_that_slack_refuses_are_refused_with_the_place(
        self, client: AsyncWebClient, channel: str, blocks: list[Json], what: str, where: str
    ) -> None:
        found = await findings(client.chat_postMessage(channel=channel, text="x", blocks=blocks))
        assert len(found) == 1
        assert what in found[0]
        assert found[0].endswith(f"[json-pointer:{where}]")

    async def test_blocks_at_every_limit_are_taken(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        plain = {"type": "plain_text", "text": "x" * 150, "emoji": True}
        most_buttons = [button("x" * 75, f"{n:0255}", value="v" * 2000) for n in range(25)]
        picture = {"type": "image", "image_url": "https://example.com/x.png", "alt_text": ""}
        words = {"type": "mrkdwn", "text": "x" * 3000, "verbatim": True}
        blocks = [
            {"type": "header", "text": plain},
            section("x" * 3000, block_id="b" * 255, accessory=picture),
            actions(*most_buttons),
            {"type": "context", "elements": [words] * 9 + [picture]},
            picture,
            {"type": "markdown", "text": "x" * 12_000},
            *[{"type": "divider"}] * 44,
        ]
        await client.chat_postMessage(channel=channel, text="x", blocks=blocks)
        ids = [block["block_id"] for block in slack.posts[0].blocks]
        assert len(set(ids)) == 50


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "fields", "options", "rows", "accessory"]),
            inner
            | st.sampled_from(["section", "actions", "context", "table", "button", "overflow"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=many(200), deadline=None)
@given(blocks=st.lists(SHAPES, max_size=3))
def test_whatever_the_blocks_are_slack_has_an_answer(blocks: list[Any]) -> None:
    found = problems(blocks)
    assert all(line.startswith("[ERROR] ") for line in found)
    assert found or all(isinstance(block, dict) for block in blocks)


class TestRates:
    @pytest.fixture
    async def slack(self, clock: HandClock) -> AsyncIterator[SlackSimulator]:
        async with SlackSimulator(clock=clock, ids=CountedIds()) as simulator:
            yield simulator

    async def test_one_channel_takes_a_burst_and_then_one_post_a_second(
        self, slack: SlackSimulator, client: AsyncWebClient, clock: HandClock, channel: str
    ) -> None:
        for n in range(5):
            await client.chat_postMessage(channel=channel, text=f"{n}")
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=channel, text="one too many")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        assert caught.value.response["error"] == "ratelimited"
        await client.chat_postMessage(channel=slack.add_channel("other"), text="hi")
        await clock.advance(SECOND)
        await client.chat_postMessage(channel=channel, text="now")
        assert len(slack.posts) == 7
        assert slack.calls[5].outcome == "ratelimited"

    async def test_a_tier_is_a_minutes_worth_over_the_whole_workspace(
        self, slack: SlackSimulator, client: AsyncWebClient, clock: HandClock, ann: str
    ) -> None:
        channels = [slack.add_channel(f"{n}") for n in range(2)]
        for n in range(50):
            await client.conversations_info(channel=channels[n % 2])
        assert await refusal(client.conversations_info(channel=channels[0])) == "ratelimited"
        await client.users_info(user=ann)
        await clock.advance(timedelta(seconds=1.2))
        await client.conversations_info(channel=channels[0])
        assert await refusal(client.conversations_info(channel=channels[1])) == "ratelimited"


class TestFaults:
    async def test_a_planned_rate_limit_is_429_and_nothing_is_done(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        slack.rate_limit("chat.postMessage", n=2, after=timedelta(seconds=7))
        for _ in range(2):
            with pytest.raises(SlackApiError) as caught:
                await client.chat_postMessage(channel=channel, text="hi")
            assert caught.value.response.headers["Retry-After"] == "7"
        assert slack.posts == []
        await client.chat_postMessage(channel=channel, text="hi")

    async def test_a_lost_response_is_done_and_a_lost_request_is_not(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        slack.lose_response("chat.postMessage")
        slack.lose_request("chat.postMessage")
        for text in ("done", "not done"):
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.chat_postMessage(channel=channel, text=text)
        assert [post.text for post in slack.posts] == ["done"]
        assert [call.outcome for call in slack.calls] == ["response_lost", "request_lost"]

    async def test_a_call_may_never_be_answered_and_is_not_done(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        slack.silence("chat.postMessage")
        unanswered = asyncio.ensure_future(client.chat_postMessage(channel=channel, text="?"))
        while not slack.calls:
            await asyncio.sleep(0)
        await client.chat_postMessage(channel=channel, text="the next one is")

        assert not unanswered.done()
        unanswered.cancel()
        assert [post.text for post in slack.posts] == ["the next one is"]

    async def test_slack_may_be_away_and_come_back_at_the_same_address(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        await client.chat_postMessage(channel=channel, text="before")
        await slack.leave()
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.chat_postMessage(channel=channel, text="meanwhile")
        await slack.come_back()
        await client.chat_postMessage(channel=channel, text="after")

        assert [post.text for post in slack.posts] == ["before", "after"]

    async def test_slacks_own_retry_handler_posts_twice_when_a_response_is_lost(
        self, slack: SlackSimulator, channel: str
    ) -> None:
        slack.lose_response("chat.postMessage")
        client = client_of(slack)
        at_once = FixedValueRetryIntervalCalculator(0.001)
        client.retry_handlers = [AsyncConnectionErrorRetryHandler(interval_calculator=at_once)]
        await client.chat_postMessage(channel=channel, text="once?")
        assert [post.text for post in slack.posts] == ["once?"] * 2

    async def test_a_planned_refusal_is_answered_in_slacks_shape(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        slack.fail("*", "fatal_error")
        assert await refusal(client.auth_test()) == "fatal_error"
        assert (await client.auth_test())["ok"]

    async def test_an_http_error_may_come_before_or_after_the_work(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        slack.http_error("chat.postMessage", 503)
        slack.http_error("chat.postMessage", 500, after_doing=True)
        for text, status in (("not done", 503), ("done", 500)):
            with pytest.raises(SlackApiError) as caught:
                await client.chat_postMessage(channel=channel, text=text)
            assert caught.value.response.status_code == status
        assert [post.text for post in slack.posts] == ["done"]

    async def test_a_slow_call_is_done_at_once_and_answered_late(
        self, slack: SlackSimulator, client: AsyncWebClient, clock: HandClock, channel: str
    ) -> None:
        slack.slow("chat.postMessage", MINUTE)
        posting = asyncio.ensure_future(client.chat_postMessage(channel=channel, text="hi"))
        await eventually(lambda: slack.posts)
        await settle()
        assert not posting.done()
        await clock.advance(MINUTE)
        assert (await posting)["ok"]

    async def test_planned_faults_can_be_forgotten(
        self, slack: SlackSimulator, client: AsyncWebClient
    ) -> None:
        slack.fail("auth.test", "fatal_error", n=9)
        slack.forget_faults()
        assert (await client.auth_test())["ok"]

    async def test_calls_are_recorded_without_their_token(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        await client.chat_postMessage(channel=channel, text="hi")
        call = slack.calls[0]
        assert (call.method, call.outcome) == ("chat.postMessage", "ok")
        assert call.arguments["text"] == "hi"
        assert "xoxb" not in repr(slack.calls) + json.dumps(slack.state())


class TestEvents:
    async def test_a_mention_is_two_events_with_one_stamp(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        async with wire(slack) as socket:
            ts = await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
            plain, mention = await socket.frame(), await socket.frame()
        events = [frame["payload"]["event"] for frame in (plain, mention)]
        assert [event["type"] for event in events] == ["message", "app_mention"]
        assert [event["ts"] for event in events] == [ts, ts]
        assert events[0]["client_msg_id"] == events[1]["client_msg_id"]
        assert (events[0]["channel_type"], "channel_type" in events[1]) == ("channel", False)
        assert plain["payload"]["event_id"] != mention["payload"]["event_id"]
        assert plain["payload"]["authorizations"][0]["user_id"] == slack.bot_user_id
        assert (plain["retry_attempt"], plain["retry_reason"]) == (0, "")
        assert events[0]["blocks"][0]["elements"][0]["elements"][0] == {
            "type": "user",
            "user_id": slack.bot_user_id,
        }

    async def test_a_direct_message_is_one_event_even_with_a_mention(
        self, slack: SlackSimulator, ann: str
    ) -> None:
        await slack.direct_message(ann, f"<@{slack.bot_user_id}> hello")
        assert [envelope.type for envelope in slack.envelopes] == ["message"]
        assert slack.envelopes[0].payload["event"]["channel_type"] == "im"

    async def test_where_the_app_is_not_it_hears_nothing(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        elsewhere = slack.add_channel("open", member=False)
        await slack.say(elsewhere, ann, f"<@{slack.bot_user_id}> hello")
        assert slack.envelopes == []

    async def test_edits_and_deletions_are_hidden_events(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        ts = await slack.say(channel, ann, "hello")
        await slack.edit(channel, ts, f"<@{slack.bot_user_id}> hello")
        await slack.delete(channel, ts)
        _, changed, mention, deleted = [e.payload["event"] for e in slack.envelopes]
        assert (changed["subtype"], changed["hidden"]) == ("message_changed", True)
        assert changed["previous_message"]["text"] == "hello"
        assert (mention["type"], mention["ts"], "edited" in mention) == ("app_mention", ts, True)
        assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)
        assert slack.messages(channel)[0].deleted

    async def test_the_apps_own_posts_come_back(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str
    ) -> None:
        posted = await client.chat_postMessage(channel=channel, text="one")
        await client.chat_postMessage(channel=channel, text="two", username="Maya")
        await client.chat_update(channel=channel, ts=posted["ts"], text="three")
        own, named, changed = [envelope.payload["event"] for envelope in slack.envelopes]
        assert (own["user"], own["bot_id"]) == (slack.bot_user_id, slack.bot_id)
        assert (named["subtype"], named["bot_id"], "user" in named) == (
            "bot_message",
            slack.bot_id,
            False,
        )
        assert changed["message"]["text"] == "three"

    async def test_threads_and_files_are_told(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        root = await slack.say(channel, ann, "root")
        await slack.say(channel, ann, "", thread_ts=root, files=[{"id": "F1", "name": "x.pdf"}])
        event = slack.envelopes[1].payload["event"]
        assert (event["thread_ts"], event["parent_user_id"]) == (root, ann)
        assert (event["subtype"], event["files"][0]["id"]) == ("file_share", "F1")

    async def test_another_app_is_a_bot_message(self, slack: SlackSimulator, channel: str) -> None:
        await slack.say_as_other_bot(channel, "beep")
        event = slack.envelopes[0].payload["event"]
        assert (event["subtype"], event["bot_id"] != slack.bot_id) == ("bot_message", True)

    async def test_what_befalls_a_channel_is_told(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        slack.archive(channel)
        slack.unarchive(channel)
        slack.remove_bot(channel)
        slack.invite_bot(channel)
        assert [envelope.type for envelope in slack.envelopes] == [
            "channel_archive",
            "channel_unarchive",
            "channel_left",
            "member_joined_channel",
        ]


class TestAcks:
    async def test_an_acked_event_is_not_sent_again(
        self, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
    ) -> None:
        async with wire(slack) as socket:
            await slack.say(channel, ann, "hello")
            await socket.ack(await socket.frame())
            await eventually(lambda: slack.envelopes[0].acked)
            await clock.advance(10 * MINUTE)
            assert await socket.silent()
        assert len(slack.envelopes[0].deliveries) == 1

    async def test_an_unacked_event_climbs_the_ladder_and_is_lost(
        self, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
    ) -> None:
        async with wire(slack) as socket:
            await slack.say(channel, ann, "hello")
            frames = [await socket.frame()]
            for rung in (4 * SECOND, MINUTE, 5 * MINUTE):
                await clock.advance(rung - timedelta(milliseconds=1))
                assert len(slack.envelopes[0].deliveries) == len(frames)
                await clock.advance(timedelta(milliseconds=1))
                frames.append(await socket.frame())
            assert not slack.envelopes[0].lost
            await clock.advance(3 * SECOND)
        assert [frame["retry_attempt"] for frame in frames] == [0, 1, 2, 3]
        assert [frame["retry_reason"] for frame in frames] == ["", "timeout", "timeout", "timeout"]
        assert len({frame["payload"]["event_id"] for frame in frames}) == 1
        assert len({frame["envelope_id"] for frame in frames}) == 4
        assert slack.envelopes[0].lost

    async def test_an_event_with_no_socket_open_comes_first_as_a_retry(
        self, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
    ) -> None:
        await slack.say(channel, ann, "hello")
        async with wire(slack) as socket:
            await clock.advance(4 * SECOND)
            frame = await socket.frame()
            assert frame["retry_attempt"] == 1
            await socket.ack(frame)
            await eventually(lambda: slack.envelopes[0].acked)
        assert len(slack.envelopes[0].deliveries) == 1

    async def test_a_socket_that_dies_before_the_ack_does_not_take_the_event_with_it(
        self, clock: HandClock
    ) -> None:
        short = (SECOND, MINUTE)
        async with SlackSimulator(clock=clock, ids=CountedIds(), ladder=short) as slack:
            channel, ann = slack.add_channel("support"), slack.add_user("ann")
            async with wire(slack) as socket:
                await slack.say(channel, ann, "hello")
                await socket.frame()
            await eventually(lambda: slack.sockets == 0)
            async with wire(slack) as socket:
                await clock.advance(SECOND)
                again = await socket.frame()
                assert again["retry_attempt"] == 1
                await socket.ack(again)
                await eventually(lambda: slack.envelopes[0].acked)

    async def test_an_ack_on_another_socket_counts_and_a_late_one_does_not(
        self, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
    ) -> None:
        async with wire(slack) as first:
            await slack.say(channel, ann, "one")
            one = await first.frame()
            await slack.say(channel, ann, "two")
            two = await first.frame()
            async with wire(slack) as second:
                await second.ack(one)
                await eventually(lambda: slack.envelopes[0].acked)
                await clock.advance(3.5 * SECOND)
                await second.ack(two)
                await eventually(lambda: slack.envelopes[1].late_acks)
        assert slack.envelopes[1].acked is None

    async def test_an_envelope_goes_to_one_socket_of_many(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        async with wire(slack) as one, wire(slack) as two:
            for n in range(4):
                await slack.say(channel, ann, f"{n}")
            texts = [
                {(await socket.frame())["payload"]["event"]["text"] for _ in range(2)}
                for socket in (one, two)
            ]
            assert await one.silent()
            assert await two.silent()
        assert texts[0] | texts[1] == {"0", "1", "2", "3"}

    async def test_redelivery_on_demand_keeps_the_event_id(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        async with wire(slack) as socket:
            await slack.say(channel, ann, "hello")
            first = await socket.frame()
            await socket.ack(first)
            assert slack.redeliver(first["payload"]["event_id"])
            again = await socket.frame()
        assert again["payload"] == first["payload"]
        assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
        with pytest.raises(LookupError):
            slack.redeliver("Ev0")

    async def test_an_envelope_can_be_doubled_and_a_pair_swapped(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        slack.duplicate_next()
        async with wire(slack) as socket:
            await slack.say(channel, ann, "one")
            one, twin = await socket.frame(), await socket.frame()
            slack.reorder_next()
            await slack.say(channel, ann, "two")
            await slack.say(channel, ann, "three")
            texts = [(await socket.frame())["payload"]["event"]["text"] for _ in range(2)]
        assert one["payload"]["event_id"] == twin["payload"]["event_id"]
        assert texts == ["three", "two"]

    async def test_a_deaf_socket_is_open_and_gets_nothing(
        self, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
    ) -> None:
        slack.go_deaf()
        async with wire(slack) as socket:
            await slack.say(channel, ann, "hello")
            assert await socket.silent()
            await clock.advance(4 * SECOND)
            assert (await socket.frame())["retry_attempt"] == 1
        assert [copy.swallowed for copy in slack.envelopes[0].deliveries] == [True, False]


class TestInteractions:
    @pytest.fixture
    async def asked(self, client: AsyncWebClient, channel: str) -> str:
        blocks = [actions(button("Yes", "s:0", value="a"), button("No", "s:1"), block_id="b")]
        posted = await client.chat_postMessage(channel=channel, text="Well?", blocks=blocks)
        return str(posted["ts"])

    async def test_a_click_carries_the_whole_message_and_is_acked(
        self, slack: SlackSimulator, channel: str, ann: str, asked: str
    ) -> None:
        async with wire(slack) as socket:
            click = asyncio.ensure_future(slack.click(channel, asked, ann, text="Yes"))
            frame = await socket.frame()
            await socket.ack(frame)
            assert (await click).acked
        payload = frame["payload"]
        assert (frame["type"], payload["type"]) == ("interactive", "block_actions")
        assert "retry_attempt" not in frame
        action = payload["actions"][0]
        assert (action["action_id"], action["block_id"], action["value"]) == ("s:0", "b", "a")
        assert payload["container"]["message_ts"] == payload["message"]["ts"] == asked
        assert payload["user"]["id"] == ann

    async def test_an_unacked_click_fails_and_never_comes_again(
        self, slack: SlackSimulator, clock: HandClock, channel: str, ann: str, asked: str
    ) -> None:
        async with wire(slack) as socket:
            click = asyncio.ensure_future(slack.click(channel, asked, ann, action_id="s:1"))
            await socket.frame()
            await clock.advance(3 * SECOND)
            assert not (await click).acked
            await clock.advance(10 * MINUTE)
        assert [len(e.deliveries) for e in slack.envelopes if e.kind == "interactive"] == [1]

    async def test_a_click_with_no_socket_open_fails_at_once(
        self, slack: SlackSimulator, channel: str, ann: str, asked: str
    ) -> None:
        assert not (await slack.click(channel, asked, ann)).acked

    async def test_a_button_that_is_gone_cannot_be_pressed(
        self,
        slack: SlackSimulator,
        client: AsyncWebClient,
        channel: str,
        ann: str,
        asked: str,
    ) -> None:
        with pytest.raises(LookupError):
            await slack.click(channel, asked, ann, text="Perhaps")
        await client.chat_update(channel=channel, ts=asked, text="Answered")
        with pytest.raises(LookupError):
            await slack.click(channel, asked, ann, text="Yes")

    async def test_a_command_takes_a_response_with_its_ack(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        async with wire(slack) as socket:
            typed = asyncio.ensure_future(slack.command(channel, ann, "/agent", "end"))
            frame = await socket.frame()
            assert (frame["type"], frame["accepts_response_payload"]) == ("slash_commands", True)
            assert (frame["payload"]["command"], frame["payload"]["text"]) == ("/agent", "end")
            await socket.ack(frame, payload={"text": "done"})
            assert (await typed).response == {"text": "done"}

    async def test_a_shortcut_carries_its_message(
        self, slack: SlackSimulator, channel: str, ann: str, asked: str
    ) -> None:
        async with wire(slack) as socket:
            chosen = asyncio.ensure_future(slack.use_shortcut(channel, asked, ann, "end"))
            frame = await socket.frame()
            await socket.ack(frame)
            assert (await chosen).acked
        assert frame["payload"]["type"] == "message_action"
        assert frame["payload"]["message"]["ts"] == asked


class TestSockets:
    async def test_a_ticket_opens_one_socket_once(self, slack: SlackSimulator) -> None:
        opened = await client_of(slack).apps_connections_open(app_token="xapp-simulated")
        async with aiohttp.ClientSession() as http, http.ws_connect(opened["url"]) as socket:
            assert (await socket.receive_json())["num_connections"] == 1
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await http.ws_connect(opened["url"])
        assert caught.value.status == 403

    async def test_an_eleventh_socket_is_sent_away(self, slack: SlackSimulator) -> None:
        client = client_of(slack)
        async with aiohttp.ClientSession() as http:
            sockets = []
            for _ in range(11):
                opened = await client.apps_connections_open(app_token="xapp-simulated")
                sockets.append(await http.ws_connect(opened["url"]))
            assert (await sockets[10].receive_json())["reason"] == "too_many_websockets"
            assert slack.sockets == 10
            for socket in sockets:
                await socket.close()

    async def test_a_warning_leaves_the_socket_and_a_refresh_closes_it_later(
        self, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
    ) -> None:
        async with wire(slack) as socket:
            slack.disconnect("warning")
            assert (await socket.frame())["reason"] == "warning"
            await slack.say(channel, ann, "still here")
            await socket.ack(await socket.frame())
            slack.disconnect()
            assert (await socket.frame())["reason"] == "refresh_requested"
            await slack.say(channel, ann, "no longer")
            assert await socket.silent()
            await clock.advance(10 * SECOND)
            closing = await socket.socket.receive(timeout=5)
            assert closing.type is aiohttp.WSMsgType.CLOSE
        await eventually(lambda: slack.sockets == 0)

    async def test_the_server_pings(self, slack: SlackSimulator, clock: HandClock) -> None:
        opened = await client_of(slack).apps_connections_open(app_token="xapp-simulated")
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(opened["url"], autoping=False) as socket,
        ):
            await socket.receive_json()
            await clock.advance(30 * SECOND)
            assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.PING

    async def test_connections_and_handshakes_can_be_refused(self, slack: SlackSimulator) -> None:
        slack.refuse_connections("internal_error")
        opening = client_of(slack).apps_connections_open(app_token="xapp-simulated")
        assert await refusal(opening) == "internal_error"
        slack.refuse_handshakes(1, 503)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with wire(slack):
                pass
        async with wire(slack):
            await slack.connected()

    async def test_frames_that_make_no_sense_pass_in_both_directions(
        self, slack: SlackSimulator
    ) -> None:
        async with wire(slack) as socket:
            slack.deliver_garbage("{half")
            assert (await socket.socket.receive(timeout=5)).data == "{half"
            for text in ("{half", "[]", '{"envelope_id": "nobody"}'):
                await socket.socket.send_str(text)
            await eventually(lambda: slack._sockets.unread_frames == 3)

    async def test_nothing_is_left_when_the_simulator_ends(self, clock: HandClock) -> None:
        before = asyncio.all_tasks()
        async with aiohttp.ClientSession() as http:
            async with SlackSimulator(clock=clock, ids=CountedIds()) as slack:
                channel, ann = slack.add_channel("support"), slack.add_user("ann")
                opened = await client_of(slack).apps_connections_open(app_token="xapp-simulated")
                await http.ws_connect(opened["url"])
                await slack.say(channel, ann, "hello")
                slack.slow("auth.test", MINUTE)
                call = asyncio.ensure_future(client_of(slack).auth_test())
                await eventually(lambda: slack.calls[-1].method == "auth.test")
            # A call that is still held back is let go, one way or another.
            await asyncio.wait([call], timeout=5)
            assert call.done()
        await settle()
        assert asyncio.all_tasks() <= before


class TestSlacksOwnClient:
    async def test_bolt_acks_after_its_middleware_and_survives_a_refresh(
        self, slack: SlackSimulator, channel: str, ann: str
    ) -> None:
        bodies: list[Json] = []

        async def listen(body: Json) -> int:
            bodies.append(body)
            return 200

        async with bolt(slack, listen):
            await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
            await eventually(lambda: all(envelope.acked for envelope in slack.envelopes))
            assert len({body["event_id"] for body in bodies}) == 2
            slack.disconnect()
            await eventually(lambda: slack.connections == 2)
            slack.drop_sockets()
            await eventually(lambda: slack.connections == 3)
            await slack.say(channel, ann, "again")
            await eventually(lambda: slack.envelopes[-1].acked)

    async def test_what_bolt_does_not_ack_comes_again(
        self, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
    ) -> None:
        answers = iter((500, 200))

        async def listen(_body: Json) -> int:
            return next(answers)

        async with bolt(slack, listen):
            await slack.say(channel, ann, "hello")
            await eventually(lambda: slack.envelopes[0].deliveries)
            await clock.advance(4 * SECOND)
            await eventually(lambda: slack.envelopes[0].acked)
        assert [copy.attempt for copy in slack.envelopes[0].deliveries] == [0, 1]

    async def test_bolt_acks_a_click(
        self, slack: SlackSimulator, client: AsyncWebClient, channel: str, ann: str
    ) -> None:
        posted = await client.chat_postMessage(
            channel=channel, text="Well?", blocks=[actions(button("Yes", "s:0"))]
        )

        async def listen(body: Json) -> int:
            return 200 if body["type"] == "block_actions" else 404

        async with bolt(slack, listen):
            await slack.connected()
            assert (await slack.click(channel, posted["ts"], ann, text="Yes")).acked


class TestControl:
    async def test_verbs_and_views_are_reached_over_http(
        self, slack: SlackSimulator, client: AsyncWebClient
    ) -> None:
        root = slack.api_url.removesuffix("/api/") + "/_simulator/"
        async with aiohttp.ClientSession() as http:

            async def do(verb: str, **arguments: object) -> str:
                async with http.post(root + verb, json=arguments) as response:
                    body = await response.json()
                    assert (response.status, body["ok"]) == (200, True)
                    return str(body["result"])

            channel, ann = await do("add_channel", name="x"), await do("add_user", name="ann")
            ts = await do("say", channel=channel, user=ann, text="hello")
            await do("rate_limit", method="auth.test", after=9)
            with pytest.raises(SlackApiError) as caught:
                await client.auth_test()
            assert caught.value.response.headers["Retry-After"] == "9"
            await client.chat_postMessage(channel=channel, thread_ts=ts, text="hi")
            asked = {"channel": channel, "thread_ts": ts}
            async with http.get(root + "messages", params=asked) as response:
                shown = (await response.json())["messages"]
            async with http.get(root + "state") as response:
                state = await response.json()
        assert [message["text"] for message in shown] == ["hello", "hi"]
        assert state["channels"] == {channel: "x"}
        assert [post["text"] for post in state["posts"]] == ["hi"]
        assert state["envelopes"][0]["acked"] is None

    async def test_what_is_no_verb_is_refused(self, slack: SlackSimulator) -> None:
        root = slack.api_url.removesuffix("/api/") + "/_simulator/"
        async with aiohttp.ClientSession() as http:
            for verb, body, status in (
                ("_announce", {}, 404),
                ("fly", {}, 404),
                ("say", {"channel": "C0", "user": "U0", "text": ""}, 404),
                ("say", {"wrong": 1}, 400),
                ("add_user", [], 400),
            ):
                async with http.post(root + verb, json=body) as response:
                    assert response.status == status
            async with http.post(root + "add_user", data="name=ann") as response:
                assert response.status == 400
            async with http.get(root + "messages", params={"channel": "C0"}) as response:
                assert response.status == 404
