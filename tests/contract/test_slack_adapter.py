"""Does the Slack adapter keep its promises? Against the simulated Slack, over real connections."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from itertools import count

import aiohttp
import msgspec
import pytest

from adapters.slack.client import SlackClient
from adapters.slack.connection import connect
from adapters.slack.doors.socket import Pace
from adapters.slack.settings import SlackSettings
from bridge.errors import (
    CredentialsRefused,
    DatabaseFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.model.delivery import Outbound, Receipt, retired
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    Inbound,
    InboundBody,
    RetryAsked,
    Said,
    StartAsked,
)
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Author,
    AuthorKind,
    Choice,
    Content,
    Control,
    Notice,
    NoticeKind,
    Person,
    Suggestion,
)
from bridge.plugin import Accepted, Announcer, Finder, Reviser, Signal, SignalKind, Signaller
from bridge.simulators.slack import RateLimits, SlackSimulator
from bridge.testing.host import PlayedHost

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENT = Author(AuthorKind.AGENT)
ANNA = Author(AuthorKind.LIVE_AGENT, "Anna", "https://pictures.example/anna.png")
BRISK = Pace(
    ping=timedelta(seconds=5),
    handshake=timedelta(milliseconds=300),
    farewell=timedelta(milliseconds=300),
)


CONNECT = "apps.connections.open"


class HandClock:
    """A clock that stands still until it is moved; the adapter's and the simulator's alike."""

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

    def advance(self, duration: timedelta) -> None:
        self._now += duration
        for due, future in self._sleepers:
            if due <= self._now and not future.done():
                future.set_result(None)


class CountedIds:
    """n0, n1, n2 …"""

    def __init__(self) -> None:
        self._numbers = count()

    def new(self) -> str:
        return f"n{next(self._numbers)}"


class RecordingHost(PlayedHost):
    """A host that keeps what it is given; `before` runs inside each `accept`."""

    clock: HandClock

    def __init__(self, clock: HandClock, http: aiohttp.ClientSession) -> None:
        super().__init__(clock, http)
        self.before: Callable[[], Awaitable[None]] | None = None

    async def accept(self, inbound: Inbound) -> Accepted:
        if self.before is not None:
            await self.before()
        return await super().accept(inbound)


def is_adapters(task: asyncio.Task[object]) -> bool:
    """Whether a task runs code of the adapter, or of the SDK, which only the adapter uses here."""
    return any(room in repr(task) for room in ("slack_sdk", "adapters/slack"))


async def passing(clock: HandClock, condition: Callable[[], object]) -> None:
    """Let time pass until it holds."""
    async with asyncio.timeout(10):
        while not condition():
            clock.advance(timedelta(seconds=2))
            await asyncio.sleep(0.005)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait, in real time, for what loopback traffic brings."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


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
        yield client


@pytest.fixture
def channel(slack: SlackSimulator) -> str:
    return slack.add_channel("support")


@pytest.fixture
def ann(slack: SlackSimulator) -> str:
    return slack.add_user("ann")


def settings_of(slack: SlackSimulator, **changes: object) -> SlackSettings:
    given: dict[str, object] = {
        "type": "slack",
        "bot_token": "xoxb-simulated",
        "app_token": "xapp-simulated",
        "api_url": slack.api_url,
    }
    return SlackSettings.model_validate(given | changes)


def connected(
    slack: SlackSimulator, host: RecordingHost
) -> AbstractAsyncContextManager[SlackClient]:
    return connect(settings_of(slack), host, BRISK)


def outbound(
    slack: SlackSimulator, channel: str, root: str, content: Content, *, number: int = 1
) -> Outbound:
    return Outbound(
        id=DeliveryId(f"c1.{number}"),
        thread=ThreadKey(f"{slack.team_id}:{channel}:{root}"),
        content=content,
        owed_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )


def reply(text: str = "Hello", *suggestions: str, author: Author = AGENT) -> AgentReply:
    return AgentReply(author, text, suggestions=tuple(map(Suggestion, suggestions)))


async def asked(slack: SlackSimulator, channel: str, ann: str) -> str:
    """A thread that waits for an answer: its root's ts."""
    return await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")


# Connecting


async def test_it_offers_every_optional_verb(adapter: SlackClient) -> None:
    assert isinstance(adapter, Announcer)
    assert isinstance(adapter, Finder)
    assert isinstance(adapter, Reviser)
    assert isinstance(adapter, Signaller)


