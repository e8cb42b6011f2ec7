"""What is going on? The conversations, as the database knows them beside a running bridge."""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bridge.cli import options
from bridge.cli.options import CONFIG, JSON
from bridge.cli.printing import print_json, print_table, visible, when
from bridge.clock import RandomIds, SystemClock
from bridge.core.standing import stage
from bridge.core.state import Conversation
from bridge.model.ids import ConversationId
from bridge.model.inbound import OPERATOR, EndAsked, Inbound
from bridge.model.messages import Person
from bridge.store import Accept, DeliveryRow, Store, TwinRow, look_into


@click.group()
def conversations() -> None:
    """What is going on."""


@conversations.command("list")
@CONFIG
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@JSON
def list_conversations(config_path: Path, everything: bool, as_json: bool) -> None:  # noqa: FBT001
    """The conversations that are open, the last touched first."""

    async def body(store: Store) -> None:
        rows = await store.list_conversations(everything=everything)
        if as_json:
            found = [
                _summary(r.conversation)
                | {"owed_to_thread": r.owed_to_thread, "owed_to_agent": r.owed_to_agent}
                for r in rows
            ]
            print_json(found)
            return
        table = [
            (c.id, c.adapter, c.thread, c.agent, stage(c), when(c.touched_at), str(owed))
            for c, owed in ((r.conversation, r.owed_to_thread + r.owed_to_agent) for r in rows)
        ]
        print_table(("ID", "ADAPTER", "THREAD", "AGENT", "STATE", "LAST TOUCHED", "OWED"), table)

    _look(config_path, body)


@conversations.command("show")
@CONFIG
@click.argument("conversation_id", metavar="ID")
@JSON
def show_conversation(config_path: Path, conversation_id: str, as_json: bool) -> None:  # noqa: FBT001
    """One conversation: its state, its sessions, what it owes. No message text."""

    async def body(store: Store) -> None:
        conversation = await _existing(store, conversation_id)
        sessions = await store.sessions(conversation.id)
        deliveries = await store.list_deliveries(conversation.id)
        twins = await store.list_twins(conversation.id)
        if as_json:
            print_json(
                _summary(conversation)
                | {
                    "sessions": [
                        {"number": s.number, "opened_at": s.opened_at, "closed_at": s.closed_at}
                        for s in sessions
                    ],
                    "deliveries": [dataclasses.asdict(d) | {"target": _to(d)} for d in deliveries],
                    "twins": [_twin(twin) for twin in twins],
                }
            )
            return
        for key, value in _summary(conversation).items():
            told = when(value) if isinstance(value, datetime) else visible(str(value))
            click.echo(f"{key:12} {told}".rstrip())
        click.echo("\nsessions")
        print_table(
            ("NUMBER", "OPENED", "CLOSED"),
            [(str(s.number), when(s.opened_at), when(s.closed_at)) for s in sessions],
        )
        click.echo("\ndeliveries")
        print_table(
            ("ID", "TO", "KIND", "STATE", "ATTEMPTS", "OWED", "REASON"),
            [
                (d.id, _to(d), d.kind, d.state, str(d.attempts), when(d.owed_at), d.reason or "")
                for d in deliveries
            ],
        )
        if twins:
            click.echo("\ntwins")
            print_table(("DELIVERY", "COPY", "SEEN", "REMOVED"), [_twin_line(one) for one in twins])

    _look(config_path, body)


@conversations.command("end")
@CONFIG
@click.argument("conversation_id", metavar="ID")
def end_conversation(config_path: Path, conversation_id: str) -> None:
    """Ask for the end of a conversation's session: now, or when the bridge starts again."""

    async def body(store: Store) -> None:
        conversation = await _existing(store, conversation_id)
        if _is_closed(conversation):
            click.echo(f"{conversation.id} is already closed; nothing to do.")
            return
        now, ids = SystemClock().now(), RandomIds()
        inbound = Inbound(
            thread=conversation.thread,
            identities=(f"operator:{ids.new()}",),
            order=f"{now.timestamp():020.6f}",
            person=Person(OPERATOR),
            at=now,
            body=EndAsked(),
        )
        await store.write(
            Accept(
                adapter=conversation.adapter,
                inbound=inbound,
                agent=conversation.agent,
                new_id=ConversationId(ids.new()),
                at=now,
                origin="operator",
            )
        )
        click.echo(
            f"Asked for the end of {conversation.id}: the bridge sees to it at once if it is "
            "running, else at its next start."
        )

    _look(config_path, body)


def _look(path: Path, body: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    """Open the database beside a running daemon."""
    database = options.database(path)

    async def looking() -> None:
        async with look_into(database.url) as store:
            await body(store)

    asyncio.run(looking())


async def _existing(store: Store, conversation_id: str) -> Conversation:
    conversation = await store.conversation(ConversationId(conversation_id))
    if conversation is None:
        raise click.UsageError(
            f"No conversation {conversation_id!r}; `conversations list --all` shows all of them."
        )
    return conversation


def _summary(conversation: Conversation) -> dict[str, object]:
    session = conversation.session
    return {
        "id": conversation.id,
        "adapter": conversation.adapter,
        "thread": conversation.thread,
        "agent": conversation.agent,
        "state": stage(conversation),
        "handoff": session.handoff.value if session else "none",
        "language": session.language if session else "",
        "opened_at": conversation.opened_at,
        "touched_at": conversation.touched_at,
        "sessions": conversation.sessions,
        "waiting": len(conversation.waiting) + (conversation.in_flight is not None),
    }


def _is_closed(conversation: Conversation) -> bool:
    """Neither a session, nor anything for which one is to be opened."""
    asked_for = conversation.waiting or conversation.in_flight or conversation.wanted
    return conversation.session is None and not asked_for


def _twin(twin: TwinRow) -> dict[str, object]:
    return {
        "delivery": twin.delivery,
        "copy": twin.receipt.reference,
        "seen_at": twin.seen_at,
        "removed_at": twin.removed_at,
    }


def _twin_line(twin: TwinRow) -> tuple[str, ...]:
    removed = when(twin.removed_at) if twin.removed_at else "no"
    return twin.delivery, twin.receipt.reference, when(twin.seen_at), removed


def _to(delivery: DeliveryRow) -> str:
    """Whom it is for: a call for help stands at another place, though its thread owes it."""
    return "place" if delivery.kind == "announce" else delivery.target
