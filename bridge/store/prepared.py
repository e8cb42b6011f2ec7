"""How is a statement run that every message needs? Compiled once, then run by the driver alone.

SQLAlchemy takes longer to build and run a small statement than SQLite takes for it. So it writes
the SQL and says how each value is converted, once; from then on the driver runs it, in the same
transaction. A failure is then the driver's own: `sqlite3.Error`.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.dialects import sqlite

_DIALECT = sqlite.dialect()


class Prepared:
    """One statement. Its values are given by name: of a column it sets, or of a `bindparam`."""

    def __init__(self, statement: ClauseElement, *columns: str) -> None:
        """`columns` are those that an insert or an update sets; none means all."""
        compiled: Any = statement.compile(dialect=_DIALECT, column_keys=list(columns) or None)
        self.sql = str(compiled)
        self._values: list[tuple[str, Callable[[Any], object] | None]] = [
            (name, compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
            for name in compiled.positiontup
        ]

    def run(self, connection: Connection, **values: object) -> sqlite3.Cursor:
        """Run it in the transaction of `connection`; raises sqlite3.Error."""
        return _driver(connection).execute(self.sql, self._converted(values))

    def run_each(self, connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it for each row, in their order; raises sqlite3.Error."""
        converted = [self._converted(row) for row in rows]
        if converted:
            _driver(connection).executemany(self.sql, converted)

    def _converted(self, row: Mapping[str, object]) -> list[object]:
        return [
            row[name] if convert is None else convert(row[name]) for name, convert in self._values
        ]


def _driver(connection: Connection) -> sqlite3.Connection:
    driver: Any = connection.connection.dbapi_connection
    found: sqlite3.Connection = driver
    return found
