"""How SQLite is opened: durable, guarded, alone in writing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from bridge.store.engines import LOG_PAGES, reading_engine, writing_engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE words (word TEXT)")
    return path


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("busy_timeout", 5000),
        ("wal_autocheckpoint", 4000),
    ],
)
def test_the_writers_connection_is_durable(path: Path, pragma: str, value: object) -> None:
    with writing_engine(path) as engine, engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


@pytest.mark.thorough
def test_the_log_beside_the_database_is_bounded(path: Path) -> None:
    with writing_engine(path) as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO words VALUES ('')")
        for _ in range(12):
            with engine.begin() as connection:  # a thousand pages
                connection.exec_driver_sql("UPDATE words SET word = randomblob(4000000)")
        log = path.with_name(f"{path.name}-wal").stat().st_size

    assert log < (LOG_PAGES + 1_100) * 4_120


def test_a_write_transaction_takes_the_lock_when_it_begins(path: Path) -> None:
    """Before anything is read in it: an upgrade of a read lock fails at once, timeout or not."""
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with closing(other), writing_engine(path) as engine, engine.begin():
        locked = pytest.raises(sqlite3.OperationalError, match="locked")
        with locked:
            other.execute("BEGIN IMMEDIATE")


def test_transactions_begin_immediately_and_only_when_asked(path: Path) -> None:
    said: list[str] = []
    with writing_engine(path) as engine:

        def listen(connection: sqlite3.Connection, _record: object) -> None:
            connection.set_trace_callback(said.append)

        event.listen(engine, "connect", listen)
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO words VALUES ('hi')")
            connection.exec_driver_sql("INSERT INTO words VALUES ('ho')")

    commands = [line.split(" INTO")[0] for line in said if not line.startswith("PRAGMA")]
    assert commands == ["BEGIN IMMEDIATE", "INSERT", "INSERT", "COMMIT"]


def test_there_is_exactly_one_writing_connection(path: Path) -> None:
    with writing_engine(path) as engine:
        for _ in range(3):
            with engine.begin():
                assert engine.pool.checkedout() == 1  # type: ignore[attr-defined]  # a queue pool
        assert engine.pool.checkedin() == 1  # type: ignore[attr-defined]


async def test_readers_cannot_write(path: Path) -> None:
    async with reading_engine(path) as engine, engine.connect() as connection:
        with pytest.raises(OperationalError, match="readonly"):
            await connection.exec_driver_sql("INSERT INTO words VALUES ('hi')")
        assert (await connection.exec_driver_sql("PRAGMA query_only")).scalar_one() == 1


async def test_a_reader_keeps_one_view_through_its_transaction(path: Path) -> None:
    count = "SELECT count(*) FROM words"
    async with reading_engine(path) as engine:
        async with engine.connect() as connection:
            assert (await connection.exec_driver_sql(count)).scalar_one() == 0
            with writing_engine(path) as writing, writing.begin() as writer:
                writer.exec_driver_sql("INSERT INTO words VALUES ('hi')")
            assert (await connection.exec_driver_sql(count)).scalar_one() == 0
        async with engine.connect() as connection:
            assert (await connection.exec_driver_sql(count)).scalar_one() == 1


def test_an_error_never_shows_what_was_to_be_written(path: Path) -> None:
    statement, words = "INSERT INTO nowhere VALUES (?)", ("hunter2",)
    with (
        writing_engine(path) as engine,
        pytest.raises(OperationalError) as refused,
        engine.connect() as connection,
    ):
        connection.exec_driver_sql(statement, words)

    assert "hunter2" not in str(refused.value)
