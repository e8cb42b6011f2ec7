"""How is a backup put in the place of the database?

Whatever happened since the backup is not known any more. So nothing is done by itself that may
have been done since: what is owed to threads counts as in doubt and is looked for, what the agent
had not confirmed is a dead letter that an operator may redrive, and what platforms tell of the
time that nobody knows is not taken in again.
"""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, delete, insert, null, select, update

from bridge.core.restoring import restored
from bridge.core.state import Conversation
from bridge.model.delivery import DeliveryState
from bridge.store import tables as t
from bridge.store.backup import MADE_AT, Backed, Copy, failing, private, reading, sync, verified
from bridge.store.changes import UNKNOWN_FROM, UNKNOWN_UNTIL, conversation_columns
from bridge.store.engines import writing_engine
from bridge.store.erasing_backups import erase_since
from bridge.store.opening import database_path, held
from bridge.store.schema import bring_up_to_date

#: Why it is not sent by itself.
MAY_BE_TOLD: Final = "restored from a backup: the agent may have been told since"
MAY_BE_SHOWN: Final = "restored from a backup: newer changes may have been made since"
#: Where a database says when something happened last.
_SIGNS: Final = (
    ("inbox", "accepted_at"),
    ("deliveries", "owed_at"),
    ("deliveries", "settled_at"),
    ("conversations", "touched_at"),
)
_AT_ONCE: Final = 200
_OPEN = (DeliveryState.PENDING, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore came to."""

    copy: Copy
    unknown_from: datetime
    unknown_until: datetime
    doubtful: int  #: deliveries to threads that are looked for before they are sent
    set_aside: int  #: messages to the agent that it may have been told: dead letters now
    unseen: int  #: what platforms had told and no step had seen to: forgotten
    before: Path | None  #: where the database is kept that was there


def restore(url: str, backup: Path, at: datetime, *, key: str = "") -> Restored:
    """Put `backup` in the place of the database at `url`, which is kept beside it.

    Who was erased from that is erased from this; `key` is the one of the database's digests.

    Raises:
        DatabaseHeld: a bridge serves it.
        DatabaseFailed: the backup cannot be used, or nothing can be written there.
    """
    path = database_path(url)
    with (
        held(path),
        failing(f"The backup {backup} was not restored"),
        private(path, like=_whose(path)) as part,
    ):
        verified(backup)
        with closing(reading(backup)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        made_at = _made_at(part)
        until = max(_last_sign(path) or at, made_at)
        aside = path.with_name(f"{path.name}.before-{at:%Y%m%dT%H%M%SZ}") if path.exists() else None
        with writing_engine(part) as engine, engine.connect() as connection:
            bring_up_to_date(connection, allowed=True)
            with connection.begin():
                counts = _put_right(connection, made_at, until)
                if aside is not None:
                    Backed(path=aside.resolve(), at=at).apply(connection)
        erase_since(path, part, at, key)
        copy = verified(part)
        sync(part)
        if aside is not None:
            _keep(path, aside)
        part.rename(path)
        sync(path.parent)
    doubtful, set_aside, unseen = counts
    return Restored(
        copy=copy,
        unknown_from=made_at,
        unknown_until=until,
        doubtful=doubtful,
        set_aside=set_aside,
        unseen=unseen,
        before=aside,
    )


def _whose(path: Path) -> Path:
    """Like what the new file is to be somebody's: the former, unless it is root's or gone."""
    former = path.exists() and path.stat().st_uid != 0
    return path if former else path.parent


def _put_right(connection: Connection, made_at: datetime, until: datetime) -> tuple[int, int, int]:
    """Deliveries in doubt, messages set aside, entries forgotten."""
    to_thread = and_(t.deliveries.c.state.in_(_OPEN), t.deliveries.c.target == "thread")
    _leave_out(connection, made_at)
    doubtful = connection.execute(
        update(t.deliveries)
        .where(to_thread)
        .values(state=DeliveryState.SENDING, attempted_at=t.deliveries.c.owed_at)
    ).rowcount
    set_aside = connection.execute(
        update(t.deliveries)
        .where(t.deliveries.c.state.in_(_OPEN), t.deliveries.c.target == "agent")
        .values(state=DeliveryState.DEAD, reason=MAY_BE_TOLD, settled_at=made_at)
    ).rowcount
    connection.execute(delete(t.inbox).where(t.inbox.c.conversation.is_(None)))  # never for us
    unseen = connection.execute(
        update(t.inbox)
        .where(t.inbox.c.done_at.is_(None), t.inbox.c.dead_at.is_(None))
        .values(done_at=made_at, body=null())
    ).rowcount
    connection.execute(
        update(t.sessions)
        .where(t.sessions.c.closed_at.is_(None))
        .values(closed_at=made_at, sealed_token=null())
    )
    _let_go(connection)
    _note(connection, {UNKNOWN_FROM: made_at, UNKNOWN_UNTIL: until})
    return doubtful, set_aside, unseen


def _leave_out(connection: Connection, at: datetime) -> None:
    """Changes of what stands there: made now, they might undo newer ones."""
    connection.execute(
        update(t.deliveries)
        .where(t.deliveries.c.state.in_(_OPEN), t.deliveries.c.kind.in_(("replace", "retire")))
        .values(state=DeliveryState.DROPPED, reason=MAY_BE_SHOWN, settled_at=at)
    )


def _let_go(connection: Connection) -> None:
    """Each conversation as it may go on; so many at once are in memory."""
    c, last = t.conversations.c, ""
    query = select(c.id, c.state).order_by(c.id).limit(_AT_ONCE)
    while rows := connection.execute(query.where(c.id > last)).all():
        for _, state in rows:
            conversation = restored(msgspec.json.decode(state, type=Conversation))
            saved = conversation_columns(conversation)
            connection.execute(update(t.conversations).where(c.id == conversation.id).values(saved))
        last = rows[-1].id


def _note(connection: Connection, facts: Mapping[str, datetime]) -> None:
    rows = [{"name": name, "value": at.isoformat()} for name, at in facts.items()]
    connection.execute(insert(t.facts).prefix_with("OR REPLACE"), rows)


def _made_at(copy: Path) -> datetime:
    """When it was made; of one that was made otherwise, the last instant that it knows."""
    with closing(reading(copy)) as connection:
        told = connection.execute("SELECT value FROM facts WHERE name = ?", (MADE_AT,)).fetchone()
    found = datetime.fromisoformat(told[0]) if told else _last_sign(copy)
    return found or datetime.min.replace(tzinfo=UTC)


def _last_sign(path: Path) -> datetime | None:
    """The last instant that a database knows of; None if it cannot be read, or holds nothing."""
    found: list[datetime] = []
    for table, column in _SIGNS:
        with suppress(sqlite3.Error, OSError), closing(reading(path)) as connection:
            (last,) = connection.execute(f"SELECT max({column}) FROM {table}").fetchone()  # noqa: S608 - names of ours
            if last is not None:
                found.append(datetime.fromisoformat(last).replace(tzinfo=UTC))
    return max(found, default=None)


def _keep(path: Path, aside: Path) -> None:
    """Keep the database under another name, too, with its last commits in it.

    The log beside it must go before another database comes: SQLite would take it for its own.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("-wal", "-shm"):  # still there if it cannot be read
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    os.link(path, aside)
