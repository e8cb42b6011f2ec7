"""What settles a post whose answer was lost? Its echo, or one reading for all who doubt."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import msgspec
import pytest

from adapters.slack import ids
from adapters.slack.client import SlackClient
from adapters.slack.connection import connect
from adapters.slack.settings import SlackSettings
from bridge.errors import MaybeDelivered, RetryLater
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.simulators.slack import RateLimits, SlackSimulator
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost
from tests.unit.runtime.house import Counted

AGENT = Author(AuthorKind.AGENT)
SETTLED = timedelta(seconds=31)


class Thread:
    """A thread in a channel, and the adapter that posts there."""

    def __init__(
        self, slack: SlackSimulator, clock: FakeClock, host: PlayedHost, client: SlackClient
    ) -> None:
        self.slack = slack
        self.host = host
        self.clock = clock
        self.client = client
        self.channel = slack.add_channel("support")
        self.desk = slack.add_channel("desk")
        self.ann = slack.add_user("ann")
        self.root = ""

    def owed(self, number: int = 1, *, place: str = "") -> Outbound:
        return Outbound(
            id=DeliveryId(f"c1.{number}"),
            thread=ThreadKey(f"{self.slack.team_id}:{self.channel}:{self.root}"),
            content=AgentReply(AGENT, f"Hello {number}"),
            owed_at=NOON,
            place=place,
        )

    async def chat(self, messages: int) -> None:
        for number in range(messages):
            await self.slack.say(self.channel, self.ann, f"{number}", thread_ts=self.root)

    async def lose(self, owed: Outbound, *, arrives: bool) -> None:
        """Post it, and get no answer."""
        lose = self.slack.lose_response if arrives else self.slack.lose_request
        lose("chat.postMessage")
        with pytest.raises(MaybeDelivered):
            await (self.client.announce if owed.place else self.client.deliver)(owed)

    async def is_heard(self) -> None:
        """Something of ours came back from the channel."""
        await self.client.deliver(self.owed(99))
        async with asyncio.timeout(10):
            while not self.client.hears(self.channel):
                await asyncio.sleep(0.002)

    async def found(
        self, owed: Outbound, *, step: timedelta = timedelta(seconds=1)
    ) -> Receipt | None:
        """What comes of looking, with time passing and pauses obeyed as the runtime does."""
        looking = asyncio.create_task(self._look(owed))
        async with asyncio.timeout(20):
            while not looking.done():
                await asyncio.sleep(0.005)
                await self.clock.advance(step)
        return looking.result()

    async def _look(self, owed: Outbound) -> Receipt | None:
        since = self.clock.now()
        while True:
            try:
                return await self.client.find(owed, since=since)
            except RetryLater as later:
                await self.clock.sleep(later.after)

    def comes_back(self, ts: str) -> None:
        """The post of the first reply that stands there comes as an event."""
        payload = {"delivery": self.owed().id}
        metadata = {"event_type": ids.EVENT_TYPE, "event_payload": payload}
        message = {"ts": ts, "thread_ts": self.root, "metadata": metadata}
        self.client.came_back(self.slack.team_id, self.channel, message)

    def receipt(self, number: int, *, channel: str = "") -> Receipt:
        (shown,) = [post for post in self.slack.posts if post.text == f"Hello {number}"]
        return Receipt(f"{channel or self.channel}:{shown.ts}")

    def copy_of(self, number: int, ts: str) -> tuple[DeliveryId, Receipt]:
        """A copy of that delivery in the thread, as the host is told of it."""
        return self.owed(number).id, Receipt(f"{self.channel}:{ts}")

    @property
    def reads(self) -> int:
        """How often a thread or a channel was read, or tried to."""
        return sum(
            c.method in {"conversations.replies", "conversations.history"} for c in self.slack.calls
        )


@pytest.fixture
async def thread() -> AsyncIterator[Thread]:
    clock = FakeClock()
    simulator = SlackSimulator(clock=clock, ids=Counted(), limits=RateLimits.off())
    async with simulator as slack, aiohttp.ClientSession() as http:
        settings = SlackSettings.model_validate(
            {
                "type": "slack",
                "bot_token": "xoxb-simulated",
                "app_token": "xapp-simulated",
                "api_url": slack.api_url,
            }
        )
        host = PlayedHost(clock, http)
        async with connect(settings, host) as client:
            made = Thread(slack, clock, host, client)
            made.root = await slack.say(made.channel, made.ann, "hello")
            yield made


async def test_an_echo_settles_it_without_a_call(thread: Thread) -> None:
    await thread.is_heard()
    await thread.lose(thread.owed(), arrives=True)

    assert await thread.client.find(thread.owed(), since=thread.clock.now()) == thread.receipt(1)
    assert thread.reads == 0


async def test_an_echo_counts_also_while_absence_is_awaited(thread: Thread) -> None:
    """Slack may show a post late, long after our first look."""
    looking = asyncio.create_task(thread.client.find(thread.owed(), since=thread.clock.now()))
    async with asyncio.timeout(10):
        while not thread.reads:
            await asyncio.sleep(0.002)
    await asyncio.sleep(0.05)

    await thread.client.deliver(thread.owed())

    assert await asyncio.wait_for(looking, 10) == thread.receipt(1)
    assert thread.reads == 1


async def test_without_an_echo_it_is_found_in_the_thread(thread: Thread) -> None:
    await thread.is_heard()
    thread.slack.go_deaf()
    await thread.lose(thread.owed(), arrives=True)

    assert await thread.found(thread.owed()) == thread.receipt(1)
    assert thread.reads == 1


async def test_what_never_arrived_is_absent_after_two_readings(thread: Thread) -> None:
    await thread.is_heard()
    await thread.lose(thread.owed(), arrives=False)
    since = thread.clock.now()

    assert await thread.found(thread.owed()) is None
    assert thread.clock.now() >= since + timedelta(seconds=30)
    assert thread.reads == 2


async def test_one_reading_serves_all_who_doubt_after_a_restart(thread: Thread) -> None:
    """Of calls for help to one channel, ten may be in doubt at once."""
    calls = [thread.owed(number, place=thread.desk) for number in range(10)]
    thread.slack.go_deaf(100)
    for call in calls[:3]:
        await thread.client.announce(call)
    since = thread.clock.now()
    await thread.clock.advance(SETTLED)

    found = await asyncio.gather(*(thread.client.find(call, since=since) for call in calls))

    assert found[:3] == [thread.receipt(number, channel=thread.desk) for number in range(3)]
    assert found[3:] == [None] * 7
    assert thread.reads == 1


async def test_those_who_come_one_after_another_share_it_too(thread: Thread) -> None:
    since = thread.clock.now()
    await thread.clock.advance(SETTLED)

    for number in range(3):
        assert await thread.client.find(thread.owed(number), since=since) is None
        since += timedelta(microseconds=1)

    assert thread.reads == 1


async def test_a_reading_says_nothing_of_what_was_attempted_after_it(thread: Thread) -> None:
    since = thread.clock.now()
    await thread.clock.advance(SETTLED)
    assert await thread.client.find(thread.owed(), since=since) is None
    thread.slack.go_deaf(100)
    await thread.lose(thread.owed(), arrives=True)

    assert await thread.found(thread.owed()) == thread.receipt(1)
    assert thread.reads == 2


async def test_with_a_reduced_quota_a_reading_goes_on_where_it_was_stopped(thread: Thread) -> None:
    thread.slack.limit_history()
    await thread.chat(40)
    thread.slack.go_deaf(100)
    await thread.lose(thread.owed(), arrives=True)
    began = thread.clock.now()

    assert await thread.found(thread.owed()) == thread.receipt(1)
    calls = [c.outcome for c in thread.slack.calls if c.method == "conversations.replies"]
    assert calls.count("ok") == 3  # none of its pages was read twice
    assert len(calls) <= 5
    assert thread.clock.now() - began < timedelta(minutes=4)


@pytest.mark.thorough
async def test_a_thread_too_long_to_be_read_leaves_it_unknown(thread: Thread) -> None:
    thread.slack.limit_history()
    await thread.chat(160)

    with pytest.raises(MaybeDelivered, match="too many"):
        await thread.found(thread.owed(), step=timedelta(seconds=20))
    assert thread.reads <= 20


async def test_the_same_id_elsewhere_proves_nothing(thread: Thread) -> None:
    await thread.is_heard()
    await thread.client.deliver(thread.owed())
    call = msgspec.structs.replace(thread.owed(), place=thread.desk)

    assert await thread.found(call) is None


def ours(thread: Thread, channel: str, root: str | None = None) -> list[str]:
    """Where the bridge's posts stand there that nobody has deleted."""
    shown = thread.slack.messages(channel, root)
    return [one.ts for one in shown if one.text.startswith("Hello") and not one.deleted]


