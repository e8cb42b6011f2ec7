"""Migrations and tables: two descriptions of one thing, and both travel with the package."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert, select

from bridge.core import recent
from bridge.core.journal import Journal
from bridge.core.state import Conversation
from bridge.store import tables as t
from bridge.store.engines import writing_engine
from bridge.store.schema import NEWEST, bring_up_to_date, migrations_directory

ROOT = Path(__file__).parents[3]


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Connection]:
    """A database that was brought up to date from nothing."""
    with writing_engine(tmp_path / "bridge.db") as engine, engine.connect() as connection:
        assert bring_up_to_date(connection, allowed=True) == ""
        yield connection


def test_there_is_one_newest_schema() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))

    assert ScriptDirectory.from_config(config).get_heads() == [NEWEST]


def test_the_migrations_make_exactly_our_tables(migrated: Connection) -> None:
    context = MigrationContext.configure(migrated, opts={"compare_type": True})

    assert compare_metadata(context, t.metadata) == []


def test_indexes_keys_and_conditions_are_the_same_too(migrated: Connection) -> None:
    """What a comparison of metadata passes over: partial indexes, cascades, rowids."""
    fresh = create_engine("sqlite://")
    with fresh.connect() as ours:
        t.metadata.create_all(ours)
        assert _made(migrated) == _made(ours)
    fresh.dispose()


def test_what_is_up_to_date_is_left_alone(migrated: Connection) -> None:
    before = _salt(migrated)

    assert bring_up_to_date(migrated, allowed=False) == "0005"
    assert bring_up_to_date(migrated, allowed=True) == "0005"
    assert _salt(migrated) == before


def test_every_database_has_a_salt_of_its_own(tmp_path: Path) -> None:
    salts = set()
    for name in ("a.db", "b.db"):
        with writing_engine(tmp_path / name) as engine, engine.connect() as connection:
            bring_up_to_date(connection, allowed=True)
            salts.add(_salt(connection))

    assert {len(bytes.fromhex(salt)) for salt in salts} == {16}
    assert len(salts) == 2


def test_names_that_were_met_before_the_change_are_still_known(tmp_path: Path) -> None:
    """From schema 0003: written out, one by one."""
    names = [f"11111111-2222-4333-8444-{number:012}" for number in range(256)]
    common = {"id": "c", "adapter": "slack", "thread": "T", "agent": "a"}
    common |= dict.fromkeys(("opened_at", "touched_at"), "2026-11-21T12:00:00Z")
    session = {"number": 1, "opened_at": "2026-11-21T12:00:00Z"}
    journal = {"floor": 9, "ranges": [[1, 9]], "ids": names[:128]}
    documents: list[dict[str, Any]] = [
        {**common, "id": "c0", "restart_reason": "ended, über"},
        {**common, "id": "c1", "session": session},
        {**common, "id": "c2", "session": {**session, "shown": names, "journal": journal}},
    ]
    with writing_engine(tmp_path / "bridge.db") as engine, engine.connect() as connection:
        older = _at(connection, "0003", documents)
        bring_up_to_date(connection, allowed=True)
        states = select(t.conversations.c.state).order_by(t.conversations.c.id)
        untouched, unmet, met = connection.execute(states).scalars()

    assert [untouched, unmet] == older[:2]
    after = msgspec.json.decode(met, type=Conversation).session
    assert after is not None
    assert all(recent.met(after.shown, name) for name in names)
    assert [n for n in names if recent.met(after.journal.ids, n)] == names[:128]
    assert msgspec.structs.replace(after.journal, ids="") == Journal(ranges=((1, 9),), floor=9)
    assert recent.meet(after.shown, "next", 256)[:11] == recent.meet("", names[1], 256)


def test_what_is_settled_loses_its_words_and_what_is_needed_keeps_them(tmp_path: Path) -> None:
    """From schema 0004: but for what is owed, dead, or stands above buttons that are offered."""
    common = {"adapter": "slack", "thread": "T", "agent": "a"}
    common |= dict.fromkeys(("opened_at", "touched_at"), "2026-11-21T12:00:00Z")
    document = {**common, "id": "c", "offered": {"delivery": "c.5", "texts": ["yes"]}}
    states = ["sent", "dropped", "dead", "pending", "sent"]
    with writing_engine(tmp_path / "bridge.db") as engine, engine.connect() as connection:
        _at(connection, "0004", [document])
        with connection.begin():
            for number, state in enumerate(states, 1):
                post = {"type": "post", "content": {"text": f"secret {number}"}}
                body = json.dumps(post | ({"only_for": "U1"} if number < 3 else {}))
                values = (f"c.{number}", "c", number, "thread", state, body, 1, "2026-11-21 12:00")
                connection.exec_driver_sql(
                    "INSERT INTO deliveries (id, conversation, number, target, state, body,"
                    " attempts, owed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    values,
                )
        bring_up_to_date(connection, allowed=True)
        kept = connection.exec_driver_sql(
            "SELECT number FROM deliveries WHERE body != '' ORDER BY number"
        )
        assert list(kept.scalars()) == [3, 4, 5]
        private = connection.exec_driver_sql(
            "SELECT number FROM deliveries WHERE only_for = 'U1' ORDER BY number"
        )
        assert list(private.scalars()) == [1, 2]
    held = b"".join(path.read_bytes() for path in tmp_path.glob("bridge.db*"))
    assert [f"secret {number}".encode() in held for number in range(1, 6)] == [
        *(False, False, True, True, True)
    ]


def _at(connection: Connection, revision: str, documents: list[dict[str, Any]]) -> list[str]:
    """Make the schema of `revision`, with these conversations; their documents as stored."""
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    at = datetime(2026, 11, 21, tzinfo=UTC)
    rows = [
        {
            **{name: document[name] for name in ("id", "adapter", "agent")},
            "thread": document["id"],
            "state": json.dumps(document),
            "opened_at": at,
            "touched_at": at,
            "live": True,
            "open": True,
        }
        for document in documents
    ]
    with connection.begin():
        connection.execute(insert(t.conversations), rows)
    return [row["state"] for row in rows]


@pytest.mark.parametrize(
    "script", sorted((ROOT / "migrations").rglob("*.py")), ids=lambda p: p.name
)
def test_a_migration_imports_nothing_of_ours(script: Path) -> None:
    """Our code changes, and what a migration once did must not change with it."""
    imported = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])

    assert imported <= {"alembic", "sqlalchemy", *sys.stdlib_module_names}


@pytest.mark.thorough
def test_an_installed_wheel_can_make_a_database(tmp_path: Path) -> None:
    """From the packed files alone, with no checkout in sight."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    script = (
        "import bridge; from bridge.store import migrate;"
        "print(bridge.__file__); print(repr(migrate('sqlite+aiosqlite:///made.db')))"
    )

    made = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        check=True,
        capture_output=True,
        text=True,
    )

    assert made.stdout.splitlines() == [str(tmp_path / "installed/bridge/__init__.py"), "''"]
    assert (tmp_path / "made.db").exists()


def _made(connection: Connection) -> dict[str, str]:
    """The statement of each table and index, as far as its meaning goes."""
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL "
        "AND name NOT LIKE 'sqlite_%' AND name != 'alembic_version'"
    )
    return {row.name: _plain(row.sql) for row in rows}


def _plain(statement: str) -> str:
    """Without line breaks, and with a table's clauses in one order."""
    words = " ".join(statement.replace("\t", " ").split())
    head, bracket, rest = words.partition(" (")
    body, closing, tail = rest.rpartition(")")
    clauses = sorted(clause.strip() for clause in body.split(", "))
    return f"{head}{bracket}{', '.join(clauses)}{closing}{tail}"


def _salt(connection: Connection) -> str:
    with connection.begin():
        query = "SELECT value FROM facts WHERE name = 'salt'"
        return str(connection.exec_driver_sql(query).scalar_one())