async def test_it_reports_the_connection_once(adapter: SlackClient, host: RecordingHost) -> None:
    assert host.reports == [True]


async def test_it_leaves_no_task_behind(slack: SlackSimulator, host: RecordingHost) -> None:
    async with connected(slack, host):
        await slack.connected()
        slack.disconnect("refresh_requested")
        await eventually(lambda: slack.connections > 2)
        assert any(map(is_adapters, asyncio.all_tasks()))
    assert not any(map(is_adapters, asyncio.all_tasks()))


async def test_a_failure_inside_the_block_comes_out_as_it_is(
    slack: SlackSimulator, host: RecordingHost
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with connected(slack, host):
            _ = 1 // 0


@pytest.mark.parametrize("setting", ["bot_token", "app_token"])
async def test_a_wrong_token_is_refused_without_quoting_it(
    slack: SlackSimulator, host: RecordingHost, setting: str
) -> None:
    token = f"{'xoxb' if setting == 'bot_token' else 'xapp'}-not-this-one"
    with pytest.raises(CredentialsRefused) as refused:
        async with connect(settings_of(slack, **{setting: token}), host):
            pass
    assert setting in str(refused.value)
    assert token not in str(refused.value)


async def test_a_slack_that_is_away_is_unreachable(
    slack: SlackSimulator, host: RecordingHost
) -> None:
    away = settings_of(slack, api_url="http://127.0.0.1:9/api/")
    with pytest.raises(Unreachable):
        async with connect(away, host):
            pass


async def test_trouble_while_connecting_is_unreachable(
    slack: SlackSimulator, host: RecordingHost
) -> None:
    slack.refuse_connections("internal_error")
    with pytest.raises(Unreachable):
        async with connected(slack, host):
            pass


async def test_a_socket_that_cannot_be_opened_is_unreachable(
    slack: SlackSimulator, host: RecordingHost
) -> None:
    slack.refuse_handshakes(n=1000)
    with pytest.raises(Unreachable, match="WebSocket"):
        async with connected(slack, host):
            pass
    assert not any(map(is_adapters, asyncio.all_tasks()))


async def test_socket_mode_switched_off_and_on_again_is_survived(
    adapter: SlackClient,
    slack: SlackSimulator,
    host: RecordingHost,
    clock: HandClock,
    ann: str,
) -> None:
    await eventually(lambda: slack.sockets == 2)
    slack.switch_off_socket_mode()
    await passing(clock, lambda: host.reports == [True, False])
    slack.switch_on_socket_mode()
    await passing(clock, lambda: host.reports == [True, False, True])
    await slack.direct_message(ann, "hi")
    await eventually(lambda: host.accepted)


async def test_leaving_lets_what_is_being_stored_be_acked(
    slack: SlackSimulator, host: RecordingHost, ann: str
) -> None:
    begun = asyncio.Event()

    async def slow_commit() -> None:
        begun.set()
        await asyncio.sleep(0.02)

    host.before = slow_commit
    async with connected(slack, host):
        await slack.direct_message(ann, "hi")
        await begun.wait()
    await eventually(lambda: slack.envelopes[0].acked)


async def test_leaving_does_not_wait_for_ever(
    slack: SlackSimulator, host: RecordingHost, ann: str
) -> None:
    begun = asyncio.Event()

    async def stuck() -> None:
        begun.set()
        await asyncio.Event().wait()

    host.before = stuck
    async with connected(slack, host):
        await slack.direct_message(ann, "hi")
        await begun.wait()
    assert not slack.envelopes[0].acked
    assert not any(map(is_adapters, asyncio.all_tasks()))


# Receiving


async def test_a_mention_opens_and_its_twin_is_equal(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, channel: str, ann: str
) -> None:
    ts = await asked(slack, channel, ann)
    await eventually(lambda: len(host.accepted) == 2)
    first, second = host.accepted
    assert first == second
    assert first.body == Said("hello")
    assert first.opens
    assert first.thread == f"{slack.team_id}:{channel}:{ts}"
    assert first.place == channel


async def test_a_reply_in_a_thread_needs_no_mention(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, channel: str, ann: str
) -> None:
    root = await slack.say(channel, ann, "just talk")
    await slack.say(channel, ann, "I &lt;3 it", thread_ts=root)
    await eventually(lambda: host.accepted)
    (inbound,) = host.accepted
    assert (inbound.body, inbound.opens) == (Said("I <3 it"), False)


async def test_a_direct_message_opens(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, ann: str
) -> None:
    await slack.direct_message(ann, "hi")
    await eventually(lambda: host.accepted)
    assert host.accepted[0].opens


async def test_our_own_posts_and_other_bots_are_not_heard_but_acked(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    await eventually(lambda: len(host.accepted) == 2)
    await adapter.deliver(outbound(slack, channel, root, reply()))
    await adapter.deliver(outbound(slack, channel, root, reply(author=ANNA), number=2))
    await slack.say_as_other_bot(channel, f"<@{slack.bot_user_id}> beep", thread_ts=root)
    await eventually(lambda: all(e.acked for e in slack.envelopes))
    assert len(slack.envelopes) > 4
    assert len(host.accepted) == 2


async def test_the_ack_leaves_only_after_accept_has_returned(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, ann: str
) -> None:
    begun, stored = asyncio.Event(), asyncio.Event()

    async def slow_commit() -> None:
        begun.set()
        await stored.wait()

    host.before = slow_commit
    await slack.direct_message(ann, "hi")
    await begun.wait()
    await asyncio.sleep(0.02)
    assert not slack.envelopes[0].acked
    stored.set()
    await eventually(lambda: slack.envelopes[0].acked)


async def test_what_could_not_be_stored_comes_again(
    adapter: SlackClient,
    slack: SlackSimulator,
    host: RecordingHost,
    clock: HandClock,
    ann: str,
) -> None:
    failures: list[DatabaseFailed] = []

    async def fail_once() -> None:
        if not failures:
            failures.append(DatabaseFailed("the disk is full"))
            raise failures[0]

    host.before = fail_once
    await slack.direct_message(ann, "hi")
    await eventually(lambda: failures)
    await asyncio.sleep(0.02)
    assert not host.accepted
    assert not slack.envelopes[0].acked
    async with asyncio.timeout(10):
        while not slack.envelopes[0].acked:
            clock.advance(timedelta(seconds=1))
            await asyncio.sleep(0.002)
    assert len(host.accepted) == 1


async def test_an_event_on_which_we_stumble_is_told_and_comes_again(
    adapter: SlackClient,
    slack: SlackSimulator,
    host: RecordingHost,
    clock: HandClock,
    ann: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults: list[Exception] = [KeyError("a bug")]

    async def stumble_once() -> None:
        if faults:
            raise faults.pop()

    host.before = stumble_once
    await slack.direct_message(ann, "hi")
    await eventually(lambda: not faults)
    assert not slack.envelopes[0].acked
    await passing(clock, lambda: slack.envelopes[0].acked)

    assert len(host.accepted) == 1
    told = [record for record in caplog.records if record.getMessage() == "slack.surprise"]
    assert [record.__dict__["error"] for record in told] == ["KeyError"]


async def test_garbage_on_the_socket_is_survived(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, ann: str
) -> None:
    for text in ("{not json", "[]", "7", '{"type":"events_api","envelope_id":"e","payload":7}'):
        slack.deliver_garbage(text)
    await slack.direct_message(ann, "hi")
    await eventually(lambda: host.accepted)


async def test_a_renewed_connection_goes_on_without_a_report(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, ann: str
) -> None:
    await eventually(lambda: slack.sockets == 2)
    slack.disconnect("refresh_requested")
    await eventually(lambda: slack.connections == 4)
    await slack.direct_message(ann, "hi")
    await eventually(lambda: host.accepted)
    assert host.reports == [True]


@pytest.mark.thorough  # it waits in real time
async def test_a_lost_connection_is_reported_once_and_mended(
    adapter: SlackClient,
    slack: SlackSimulator,
    host: RecordingHost,
    clock: HandClock,
    ann: str,
) -> None:
    slack.refuse_handshakes(n=20)
    slack.drop_sockets()
    async with asyncio.timeout(10):
        while len(host.reports) < 3:
            clock.advance(timedelta(seconds=2))
            await asyncio.sleep(0.02)
    assert host.reports == [True, False, True]
    await slack.direct_message(ann, "hi")
    await eventually(lambda: host.accepted)


async def test_a_click_comes_back_as_the_suggestion_it_was(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    receipt = await adapter.deliver(outbound(slack, channel, root, reply("Which?", "A", "B")))
    ts = receipt.reference.partition(":")[2]
    result = await slack.click(channel, ts, ann, text="B")
    assert result.acked
    inbound = host.accepted[-1]
    assert inbound.body == Clicked(DeliveryId("c1.1"), 1, Suggestion("B").mark)
    assert inbound.thread == f"{slack.team_id}:{channel}:{root}"
    assert not inbound.opens


async def test_of_many_suggestions_one_is_chosen_from_a_menu(
    adapter: SlackClient, slack: SlackSimulator, host: RecordingHost, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    offered = [f"Choice {number}" for number in range(100)]
    receipt = await adapter.deliver(outbound(slack, channel, root, reply("Which?", *offered)))
    ts = receipt.reference.partition(":")[2]
    assert (await slack.click(channel, ts, ann, text="Choice 99")).acked
    mark = Suggestion("Choice 99").mark
    assert host.accepted[-1].body == Clicked(DeliveryId("c1.1"), 99, mark)


@pytest.mark.parametrize(
    ("notice", "words", "body", "opens"),
    [
        (
            Notice(NoticeKind.ENDED, controls=(Control.START,)),
            "Start again",
            StartAsked(DeliveryId("c1.1")),
            True,
        ),
        (
            Notice(NoticeKind.NOT_DELIVERED, {"text": "hi"}, controls=(Control.RETRY,)),
            "Try again",
            RetryAsked(DeliveryId("c1.1")),
            True,
        ),
        (
            Notice(NoticeKind.HANDOFF_WAITING, controls=(Control.CANCEL,)),
            "Cancel waiting",
            CancelAsked(DeliveryId("c1.1")),
            False,
        ),
    ],
    ids=["start", "retry", "cancel"],
)
async def test_a_notices_button_asks_for_what_it_says_in_the_same_thread(
    adapter: SlackClient,
    slack: SlackSimulator,
    host: RecordingHost,
    channel: str,
    ann: str,
    notice: Notice,
    words: str,
    body: InboundBody,
    *,
    opens: bool,
) -> None:
    root = await asked(slack, channel, ann)
    receipt = await adapter.deliver(outbound(slack, channel, root, notice))
    ts = receipt.reference.partition(":")[2]
    assert (await slack.click(channel, ts, ann, text=words)).acked
    inbound = host.accepted[-1]
    assert (inbound.body, inbound.opens) == (body, opens)
    assert inbound.thread == f"{slack.team_id}:{channel}:{root}"


async def test_a_notice_that_offers_nothing_any_more_loses_its_button(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    waiting = Notice(NoticeKind.HANDOFF_WAITING, {"position": "2"}, controls=(Control.CANCEL,))
    receipt = await adapter.deliver(outbound(slack, channel, root, waiting))
    ts = receipt.reference.partition(":")[2]
    found = Notice(NoticeKind.HANDOFF_FOUND)
    await adapter.revise(outbound(slack, channel, root, found), receipt)
    (_, shown) = slack.messages(channel, root)
    assert [block["type"] for block in shown.blocks] == ["context"]
    with pytest.raises(LookupError):
        await slack.click(channel, ts, ann, text="Cancel waiting")


# Delivering


async def test_a_reply_lands_in_its_thread_and_nowhere_else(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    receipt = await adapter.deliver(outbound(slack, channel, root, reply("Hello **you**")))
    (_, shown) = slack.messages(channel, root)
    assert receipt == Receipt(f"{channel}:{shown.ts}")
    assert shown.blocks[0]["text"]["text"] == "Hello *you*"
    assert shown.text == "Hello you"
    assert [m.ts for m in slack.messages(channel)] == [root]


async def test_a_lost_response_is_open_until_find_has_looked(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    owed = outbound(slack, channel, root, reply())
    slack.lose_response("chat.postMessage")
    with pytest.raises(MaybeDelivered):
        await adapter.deliver(owed)
    found = await adapter.find(owed, since=clock.now())
    (shown,) = slack.posts
    assert found == Receipt(f"{channel}:{shown.ts}")


async def test_a_customised_post_is_found_too(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    owed = outbound(slack, channel, root, reply(author=ANNA))
    receipt = await adapter.deliver(owed)
    assert await adapter.find(owed, since=clock.now()) == receipt


async def test_absence_counts_only_after_the_wait(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    owed = outbound(slack, channel, root, reply())
    slack.lose_request("chat.postMessage")
    with pytest.raises(MaybeDelivered):
        await adapter.deliver(owed)
    search = asyncio.create_task(adapter.find(owed, since=clock.now()))
    await eventually(lambda: [c for c in slack.calls if c.method == "conversations.replies"])
    await asyncio.sleep(0.02)
    assert not search.done()
    clock.advance(timedelta(seconds=30))
    assert await search is None


async def test_find_reads_every_page_and_takes_only_our_own(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    for number in range(210):
        await slack.say(channel, ann, f"polyai:c1.1 {number}", thread_ts=root)
    owed = outbound(slack, channel, root, reply())
    receipt = await adapter.deliver(owed)
    assert await adapter.find(owed, since=clock.now()) == receipt
    other = outbound(slack, channel, root, reply(), number=2)
    assert await adapter.find(other, since=clock.now() - timedelta(hours=1)) is None


async def test_a_rate_limit_says_when(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    slack.rate_limit("chat.postMessage", after=timedelta(seconds=7))
    with pytest.raises(RetryLater) as later:
        await adapter.deliver(outbound(slack, channel, root, reply()))
    assert later.value.after == timedelta(seconds=7)
    assert not slack.posts


async def test_a_bare_server_error_leaves_a_post_open_but_not_a_change(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    owed = outbound(slack, channel, root, reply())
    slack.http_error("chat.postMessage", 503)
    with pytest.raises(MaybeDelivered):
        await adapter.deliver(owed)
    receipt = await adapter.deliver(owed)
    slack.http_error("chat.update", 503)
    with pytest.raises(Unreachable):
        await adapter.revise(owed, receipt)


async def test_an_archived_channel_refuses_for_good(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    slack.archive(channel)
    with pytest.raises(Rejected, match="is_archived"):
        await adapter.deliver(outbound(slack, channel, root, reply()))


async def test_a_revoked_token_calls_a_person(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    slack.revoke_token("account_inactive")
    with pytest.raises(CredentialsRefused, match="account_inactive"):
        await adapter.deliver(outbound(slack, channel, root, reply()))


async def test_a_missing_scope_is_named(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    slack.revoke_scope("chat:write")
    with pytest.raises(CredentialsRefused, match="chat:write"):
        await adapter.deliver(outbound(slack, channel, root, reply()))


async def test_a_reply_to_a_deleted_root_is_taken_back(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    await slack.delete(channel, root)
    with pytest.raises(Rejected, match="thread is gone"):
        await adapter.deliver(outbound(slack, channel, root, reply()))
    assert all(message.deleted for message in slack.messages(channel))


async def test_a_reply_to_a_deleted_root_whose_answer_was_lost_is_taken_back(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str, clock: HandClock
) -> None:
    root = await asked(slack, channel, ann)
    await slack.delete(channel, root)
    slack.lose_response("chat.postMessage")
    since = clock.now()
    with pytest.raises(MaybeDelivered):
        await adapter.deliver(outbound(slack, channel, root, reply()))
    with pytest.raises(ThreadClosed, match="thread is gone"):
        await adapter.find(outbound(slack, channel, root, reply()), since=since)
    assert all(message.deleted for message in slack.messages(channel))


async def test_a_stray_that_cannot_be_deleted_is_owned_up_to(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    await slack.delete(channel, root)
    slack.fail("chat.delete", "compliance_exports_prevent_deletion")
    with pytest.raises(Rejected, match="by hand"):
        await adapter.deliver(outbound(slack, channel, root, reply()))


async def test_a_live_agent_speaks_under_their_name_and_picture(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    await adapter.deliver(outbound(slack, channel, root, reply(author=ANNA)))
    (shown,) = slack.posts
    assert (shown.username, shown.icon_url) == ("Anna", ANNA.picture_url)


@pytest.mark.parametrize("silently", [True, False])
async def test_without_the_scope_the_name_stands_in_the_text(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str, *, silently: bool
) -> None:
    root = await asked(slack, channel, ann)
    slack.revoke_scope("chat:write.customize", silently=silently)
    for number in (1, 2):
        content = reply("I am here", author=ANNA)
        await adapter.deliver(outbound(slack, channel, root, content, number=number))
    shown = slack.posts[-1]
    assert shown.username is None
    assert shown.blocks[0]["elements"][0]["text"] == "*Anna*"
    refused = [c for c in slack.calls if c.method == "chat.postMessage" and c.outcome != "ok"]
    assert len(refused) == (0 if silently else 1)


async def test_a_picture_that_slack_cannot_show_becomes_a_link(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    picture = Attachment(AttachmentKind.IMAGE, "https://pictures.example/map.png", "Map")
    slack.fail("chat.postMessage", "invalid_blocks")
    content = AgentReply(AGENT, "Here", attachments=(picture,))
    await adapter.deliver(outbound(slack, channel, root, content))
    (shown,) = slack.posts
    assert shown.blocks[1]["text"]["text"] == "<https://pictures.example/map.png|Map>"


async def test_blocks_that_slack_refuses_become_plain_words_once(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    slack.fail("chat.postMessage", "invalid_blocks")
    owed = outbound(slack, channel, root, reply("Which?", "Left", "Right"))
    receipt = await adapter.deliver(owed)
    (shown,) = slack.posts
    assert (shown.blocks, shown.text) == ((), "Which?\nChoose: Left / Right")
    assert await adapter.find(owed, since=NOON) == receipt


async def test_words_that_slack_refuses_as_well_are_refused_for_good(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    slack.fail("chat.postMessage", "invalid_blocks", n=2)
    with pytest.raises(Rejected, match="invalid_blocks"):
        await adapter.deliver(outbound(slack, channel, root, reply()))


# Announcing


CALL = Notice(NoticeKind.HANDOFF_CALL, {"queue": "Billing", "mention": "S0123456789"})


def announcement(slack: SlackSimulator, channel: str, root: str, place: str) -> Outbound:
    return msgspec.structs.replace(outbound(slack, channel, root, CALL), place=place)


async def test_a_call_for_help_stands_at_the_top_of_its_channel_and_leads_to_the_thread(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    desk = slack.add_channel("helpers")
    receipt = await adapter.announce(announcement(slack, channel, root, desk))
    (shown,) = slack.messages(desk)
    assert receipt == Receipt(f"{desk}:{shown.ts}")
    assert not shown.is_reply
    assert shown.text.startswith("<!subteam^S0123456789> Somebody needs a person")
    address = "https://simulated.slack.com/archives"
    assert f"<{address}/{channel}/p{root.replace('.', '')}?thread_ts={root}" in shown.text
    assert shown.blocks[0]["text"]["text"] == shown.text
    assert len(slack.messages(channel, root)) == 1


@pytest.mark.thorough
async def test_a_call_whose_answer_was_lost_is_found_in_its_channel(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    desk = slack.add_channel("helpers")
    call = announcement(slack, channel, root, desk)
    slack.lose_response("chat.postMessage")
    with pytest.raises(MaybeDelivered):
        await adapter.announce(call)
    for number in range(210):
        await slack.say(desk, ann, f"polyai:c1.1 {number}")
    (shown,) = slack.posts
    assert await adapter.find(call, since=clock.now()) == Receipt(f"{desk}:{shown.ts}")


async def test_a_call_that_never_arrived_is_not_taken_from_the_thread(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    call = announcement(slack, channel, root, slack.add_channel("helpers"))
    await adapter.deliver(outbound(slack, channel, root, reply()))  # it bears the same id
    assert await adapter.find(call, since=clock.now() - timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("trouble", "told"),
    [("unknown", "channel_not_found"), ("outside", "invite"), ("archived", "is_archived")],
)
async def test_a_channel_that_cannot_be_written_to_refuses_a_call_for_good(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str, trouble: str, told: str
) -> None:
    root = await asked(slack, channel, ann)
    desk = "C0NOWHERE"
    if trouble != "unknown":
        desk = slack.add_channel("helpers", member=trouble != "outside")
    if trouble == "archived":
        slack.archive(desk)
    with pytest.raises(Rejected, match=told) as refused:
        await adapter.announce(announcement(slack, channel, root, desk))
    assert desk in refused.value.message
    assert refused.value.remedy
    assert not slack.posts


@pytest.mark.parametrize("place", ["#helpers", "D0123", "U0123", "c0123", "S0123"])
async def test_a_place_that_is_no_channel_is_refused_with_the_remedy(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str, place: str
) -> None:
    root = await asked(slack, channel, ann)
    with pytest.raises(Rejected, match="C0123456789"):
        await adapter.announce(announcement(slack, channel, root, place))
    with pytest.raises(Rejected, match="C0123456789"):
        await adapter.find(announcement(slack, channel, root, place), since=NOON)


async def test_a_scope_that_a_call_lacks_stops_only_the_call(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    """Refused credentials would be tried again for ever, and the thread would wait behind it."""
    root = await asked(slack, channel, ann)
    desk = slack.add_channel("helpers", private=True)
    slack.revoke_scope("groups:history")
    with pytest.raises(Rejected, match="groups:history") as refused:
        await adapter.find(announcement(slack, channel, root, desk), since=clock.now())
    assert "scope" in refused.value.remedy
    slack.revoke_scope("chat:write")
    with pytest.raises(Rejected, match="chat:write"):
        await adapter.announce(announcement(slack, channel, root, desk))


async def test_a_call_obeys_rate_limits_like_every_post(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    slack.rate_limit("chat.postMessage", after=timedelta(seconds=7))
    with pytest.raises(RetryLater):
        await adapter.announce(announcement(slack, channel, root, slack.add_channel("helpers")))


@pytest.mark.parametrize("key", ["", "T1", "T1:C1:now", "console:1"])
async def test_a_thread_that_is_not_ours_is_refused(adapter: SlackClient, key: str) -> None:
    owed = Outbound(
        id=DeliveryId("c1.1"),
        thread=ThreadKey(key),
        content=reply(),
        owed_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    with pytest.raises(Rejected):
        await adapter.deliver(owed)
    with pytest.raises(Rejected):
        await adapter.announce(msgspec.structs.replace(owed, place="C1"))


# Changing and signalling


async def test_a_choice_replaces_the_buttons_however_often_it_is_told(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    offered = reply("Which?", "A", "B")
    receipt = await adapter.deliver(outbound(slack, channel, root, offered))
    chosen = retired(offered, Choice("A", Person(PersonId(ann))))
    for _ in range(2):
        await adapter.revise(outbound(slack, channel, root, chosen), receipt)
    (_, shown) = slack.messages(channel, root)
    assert [block["type"] for block in shown.blocks] == ["section", "context"]
    assert shown.blocks[1]["elements"][0]["text"] == f"✓ *A* — chosen by <@{ann}>"
    assert slack.updates[0].blocks[0] == slack.updates[1].blocks[0]


async def test_a_changed_message_is_still_found(
    adapter: SlackClient, slack: SlackSimulator, clock: HandClock, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    owed = outbound(slack, channel, root, reply("Which?", "A"))
    receipt = await adapter.deliver(owed)
    await adapter.revise(outbound(slack, channel, root, reply("Never mind")), receipt)
    assert await adapter.find(owed, since=clock.now()) == receipt


async def test_a_message_that_is_gone_cannot_be_changed(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    owed = outbound(slack, channel, root, reply())
    receipt = await adapter.deliver(owed)
    await slack.delete(channel, receipt.reference.partition(":")[2])
    with pytest.raises(Rejected, match="message_not_found"):
        await adapter.revise(owed, receipt)
    with pytest.raises(Rejected):
        await adapter.revise(owed, Receipt("elsewhere"))


async def test_signs_of_life_are_shown_and_cleared(
    adapter: SlackClient, slack: SlackSimulator, channel: str, ann: str
) -> None:
    root = await asked(slack, channel, ann)
    thread = ThreadKey(f"{slack.team_id}:{channel}:{root}")
    shown = []
    for signal in (
        Signal(SignalKind.THINKING),
        Signal(SignalKind.TYPING, "Anna"),
        Signal(SignalKind.TYPING),
        Signal(SignalKind.CLEAR),
    ):
        await adapter.signal(thread, signal)
        shown.append(slack.status(channel, root))
    assert shown == ["is thinking…", "Anna is typing…", "is typing…", ""]


# Secrets


async def test_nothing_secret_and_no_words_reach_the_log(
    slack: SlackSimulator,
    host: RecordingHost,
    channel: str,
    ann: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected(slack, host) as adapter:
        root = await slack.say(channel, ann, f"<@{slack.bot_user_id}> confidential-word")
        slack.deliver_garbage('{"confidential-word')
        await eventually(lambda: len(host.accepted) == 2)
        await adapter.deliver(outbound(slack, channel, root, reply("confidential-word")))
        slack.refuse_handshakes(n=2)
        slack.drop_sockets()
        await eventually(lambda: [c.method for c in slack.calls].count(CONNECT) > 2)
    ours = [record for record in caplog.records if not record.name.startswith("aiohttp")]
    told = " ".join(f"{record.getMessage()} {record.__dict__}" for record in ours)
    for secret in ("confidential-word", "xoxb-simulated", "xapp-simulated", "ticket="):
        assert secret not in told
