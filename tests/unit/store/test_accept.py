"""Transaction 1: what a platform tells is stored once, in the right conversation."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bridge.model.ids import AdapterName, ConversationId
from bridge.store import Forget, Store, TakeStep, Verdict, look_into, open_store
from bridge.store.store import MOST_READ
from bridge.testing.clock import NOON
from tests.unit.store.given import accept, address, entries, made, opened, said, texts, tidied


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path)) as store:
        yield store


async def test_an_inbound_that_opens_makes_a_conversation_of_its_thread(store: Store) -> None:
    accepted = await store.write(accept(said("hello", opens=True), new_id="c7"))

    conversation = await store.conversation(ConversationId("c7"))
    assert accepted.verdict is Verdict.NEW
    assert accepted.opened
    assert conversation is not None
    assert (conversation.thread, conversation.agent) == ("T1", "default")
    assert [e.conversation for e in accepted.entries] == ["c7"]


@pytest.mark.parametrize("again", [("a", "b"), ("a", "x"), ("x", "b"), ("b",), ("b", "b")])
async def test_an_inbound_is_known_by_any_of_its_names(
    store: Store, again: tuple[str, ...]
) -> None:
    await store.write(accept(said("hello", "a", "b", opens=True)))

    accepted = await store.write(accept(said("hello", *again, opens=True), new_id="c2"))

    assert accepted.verdict is Verdict.KNOWN
    assert accepted.entries == ()
    assert len(await store.open_entries()) == 1


async def test_names_are_an_adapters_own(store: Store) -> None:
    await store.write(accept(said("hello", "a", opens=True)))
    same = accept(said("hello", "a", opens=True), new_id="c2")
    elsewhere = replace(same, adapter=AdapterName("teams"))

    assert (await store.write(elsewhere)).verdict is Verdict.NEW
    assert len(await store.open_entries()) == 2


async def test_opening_a_thread_twice_gives_one_conversation(store: Store) -> None:
    first = await store.write(accept(said("one", opens=True), new_id="c1"))
    second = await store.write(accept(said("two", opens=True), new_id="c2"))

    assert (first.opened, second.opened) == (True, False)
    assert [e.conversation for e in second.entries] == ["c1"]
    assert await store.conversation(ConversationId("c2")) is None


async def test_a_reply_in_a_thread_that_is_not_ours_is_kept_unclaimed(store: Store) -> None:
    first = await store.write(accept(said("psst")))
    again = await store.write(accept(said("psst")))

    assert (first.verdict, again.verdict) == (Verdict.UNCLAIMED, Verdict.KNOWN)
    assert await store.open_entries() == []
    assert await store.list_conversations(everything=True) == []


async def test_unclaimed_replies_are_claimed_in_the_order_they_were_said(store: Store) -> None:
    for order in ("3", "1", "2"):
        await store.write(accept(said(f"reply {order}", order=order)))
    await store.write(accept(said("elsewhere", thread="T2")))

    accepted = await store.write(accept(said("open", opens=True, order="0")))

    assert texts(accepted) == ["open", "reply 1", "reply 2", "reply 3"]
    assert [e.inbound.order for e in await store.open_entries()] == ["0", "1", "2", "3"]
    assert (await store.write(accept(said("reply 1", order="1")))).verdict is Verdict.KNOWN


async def test_two_copies_in_one_batch_are_one(store: Store) -> None:
    inbound = said("hello", opens=True)

    verdicts = await asyncio.gather(
        *(store.write(accept(inbound, new_id=f"c{n}")) for n in range(2))
    )

    assert [a.verdict for a in verdicts] == [Verdict.NEW, Verdict.KNOWN]


async def test_many_tellers_at_once_lose_nothing_and_double_nothing(store: Store) -> None:
    """Eight threads, ten messages each, every message told three times, all at once."""
    told = [
        said(f"{n:02}", thread=f"T{thread}", opens=True)
        for n in range(10)
        for thread in range(8)
        for _ in range(3)
    ]
    accepted = await asyncio.gather(
        *(store.write(accept(one, new_id=f"c{n}")) for n, one in enumerate(told))
    )

    found = await store.open_entries()
    assert sum(a.verdict is Verdict.NEW for a in accepted) == 80
    assert sum(a.opened for a in accepted) == 8
    assert len(found) == 80
    for thread in range(8):
        mine = [e.inbound.order for e in found if e.inbound.thread == f"T{thread}"]
        assert mine == [f"{n:02}" for n in range(10)]


async def test_another_store_beside_the_daemons_accepts_too(store: Store, tmp_path: Path) -> None:
    """The command line leaves its requests this way."""
    await opened(store)
    async with look_into(address(tmp_path)) as beside:
        asked = replace(accept(said("end", thread="thread of c1")), origin="operator")
        await asyncio.gather(
            beside.write(asked),
            *(store.write(accept(said(f"{n}", thread="thread of c1"))) for n in range(20)),
        )

    requests = await store.requests()
    assert [e.conversation for e in requests] == ["c1"]
    assert len(await store.open_entries()) == 21
    assert await store.requests(after=requests[0].id) == []


async def test_an_entry_stays_open_until_a_step_has_used_it(store: Store) -> None:
    accepted = await store.write(accept(said("hello", opens=True)))
    conversation = await store.conversation(ConversationId("c1"))
    assert conversation is not None

    await store.write(TakeStep(conversation=conversation, at=NOON, done=entries(accepted)))

    assert await store.open_entries() == []
    assert (await store.write(accept(said("hello", opens=True)))).verdict is Verdict.KNOWN


async def test_an_unclaimed_reply_is_forgotten_after_ten_minutes(store: Store) -> None:
    await store.write(accept(said("psst")))
    await store.write(accept(said("later"), at=NOON + timedelta(minutes=1)))

    await store.write(Forget(NOON + timedelta(minutes=10, seconds=30)))

    accepted = await store.write(accept(said("open", opens=True, order="0")))
    assert texts(accepted) == ["open", "later"]
    assert (await store.write(accept(said("psst")))).verdict is Verdict.NEW


async def test_what_was_said_before_the_agent_was_called_is_not_for_it(store: Store) -> None:
    await store.write(accept(said("among us", order="1")))
    await store.write(accept(said("to the agent, early", order="3")))

    accepted = await store.write(accept(said("open", opens=True, order="2")))

    assert texts(accepted) == ["open", "to the agent, early"]


async def test_an_unclaimed_reply_is_not_claimed_later_than_that(store: Store) -> None:
    """Whenever housekeeping comes by: what people said among themselves is not for the agent."""
    await store.write(accept(said("among us")))
    late = NOON + timedelta(minutes=10, seconds=30)

    accepted = await store.write(accept(said("open", opens=True), at=late))

    assert texts(accepted) == ["open"]


async def test_a_claimed_reply_is_never_forgotten_before_its_step(store: Store) -> None:
    await store.write(accept(said("psst")))
    await store.write(accept(said("open", opens=True)))

    await store.write(Forget(NOON + timedelta(days=400)))
    await tidied(store, NOON + timedelta(days=400))

    assert len(await store.open_entries()) == 2


async def test_names_outlive_their_entries_words_by_a_month(store: Store) -> None:
    live = msgspec.structs.replace(await opened(store), wanted=True)
    await store.write(TakeStep(conversation=live, at=NOON))
    again = accept(said("hello", thread="thread of c1"))

    await tidied(store, NOON + timedelta(days=29))
    assert (await store.write(again)).verdict is Verdict.KNOWN

    await tidied(store, NOON + timedelta(days=31))
    assert (await store.write(again)).verdict is Verdict.NEW


async def test_open_entries_are_read_in_pieces_each_conversations_in_their_order(
    store: Store,
) -> None:
    """What waits after a flood and a kill need not fit into memory twice."""
    for thread in "abc":
        await store.write(accept(said("", thread=thread, opens=True), new_id=thread))
    orders = [f"{n:04}" for n in range(MOST_READ)]
    told = [said(f"{order}", thread=thread) for order in reversed(orders) for thread in "cab"]
    await asyncio.gather(*(store.write(accept(one)) for one in told))

    read = [await store.open_entries()]
    while read[-1]:
        read.append(await store.open_entries(read[-1][-1]))

    assert [len(piece) for piece in read] == [MOST_READ] * 3 + [3, 0]
    found = [(e.conversation, e.inbound.order) for piece in read for e in piece]
    assert found == [(thread, order) for thread in "abc" for order in ["", *orders]]


async def test_requests_are_read_in_pieces_too(store: Store) -> None:
    await opened(store)
    asked = replace(accept(said("end", thread="thread of c1")), origin="operator")
    for number in range(MOST_READ + 2):
        one = replace(asked.inbound, identities=(f"{number}",), order=f"{MOST_READ - number:04}")
        await store.write(replace(asked, inbound=one))

    first = await store.requests()
    rest = await store.requests(first[-1].id)

    assert (len(first), len(rest)) == (MOST_READ, 2)
    assert {entry.id for entry in first}.isdisjoint(entry.id for entry in rest)
