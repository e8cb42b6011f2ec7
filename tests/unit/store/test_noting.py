"""What rides with the next commit: once, without a commit of its own, and only to rows that are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge.errors import DatabaseFailed
from bridge.model.hops import HopKind, hop
from bridge.model.ids import ConversationId, DeliveryId, EntryId
from bridge.store import Noted, Notes, Store, open_store
from bridge.store.noting import MOST_NOTED
from bridge.store.statements import MOST_HOPS
from bridge.testing.clock import NOON
from tests.unit.store.given import made, opened, owing, reply

C1, POST = ConversationId("c1"), DeliveryId("c1.1")
GREW = hop(HopKind.GREW, NOON, 1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path)) as store:
        await store.write(owing(await opened(store), (1, reply("words"))))
        yield store


async def kinds(store: Store) -> list[HopKind]:
    timeline = await store.timelines.of(C1)
    assert timeline is not None
    return [one.kind for one in timeline.deliveries[0].hops]


async def test_what_is_noted_rides_with_whatever_is_committed_next(store: Store) -> None:
    store.notes.delivery(POST, GREW)
    store.notes.delivery(POST, hop(HopKind.WRITTEN, NOON))
    assert await kinds(store) == []

    await opened(store, "c2")

    assert await kinds(store) == [HopKind.GREW, HopKind.WRITTEN]
    await store.write(Noted())
    assert await kinds(store) == [HopKind.GREW, HopKind.WRITTEN], "once"


async def test_a_clean_end_writes_what_is_left(tmp_path: Path) -> None:
    url = made(tmp_path)
    async with open_store(url) as store:
        await store.write(owing(await opened(store), (1, reply("words"))))
        store.notes.delivery(POST, GREW)
        store.notes.entry(EntryId(1), hop(HopKind.ACKED, NOON))
    async with open_store(url) as store:
        timeline = await store.timelines.of(C1)

    assert timeline is not None
    assert [one.kind for one in timeline.deliveries[0].hops] == [HopKind.GREW]
    assert [one.kind for one in timeline.entries[0].hops][-1] is HopKind.ACKED


async def test_what_its_neighbours_failure_kept_from_being_written_is_not_lost(
    store: Store,
) -> None:
    class Breaks:
        def apply(self, connection: Connection) -> None:
            raise DatabaseFailed("no")

    store.notes.delivery(POST, GREW)
    with pytest.raises(DatabaseFailed):
        await store.write(Breaks())

    await store.write(Noted())

    assert await kinds(store) == [HopKind.GREW]


async def test_a_row_that_has_had_enough_takes_no_more(store: Store) -> None:
    for _ in range(MOST_HOPS):
        store.notes.delivery(POST, GREW)
    await store.write(Noted())
    before = len(await kinds(store))
    store.notes.delivery(POST, GREW)
    await store.write(Noted())

    assert len(await kinds(store)) == before


def test_more_rows_than_there_is_room_for_are_counted() -> None:
    notes = Notes()
    for number in range(MOST_NOTED + 3):
        notes.entry(EntryId(number), GREW)
    notes.entry(EntryId(0), GREW)

    assert notes.left_out == 3
    taken = notes.taken()
    assert taken is not None
    assert len(taken.entries) == MOST_NOTED
    assert taken.entries[EntryId(0)] == GREW + GREW
    notes.entry(EntryId(0), "later")
    notes.back(taken)
    again = notes.taken()
    assert again is not None
    assert again.entries[EntryId(0)] == f"{GREW}{GREW}later"
