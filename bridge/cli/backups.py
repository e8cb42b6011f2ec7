"""How is a copy of the database made, and put back? `backup` and `restore`."""

import asyncio
from contextlib import suppress
from pathlib import Path

import click

from bridge.cli import options
from bridge.cli.options import CONFIG
from bridge.cli.printing import when
from bridge.clock import SystemClock
from bridge.errors import MigrationNeeded
from bridge.store import Backed, Copy, copy_to, database_path, look_into, restore_backup
from bridge.store.erasing_backups import erase_since


@click.command()
@CONFIG
@click.argument("target", metavar="FILE|DIRECTORY", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), help="Of ours there, leave only the newest.")
def backup(config_path: Path, target: Path, keep: int | None) -> None:
    """Copy the database, beside a running bridge or without one, and read the copy back.

    In a DIRECTORY the copy is named by the instant. It holds people's words that are not settled
    yet, and sealed tokens: nobody else may read it.
    """
    database = options.database(config_path)
    url = database.url
    at = SystemClock().now()
    file = target / f"polyai-bridge-{at:%Y%m%dT%H%M%SZ}.db" if target.is_dir() else target

    copy = copy_to(url, file, at)
    click.echo(_sentence("Backed up to", copy))
    with suppress(MigrationNeeded):  # before an upgrade has migrated: there is no list to be on
        for path in asyncio.run(_recorded(url, Backed(path=copy.path, at=at, keep=keep))):
            path.unlink(missing_ok=True)
            click.echo(f"Removed {path}")
        # Whoever was erased meanwhile, when it was on no list yet, may stand in it.
        erase_since(database_path(url), copy.path, at, database.digest_key)


@click.command()
@CONFIG
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Put it in the place of a database that is there.")
def restore(config_path: Path, file: Path, yes: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Put a backup in the place of the database; the bridge must be stopped.

    What happened since the backup is not known any more: nothing is done by itself that may have
    been done since. The database that was there is kept beside it.
    """
    database = options.database(config_path)
    url = database.url
    if database_path(url).exists() and not yes:
        raise click.UsageError(
            "There is a database: what it knows and the backup does not would not be known any "
            "more. Say --yes if that is wanted; it is kept beside the restored one."
        )
    done = restore_backup(url, file, SystemClock().now(), key=database.digest_key)
    click.echo(_sentence("Restored from", done.copy, file))
    if done.before is not None:
        click.echo(f"  what was there is now {done.before}")
    click.echo(
        f"  not known: what happened from {when(done.unknown_from)} to {when(done.unknown_until)}."
        " What platforms tell again of that time is not taken in."
    )
    click.echo(f"  in doubt: {done.doubtful} deliveries to threads, looked for before they go out")
    click.echo(
        f"  set aside: {done.set_aside} messages that the agent may have been told; "
        "`deliveries list --state dead` shows them, `deliveries redrive` sends one again"
    )
    click.echo(f"  forgotten: {done.unseen} things that no step had seen to when it was made")


async def _recorded(url: str, backed: Backed) -> list[Path]:
    async with look_into(url) as store:
        return await store.write(backed)


def _sentence(done: str, copy: Copy, path: Path | None = None) -> str:
    return (
        f"{done} {path or copy.path}: {copy.size / 1e6:.1f} MB, {copy.conversations} conversations,"
        f" {copy.owed} deliveries not settled, schema {copy.schema}; read back and sound."
    )
