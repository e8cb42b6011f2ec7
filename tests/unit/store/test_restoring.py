"""A backup in the place of the database: nothing is done by itself that may have been done."""

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bridge.core.effects import SendKind
from bridge.core.restoring import GAP
from bridge.core.state import InFlight, Session, Waiting
from bridge.errors import DatabaseFailed, DatabaseHeld
from bridge.model.delivery import Ask, DeliveryState, Replace
from bridge.model.ids import ConversationId, DeliveryId
from bridge.store import TakeStep, copy_to, open_store, restore_backup
from bridge.store.redriving import SetAside, TakenUpAgain
from bridge.testing.clock import NOON
from tests.unit.store.given import accept, address, entries, made, opened, owing, reply, said

LATER = NOON + timedelta(hours=1)
C1 = ConversationId("c1")


async def backed_up(directory: Path) -> Path:
    """A backup with something of each kind under way, and a database that has gone on since."""
    async with open_store(made(directory)) as store:
        conversation = await opened(store)
        words = Waiting(DeliveryId("c1.2"), "hello")
        flight = InFlight(kind=SendKind.MESSAGE, message=words, text="hello", sent_at=NOON)
        session = Session(number=1, opened_at=NOON, joined=True)
        busy = msgspec.structs.replace(conversation, session=session, sessions=1, in_flight=flight)
        await store.write(
            owing(
                busy,
                (1, reply("hi")),
                (2, Ask("hello")),
                (3, Replace(DeliveryId("c1.1"), reply("hi!").content)),
            )
        )
        await store.write(accept(said("one more", thread="thread of c1")))
        await store.write(accept(said("not for us", thread="a stranger's")))
        copy = copy_to(address(directory), directory / "copy.db", NOON).path
        await opened(store, "c2")
    return copy


async def test_what_was_under_way_is_doubted_set_aside_or_forgotten(tmp_path: Path) -> None:
    done = restore_backup(address(tmp_path), await backed_up(tmp_path), LATER)

    assert (done.doubtful, done.set_aside, done.unseen) == (1, 1, 1)
    async with open_store(address(tmp_path)) as store:
        (owed,) = await store.owed_to_threads()
        assert (owed.id, owed.state, owed.attempted_at) == ("c1.1", DeliveryState.SENDING, NOON)
        listed = {row.id: (row.state, row.reason) for row in await store.list_deliveries(C1)}
        assert listed[DeliveryId("c1.2")][0] is DeliveryState.DEAD
        assert listed[DeliveryId("c1.3")][0] is DeliveryState.DROPPED
        assert await store.open_entries() == []
        conversation = await store.conversation(C1)
        assert conversation is not None
        assert (conversation.session, conversation.in_flight) == (None, None)
        assert conversation.deliveries == 3 + GAP, "no id is given out twice"
        assert await store.conversation(ConversationId("c2")) is None


async def test_what_no_step_could_take_up_is_still_there_to_be_redriven(tmp_path: Path) -> None:
    async with open_store(made(tmp_path)) as store:
        await opened(store)
        (entry,) = entries(await store.write(accept(said("odd", thread="thread of c1"))))
        await store.write(SetAside(entry=entry, at=NOON, reason="odd"))
        copy = copy_to(address(tmp_path), tmp_path / "copy.db", NOON).path

    restore_backup(address(tmp_path), copy, LATER)

    async with open_store(address(tmp_path)) as store:
        assert await store.write(TakenUpAgain(entry=entry, at=LATER)) is not None


async def test_the_time_that_nobody_knows_ends_with_the_last_that_was_written(
    tmp_path: Path,
) -> None:
    done = restore_backup(address(tmp_path), await backed_up(tmp_path), LATER)
    assert (done.unknown_from, done.unknown_until) == (NOON, NOON), "nothing is newer there"
    async with open_store(address(tmp_path)) as store:
        assert await store.unknown_span() == (NOON, NOON)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
@pytest.mark.parametrize("before", ["the service's", "root's", "gone"])
async def test_what_root_restores_is_still_the_services_and_nothing_is_left_beside_it(
    tmp_path: Path, before: str
) -> None:
    copy = (await backed_up(tmp_path)).rename(tmp_path.parent / f"{tmp_path.name}.db")
    for path in (tmp_path, *tmp_path.iterdir()):
        os.chown(path, 4321, 4322)
    if before == "root's":
        os.chown(tmp_path / "bridge.db", 0, 0)
    elif before == "gone":
        for path in tmp_path.iterdir():
            path.unlink()
    restore_backup(address(tmp_path), copy, LATER)

    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in tmp_path.iterdir()}
    assert (owners["bridge.db"], owners["bridge.db.lock"]) == ((4321, 4322), (4321, 4322))
    assert [name for name in owners if ".part" in name] == []


async def test_without_the_database_it_ends_with_the_restore(tmp_path: Path) -> None:
    copy = await backed_up(tmp_path)
    (tmp_path / "bridge.db").unlink()
    done = restore_backup(address(tmp_path), copy, LATER)
    assert (done.unknown_until, done.before) == (LATER, None)


async def test_the_database_that_was_there_is_kept_whole(tmp_path: Path) -> None:
    before = restore_backup(address(tmp_path), await backed_up(tmp_path), LATER).before
    assert before is not None
    async with open_store(address(tmp_path, before.name)) as store:
        assert await store.conversation(ConversationId("c2")) is not None


async def test_the_log_of_the_old_database_never_gets_into_the_new_one(tmp_path: Path) -> None:
    copy = await backed_up(tmp_path)
    path = tmp_path / "bridge.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("INSERT INTO facts (name, value) VALUES ('late', 'one')")
        database.commit()
        log = path.with_name("bridge.db-wal").read_bytes()
    path.with_name("bridge.db-wal").write_bytes(log)  # as a kill leaves it
    before = restore_backup(address(tmp_path), copy, LATER).before
    assert before is not None
    for file, found in ((path, 0), (before, 1)):
        with closing(sqlite3.connect(file)) as database:
            query = "SELECT count(*) FROM facts WHERE name = 'late'"
            assert database.execute(query).fetchone() == (found,)


async def test_a_served_database_is_not_touched(tmp_path: Path) -> None:
    copy = await backed_up(tmp_path)
    async with open_store(address(tmp_path)):
        with pytest.raises(DatabaseHeld):
            restore_backup(address(tmp_path), copy, LATER)


async def test_a_backup_that_is_none_leaves_everything_as_it_was(tmp_path: Path) -> None:
    await backed_up(tmp_path)
    (tmp_path / "none.db").write_text("nothing")
    with pytest.raises(DatabaseFailed):
        restore_backup(address(tmp_path), tmp_path / "none.db", LATER)
    async with open_store(address(tmp_path)) as store:
        assert await store.conversation(ConversationId("c2")) is not None


async def test_what_was_settled_stays_settled(tmp_path: Path) -> None:
    async with open_store(made(tmp_path)) as store:
        conversation = await opened(store)
        await store.write(TakeStep(conversation=conversation, at=NOON))
        copy = copy_to(address(tmp_path), tmp_path / "copy.db", NOON).path
    done = restore_backup(address(tmp_path), copy, LATER)
    assert (done.doubtful, done.set_aside, done.unseen) == (0, 0, 0)
