"""Does the adapter keep the rules, against a real board on loopback?"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from polyai_bridge_pinboard import PLUGIN
from polyai_bridge_pinboard.adapter import Pinboard, connect
from polyai_bridge_pinboard.stand_in import PinboardStandIn, stand_in

from bridge import errors
from bridge.clock import SystemClock
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Deleted, Edited, Said
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.testing.host import PlayedHost
from bridge.testing.stand_in import Fault

NOW = SystemClock().now()
LONG_AGO = NOW - timedelta(hours=1)


def reply(text: str, *, thread: str = "thread 1", name: str = "c.1") -> Outbound:
    content = AgentReply(Author(AuthorKind.AGENT), text)
    return Outbound(id=DeliveryId(name), thread=ThreadKey(thread), content=content, owed_at=NOW)


async def until(seen: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not seen():
            await asyncio.sleep(0.01)


@pytest.fixture
async def board() -> AsyncIterator[PinboardStandIn]:
    async with stand_in() as board:
        yield board


@pytest.fixture
async def host() -> AsyncIterator[PlayedHost]:
    async with aiohttp.ClientSession() as http:
        yield PlayedHost(SystemClock(), http, name="pinboard")


@pytest.fixture
async def adapter(board: PinboardStandIn, host: PlayedHost) -> AsyncIterator[Pinboard]:
    async with connect(PLUGIN.settings(**board.settings), host) as adapter:
        yield adapter


async def test_what_is_pinned_is_accepted_before_the_board_hears_so(
    board: PinboardStandIn, host: PlayedHost, adapter: Pinboard
) -> None:
    host.failing = 1
    said = await board.say("hello")
    await until(lambda: host.reports)
    assert not await board.taken(said)
    await until(lambda: board.board.acknowledged)
    assert [(one.body, one.opens) for one in host.accepted] == [(Said("hello"), True)]
    assert host.reports == [False, True]


async def test_what_changed_names_what_it_was(
    board: PinboardStandIn, host: PlayedHost, adapter: Pinboard
) -> None:
    said = await board.say("helo")
    await board.correct(said, "hello")
    await board.take_back(said)
    await until(lambda: len(host.accepted) == 3)
    (name,) = host.accepted[0].identities
    assert [one.body for one in host.accepted[1:]] == [Edited(name, "hello"), Deleted(name)]


async def test_the_feed_goes_on_where_it_was(board: PinboardStandIn, host: PlayedHost) -> None:
    for text in ("one", "two"):
        async with PLUGIN.connect(PLUGIN.settings(**board.settings), host):
            await board.say(text)
            await until(lambda: board.board.acknowledged == len(board.board.feed))
    assert [one.body for one in host.accepted] == [Said("one"), Said("two")]


async def test_a_delivery_is_pinned_found_and_changed(
    board: PinboardStandIn, host: PlayedHost, adapter: Pinboard
) -> None:
    receipt = await adapter.deliver(reply("hello"))
    assert await adapter.find(reply("hello"), since=LONG_AGO) == receipt
    assert await adapter.find(reply("other", name="c.2"), since=LONG_AGO) is None
    await adapter.revise(reply("hello, Ada"), receipt)
    assert [one.text for one in await board.seen("thread 1")] == ["hello, Ada"]
    assert host.accepted == []  # its own pins are nobody's words


async def test_what_may_still_be_on_its_way_is_not_looked_for_yet(adapter: Pinboard) -> None:
    with pytest.raises(errors.RetryLater):
        await adapter.find(reply("hello"), since=SystemClock().now())


async def test_of_two_copies_the_older_stays(
    board: PinboardStandIn, host: PlayedHost, adapter: Pinboard
) -> None:
    first, second = [await adapter.deliver(reply("hello")) for _ in range(2)]
    assert await adapter.find(reply("hello"), since=LONG_AGO) == first
    assert [one.id for one in await board.seen("thread 1")] == [first.reference]
    assert host.doubles == [("c.1", second, False), ("c.1", second, True)]


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (Fault.RATE_LIMITED, errors.RetryLater),
        (Fault.REFUSED, errors.Rejected),
        (Fault.LOST_ANSWER, errors.MaybeDelivered),
        (Fault.LOST_REQUEST, errors.MaybeDelivered),
        (Fault.SILENT, errors.MaybeDelivered),
    ],
)
async def test_a_failure_says_what_is_known(
    board: PinboardStandIn, adapter: Pinboard, fault: Fault, raised: type[Exception]
) -> None:
    await board.fail(fault)
    with pytest.raises(raised) as caught:
        await adapter.deliver(reply("hello"))
    assert isinstance(caught.value, raised)
    if isinstance(caught.value, errors.RetryLater):
        assert caught.value.after == timedelta(seconds=1)
    found = await adapter.find(reply("hello"), since=LONG_AGO)
    assert isinstance(found, Receipt) == (fault is Fault.LOST_ANSWER)


async def test_a_board_that_is_away_is_unreachable_and_a_closed_thread_is_told(
    board: PinboardStandIn, adapter: Pinboard
) -> None:
    board.board.closed.add("thread 1")
    with pytest.raises(errors.ThreadClosed):
        await adapter.deliver(reply("hello"))
    await board.leave()
    with pytest.raises(errors.Unreachable):
        await adapter.deliver(reply("hello", thread="thread 2"))
    with pytest.raises(errors.Unreachable):
        await adapter.find(reply("hello"), since=LONG_AGO)


async def test_a_wrong_token_is_refused_before_anything_is_served(
    board: PinboardStandIn, host: PlayedHost
) -> None:
    with pytest.raises(errors.CredentialsRefused):
        async with PLUGIN.connect(PLUGIN.settings(**board.wrong_settings), host):
            raise AssertionError("it connected")
    proved = await PLUGIN.prove(PLUGIN.settings(**board.settings), host.http)
    assert proved == f"the bot, at {board.url}"
