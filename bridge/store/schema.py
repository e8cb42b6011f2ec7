"""Is the schema this version's? If not, Alembic knows; its scripts travel inside the package.

Alembic takes a tenth of a second to import: only who migrates does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

import bridge
from bridge.errors import DatabaseFailed, MigrationNeeded
from bridge.store.upkeep import Scour

if TYPE_CHECKING:
    from alembic.config import Config

#: The last of the scripts.
NEWEST: Final = "0005"


def migrations_directory() -> Path:
    """Where the scripts are: in the installed package, or beside it in a checkout."""
    package = Path(bridge.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def bring_up_to_date(connection: Connection, *, allowed: bool) -> str:
    """Migrate to the newest schema if `allowed`; the revision found, "" for an empty database.

    Raises:
        MigrationNeeded: the schema is older and migrating is not allowed.
        DatabaseFailed: the schema is newer than this version.
    """
    with connection.begin():
        current = _revision(connection)
    if current == NEWEST:
        return current
    config = _config(connection)
    if current:
        _must_know(config, current)
    if not allowed:
        raise MigrationNeeded(
            "The database has an older schema than this version",
            remedy="run `polyai-bridge migrate`, or set database.auto_migrate = true",
        )
    _upgrade(config)
    if current:
        # What an older version kept of words is emptied by now; this takes it out of the file.
        Scour(rewrite=True).apply(connection)
    return current


def _revision(connection: Connection) -> str:
    """As Alembic left it in its table of one row."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found or "")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    config.attributes["connection"] = connection
    return config


def knows(revision: str) -> bool:
    """Whether this version can bring that schema up to date."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    return _known(config, revision)


def _known(config: "Config", revision: str) -> bool:
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        ScriptDirectory.from_config(config).get_revision(revision)
    except CommandError:
        return False
    return True


def _must_know(config: "Config", current: str) -> None:
    if not _known(config, current):
        raise DatabaseFailed(
            f"The database has schema {current}, which this version does not know",
            remedy="it was written by a newer version: install that one, or restore a backup",
        )


def _upgrade(config: "Config") -> None:
    from alembic import command

    command.upgrade(config, "head")
