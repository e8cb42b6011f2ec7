"""The records of sessions are read together by those who ask together."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import cast

from bridge.errors import DatabaseFailed
from bridge.model.ids import ConversationId
from bridge.runtime.connecting.recalling import Recall
from bridge.runtime.world import World
from bridge.store import Sealer, SessionRecord, Store
from bridge.testing.clock import NOON, FakeClock
from tests.unit.runtime.far_end import Unsealed
from tests.unit.runtime.house import Even

SEALER = cast("Sealer", Unsealed())


class Shelf:
    """A store with the sessions of some conversations, that may fail."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.readings: list[int] = []
        self.failures = 0

    async def sessions_of(
        self, wanted: Mapping[tuple[ConversationId, int], Sealer]
    ) -> list[SessionRecord]:
        self.readings.append(len(wanted))
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise DatabaseFailed("locked")
        return [
            SessionRecord(
                conversation=conversation,
                number=number,
                session_id=f"{conversation}-{number}",
                token="t",
                opened_at=NOON,
                expires_at=None,
                closed_at=None,
            )
            for conversation, number in wanted
            if conversation in self.known
        ]


def asked(recall: Recall, *names: str) -> list["asyncio.Task[SessionRecord | None]"]:
    return [asyncio.create_task(recall.session(ConversationId(name), 1, SEALER)) for name in names]


def recalled(shelf: Shelf, clock: FakeClock) -> Recall:
    return Recall(cast("Store", shelf), World(clock=clock, chance=Even()))


async def test_all_who_ask_at_once_are_answered_by_one_reading() -> None:
    names = [f"c{number}" for number in range(200)]
    shelf, clock = Shelf(*names), FakeClock()
    found = await asyncio.gather(*asked(recalled(shelf, clock), *names, "stranger"))
    assert [one.session_id if one else None for one in found] == [
        *(f"{name}-1" for name in names),
        None,
    ]
    assert shelf.readings == [201]


async def test_whoever_asks_while_one_reading_goes_on_is_in_the_next() -> None:
    shelf, clock = Shelf("a", "b", "c"), FakeClock()
    recall = recalled(shelf, clock)
    first = asked(recall, "a")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shelf.readings == [1]
    later = asked(recall, "b", "c")
    assert None not in await asyncio.gather(*first, *later)
    assert shelf.readings == [1, 2]


async def test_thousands_are_read_by_several_statements() -> None:
    names = [f"c{number}" for number in range(1200)]
    shelf, clock = Shelf(*names), FakeClock()
    assert None not in await asyncio.gather(*asked(recalled(shelf, clock), *names))
    assert shelf.readings == [500, 500, 200]


async def test_a_database_that_fails_is_asked_again_by_all() -> None:
    shelf, clock = Shelf("a", "b"), FakeClock()
    shelf.failures = 2
    tasks = asked(recalled(shelf, clock), "a", "b")
    await clock.settle()
    assert not any(task.done() for task in tasks)
    await clock.advance(timedelta(minutes=1))
    assert None not in await asyncio.gather(*tasks)
    assert shelf.readings[0] == 2


async def test_who_gives_up_takes_the_answer_from_nobody() -> None:
    shelf, clock = Shelf("a", "b"), FakeClock()
    leaves, stays = asked(recalled(shelf, clock), "a", "b")
    await asyncio.sleep(0)
    leaves.cancel()
    assert await stays is not None


async def test_those_who_will_ask_soon_are_read_with_the_first() -> None:
    names = [f"c{number}" for number in range(250)]
    shelf, clock = Shelf(*names), FakeClock()
    recall = recalled(shelf, clock)
    with ExitStack() as line:
        for name in names:
            line.enter_context(recall.expecting(ConversationId(name), 1, SEALER))
        for name in names:
            assert await asked(recall, name)[0] is not None
    assert shelf.readings == [101, 101, 48]


async def test_who_left_the_line_is_not_read() -> None:
    shelf, clock = Shelf("a", "b"), FakeClock()
    recall = recalled(shelf, clock)
    with recall.expecting(ConversationId("b"), 1, SEALER):
        pass
    await asked(recall, "a")[0]
    assert shelf.readings == [1]


async def test_who_was_read_in_vain_asks_again() -> None:
    shelf, clock = Shelf("a", "b"), FakeClock()
    recall = recalled(shelf, clock)
    shelf.failures = 1
    with recall.expecting(ConversationId("b"), 1, SEALER):
        tasks = asked(recall, "a", "b")
        await clock.settle()
        await clock.advance(timedelta(minutes=1))
        assert None not in await asyncio.gather(*tasks)
    assert shelf.readings[0] == 2
