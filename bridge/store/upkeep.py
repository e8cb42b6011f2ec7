"""What is done to the file itself, outside of every transaction? What was deleted leaves it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bridge.store.changes import Change


@dataclass(frozen=True, slots=True)
class Scour(Change[bool]):
    """Empty the log beside the database; with `rewrite` write the whole file anew first.

    Deleted bytes are zeros (`secure_delete`), but the log holds them until it is emptied, and a
    page may hold a copy of a row that was moved: only a file that is written anew has none.
    """

    rewrite: bool = False

    def apply(self, connection: Connection) -> bool:
        """Do it, between transactions; False if a reader kept the log from being emptied."""
        driver: Any = connection.connection.dbapi_connection
        if self.rewrite:
            driver.execute("VACUUM")
        busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
