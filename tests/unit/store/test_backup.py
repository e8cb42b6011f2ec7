"""A copy of the database: one snapshot, read back, ours alone, under its name only when whole."""

import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import DatabaseFailed
from bridge.store import Backed, copy_to, open_store
from bridge.store.backup import verified
from bridge.testing.clock import NOON
from tests.unit.store.given import address, made, opened, owing, reply


async def test_a_copy_is_made_beside_whoever_serves_the_database(tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    async with open_store(made(tmp_path)) as store:
        await store.write(owing(await opened(store), (1, reply("hi"))))
        copy = copy_to(address(tmp_path), target, NOON)
        await store.write(owing(await opened(store, "c2"), (1, reply("later"))))

    assert (copy.path, copy.conversations, copy.owed) == (target, 1, 1)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    async with open_store(address(tmp_path, "copy.db")) as store:
        assert [owed.body for owed in await store.owed_to_threads()] == [reply("hi")]


async def test_what_was_deleted_is_not_in_a_copy(tmp_path: Path) -> None:
    async with open_store(made(tmp_path)) as store:
        await store.write(owing(await opened(store), (1, reply("a very rare word"))))
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as database, database:
        database.execute("DELETE FROM deliveries")
    copy_to(address(tmp_path), tmp_path / "copy.db", NOON)
    assert b"a very rare word" not in (tmp_path / "copy.db").read_bytes()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(DatabaseFailed, match="already"):
        copy_to(address(tmp_path), tmp_path / "copy.db", NOON)
    assert (tmp_path / "copy.db").read_text() == "mine"


@pytest.mark.parametrize("name", ["missing.db", "text.db"])
def test_what_is_no_database_cannot_be_copied_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises(DatabaseFailed, match="was not made"):
        copy_to(address(tmp_path, name), tmp_path / "copy.db", NOON)
    assert [file.name for file in tmp_path.iterdir()] == ["text.db"]


def test_a_target_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    made(tmp_path)
    with pytest.raises(DatabaseFailed, match="No such file"):
        copy_to(address(tmp_path), tmp_path / "nowhere" / "copy.db", NOON)


@pytest.mark.parametrize("at", [0.3, 0.5, 0.9])
async def test_a_damaged_copy_is_refused(tmp_path: Path, at: float) -> None:
    async with open_store(made(tmp_path)) as store:
        for number in range(40):
            await opened(store, f"c{number}")
    path = copy_to(address(tmp_path), tmp_path / "copy.db", NOON).path
    whole = path.read_bytes()
    where = int(len(whole) * at) // 4096 * 4096
    path.write_bytes(whole[:where] + bytes([255]) * 4096 + whole[where + 4096 :])
    with pytest.raises(DatabaseFailed):
        verified(path)


def test_a_copy_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    made(tmp_path)
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseFailed, match="schema 9999") as caught:
        verified(tmp_path / "bridge.db")
    assert "version that made it" in caught.value.remedy


async def test_only_the_newest_stay_of_those_in_one_directory(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "a.db"
    async with open_store(made(tmp_path)) as store:
        await store.write(Backed(path=elsewhere, at=NOON))
        for number in range(3):
            at = NOON + timedelta(days=number)
            over = await store.write(Backed(path=tmp_path / f"{number}.db", at=at, keep=2))
        again = await store.write(Backed(path=tmp_path / "2.db", at=at, keep=2))
    assert over == [tmp_path / "0.db"]
    assert again == []
