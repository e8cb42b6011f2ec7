"""What happened to one message? Every hop of it, in either direction, without its words."""

import asyncio
import os
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import click
import msgspec

from bridge import config
from bridge.cli import options
from bridge.cli.asking import Answered, NotRunning, ask
from bridge.cli.options import CONFIG, JSON
from bridge.cli.printing import print_json, print_table
from bridge.model.ids import AdapterName
from bridge.plugin import Pointer, registry
from bridge.runtime.reporting.stories import Story, stories, story_of
from bridge.runtime.reporting.telling import Line, Why, stamp, told
from bridge.store import Store, Subject, Timeline, look_into

#: How long a running bridge may take before it is left out, in seconds.
_PATIENCE = 10.0
#: How many messages of a conversation are listed unless asked for more.
_LAST = 20
#: Of a message that is not known, though its thread is.
_NEVER = (
    "That message is not known: it never came here, was not for the agent, or is forgotten.\n"
    "Of its thread these are:"
)
#: The hops that say what a message is.
_BEGINNINGS = ("received", "owed")


@click.command()
@CONFIG
@click.argument("name", metavar="WHAT")
@click.option(
    "--last", default=_LAST, show_default=True, help="Of a conversation: how many messages."
)
@JSON
def trace(config_path: Path, name: str, last: int, as_json: bool) -> None:  # noqa: FBT001
    """Print every hop of one message, without its words.

    WHAT is a link to a message in either direction, its identity, or the id of a delivery or an
    inbox entry. Of a conversation (its id, or a thread's key) the messages are listed, each with
    its outcome.
    """
    database = options.database(config_path)
    asyncio.run(_trace(config_path, database.url, name, last, as_json=as_json))


async def _trace(path: Path, url: str, name: str, last: int, *, as_json: bool) -> None:
    why = await _why(url)
    async with look_into(url) as store:
        subject, missed = await _found(store, path, name)
        timeline = await store.timelines.of(subject.conversation)
    if timeline is None:
        raise _unknown(name)
    if subject.entry is None and subject.delivery is None:
        _print_list(timeline, last, why, missed=missed, as_json=as_json)
    else:
        _print_story(story_of(timeline, subject), why, as_json=as_json)


async def _why(url: str) -> Why:
    """What the running bridge says is wrong; it writes down first what it had only in mind."""
    try:
        troubles = await ask(url, "trace", within=_PATIENCE)
    except (NotRunning, Answered):
        return lambda _: ""
    return lambda what: f"{what} {troubles[what]}" if what in troubles else ""


async def _found(store: Store, path: Path, name: str) -> tuple[Subject, bool]:
    """What is meant; and whether it is only the thread of a message that is not known."""
    precise = False
    if "://" not in name:
        subjects = await store.timelines.named(name)
    else:
        pointers = _pointers(path, name)
        precise = any(pointer.identity or pointer.receipt for _, pointer in pointers)
        subjects = [
            subject
            for adapter, pointer in pointers
            for subject in await store.timelines.pointed(adapter, pointer)
        ]
    if not subjects:
        raise _unknown(name)
    conversations = dict.fromkeys(subject.conversation for subject in subjects)
    if len(conversations) > 1:
        some = ", ".join(conversations)
        raise click.UsageError(f"{name!r} may be of several conversations; name one: {some}.")
    first = subjects[0]
    return first, precise and first.entry is None and first.delivery is None


def _pointers(path: Path, link: str) -> list[tuple[AdapterName, Pointer]]:
    """What the link points at, as each configured adapter's plug-in reads it."""
    found = []
    for name, draft in config.load_drafts(path, os.environ).items():
        plugin = registry.look(draft.type_name, where=draft.type_place).plugin
        with suppress(Exception):  # whatever foreign code makes of a link that is not its own
            pointer = plugin.pointed(link) if plugin is not None else None
            if isinstance(pointer, Pointer):
                found.append((name, pointer))
    if not found:
        raise click.UsageError("No configured adapter knows such a link.")
    return found


def _unknown(name: str) -> click.UsageError:
    return click.UsageError(
        f"Nothing is known of {name!r}: it never came here, or is forgotten by now "
        "(what is settled is kept for 30 days)."
    )


