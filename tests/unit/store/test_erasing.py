"""A person is erased from the rows, from backups and from what is restored."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bridge.errors import DatabaseFailed
from bridge.model.delivery import Ask
from bridge.model.ids import ConversationId, PersonId
from bridge.store import Keep, Store, TakeStep, Verdict, copy_to, open_store
from bridge.store.erasing import BeginErasure, EmptyAlone, FinishErasure, LookOver, Subject
from bridge.store.erasing_backups import erase_in, erase_since, look_in
from bridge.store.exporting import TakeOut
from bridge.store.upkeep import Scour
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from tests.unit.store.given import SLACK, accept, address, made, opened, owing, reply, said

KEY = "k" * 32
SUBJECT = Subject(adapter=SLACK, person=ANN.id)
NOBODY = Subject(adapter=SLACK, person=PersonId("U0"))
HOUR = timedelta(hours=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path), key=KEY) as store:
        yield store


async def lived(store: Store) -> None:
    """Ann says something; it is answered, and more is owed."""
    conversation = await opened(store)
    await store.write(owing(conversation, (1, reply("secret one")), (2, Ask("secret two"))))


async def erased(store: Store, identity: str = "e1") -> int:
    """As with no bridge running; how many conversations."""
    beginning = BeginErasure(identity=identity, subject=SUBJECT, at=NOON + HOUR)
    survey = await store.write(beginning)
    found = tuple(one.conversation for one in survey.holdings)
    emptied = await store.write(EmptyAlone(conversations=found, at=NOON + HOUR))
    await store.write(FinishErasure(identity=identity, at=NOON + HOUR))
    assert await store.write(Scour(rewrite=True))
    return emptied


def held(path: Path) -> bool:
    """Whether any byte of it is anywhere."""
    return any(b"secret" in file.read_bytes() for file in path.glob("bridge.db*"))


async def test_nothing_is_left_but_an_empty_conversation(store: Store, tmp_path: Path) -> None:
    await lived(store)
    assert held(tmp_path)

    assert await erased(store) == 1

    assert not held(tmp_path)
    assert await store.conversation(ConversationId("c1")) is not None
    assert (await store.write(LookOver(subject=SUBJECT))).holdings == ()


async def test_what_is_told_again_is_known_and_what_is_new_is_not(store: Store) -> None:
    await lived(store)
    await erased(store)

    again = await store.write(accept(said("hello", thread="thread of c1", opens=True)))
    new = await store.write(accept(said("more", thread="thread of c1")))

    assert (again.verdict, new.verdict) == (Verdict.KNOWN, Verdict.NEW)


async def test_a_look_changes_nothing_and_counts(store: Store, tmp_path: Path) -> None:
    await lived(store)

    (holding,) = (await store.write(LookOver(subject=SUBJECT))).holdings

    assert (holding.messages, holding.deliveries, len(holding.unsent)) == (1, 2, 2)
    assert held(tmp_path)
    assert (await store.write(LookOver(subject=NOBODY))).holdings == ()


async def test_a_backup_is_erased_from_in_the_same_way(store: Store, tmp_path: Path) -> None:
    await lived(store)
    backup = tmp_path / "copy.db"
    copy_to(address(tmp_path), backup, NOON)
    assert b"secret" in backup.read_bytes()

    assert erase_in(backup, SUBJECT, [], NOON + HOUR, KEY) == 1

    assert b"secret" not in backup.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]


async def test_what_hangs_on_no_conversation_goes_from_a_backup_too(
    store: Store, tmp_path: Path
) -> None:
    """A reply in a thread that is nobody's, and what the adapter remembers."""
    await lived(store)
    await store.write(accept(said("secret reply", thread="nobody's")))
    for memory in (f"of {ANN.id}", "theirs", "other"):
        await store.write(Keep(adapter=SLACK, key=memory, value=f"held {memory}", sealed=False))
    assert (await store.write(LookOver(subject=SUBJECT))).unclaimed == 1
    backup, restored = tmp_path / "copy.db", tmp_path / "again.db"
    copy_to(address(tmp_path), backup, NOON)
    copy_to(address(tmp_path), restored, NOON)
    await erased(store)

    assert look_in(backup, SUBJECT, []) == erase_in(
        backup, SUBJECT, [], NOON, KEY, keys=("theirs",)
    )
    erase_since(tmp_path / "bridge.db", restored, NOON, KEY)

    for file in (backup, restored):
        assert b"secret" not in file.read_bytes()
        assert b"held of" not in file.read_bytes()
        assert b"held other" in file.read_bytes()
    assert b"held theirs" not in backup.read_bytes()