async def logged(caplog: pytest.LogCaptureFixture, message: str) -> None:
    async with asyncio.timeout(10):
        while message not in [record.getMessage() for record in caplog.records]:
            await asyncio.sleep(0.002)


async def test_a_copy_that_comes_later_is_removed_and_told(
    thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    """As if the first post had been shown only after we had judged it absent."""
    receipt = await thread.client.deliver(thread.owed())
    await thread.client.deliver(thread.owed())

    await logged(caplog, "slack.twin_removed")
    (left,) = ours(thread, thread.channel, thread.root)
    assert receipt == Receipt(f"{thread.channel}:{left}")
    copy = thread.copy_of(1, thread.slack.posts[1].ts)
    assert thread.host.doubles == [(*copy, False), (*copy, True)]


async def test_a_copy_is_removed_also_if_it_cannot_be_put_on_record(
    thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    await thread.client.deliver(thread.owed())
    thread.host.failing = 1
    await thread.client.deliver(thread.owed())

    await logged(caplog, "slack.twin_removed")
    assert thread.host.doubles == [(*thread.copy_of(1, thread.slack.posts[1].ts), True)]


async def test_a_call_for_help_that_stands_twice_loses_its_second_copy(
    thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    call = thread.owed(place=thread.desk)
    receipts = [await thread.client.announce(call) for _ in range(2)]

    await logged(caplog, "slack.twin_removed")
    (left,) = ours(thread, thread.desk)
    assert receipts == [Receipt(f"{thread.desk}:{left}")] * 2


async def test_a_reading_that_shows_two_copies_keeps_the_older(
    thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    thread.slack.go_deaf(100)
    await thread.lose(thread.owed(), arrives=True)
    await thread.lose(thread.owed(), arrives=True)
    thread.slack.fail("chat.delete", "cant_delete_message")
    first, second = (post.ts for post in thread.slack.posts)

    assert await thread.found(thread.owed()) == Receipt(f"{thread.channel}:{first}")
    await logged(caplog, "slack.twin_left")
    assert thread.host.doubles == [(*thread.copy_of(1, second), False)]
    assert ours(thread, thread.channel, thread.root) == [first, second]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_echoes_after_a_reading_leave_the_copy_that_it_kept(
    thread: Thread, caplog: pytest.LogCaptureFixture, order: tuple[int, int]
) -> None:
    """Events keep no order: else the newer would count as the first, and the older go as well."""
    thread.slack.go_deaf(100)
    for _ in order:
        await thread.lose(thread.owed(), arrives=True)
    shown = [post.ts for post in thread.slack.posts]

    assert await thread.found(thread.owed()) == Receipt(f"{thread.channel}:{shown[0]}")
    for at in order:
        thread.comes_back(shown[at])

    await logged(caplog, "slack.twin_removed")
    await asyncio.sleep(0.05)  # for whatever else would be removed
    assert ours(thread, thread.channel, thread.root) == shown[:1]


async def test_a_copy_that_comes_back_during_a_reading_is_the_one_that_stays(
    thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    thread.slack.go_deaf(100)
    for _ in range(2):
        await thread.lose(thread.owed(), arrives=True)
    shown = [post.ts for post in thread.slack.posts]
    thread.slack.slow("conversations.replies", timedelta(seconds=2))
    looking = asyncio.create_task(thread.found(thread.owed()))
    async with asyncio.timeout(10):
        while not thread.reads:
            await asyncio.sleep(0.002)
    for ts in reversed(shown):
        thread.comes_back(ts)

    assert await looking == Receipt(f"{thread.channel}:{shown[1]}")
    await logged(caplog, "slack.twin_removed")
    await asyncio.sleep(0.05)  # for whatever else would be removed
    assert ours(thread, thread.channel, thread.root) == shown[1:]


async def test_after_a_restart_the_copy_that_the_bridge_goes_by_stays(
    thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody here has posted or looked: the echo that comes first is not the one we know."""
    thread.slack.go_deaf(100)
    for _ in range(2):
        await thread.lose(thread.owed(), arrives=True)
    first, second = (post.ts for post in thread.slack.posts)
    thread.host.receipts.add(Receipt(f"{thread.channel}:{second}"))
    for ts in (first, second):
        thread.comes_back(ts)

    await logged(caplog, "slack.twin_removed")
    assert ours(thread, thread.channel, thread.root) == [second]
    copy = thread.copy_of(1, first)
    assert thread.host.doubles == [(*copy, False), (*copy, True)]
