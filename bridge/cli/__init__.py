"""What can be typed? Each command, its exit code, and one clear message when something is wrong.

Exit codes: 0 fine, 1 unexpected error, 2 usage, 10 configuration, 11 credentials refused,
12 database, 13 migration needed, 14 another process holds the database.
"""

import asyncio
import faulthandler
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import click

from bridge import __version__, app, config, log
from bridge.cli import options
from bridge.cli.advice import findings
from bridge.cli.backups import backup, restore
from bridge.cli.checking import prove
from bridge.cli.conforming import conform
from bridge.cli.conversations import conversations
from bridge.cli.deliveries import deliveries
from bridge.cli.deploying import deploy
from bridge.cli.documents import Commands
from bridge.cli.logs import logs
from bridge.cli.options import CONFIG
from bridge.cli.plugins import adapters
from bridge.cli.printing import visible
from bridge.cli.privacy import erase, export
from bridge.cli.simulators import simulate
from bridge.cli.status import status
from bridge.cli.surroundings import look
from bridge.cli.tracing import trace
from bridge.errors import BridgeError, ConfigurationError
from bridge.runtime import process
from bridge.runtime.adapters.configured import configured_adapters, refuse_unusable
from bridge.runtime.reporting.otlp import refuse_unsendable
from bridge.runtime.watching.notify import Manager
from bridge.runtime.world import World
from bridge.store import migrate as migrate_database

_log = log.get("cli")

#: How long the process may live on once it has drained.
_ENDING = timedelta(seconds=5)


def main() -> NoReturn:
    """Run the command line: an expected error is one message and its exit code."""
    try:
        cli.main(prog_name="polyai-bridge", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BridgeError as error:
        click.echo(f"polyai-bridge: {log.redact(_sentence(error))}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)


def _sentence(error: BridgeError) -> str:
    told = "\n".join(map(visible, error.message.split("\n")))
    return f"{told}\n  what to do: {visible(error.remedy)}" if error.remedy else told


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="polyai-bridge")
def cli() -> None:
    """Connect chat threads to PolyAI Messaging sessions, losing nothing and repeating nothing.

    Further, `polyai-bridge ADAPTER DOCUMENT` prints a text for the set-up of an adapter, such as
    `polyai-bridge slack manifest`.
    """


@cli.command()
@CONFIG
def run(config_path: Path) -> None:
    """Run the daemon in the foreground.

    SIGTERM or SIGINT drain it first.
    """
    process.seclude()
    process.open_many()
    settings = options.settings(config_path)
    log.configure(settings.log.level, settings.log.format, settings.log.sampling)
    log.surface()
    for trouble in config.exposed(settings):
        _log.warning("config.exposed", trouble=trouble)
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)  # where all stood when a watchdog aborted us
    manager = Manager.of(os.environ)
    process.run(app.serve(settings, World(), manager=manager), ending=_ENDING)


@cli.command()
@CONFIG
@click.option("--connect", is_flag=True, help="Also prove the credentials, without a conversation.")
def check(config_path: Path, connect: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Validate the configuration, and find what is likely a mistake in it or on this machine."""
    settings = options.settings(config_path)
    adapters = configured_adapters(settings)
    refuse_unusable(adapters)
    refuse_unsendable(settings.telemetry)
    click.echo(f"{config_path}: valid")
    for trouble in (*config.exposed(settings), *config.reached_by_others(settings)):
        click.echo(f"warning: {trouble}")
    found = findings(settings, adapters, look(settings, os.environ))
    for one in found:
        click.echo(log.redact(str(one)))
    if connect:
        log.configure("warning", settings.log.format)
        asyncio.run(prove(settings, adapters))
    if any(one.fatal for one in found):
        raise ConfigurationError("the bridge would not start so: see the errors above")


@cli.command()
@CONFIG
def migrate(config_path: Path) -> None:
    """Bring the database to the newest schema."""
    before = migrate_database(options.database(config_path).url)
    click.echo(f"The database is up to date (it was at {before or 'nothing'}).")


@cli.command()
def demo() -> None:
    """See it all work with no account.

    Interactive in a terminal; without one, or with DEMO=scripted, it plays by itself.
    """
    from bridge.simulators.demo import play

    sys.exit(play(scripted=os.environ.get("DEMO") == "scripted" or not sys.stdin.isatty()))


cli.add_command(adapters)
cli.add_command(backup)
cli.add_command(conform)
cli.add_command(conversations)
cli.add_command(deliveries)
cli.add_command(deploy)
cli.add_command(erase)
cli.add_command(export)
cli.add_command(restore)
cli.add_command(logs)
cli.add_command(simulate)
cli.add_command(status)
cli.add_command(trace)
