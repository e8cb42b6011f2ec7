"""How is the database copied while it is served, and is a copy sound?

A copy is one snapshot without free pages (`VACUUM INTO`, sqlite.org/lang_vacuum.html); it is read
back whole before it counts, and synced before it has its name.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bridge.errors import DatabaseFailed
from bridge.store import tables as t
from bridge.store.changes import Change
from bridge.store.opening import database_path
from bridge.store.schema import knows
from bridge.store.secluding import give_to_owner_of

#: The fact by which a copy says when it was made.
MADE_AT: Final = "copied_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy that was read back and is sound."""

    path: Path
    size: int  #: in bytes
    schema: str
    conversations: int
    owed: int  #: deliveries that were not settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Backed(Change[list[Path]]):
    """Remember where a backup is; of those beside it only the newest `keep` are to stay.

    Gives those that are not, the newest first.
    """

    path: Path
    at: datetime
    keep: int | None = None

    def apply(self, connection: Connection) -> list[Path]:
        """Write it down."""
        row = upsert(t.backups).values(path=str(self.path), made_at=self.at)
        connection.execute(
            row.on_conflict_do_update(index_elements=["path"], set_={"made_at": self.at})
        )
        if self.keep is None:
            return []
        query = select(t.backups.c.path).order_by(t.backups.c.made_at.desc(), t.backups.c.path)
        known = [Path(path) for (path,) in connection.execute(query)]
        over = [path for path in known if path.parent == self.path.parent][self.keep :]
        gone = delete(t.backups).where(t.backups.c.path.in_([str(path) for path in over]))
        connection.execute(gone)
        return over


def copy_to(url: str, target: Path, at: datetime) -> Copy:
    """Copy the database at `url`, which may be served meanwhile, to a new file of ours alone.

    `at` is no later than the snapshot: what it does not hold was done after that.

    Raises:
        DatabaseFailed: it cannot be read or written, something is at `target` already, or what was
            written is not sound.
    """
    source = database_path(url)
    with failing(f"The backup {target} was not made"), _new(target) as part:
        with closing(reading(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(part),))
        with closing(sqlite3.connect(part)) as connection, connection:
            connection.execute(
                "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)",
                (MADE_AT, at.isoformat()),
            )
        return named(verified(part), target)


def verified(path: Path) -> Copy:
    """Read a copy whole.

    Raises:
        DatabaseFailed: it is no database of ours, damaged, or of a newer version.
    """
    with failing(f"The backup {path} cannot be used"), closing(reading(path)) as connection:
        _sound(connection, path)
        (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if not knows(schema):
            raise DatabaseFailed(
                f"The backup {path} has schema {schema}, which this version does not know",
                remedy="install the version that made it, and restore it with that",
            )
        (conversations,) = connection.execute("SELECT count(*) FROM conversations").fetchone()
        (owed,) = connection.execute(
            "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending')"
        ).fetchone()
        return Copy(
            path=path,
            size=path.stat().st_size,
            schema=schema,
            conversations=conversations,
            owed=owed,
        )


def _sound(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    if found != "ok" or dangling is not None:
        raise DatabaseFailed(
            f"The backup {path} is damaged",
            remedy="take an older one; look at the disk it was on",
        )


@contextmanager
def _new(target: Path) -> Iterator[Path]:
    """The same, where nothing may be at `target` yet."""
    if target.exists():
        raise DatabaseFailed(f"There is a file {target} already", remedy="choose another name")
    with private(target) as part:
        yield part


@contextmanager
def private(target: Path, *, like: Path | None = None) -> Iterator[Path]:
    """An empty file beside `target` that is ours alone; gone, unless it was renamed meanwhile.

    Where root makes it, it belongs to whom `like` belongs to.
    """
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    if like is not None:
        give_to_owner_of(like, descriptor)
    os.close(descriptor)
    try:
        yield part
    finally:
        for end in ("", "-wal", "-shm"):
            part.with_name(part.name + end).unlink(missing_ok=True)


def named(copy: Copy, target: Path) -> Copy:
    """On the disk, and under its name."""
    sync(copy.path)
    copy.path.rename(target)
    sync(target.parent)
    return replace(copy, path=target.resolve())


def sync(path: Path) -> None:
    """What is there is on the disk; of a directory, its names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, and makes no file."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


@contextmanager
def failing(what: str) -> Iterator[None]:
    """What goes wrong here is told as `what` could not be done, and why."""
    try:
        yield
    except (sqlite3.Error, OSError, TypeError) as error:  # TypeError: no row, where one must be
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise DatabaseFailed(
            f"{what}: {words}",
            remedy="check the files, their permissions and the free space on their disks",
        ) from None