def _print_story(story: Story, why: Why, *, as_json: bool) -> None:
    lines, timeline = told(story, why), story.timeline
    if as_json:
        hops = [msgspec.structs.asdict(line) for line in lines]
        print_json(_head(timeline) | _outcome(story) | {"hops": hops})
        return
    _print_head(timeline)
    after = _durations(lines)
    rows = [
        (_when(line), spent, line.row, line.hop, line.says)
        for line, spent in zip(lines, after, strict=True)
    ]
    print_table(("AT", "AFTER", "MESSAGE", "HOP", ""), rows)
    whole = _whole(story)
    if whole is not None:
        click.echo(f"\nreceived until answered in the thread: {_spent(whole)}")
    if any(line.clock for line in lines):
        click.echo("\n~ by the platform's or PolyAI's own clock, which may differ from ours")


def _print_list(timeline: Timeline, last: int, why: Why, *, missed: bool, as_json: bool) -> None:
    found = stories(timeline)
    some = found[-last:] if last > 0 else found
    if as_json:
        messages = [_outcome(story) for story in some]
        print_json(_head(timeline) | {"message_known": not missed, "messages": messages})
        return
    _print_head(timeline)
    if missed:
        click.echo(f"{_NEVER}\n")
    if not found:
        click.echo("Nothing is kept of its messages: they were erased, or are older than that.")
        return
    rows = []
    for story in some:
        whole, first = _whole(story), told(story, why)
        begins = next((line for line in first if line.hop in _BEGINNINGS), first[0])
        spent = _spent(whole) if whole is not None else ""
        rows.append((_when(begins), begins.row, begins.says, _ends(story), spent))
    print_table(("SINCE", "MESSAGE", "WHAT", "OUTCOME", "WHOLE"), rows)
    if len(some) < len(found):
        click.echo(f"\n{len(found) - len(some)} before these: --last 0 lists all")


def _head(timeline: Timeline) -> dict[str, object]:
    c = timeline.conversation
    return {"conversation": c.id, "adapter": c.adapter, "thread": c.thread, "agent": c.agent}


def _print_head(timeline: Timeline) -> None:
    for key, value in _head(timeline).items():
        click.echo(f"{key:12} {value}")
    click.echo()


def _outcome(story: Story) -> dict[str, object]:
    whole = _whole(story)
    rows = [*(entry.name for entry in story.entries), *(one.id for one in story.deliveries)]
    answers = [
        {
            "delivery": answer.delivery.id,
            "answers": [f"{story.timeline.conversation.id}.{ask}" for ask in answer.asks],
            "sure": answer.sure.value,
        }
        for answer in story.answers.values()
    ]
    return {
        "began": story.began,
        "messages": rows,
        "outcome": _ends(story),
        "whole_seconds": whole.total_seconds() if whole is not None else None,
        "answers": answers,
    }


def _ends(story: Story) -> str:
    """What it came to, in a few words: what is still open before what went wrong or well."""
    lines = told(story)
    unfinished = [line for line in lines if line.open]
    if unfinished:
        return f"open: {unfinished[0].hop} of {unfinished[0].row}"
    dead = [one for one in story.deliveries if one.state == "dead"]
    if dead or any(entry.dead_at and not entry.done_at for entry in story.entries):
        return "dead"
    if story.answered_at is not None:
        return "answered" if story.entries else "posted"
    if not story.deliveries:
        return "nothing was owed for it"
    return "delivered" if any(one.state == "sent" for one in story.deliveries) else "dropped"


def _whole(story: Story) -> timedelta | None:
    """From when it was received until an answer stood in the thread, if both happened."""
    if not story.entries or story.answered_at is None:
        return None
    return story.answered_at - min(entry.accepted_at for entry in story.entries)


def _when(line: Line) -> str:
    if line.at is None:
        return "..." if line.open else "?"
    return f"{'~' if line.clock else ''}{stamp(line.at)}"


def _durations(lines: list[Line]) -> list[str]:
    """How long after the hop before it each was, as far as our own clock tells."""
    told_at: list[datetime | None] = [None]
    for line in lines:
        told_at.append(told_at[-1] if line.clock or line.at is None else line.at)
    spent = []
    for line, (before, now) in zip(lines, pairwise(told_at), strict=True):
        counts = before is not None and now is not None and not line.clock and line.at is not None
        spent.append(f"+{_spent(now - before)}" if counts and before and now else "")
    return spent


def _spent(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return str(timedelta(seconds=round(seconds)))
