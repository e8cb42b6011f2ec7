"""How is somebody forgotten, and what is held about them? `erase` and `export`."""

import asyncio
import os
from pathlib import Path
from typing import Any

import click
import msgspec

from bridge.cli import options
from bridge.cli.asking import NotRunning, ask
from bridge.cli.options import CONFIG, JSON
from bridge.cli.printing import print_json, print_table, visible
from bridge.config import DatabaseSettings
from bridge.errors import DatabaseFailed
from bridge.model.ids import AdapterName, ConversationId, PersonId
from bridge.runtime.erasing import Alone, Eraser, Report
from bridge.runtime.world import World
from bridge.store import database_path, look_into, open_store
from bridge.store.erasing import Subject
from bridge.store.exporting import TakeOut

#: How long a running bridge may take: the whole file is written anew, and each backup.
_PATIENCE = 1800.0

_USER = click.option(
    "--user", metavar="ADAPTER:PERSON", help="Whom, as the platform names them, or with --adapter."
)
_ADAPTER = click.option("--adapter", metavar="NAME", help="The adapter of --user PERSON.")
_CONVERSATION = click.option("--conversation", metavar="ID", help="One conversation alone.")


@click.command()
@CONFIG
@_USER
@_ADAPTER
@_CONVERSATION
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@JSON
def erase(
    config_path: Path,
    user: str | None,
    adapter: str | None,
    conversation: str | None,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase a person, or one conversation, from the database and its backups.

    Every conversation in which the person took part is ended and emptied of everybody's words, what
    was owed there is dropped, and the file is written anew. The report says what was not reached.
    """
    subject = _subject(user, adapter, conversation)
    database = _existing(config_path)
    if not (dry_run or yes):
        found = asyncio.run(_erased(database, subject, dry_run=True))
        if as_json:
            click.echo(f"{len(found.conversations)} conversations", err=True)
        else:
            _tell(found)
        _must_be_known(found)
        click.confirm("Erase all this? It cannot be brought back", abort=True, err=True)
    report = asyncio.run(_erased(database, subject, dry_run=dry_run))
    if as_json:
        print_json(report)
    else:
        _tell(report)
    _must_be_known(report)


@click.command()
@CONFIG
@_USER
@_ADAPTER
@_CONVERSATION
@click.option("--to", "target", type=click.Path(path_type=Path), help="A new file of ours alone.")
def export(
    config_path: Path,
    user: str | None,
    adapter: str | None,
    conversation: str | None,
    target: Path | None,
) -> None:
    """Print everything that is held about a person, or of one conversation, as JSON.

    It holds the words of whoever else took part there: read it before it is handed out.
    """
    subject = _subject(user, adapter, conversation)
    found = asyncio.run(_taken_out(_existing(config_path), subject))
    if not (found["conversations"] or found["unclaimed"] or found.get("memory")):
        raise _unknown(subject)
    if target is None:
        print_json(found)
        return
    _write(target, msgspec.json.format(msgspec.json.encode(found)))
    click.echo(f"Written to {target}, for its owner alone.")


def _existing(config_path: Path) -> DatabaseSettings:
    """The database, which is there: one that is made for the question would hold nothing."""
    database = options.database(config_path)
    path = database_path(database.url)
    try:
        path.stat()
    except FileNotFoundError:
        raise DatabaseFailed(
            f"There is no database at {path}", remedy="check database.url"
        ) from None
    except OSError:
        pass  # whoever opens it says why not
    return database


def _write(target: Path, document: bytes) -> None:
    made = False
    try:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        made = True
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)
    except OSError as error:
        if made:
            target.unlink(missing_ok=True)
        raise DatabaseFailed(
            f"{target} cannot be written: {error.strerror}", remedy="name a new file"
        ) from None


def _must_be_known(report: Report) -> None:
    if report.nothing:
        raise _unknown(report.subject)


def _unknown(subject: Subject) -> click.UsageError:
    whom = subject.conversation or f"{subject.adapter}:{subject.person}"
    return click.UsageError(
        f"Nothing is held of {visible(whom)!r}: it never came here under that name, or is erased "
        "or forgotten by now."
    )


def _subject(user: str | None, adapter: str | None, conversation: str | None) -> Subject:
    if (user is None) == (conversation is None):
        raise click.UsageError("Name either --user or --conversation.")
    for name in (user, adapter, conversation):
        if name is not None and not name.isprintable():
            raise click.UsageError("A name is text, without characters that cannot be seen.")
    if conversation is not None:
        return Subject(conversation=ConversationId(conversation))
    if adapter is None:
        adapter, _, user = (user or "").partition(":")
    if not adapter or not user:
        raise click.UsageError(
            "Name the person with their adapter, as ADAPTER:PERSON, or with --adapter."
        )
    return Subject(adapter=AdapterName(adapter), person=PersonId(user))


async def _erased(database: DatabaseSettings, subject: Subject, *, dry_run: bool) -> Report:
    """By the running bridge; where none is, by us."""
    asked = {"subject": msgspec.to_builtins(subject), "dry_run": dry_run}
    try:
        answer = await ask(database.url, "erase", asked, within=_PATIENCE)
    except NotRunning:
        key = database.digest_key
        async with open_store(database.url, auto_migrate=database.auto_migrate, key=key) as store:
            eraser = Eraser(store, Alone(store), World(), key=key)
            return await eraser.erase(subject, dry_run=dry_run)
    return msgspec.convert(answer, Report)


async def _taken_out(database: DatabaseSettings, subject: Subject) -> dict[str, Any]:
    async with look_into(database.url) as store:
        found = await store.write(TakeOut(subject=subject))
        if subject.adapter is not None and subject.person is not None:
            kept = await store.all_kept(subject.adapter, "")
            keys = await _erased(database, subject, dry_run=True)
            found["memory"] = [
                {"key": one.key, "value": None if one.sealed else one.value, "sealed": one.sealed}
                for one in kept
                if one.key in keys.memory
            ]
    return {"subject": subject, **found}


def _tell(report: Report) -> None:
    what = "Would be erased" if report.dry_run else "Erased"
    click.echo(f"{what}: {len(report.conversations)} conversations, for good:")
    print_table(
        ("CONVERSATION", "ADAPTER", "THREAD", "MESSAGES", "DELIVERIES", "DEAD", "UNSENT", "POLYAI"),
        [
            (
                one.holding.conversation,
                one.holding.adapter,
                one.holding.thread,
                str(one.holding.messages),
                str(one.holding.deliveries),
                str(one.holding.dead),
                str(len(one.holding.unsent)),
                one.polyai if not report.dry_run else "",
            )
            for one in report.conversations
        ],
    )
    for each in report.conversations:
        for unsent in each.holding.unsent:
            click.echo(f"  never sent: {unsent.id}, {unsent.kind}, to the {unsent.to}")
    if report.unclaimed:
        click.echo(f"  said in threads that are nobody's: {report.unclaimed}")
    for key in report.memory:
        click.echo(f"  remembered by the adapter: {visible(key)}")
    for backup in report.backups:
        came_to = backup.problem or f"{backup.conversations} conversations"
        click.echo(f"  backup {visible(backup.path)}: {visible(came_to)}")
    click.echo("Not reached:")
    for sentence in report.not_reached:
        click.echo(f"  {sentence}")
