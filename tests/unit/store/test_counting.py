"""How much is owed, dead and quiet."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bridge.core.state import Session
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import DeliveryId
from bridge.store import Attempt, Census, Outcome, Store, TakeStep, counting, open_store
from bridge.testing.clock import NOON
from tests.unit.store.given import accept, made, opened, owing, reply, said


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path)) as store:
        yield store


async def test_an_empty_database_owes_nothing(store: Store) -> None:
    assert await store.census() == Census(owed={"step": 0}, dead={"step": 0})


async def test_what_is_owed_is_counted_by_direction_with_the_oldest(store: Store) -> None:
    conversation = await opened(store)
    later = NOON + timedelta(minutes=3)
    await store.write(owing(conversation, (1, reply("hi")), at=later))
    await store.write(owing(conversation, (2, reply("ho")), at=NOON))
    await store.write(owing(conversation, (3, Ask("what?")), at=later))
    await store.write(accept(said("once more", thread=conversation.thread), at=later))

    census = await store.census()

    assert census.owed == {"thread": 2, "agent": 1, "step": 1}
    assert census.oldest == {"thread": NOON, "agent": later, "step": later}


async def test_what_is_held_is_not_owed_and_what_is_dead_is_counted(store: Store) -> None:
    conversation = await opened(store)
    await store.write(owing(conversation, *((number, reply("hi")) for number in (1, 2, 3))))
    for identity, state in (("c1.1", DeliveryState.SENDING), ("c1.2", DeliveryState.DEAD)):
        await store.write(Attempt(id=DeliveryId(identity), at=NOON))
        await store.write(
            Outcome(id=DeliveryId(identity), state=state, at=NOON, reason="who knows")
        )

    census = await store.census()

    assert census.owed == {"thread": 1, "step": 0}
    assert census.dead == {"thread": 1, "step": 0}


async def test_a_conversation_whose_session_rests_is_quiet(store: Store) -> None:
    for identity, released in (("c1", True), ("c2", False)):
        conversation = await opened(store, identity)
        session = Session(number=1, opened_at=NOON, released=released)
        resting = msgspec.structs.replace(conversation, session=session)
        await store.write(TakeStep(conversation=resting, at=NOON))

    assert (await store.census()).quiet == 1


async def test_it_goes_by_indexes_alone(store: Store, tmp_path: Path) -> None:
    """Of a million that are settled none is looked at."""
    queries = (
        counting._owed_deliveries(),
        counting._owed_entries(),
        counting._dead_deliveries(),
        counting._dead_entries(),
        counting._quiet(),
    )
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection:
        for query in queries:
            said = str(query.compile(compile_kwargs={"literal_binds": True}))
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {said}")]
            tables = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
            assert all("INDEX" in step or "CONSTANT" in step for step in tables), plan
