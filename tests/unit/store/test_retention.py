"""What nobody needs any more goes when its time has come, piece by piece."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import ConversationId, DeliveryId
from bridge.store import AgentOutcome, Outcome, Store, TakeStep, Verdict, open_store
from bridge.store.retention import AT_ONCE, Keeping
from bridge.testing.clock import NOON
from tests.unit.store.given import accept, entries, made, opened, owing, reply, said, tidied

DAY = timedelta(days=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path)) as store:
        yield store


def counts(path: Path) -> dict[str, int]:
    """How many rows there are."""
    tables = ("conversations", "inbox", "identities", "deliveries", "people", "tombstones")
    with closing(sqlite3.connect(path / "bridge.db")) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - names of ours
            for table in tables
        }


async def test_rows_go_when_their_time_has_come_and_no_sooner(store: Store, tmp_path: Path) -> None:
    live = msgspec.structs.replace(await opened(store), wanted=True)
    await store.write(owing(live, (1, reply("sent")), (2, reply("in doubt"))))
    await store.write(Outcome(id=DeliveryId("c1.1"), state=DeliveryState.SENT, at=NOON))

    await tidied(store, NOON + 30 * DAY)
    assert counts(tmp_path)["deliveries"] == 2
    await tidied(store, NOON + 30 * DAY + timedelta(hours=1))

    after = counts(tmp_path)
    assert (after["conversations"], after["inbox"], after["deliveries"]) == (1, 0, 1)


@pytest.mark.parametrize(
    "keeping",
    [
        Keeping(adapters={"slack": DAY}),
        Keeping(agents={"default": DAY}),
        Keeping(adapters={"slack": 3 * DAY}, agents={"default": DAY}),
        Keeping(usual=DAY, adapters={"other": 9 * DAY}),
    ],
)
async def test_the_shortest_time_that_is_asked_for_counts(
    store: Store, tmp_path: Path, keeping: Keeping
) -> None:
    await opened(store)

    await tidied(store, NOON + DAY + timedelta(hours=1), keeping)

    assert counts(tmp_path)["inbox"] == 0


async def test_another_adapters_time_is_not_ours(store: Store, tmp_path: Path) -> None:
    await opened(store)

    await tidied(store, NOON + 2 * DAY, Keeping(adapters={"other": DAY}, agents={"other": DAY}))

    assert counts(tmp_path)["inbox"] == 1


async def test_a_conversation_that_is_over_goes_with_all_that_hangs_on_it(
    store: Store, tmp_path: Path
) -> None:
    await opened(store)

    await tidied(store, NOON + 31 * DAY)

    assert counts(tmp_path) == dict.fromkeys(counts(tmp_path), 0)


async def test_one_that_owes_something_or_was_told_something_stays(
    store: Store, tmp_path: Path
) -> None:
    for number in (1, 2):
        await opened(store, f"c{number}")
    doubtful = await store.conversation(ConversationId("c1"))
    assert doubtful is not None
    await store.write(owing(doubtful, (1, reply("held"))))
    await store.write(accept(said("again", thread="thread of c2")))

    await tidied(store, NOON + 400 * DAY)

    assert counts(tmp_path)["conversations"] == 2


async def test_the_words_of_dead_letters_go_before_their_rows(store: Store, tmp_path: Path) -> None:
    conversation = await opened(store)
    await store.write(owing(conversation, (1, reply("post")), (2, Ask("ask"))))
    await store.write(Outcome(id=DeliveryId("c1.1"), state=DeliveryState.DEAD, at=NOON))
    dead = AgentOutcome(id=DeliveryId("c1.2"), state=DeliveryState.DEAD, reference="")
    await store.write(TakeStep(conversation=conversation, at=NOON, settled=(dead,)))

    await tidied(store, NOON + 8 * DAY)

    with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection:
        found = connection.execute("SELECT state, body FROM deliveries").fetchall()
    assert found == [("dead", "")] * 2


async def test_what_is_told_again_after_a_short_time_is_still_known(
    store: Store, tmp_path: Path
) -> None:
    await opened(store)
    await tidied(store, NOON + 2 * DAY, Keeping(usual=DAY))
    assert counts(tmp_path)["tombstones"] == 1

    again = await store.write(accept(said("hello", thread="thread of c1", opens=True)))

    assert again.verdict is Verdict.KNOWN


async def test_each_piece_is_small_and_none_is_left_out(store: Store, tmp_path: Path) -> None:
    conversation = msgspec.structs.replace(await opened(store), wanted=True)
    told = [
        await store.write(accept(said(f"{n:06}", thread="thread of c1"))) for n in range(AT_ONCE)
    ]
    done = tuple(entry for one in told for entry in entries(one))
    await store.write(TakeStep(conversation=conversation, at=NOON, done=done))

    pieces = await tidied(store, NOON + 31 * DAY)

    assert counts(tmp_path)["inbox"] == 0
    assert pieces >= 5


async def test_what_is_owed_again_keeps_nothing_behind_it(store: Store, tmp_path: Path) -> None:
    """The last of a piece is: it is older by its place than by its time."""
    live = msgspec.structs.replace(await opened(store), wanted=True)
    await store.write(owing(live, *((n, Ask("x")) for n in range(1, AT_ONCE + 2))))
    settled = [DeliveryId(f"c1.{n}") for n in range(1, AT_ONCE + 2)]
    outcomes = tuple(
        AgentOutcome(id=one, state=DeliveryState.SENT, reference="r") for one in settled
    )
    await store.write(TakeStep(conversation=live, at=NOON, settled=outcomes))
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection, connection:
        again = "UPDATE deliveries SET owed_at = ?, state = 'pending', settled_at = NULL"
        connection.execute(f"{again} WHERE number = {AT_ONCE}", (f"{NOON + 31 * DAY:%F %T.%f}",))

    await tidied(store, NOON + 31 * DAY)

    assert counts(tmp_path)["deliveries"] == 1
