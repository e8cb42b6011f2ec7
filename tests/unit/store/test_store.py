"""Opening the database: alone, private, durable; and every way in which it cannot be opened."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from bridge.errors import BridgeError, DatabaseFailed, DatabaseHeld, MigrationNeeded
from bridge.model.ids import ConversationId
from bridge.store import NewSession, TakeStep, look_into, migrate, open_store
from bridge.store.opening import database_path
from bridge.testing.clock import NOON
from tests.unit.store.given import accept, address, opened, owing, reply, said


async def refusal(url: str, *, auto_migrate: bool = True) -> BridgeError:
    """How opening it is refused; it must be, in our own words."""
    with pytest.raises(BridgeError) as caught:
        async with open_store(url, auto_migrate=auto_migrate):
            pass
    assert caught.value.remedy
    return caught.value


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)) as store:
        await store.write(owing(await opened(store), (1, reply("hi"))))
        await store.write(accept(said("more", thread="thread of c1")))

    async with open_store(address(tmp_path)) as store:
        assert [d.body for d in await store.owed_to_threads()] == [reply("hi")]
        assert len(await store.open_entries()) == 1


async def test_only_the_owner_may_read_any_of_its_files(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)) as store:
        await opened(store)
        modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in tmp_path.iterdir()}

    files = ("bridge.db", "bridge.db-wal", "bridge.db-shm", "bridge.db.lock")
    assert modes == dict.fromkeys(files, 0o600)


async def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    path.touch(0o644)
    path.chmod(0o644)

    async with open_store(address(tmp_path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_second_opener_is_refused_until_the_first_has_left(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)):
        refused = await refusal(address(tmp_path))
        with pytest.raises(DatabaseHeld):
            migrate(address(tmp_path))
    assert isinstance(refused, DatabaseHeld)
    assert refused.exit_code == 14

    async with open_store(address(tmp_path)):
        pass


async def test_another_name_of_the_same_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "alias.db").symlink_to(tmp_path / "bridge.db")

    async with open_store(address(tmp_path)):
        refused = await refusal(address(tmp_path / "elsewhere", "alias.db"))

    assert isinstance(refused, DatabaseHeld)


async def test_a_failed_start_leaves_the_lock_free(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").write_bytes(b"not a database at all " * 100)
    await refusal(address(tmp_path))
    (tmp_path / "bridge.db").unlink()

    async with open_store(address(tmp_path)):
        pass


async def test_a_missing_directory_is_told_and_not_made(tmp_path: Path) -> None:
    refused = await refusal(address(tmp_path / "nowhere"))

    assert isinstance(refused, DatabaseFailed)
    assert "directory" in str(refused)
    assert not (tmp_path / "nowhere").exists()


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    path.write_bytes(b"Dear diary, " * 1000)

    refused = await refusal(address(tmp_path))

    assert isinstance(refused, DatabaseFailed)
    assert "not a database" in str(refused)
    assert path.read_bytes() == b"Dear diary, " * 1000


async def test_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").mkdir()

    refused = await refusal(address(tmp_path))

    assert isinstance(refused, DatabaseFailed)
    assert "irectory" in str(refused)


async def test_a_database_from_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)) as store:
        await opened(store)
    _run(tmp_path, "UPDATE alembic_version SET version_num = '9999'")

    refused = await refusal(address(tmp_path))

    assert isinstance(refused, DatabaseFailed)
    assert "9999" in str(refused)
    assert "newer" in str(refused)
    assert _run(tmp_path, "SELECT count(*) FROM conversations") == 1


async def test_an_older_schema_is_left_alone_when_told_so(tmp_path: Path) -> None:
    refused = await refusal(address(tmp_path), auto_migrate=False)
    assert isinstance(refused, MigrationNeeded)
    assert _run(tmp_path, "SELECT count(*) FROM sqlite_master") == 0

    assert migrate(address(tmp_path)) == ""
    async with open_store(address(tmp_path), auto_migrate=False) as store:
        await opened(store)
    assert migrate(address(tmp_path)) == "0005"


async def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    _run(tmp_path, "CREATE TABLE conversations (id INTEGER)")

    refused = await refusal(address(tmp_path))

    assert isinstance(refused, DatabaseFailed)
    assert _run(tmp_path, "SELECT group_concat(name) FROM sqlite_master") == "conversations"


async def test_a_database_without_its_salt_is_refused_in_words(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)):
        pass
    _run(tmp_path, "DELETE FROM facts")

    assert isinstance(await refusal(address(tmp_path)), DatabaseFailed)


async def test_looking_into_nothing_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailed, match="no database"):
        async with look_into(address(tmp_path)):
            pass
    assert list(tmp_path.iterdir()) == []


async def test_looking_into_an_empty_file_needs_a_migration(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").touch()

    with pytest.raises(MigrationNeeded):
        async with look_into(address(tmp_path)):
            pass


@pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "bridge"])
def test_an_address_must_name_a_file(url: str) -> None:
    with pytest.raises(DatabaseFailed):
        database_path(url)


async def test_what_is_damaged_later_is_told_in_our_own_words(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)) as store:
        await opened(store)
        _run(tmp_path, "DROP TABLE identities")
        _run(tmp_path, "DROP TABLE inbox")

        with pytest.raises(DatabaseFailed):
            await store.open_entries()
        with pytest.raises(DatabaseFailed):
            await store.write(accept(said("hm")))
        assert await store.conversation(ConversationId("c1")) is not None


async def test_readers_do_not_wait_for_the_writer(tmp_path: Path) -> None:
    """A transaction under way neither blocks a reader nor shows it anything half-done."""
    async with open_store(address(tmp_path)) as store:
        await opened(store)
        with closing(sqlite3.connect(tmp_path / "bridge.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM inbox")
            other.execute("DELETE FROM conversations")
            async with asyncio.timeout(1):
                found = await store.list_conversations(everything=True)
            other.execute("ROLLBACK")

    assert len(found) == 1


async def test_a_token_is_nowhere_in_clear(tmp_path: Path) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.very-secret-token"
    async with open_store(address(tmp_path)) as store:
        sealer = store.sealer("connector-secret")
        session = NewSession(
            number=1, session_id="s1", sealed_token=sealer.seal(token), expires_at=None
        )
        conversation = await opened(store)
        await store.write(TakeStep(conversation=conversation, at=NOON, session=session))
        record = await store.session(conversation.id, 1, sealer)
        everything = b"".join(f.read_bytes() for f in tmp_path.iterdir())
    async with open_store(address(tmp_path)) as store:
        again = await store.session(conversation.id, 1, store.sealer("connector-secret"))
        other = await store.session(conversation.id, 1, store.sealer("another-secret"))

    assert b"s1" in everything
    assert token.encode() not in everything
    assert b"connector-secret" not in everything
    assert record is not None
    assert again is not None
    assert other is not None
    assert (record.token, again.token, other.token) == (token, token, None)
    assert token not in repr(record) + repr(session)


def _run(directory: Path, statement: str) -> object:
    """Do something to the file that the bridge would not do; the first value it gives."""
    with closing(sqlite3.connect(directory / "bridge.db")) as connection, connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else None
