"""Statements compiled once write and read exactly what SQLAlchemy would."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, create_engine, insert, select, update

from bridge.store import statements
from bridge.store.digests import OF_NAME, OF_WORDS, Digests
from bridge.store.prepared import Prepared
from bridge.store.tables import conversations, facts, metadata
from bridge.testing.clock import NOON

ROW = {"adapter": "a", "agent": "d", "live": True, "open": False, "state": "{}"}
ABROAD = NOON.astimezone(timezone(timedelta(hours=-9, minutes=-30)))


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.create_function(OF_WORDS, 1, Digests().of_words, deterministic=True)
        driver.create_function(OF_NAME, 2, Digests().of_name, deterministic=True)
        yield connection
    engine.dispose()


def test_a_row_is_stored_as_sqlalchemy_stores_it(connection: Connection) -> None:
    row = ROW | {"opened_at": ABROAD, "touched_at": NOON + timedelta(microseconds=1)}
    connection.execute(insert(conversations).values(id="one", thread="1", **row))

    Prepared(insert(conversations)).run(connection, id="two", thread="2", **row)

    columns = "opened_at, touched_at, live, open, typeof(live), state"
    one, two = connection.exec_driver_sql(f"SELECT {columns} FROM conversations").all()  # noqa: S608 - words of ours
    assert one == two
    found = connection.execute(select(conversations.c.opened_at)).scalars().all()
    assert found == [NOON, NOON]


def test_only_the_columns_that_are_named_are_set(connection: Connection) -> None:
    times = {"opened_at": NOON, "touched_at": NOON}
    connection.execute(insert(conversations).values(id="one", thread="1", **ROW, **times))
    quiet = update(conversations).where(conversations.c.id == bindparam("of"))

    Prepared(quiet, "live", "touched_at").run(
        connection, of="one", live=False, touched_at=NOON + timedelta(days=1), agent="not this one"
    )

    (row,) = connection.execute(select(conversations)).all()
    assert (row.live, row.touched_at) == (False, NOON + timedelta(days=1))
    assert (row.agent, row.opened_at) == ("d", NOON)


def test_rows_are_written_in_their_order_up_to_the_first_that_fails(
    connection: Connection,
) -> None:
    fact = Prepared(insert(facts))
    rows = [{"name": name, "value": "hunter2"} for name in ("a", "b", "a", "c")]

    with pytest.raises(sqlite3.IntegrityError) as refused:
        fact.run_each(connection, rows)

    assert connection.execute(select(facts.c.name)).scalars().all() == ["a", "b"]
    assert "hunter2" not in str(refused.value)


def test_a_value_that_is_missing_is_told_before_anything_is_written(
    connection: Connection,
) -> None:
    with pytest.raises(KeyError, match="value"):
        Prepared(insert(facts)).run(connection, name="a")

    assert connection.execute(select(facts)).all() == []


def test_a_delivery_or_a_conversation_is_found_by_an_index(connection: Connection) -> None:
    """What every message runs must not become slower with the rows there are."""
    prepared = {n: s for n, s in vars(statements).items() if isinstance(s, Prepared)}
    for name, statement in prepared.items():
        if statement.sql.startswith("INSERT"):
            continue
        values = [None] * statement.sql.count("?")
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.sql}", tuple(values))
        told = " ".join(row.detail for row in plan)
        assert "SEARCH" in told, name
        assert "SCAN" not in told, name
