"""How is something erased from a backup, and again from what is restored from one?"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from bridge.errors import DatabaseFailed
from bridge.model.ids import ConversationId
from bridge.store import tables as t
from bridge.store.backup import failing, reading
from bridge.store.digests import Digests
from bridge.store.engines import writing_engine
from bridge.store.erasing import (
    Erasure,
    Subject,
    empty_alone,
    erase_again,
    forget_beside,
    involving,
)
from bridge.store.schema import NEWEST
from bridge.store.upkeep import Scour


def erase_in(
    path: Path,
    subject: Subject,
    listed: Iterable[ConversationId],
    at: datetime,
    key: str,
    *,
    keys: Collection[str] = (),
) -> int:
    """Erase it from the backup at `path`, and write the file anew; how many conversations.

    `listed` are those that are erased in any case, `keys` those under which the adapter remembers
    something of the person.

    Raises:
        DatabaseFailed: it is not there, of another schema, damaged, or cannot be written.
    """
    with _failing(path):
        _must_be_ours(path)
        digests = Digests()
        with writing_engine(path, digests) as engine, engine.connect() as connection:
            with connection.begin():
                digests.keyed(key, _salt(connection))
                found = dict.fromkeys((*listed, *involving(connection, subject)))
                emptied = empty_alone(connection, found, at)
                forget_beside(connection, subject, keys, at)
            _as_a_copy(connection)
        return emptied


def look_in(path: Path, subject: Subject, listed: Iterable[ConversationId]) -> int:
    """How many conversations `erase_in` would empty; raises as that does, and changes nothing."""
    with _failing(path):
        _must_be_ours(path)
        engine = create_engine("sqlite://", creator=lambda: reading(path), hide_parameters=True)
        try:
            with engine.connect() as connection:
                of = t.conversations.c.id
                there = connection.execute(select(of).where(of.in_([*listed]))).scalars()
                return len({*there, *involving(connection, subject)})
        finally:
            engine.dispose()


def erase_since(current: Path, restored: Path, at: datetime, key: str) -> int:
    """Erase from `restored` whatever was erased from `current`, the database it is to replace.

    How many conversations; 0 if there is no such database, as nothing can be known then. What
    `restored` itself knows to be done is not done again: people may have come back since. For
    `restore`, before the one takes the place of the other, and for a `backup` that was made while
    somebody was erased.

    Raises:
        DatabaseFailed: it cannot be read or written.
    """
    with failing(f"What was erased is not erased from {restored}"):
        done = {one.id for one in _erased_from(restored, finished=True)}
        rows = [one for one in _erased_from(current) if one.id not in done]
        if not rows:
            return 0
        digests = Digests()
        with writing_engine(restored, digests) as engine, engine.connect() as connection:
            with connection.begin():
                digests.keyed(key, _salt(connection))
                emptied = erase_again(connection, rows, at)
            _as_a_copy(connection)
        return emptied


@contextmanager
def _failing(path: Path) -> Iterator[None]:
    """Whatever is wrong with a backup is told of it, and keeps nobody from the others."""
    what = f"The backup {path} was not erased from"
    try:
        with failing(what):
            yield
    except (SQLAlchemyError, msgspec.MsgspecError) as error:
        why = str(getattr(error, "orig", None) or type(error).__name__)
        raise DatabaseFailed(f"{what}: {why}", remedy="delete it, if you cannot mend it") from None


def _erased_from(path: Path, *, finished: bool = False) -> list[Erasure]:
    """As far as that can be read: a database that is damaged is why most are restored."""
    query = "SELECT id, adapter, subject, conversations FROM erasures"
    if finished:
        query += " WHERE finished_at IS NOT NULL"
    try:
        with closing(reading(path)) as connection:
            return [Erasure(*row) for row in connection.execute(query)]
    except sqlite3.Error:
        return []


def _must_be_ours(path: Path) -> None:
    if not path.exists():
        raise DatabaseFailed(
            f"The backup {path} was not erased from: it is not there any more",
            remedy="if it was moved, delete it where it is now",
        )
    with closing(reading(path)) as connection:
        (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if schema != NEWEST:
        raise DatabaseFailed(
            f"The backup {path} has schema {schema}",
            remedy="delete it; if it is restored, what was erased is erased from it again",
        )


def _salt(connection: Connection) -> str:
    return str(
        connection.execute(select(t.facts.c.value).where(t.facts.c.name == "salt")).scalar_one()
    )


def _as_a_copy(connection: Connection) -> None:
    """One file without a log beside it, and without free pages."""
    Scour(rewrite=True).apply(connection)
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA journal_mode = DELETE")
