"""Does an unfinished message grow to its end in Slack, whatever happens, and never twice?

The adapter against the simulated Slack. A restart is a second connection that remembers nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import aiohttp
import msgspec
import pytest

from adapters.slack.client import SlackClient
from adapters.slack.connection import connect
from adapters.slack.settings import SlackSettings
from bridge.clock import RandomIds
from bridge.errors import BridgeError, MaybeDelivered, Rejected, RetryLater, ThreadClosed
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind, Notice, NoticeKind, Suggestion
from bridge.plugin import Grower, Signal, SignalKind
from bridge.simulators.slack import RateLimits, SimulatedMessage, SlackSimulator
from bridge.testing.clock import FakeClock
from bridge.testing.host import PlayedHost

AGENT = Author(AuthorKind.AGENT)
SECOND = timedelta(seconds=1)
GAP = "\u200b"
WORDS = "One two **three** four. Five six!"


class Scene:
    """A thread, and what is owed to it."""

    def __init__(self, slack: SlackSimulator, clock: FakeClock, channel: str, root: str) -> None:
        self.slack, self.clock, self.channel, self.root = slack, clock, channel, root

    def owed(self, text: str, *, more: bool = True, number: int = 1) -> Outbound:
        """An answer as far as it has come."""
        return Outbound(
            id=DeliveryId(f"c1.{number}"),
            thread=ThreadKey(f"{self.slack.team_id}:{self.channel}:{self.root}"),
            content=AgentReply(AGENT, text, unfinished=more),
            owed_at=datetime(2030, 1, 1, 12, tzinfo=UTC),
        )

    @property
    def ours(self) -> list[SimulatedMessage]:
        """What the app shows in the thread."""
        told = self.slack.messages(self.channel, self.root)
        return [m for m in told if m.bot_id == self.slack.bot_id and not m.deleted]

    @property
    def texts(self) -> list[str]:
        """Each text that the only message of the app has shown, without what nobody sees."""
        (message,) = self.ours
        return [text.replace(GAP, "") for text in self.slack.texts(self.channel, message.ts)]

    def calls(self, method: str) -> list[str]:
        """How the calls of a method came out."""
        return [call.outcome for call in self.slack.calls if call.method == method]

    async def end_of(self, adapter: SlackClient, receipt: Receipt) -> None:
        """The answer is complete; said twice, as after a lost outcome."""
        for _ in range(2):
            await adapter.revise(self.owed(WORDS, more=False), receipt)
        (message,) = self.ours
        assert message.text == "One two three four. Five six!"
        assert [block["type"] for block in message.blocks] == ["section"]
        assert message.blocks[0]["block_id"] == "polyai:c1.1"
        assert message.metadata is not None
        assert message.metadata["event_payload"] == {"delivery": "c1.1"}
        assert message.streaming_state != "in_progress"
        assert len([post for post in self.slack.posts if post.channel == self.channel]) == 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(clock=clock, ids=RandomIds(), limits=RateLimits.off()) as simulator:
        yield simulator


@pytest.fixture
async def host(clock: FakeClock) -> AsyncIterator[PlayedHost]:
    async with aiohttp.ClientSession() as http:
        yield PlayedHost(clock, http)


T = TypeVar("T")
Connect = Callable[..., AbstractAsyncContextManager[SlackClient]]


@pytest.fixture
def connected(slack: SlackSimulator, host: PlayedHost) -> Connect:
    """Connects an adapter with these further settings."""

    def connecting(**changes: object) -> AbstractAsyncContextManager[SlackClient]:
        tokens = {"bot_token": "xoxb-simulated", "app_token": "xapp-simulated"}
        given = {**tokens, "api_url": slack.api_url, **changes}
        return connect(SlackSettings.model_validate(given), host)

    return connecting


@pytest.fixture
async def adapter(connected: Connect) -> AsyncIterator[SlackClient]:
    async with connected() as client:
        yield client


@pytest.fixture
async def direct(slack: SlackSimulator, clock: FakeClock) -> Scene:
    ann = slack.add_user("ann")
    root = await slack.direct_message(ann, "hello")
    return Scene(slack, clock, slack.direct_channel(ann), root)


@pytest.fixture
async def public(slack: SlackSimulator, clock: FakeClock) -> Scene:
    channel, ann = slack.add_channel("support"), slack.add_user("ann")
    return Scene(slack, clock, channel, await slack.say(channel, ann, "hello"))


async def passing(clock: FakeClock, doing: Awaitable[T]) -> T:
    """What comes of it, while time passes."""
    task = asyncio.ensure_future(doing)
    async with asyncio.timeout(10):
        while not task.done():
            await clock.advance(timedelta(milliseconds=200))
            await asyncio.sleep(0.002)
    return await task


async def grown(adapter: SlackClient, scene: Scene, *texts: str) -> Receipt:
    """The message begun with the first text and grown by the others, each in its time."""
    receipt = await adapter.deliver(scene.owed(texts[0]))
    for text in texts[1:]:
        await scene.clock.advance(SECOND)
        await adapter.grow(scene.owed(text), receipt)
    return receipt


async def test_a_direct_message_flows(adapter: SlackClient, direct: Scene) -> None:
    assert isinstance(adapter, Grower)
    receipt = await grown(adapter, direct, "One", "One two **thr", "One two **three** four.")
    assert direct.texts == ["One", "One two", "One two three four."]
    assert direct.calls("chat.update") == []
    await direct.end_of(adapter, receipt)
    assert direct.calls("chat.stopStream") == ["ok"]
    assert direct.texts == [
        "One",
        "One two",
        "One two three four.",
        "One two three four. Five six!",
    ]


async def test_in_a_channel_a_message_is_changed(adapter: SlackClient, public: Scene) -> None:
    receipt = await grown(adapter, public, "One", "One two **three** f")
    (message,) = public.ours
    assert message.text == "One two three f"
    assert [block["type"] for block in message.blocks] == ["section", "context"]
    assert message.blocks[1]["elements"][0]["text"] == "…"
    await public.end_of(adapter, receipt)
    assert public.calls("chat.startStream") == []


@pytest.mark.parametrize("streaming", ["edit", "off"])
async def test_streams_can_be_done_without(
    connected: Connect, direct: Scene, streaming: str
) -> None:
    async with connected(streaming=streaming) as adapter:
        receipt = await grown(adapter, direct, "One", "One two")
        await direct.end_of(adapter, receipt)
    assert direct.calls("chat.startStream") == []


async def test_in_a_channel_a_stream_flows_to_whoever_wrote_last(
    connected: Connect, slack: SlackSimulator, host: PlayedHost, public: Scene
) -> None:
    async with connected(streaming="native") as adapter:
        ben = slack.add_user("ben")
        await slack.say(public.channel, ben, "me too", thread_ts=public.root)
        async with asyncio.timeout(10):
            while not host.accepted:
                await asyncio.sleep(0.002)
        receipt = await grown(adapter, public, "One", "One two")
        (start,) = [call for call in slack.calls if call.method == "chat.startStream"]
        assert start.outcome == "ok"
        assert start.arguments["recipient_user_id"] == ben
        assert start.arguments["recipient_team_id"] == slack.team_id
        await public.end_of(adapter, receipt)


async def test_in_a_channel_where_nobody_is_known_to_have_written_a_message_is_changed(
    connected: Connect, public: Scene
) -> None:
    async with connected(streaming="native") as adapter:
        receipt = await grown(adapter, public, "One", "One two")
        await public.end_of(adapter, receipt)
    assert public.calls("chat.startStream") == []


async def test_a_live_agent_and_what_has_no_words_yet_are_posted(
    adapter: SlackClient, direct: Scene
) -> None:
    owed = direct.owed("**On")
    anna = AgentReply(Author(AuthorKind.LIVE_AGENT, "Anna"), "Hello", unfinished=True)
    await adapter.deliver(owed)
    await adapter.deliver(msgspec.structs.replace(owed, content=anna))
    assert direct.calls("chat.startStream") == []
    assert len(direct.ours) == 2


@pytest.mark.parametrize("place", ["direct", "public"])
async def test_growth_keeps_to_its_pace(
    adapter: SlackClient, direct: Scene, public: Scene, place: str
) -> None:
    scene = direct if place == "direct" else public
    receipt = await grown(adapter, scene, "One")
    before = len(scene.slack.calls)
    await adapter.grow(scene.owed("One two"), receipt)
    assert len(scene.slack.calls) == before
    await scene.clock.advance(SECOND)
    await adapter.grow(scene.owed("One two"), receipt)
    await adapter.grow(scene.owed("One two three"), receipt)
    assert len(scene.slack.calls) == before + 1


@pytest.mark.parametrize(
    "error",
    [
        "channel_type_not_supported",
        "feature_not_enabled",
        "unknown_method",
        "missing_recipient_user_id",
        "not_allowed",
        "invalid_thread_ts",
        "restricted_action",
    ],
)
async def test_where_no_stream_may_be_the_same_delivery_is_posted(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene, error: str
) -> None:
    slack.refuse_streams(error)
    receipt = await grown(adapter, direct, "One", "One two")
    await direct.end_of(adapter, receipt)


@pytest.mark.thorough
async def test_a_workspace_without_streams_is_asked_again_only_after_an_hour(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    slack.refuse_streams("feature_not_enabled")
    for number in (1, 2, 3):
        await adapter.deliver(direct.owed("One", number=number))
    assert direct.calls("chat.startStream") == ["feature_not_enabled"]
    await direct.clock.advance(timedelta(hours=1, seconds=1))
    slack.allow_streams()
    await adapter.deliver(direct.owed("One", number=4))
    assert direct.calls("chat.startStream") == ["feature_not_enabled", "ok"]


async def test_a_start_that_must_wait_is_posted_at_once(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    slack.rate_limit("chat.startStream")
    receipt = await grown(adapter, direct, "One", "One two")
    await direct.end_of(adapter, receipt)


async def test_appends_beyond_slacks_rate_are_left_out(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    receipt = await grown(adapter, direct, "One", "One two")
    slack.rate_limit("chat.appendStream", after=timedelta(seconds=5))
    for text in ("One two three", "One two three four"):
        await direct.clock.advance(SECOND)
        with pytest.raises(RetryLater):
            await adapter.grow(direct.owed(text), receipt)
    await direct.clock.advance(timedelta(seconds=6))
    await passing(direct.clock, adapter.grow(direct.owed("One two three four, five"), receipt))
    assert direct.texts == ["One", "One two", "One two three four, five"]
    await direct.end_of(adapter, receipt)


async def test_words_that_change_are_left_to_the_end(adapter: SlackClient, direct: Scene) -> None:
    receipt = await grown(adapter, direct, "One too", "Another beginning")
    assert direct.texts == ["One too"]
    await direct.end_of(adapter, receipt)


@pytest.mark.parametrize("lost", ["request", "response"])
async def test_words_that_may_have_arrived_are_not_appended_again(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene, lost: str
) -> None:
    receipt = await grown(adapter, direct, "One")
    (slack.lose_request if lost == "request" else slack.lose_response)("chat.appendStream")
    await direct.clock.advance(SECOND)
    with pytest.raises(BridgeError):
        await adapter.grow(direct.owed("One two"), receipt)
    await direct.clock.advance(SECOND)
    await adapter.grow(direct.owed("One two three"), receipt)
    assert direct.texts[-1] == "One two three"
    assert direct.calls("chat.stopStream") == ["ok"]
    await direct.end_of(adapter, receipt)


async def test_a_growth_that_was_given_up_is_not_appended_again(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    receipt = await grown(adapter, direct, "One")
    slack.slow("chat.appendStream", timedelta(minutes=1))
    await direct.clock.advance(SECOND)
    growth = asyncio.create_task(adapter.grow(direct.owed("One two"), receipt))
    async with asyncio.timeout(10):
        while len(direct.texts) < 2:
            await asyncio.sleep(0.002)
    growth.cancel()
    await asyncio.gather(growth, return_exceptions=True)
    await direct.clock.advance(SECOND)
    await adapter.grow(direct.owed("One two three"), receipt)
    assert direct.texts == ["One", "One two", "One two three"]
    await direct.end_of(adapter, receipt)


async def test_before_slack_ends_a_stream_the_message_goes_on_by_changes(
    adapter: SlackClient, direct: Scene
) -> None:
    receipt = await grown(adapter, direct, "One", "One two")
    await direct.clock.advance(timedelta(minutes=4))
    await adapter.grow(direct.owed("One two three"), receipt)
    await direct.clock.advance(SECOND)
    await adapter.grow(direct.owed("One two three four"), receipt)
    assert direct.calls("chat.stopStream") == ["ok"]
    assert direct.texts == ["One", "One two", "One two three", "One two three four"]
    await direct.end_of(adapter, receipt)


async def test_a_long_stream_goes_on_by_changes_before_its_limit(
    adapter: SlackClient, direct: Scene
) -> None:
    receipt = await grown(adapter, direct, "One", "a " * 4000, "a " * 4600)
    assert "msg_too_long" not in direct.calls("chat.appendStream")
    receipt_of_long = await grown(adapter, direct, "One", "a " * 5000)
    assert receipt_of_long != receipt
    assert all(m.streaming_state != "in_progress" for m in direct.ours[1:])


async def test_a_stream_that_expired_is_finished_by_a_change(
    adapter: SlackClient, direct: Scene
) -> None:
    receipt = await grown(adapter, direct, "One", "One two")
    await direct.clock.advance(timedelta(minutes=6))
    assert direct.texts == ["One", "One two"]
    await direct.end_of(adapter, receipt)
    assert direct.calls("chat.stopStream") == ["message_not_in_streaming_state"]


async def test_a_stream_that_expired_unnoticed_grows_on(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    receipt = await grown(adapter, direct, "One")
    slack.fail("chat.appendStream", "message_not_in_streaming_state")
    slack.fail("chat.update", "streaming_state_conflict")
    await direct.clock.advance(SECOND)
    await adapter.grow(direct.owed("One two"), receipt)
    assert direct.texts == ["One", "One two"]
    await direct.end_of(adapter, receipt)


async def test_whoever_stops_a_stream_sees_no_more_until_the_end(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    receipt = await grown(adapter, direct, "One")
    await slack.stop_stream(direct.channel, direct.ours[0].ts)
    for text in ("One two", "One two three"):
        await direct.clock.advance(SECOND)
        await adapter.grow(direct.owed(text), receipt)
    assert direct.texts == ["One"]
    await direct.end_of(adapter, receipt)


@pytest.mark.parametrize("texts", [("One",), ("One", "One two")])
@pytest.mark.parametrize("place", ["direct", "public"])
async def test_after_a_restart_the_same_message_is_finished(
    connected: Connect, direct: Scene, public: Scene, place: str, texts: tuple[str, ...]
) -> None:
    scene = direct if place == "direct" else public
    async with connected() as adapter:
        receipt = await grown(adapter, scene, *texts)
    async with connected() as adapter:
        await scene.end_of(adapter, receipt)


async def test_after_a_restart_the_same_message_grows_on(connected: Connect, direct: Scene) -> None:
    async with connected() as adapter:
        receipt = await grown(adapter, direct, "One", "One two")
    async with connected() as adapter:
        await adapter.grow(direct.owed("One two three"), receipt)
        assert direct.texts[-1] == "One two three"
        await direct.end_of(adapter, receipt)
        await direct.clock.advance(SECOND)
        await adapter.grow(direct.owed("One two three"), receipt)
        assert direct.texts[-1] == "One two three four. Five six!"


async def test_a_late_growth_does_not_undo_the_end(adapter: SlackClient, public: Scene) -> None:
    receipt = await grown(adapter, public, "One")
    await public.end_of(adapter, receipt)
    await public.clock.advance(SECOND)
    await adapter.grow(public.owed("One two"), receipt)
    await public.end_of(adapter, receipt)


async def test_the_end_waits_for_a_growth_under_way(
    adapter: SlackClient, slack: SlackSimulator, public: Scene
) -> None:
    receipt = await grown(adapter, public, "One")
    slack.slow("chat.update", 2 * SECOND)
    await public.clock.advance(SECOND)
    growth = asyncio.create_task(adapter.grow(public.owed("One two"), receipt))
    async with asyncio.timeout(10):
        while len(public.texts) < 2:
            await asyncio.sleep(0.002)
    end = asyncio.create_task(adapter.revise(public.owed(WORDS, more=False), receipt))
    await asyncio.sleep(0.02)
    assert public.calls("chat.update") == ["ok"]
    await public.clock.advance(3 * SECOND)
    await asyncio.gather(growth, end)
    assert public.texts == ["One", "One two", "One two three four. Five six!"]


@pytest.mark.parametrize("method", ["chat.stopStream", "chat.update"])
@pytest.mark.parametrize("fault", ["rate_limit", "lose_request", "lose_response", "http_error"])
async def test_an_end_that_fails_can_be_repeated(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene, method: str, fault: str
) -> None:
    receipt = await grown(adapter, direct, "One", "One two")
    getattr(slack, fault)(method)
    with pytest.raises(BridgeError):
        await adapter.revise(direct.owed(WORDS, more=False), receipt)
    await direct.clock.advance(timedelta(seconds=31))
    await passing(direct.clock, direct.end_of(adapter, receipt))


# A lost answer


async def test_a_start_whose_answer_was_lost_is_found_and_finished(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    await adapter.deliver(direct.owed("Before", more=False, number=7))
    slack.posts.clear()
    await slack.say(direct.channel, slack.add_user("ben"), "One", thread_ts=direct.root)
    since = direct.clock.now()
    slack.lose_response("chat.startStream")
    with pytest.raises(MaybeDelivered):
        await adapter.deliver(direct.owed("One *two* < 3 & so"))
    receipt = await adapter.find(direct.owed("One *two* < 3 & so"), since=since)
    assert receipt == Receipt(f"{direct.channel}:{direct.ours[-1].ts}")
    await direct.clock.advance(SECOND)
    await adapter.grow(direct.owed("One *two* < 3 & so on"), receipt)
    await adapter.revise(direct.owed(WORDS, more=False), receipt)
    assert [m.text for m in direct.ours] == ["Before", "One two three four. Five six!"]
    assert await adapter.find(direct.owed("One"), since=since) == receipt


async def test_a_start_that_never_arrived_is_not_taken_for_another(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    await adapter.deliver(direct.owed("One two", number=7))  # still grows, and has no mark
    since = direct.clock.now()
    slack.lose_request("chat.startStream")
    with pytest.raises(MaybeDelivered):
        await adapter.deliver(direct.owed("One two"))
    search = asyncio.create_task(adapter.find(direct.owed("One two"), since=since))
    await asyncio.sleep(0.05)
    await direct.clock.advance(timedelta(seconds=31))
    assert await search is None


@pytest.mark.parametrize("trouble", ["marked", "older", "other", "whole"])
async def test_only_a_new_message_without_a_mark_that_begins_alike_is_found(
    connected: Connect, direct: Scene, trouble: str
) -> None:
    async with connected() as adapter:
        words = "Two" if trouble == "other" else "One two"
        receipt = await adapter.deliver(direct.owed(words, number=7))
        if trouble == "marked":
            done = direct.owed("One two three", more=False, number=7)
            await adapter.revise(done, receipt)
    if trouble == "older":
        await direct.clock.advance(timedelta(minutes=10))
    since = direct.clock.now() - SECOND
    owed = direct.owed("One two", more=trouble != "whole")  # what is whole is no stream's
    async with connected(in_doubt_wait="1ms") as adapter:
        assert await adapter.find(owed, since=since) is None


async def test_after_a_restart_a_start_whose_answer_was_lost_is_found(
    connected: Connect, slack: SlackSimulator, direct: Scene
) -> None:
    since = direct.clock.now()
    slack.lose_response("chat.startStream")
    async with connected() as adapter:
        with pytest.raises(MaybeDelivered):
            await adapter.deliver(direct.owed("One two"))
    async with connected() as adapter:
        receipt = await adapter.find(direct.owed("One two"), since=since)
        assert receipt is not None
        await direct.end_of(adapter, receipt)


async def test_a_stream_that_landed_outside_its_deleted_thread_is_taken_back(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    await slack.delete(direct.channel, direct.root)
    receipt = await adapter.deliver(direct.owed("One"))
    with pytest.raises(ThreadClosed):
        await adapter.revise(direct.owed(WORDS, more=False), receipt)
    assert all(message.deleted for message in slack.messages(direct.channel))


# What one person alone is to see


def private(scene: Scene, person: str, number: int = 1) -> Outbound:
    owed = scene.owed("", number=number)
    notice = Notice(NoticeKind.STALE)
    return msgspec.structs.replace(owed, content=notice, only_for=PersonId(person))


async def test_private_words_stand_in_the_thread_for_one_person(
    adapter: SlackClient, slack: SlackSimulator, public: Scene
) -> None:
    ben = slack.add_user("ben")
    await adapter.deliver(private(public, ben))
    (seen,) = slack.ephemerals
    assert (seen.user, seen.thread_ts, seen.channel) == (ben, public.root, public.channel)
    assert seen.text
    assert public.ours == []


async def test_private_words_in_a_direct_message_are_a_post_like_any(
    adapter: SlackClient, slack: SlackSimulator, direct: Scene
) -> None:
    since = direct.clock.now()
    owed = private(direct, "U1")
    receipt = await adapter.deliver(owed)
    assert slack.ephemerals == []
    assert await adapter.find(owed, since=since) == receipt


async def test_private_words_whose_answer_was_lost_are_not_looked_for(
    adapter: SlackClient, slack: SlackSimulator, public: Scene
) -> None:
    ben = slack.add_user("ben")
    slack.lose_response("chat.postEphemeral")
    with pytest.raises(MaybeDelivered):
        await adapter.deliver(private(public, ben))
    with pytest.raises(MaybeDelivered, match="only they"):
        await adapter.find(private(public, ben), since=public.clock.now())


@pytest.mark.parametrize("person", ["U0NOBODY", "ann", ""])
async def test_private_words_for_who_is_not_there_are_refused(
    adapter: SlackClient, public: Scene, person: str
) -> None:
    with pytest.raises(Rejected):
        await adapter.deliver(private(public, person))


# Signs of life


@pytest.mark.parametrize(
    "error", ["invalid_thread_ts", "unknown_method", "feature_not_enabled", "missing_scope"]
)
async def test_a_status_that_cannot_be_shown_is_no_trouble(
    adapter: SlackClient, slack: SlackSimulator, public: Scene, error: str
) -> None:
    slack.fail("assistant.threads.setStatus", error)
    await adapter.signal(public.owed("").thread, Signal(SignalKind.THINKING))


@pytest.mark.thorough
@pytest.mark.parametrize("error", ["unknown_method", "feature_not_enabled", "missing_scope"])
async def test_a_workspace_without_statuses_is_asked_again_only_after_an_hour(
    adapter: SlackClient, slack: SlackSimulator, public: Scene, error: str
) -> None:
    slack.fail("assistant.threads.setStatus", error)
    for _ in range(3):
        await adapter.signal(public.owed("").thread, Signal(SignalKind.THINKING))
    assert public.calls("assistant.threads.setStatus") == [error]
    await public.clock.advance(timedelta(hours=1, seconds=1))
    await adapter.signal(public.owed("").thread, Signal(SignalKind.THINKING))
    assert slack.status(public.channel, public.root) == "is thinking…"


async def test_an_unfinished_message_keeps_what_it_offers(
    adapter: SlackClient, public: Scene
) -> None:
    owed = public.owed("Which?")
    offering = AgentReply(AGENT, "Which?", suggestions=(Suggestion("A"),), unfinished=True)
    await adapter.deliver(msgspec.structs.replace(owed, content=offering))
    (message,) = public.ours
    assert [block["type"] for block in message.blocks] == ["section", "actions", "context"]