@pytest.mark.parametrize("spoilt", [b"", b"nothing of ours" * 400])
async def test_a_backup_that_is_spoilt_is_told(store: Store, tmp_path: Path, spoilt: bytes) -> None:
    await lived(store)
    backup = tmp_path / "copy.db"
    copy_to(address(tmp_path), backup, NOON)
    whole = backup.read_bytes()
    # At the end are pages of tables: a text of it is what breaks there.
    backup.write_bytes(spoilt or whole.replace(b'"agent":', b'"agent";'))

    for tried in (look_in, partial(erase_in, at=NOON, key=KEY)):
        with suppress(DatabaseFailed) if tried is look_in else pytest.raises(DatabaseFailed):
            tried(backup, SUBJECT, [])


def test_a_backup_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailed, match="was not erased from"):
        erase_in(tmp_path / "gone.db", SUBJECT, [], NOON, KEY)


@pytest.mark.parametrize("listed", [True, False])
async def test_what_was_erased_is_erased_again_from_what_is_restored(
    store: Store,
    tmp_path: Path,
    listed: bool,
) -> None:
    """By the list of conversations, and those the list lacks by the digest of the person."""
    await lived(store)
    backup = tmp_path / "copy.db"
    copy_to(address(tmp_path), backup, NOON)
    await erased(store)
    if not listed:
        with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection, connection:
            connection.execute("UPDATE erasures SET conversations = '[]'")

    assert erase_since(tmp_path / "bridge.db", backup, NOON + HOUR, KEY) >= 1

    assert b"secret" not in backup.read_bytes()


async def test_who_came_back_before_the_backup_is_not_forgotten_again(
    store: Store, tmp_path: Path
) -> None:
    await lived(store)
    await erased(store)
    conversation = await store.conversation(ConversationId("c1"))
    assert conversation is not None
    await store.write(owing(conversation, (3, reply("said since"))))
    backup = tmp_path / "copy.db"
    copy_to(address(tmp_path), backup, NOON)

    assert erase_since(tmp_path / "bridge.db", backup, NOON + HOUR, KEY) == 0

    assert b"said since" in backup.read_bytes()


async def test_a_backup_in_the_middle_of_an_erasure_is_erased_from(
    store: Store, tmp_path: Path
) -> None:
    """It knows of the erasure, and holds the words all the same."""
    await lived(store)
    await store.write(BeginErasure(identity="e1", subject=SUBJECT, at=NOON))
    backup = tmp_path / "copy.db"
    copy_to(address(tmp_path), backup, NOON)
    await erased(store, "e2")

    assert erase_since(tmp_path / "bridge.db", backup, NOON + HOUR, KEY) >= 1

    assert b"secret" not in backup.read_bytes()


async def test_an_export_has_the_words_and_no_token(store: Store) -> None:
    await lived(store)

    found = await store.write(TakeOut(subject=SUBJECT))

    (conversation,) = found["conversations"]
    assert conversation["deliveries"][1]["body"]["text"] == "secret two"
    assert all("sealed_token" not in one for one in conversation["sessions"])
    assert (await store.write(TakeOut(subject=NOBODY)))["conversations"] == []


async def test_an_erasure_that_was_broken_off_is_done_again(store: Store, tmp_path: Path) -> None:
    """Of two conversations one is emptied when the process dies."""
    await lived(store)
    other = await opened(store, "c2")
    await store.write(TakeStep(conversation=other, at=NOON))
    await store.write(BeginErasure(identity="e1", subject=SUBJECT, at=NOON))
    await store.write(EmptyAlone(conversations=(ConversationId("c2"),), at=NOON))

    assert await erased(store, "e2") == 1

    assert not held(tmp_path)
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection:
        open_ones = "SELECT count(*) FROM erasures WHERE finished_at IS NULL"
        assert connection.execute(open_ones).fetchone() == (0,), "else it is done for ever"
