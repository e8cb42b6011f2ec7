"""Is the schema this version's? Alembic knows; its scripts travel inside the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

import bridge
from bridge.errors import DatabaseFailed, MigrationNeeded


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
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    with connection.begin():
        current = MigrationContext.configure(connection).get_current_revision() or ""
    if current == scripts.get_current_head():
        return current
    if current:
        _must_know(scripts, current)
    if not allowed:
        raise MigrationNeeded(
            "The database has an older schema than this version",
            remedy="run `polyai-bridge migrate`, or set database.auto_migrate = true",
        )
    command.upgrade(config, "head")
    return current


def _must_know(scripts: ScriptDirectory, current: str) -> None:
    try:
        scripts.get_revision(current)
    except CommandError:
        raise DatabaseFailed(
            f"The database has schema {current}, which this version does not know",
            remedy="it was written by a newer version: install that one, or restore a backup",
        ) from None
