"""Migrations and tables: two descriptions of one thing, and both travel with the package."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from bridge.store import tables as t
from bridge.store.engines import writing_engine
from bridge.store.schema import bring_up_to_date, migrations_directory

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

    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


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

    assert bring_up_to_date(migrated, allowed=False) == "0003"
    assert bring_up_to_date(migrated, allowed=True) == "0003"
    assert _salt(migrated) == before


def test_every_database_has_a_salt_of_its_own(tmp_path: Path) -> None:
    salts = set()
    for name in ("a.db", "b.db"):
        with writing_engine(tmp_path / name) as engine, engine.connect() as connection:
            bring_up_to_date(connection, allowed=True)
            salts.add(_salt(connection))

    assert {len(bytes.fromhex(salt)) for salt in salts} == {16}
    assert len(salts) == 2


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

    assert imported <= {"alembic", "sqlalchemy"}


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
