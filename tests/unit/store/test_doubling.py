"""What stood twice is on record, from when it was seen until its delivery is forgotten."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.model.delivery import DeliveryState, Receipt
from bridge.model.ids import AdapterName, ConversationId, DeliveryId
from bridge.store import Doubled, Outcome, Store, TwinRow, open_store
from bridge.testing.clock import NOON
from tests.unit.store.given import SLACK, made, opened, owing, reply, tidied

LATER = NOON + timedelta(seconds=5)
COPY = Receipt("C1:2.0")
SEEN = Doubled(adapter=SLACK, delivery=DeliveryId("c1.1"), copy=COPY, at=NOON, removed=False)
GONE = replace(SEEN, at=LATER, removed=True)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store in which one reply is owed."""
    async with open_store(made(tmp_path)) as store:
        await store.write(owing(await opened(store), (1, reply("hello"))))
        yield store


async def listed(store: Store) -> list[TwinRow]:
    return await store.list_twins(ConversationId("c1"))


async def test_a_copy_is_noted_when_it_is_seen_and_when_it_is_removed(store: Store) -> None:
    noted = TwinRow(delivery=SEEN.delivery, receipt=COPY, seen_at=NOON, removed_at=None)

    assert await store.write(SEEN)
    assert await listed(store) == [noted]
    assert await store.write(GONE)
    assert await listed(store) == [replace(noted, removed_at=LATER)]


async def test_what_is_on_record_already_is_no_news(store: Store) -> None:
    await store.write(SEEN)
    assert not await store.write(replace(SEEN, at=LATER))
    await store.write(GONE)
    before = await listed(store)

    assert not await store.write(replace(SEEN, at=LATER))
    assert not await store.write(replace(GONE, at=LATER + timedelta(hours=1)))
    assert await listed(store) == before


async def test_one_that_was_never_seen_before_it_was_removed_is_noted_too(store: Store) -> None:
    assert await store.write(GONE)

    (one,) = await listed(store)
    assert (one.seen_at, one.removed_at) == (LATER, LATER)


@pytest.mark.parametrize(
    "stranger",
    [
        replace(SEEN, adapter=AdapterName("other")),
        replace(SEEN, delivery=DeliveryId("c1.99")),
    ],
    ids=["another adapter's", "forgotten"],
)
async def test_of_what_is_not_the_adapters_nothing_is_noted(
    store: Store, stranger: Doubled
) -> None:
    assert not await store.write(stranger)
    assert await listed(store) == []


async def test_it_is_forgotten_with_its_delivery(store: Store) -> None:
    await store.write(GONE)
    await store.write(Outcome(id=SEEN.delivery, state=DeliveryState.SENT, at=NOON, receipt=COPY))

    await tidied(store, NOON + timedelta(days=30, hours=1))

    assert await store.list_deliveries(ConversationId("c1")) == []
    assert await listed(store) == []
