"""What can be typed? Each command, its exit code, and one clear message when something is wrong.

Exit codes: 0 fine, 1 unexpected error, 2 usage, 10 configuration, 11 credentials refused,
12 database, 13 migration needed, 14 another process holds the database.
"""

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import click
import msgspec

from bridge import __version__, app, config, log
from bridge.clock import RandomIds, SystemClock
from bridge.core.state import Conversation
from bridge.errors import BridgeError, ConfigurationError, CredentialsRefused
from bridge.model.ids import ConversationId
from bridge.model.inbound import OPERATOR, EndAsked, Inbound
from bridge.model.messages import Person
from bridge.plugin import Grade, registry
from bridge.runtime.world import World
from bridge.store import Accept, DeliveryRow, Store, look_into
from bridge.store import migrate as migrate_database

_CONFIG = click.option(
    "--config",
    "config_path",
    # Whether it can be read is for the configuration to say, with its own exit code.
    type=click.Path(path_type=Path, readable=False),
    default="bridge.toml",
    show_default=True,
    help="The configuration file.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")


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
    return f"{error.message}\n  what to do: {error.remedy}" if error.remedy else error.message


@click.group()
@click.version_option(__version__, prog_name="polyai-bridge")
def cli() -> None:
    """Connect chat threads to PolyAI Messaging sessions, losing nothing and repeating nothing."""


@cli.command()
@_CONFIG
def run(config_path: Path) -> None:
    """Run the daemon in the foreground; SIGTERM or SIGINT drain it first."""
    settings = _settings(config_path)
    log.configure(settings.log.level, settings.log.format)
    asyncio.run(app.serve(settings, World()))


@cli.command()
@_CONFIG
@click.option("--connect", is_flag=True, help="Also prove the credentials, without a conversation.")
def check(config_path: Path, connect: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Validate the configuration."""
    settings = _settings(config_path)
    adapters = app.configured_adapters(settings)
    click.echo(f"{config_path}: valid")
    if connect:
        log.configure("warning", settings.log.format)
        asyncio.run(_prove(settings, adapters))


async def _prove(settings: config.Settings, adapters: list[app.Configured]) -> None:
    """Prove every credential and say each result; then fail, if one failed.

    Raises:
        CredentialsRefused: at least one was refused.
        BridgeError: at least one could not be proved, and none was refused.
    """
    world = World()
    failures: dict[str, BridgeError] = {}
    for name, agent in settings.agents.items():
        await _proved(f"agent {name}", app.prove_agent(name, agent, world), failures)
    async with aiohttp.ClientSession() as http:
        for one in adapters:
            proof = one.plugin.prove(one.settings, http)
            await _proved(f"adapter {one.name}", proof, failures)
    if failures:
        refused = any(isinstance(each, CredentialsRefused) for each in failures.values())
        kind = CredentialsRefused if refused else BridgeError
        raise kind(f"could not be proved: {', '.join(failures)}")


async def _proved(what: str, proof: Awaitable[str], failures: dict[str, BridgeError]) -> None:
    try:
        click.echo(f"{what}: {await proof}")
    except BridgeError as error:
        remedy = error.remedy or "try again; if it stays so, check the address and the network"
        click.echo(f"{what}: FAILED: {log.redact(f'{error.message}; what to do: {remedy}')}")
        failures[what] = error


@cli.command()
@_CONFIG
def migrate(config_path: Path) -> None:
    """Bring the database to the newest schema."""
    before = migrate_database(_database(config_path).url)
    click.echo(f"The database is up to date (it was at {before or 'nothing'}).")


@cli.group()
def conversations() -> None:
    """What is going on."""


@conversations.command("list")
@_CONFIG
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@_JSON
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
            _print_json(found)
            return
        table = [
            (c.id, c.adapter, c.thread, c.agent, _state(c), _when(c.touched_at), str(owed))
            for c, owed in ((r.conversation, r.owed_to_thread + r.owed_to_agent) for r in rows)
        ]
        _print_table(("ID", "ADAPTER", "THREAD", "AGENT", "STATE", "LAST TOUCHED", "OWED"), table)

    _look(config_path, body)


@conversations.command("show")
@_CONFIG
@click.argument("conversation_id", metavar="ID")
@_JSON
def show_conversation(config_path: Path, conversation_id: str, as_json: bool) -> None:  # noqa: FBT001
    """One conversation: its state, its sessions, what it owes. No message text."""

    async def body(store: Store) -> None:
        conversation = await _existing(store, conversation_id)
        sessions = await store.sessions(conversation.id)
        deliveries = await store.list_deliveries(conversation.id)
        if as_json:
            _print_json(
                _summary(conversation)
                | {
                    "sessions": [
                        {"number": s.number, "opened_at": s.opened_at, "closed_at": s.closed_at}
                        for s in sessions
                    ],
                    "deliveries": [dataclasses.asdict(d) | {"target": _to(d)} for d in deliveries],
                }
            )
            return
        for key, value in _summary(conversation).items():
            click.echo(
                f"{key:12} {_when(value) if isinstance(value, datetime) else value}".rstrip()
            )
        click.echo("\nsessions")
        _print_table(
            ("NUMBER", "OPENED", "CLOSED"),
            [(str(s.number), _when(s.opened_at), _when(s.closed_at)) for s in sessions],
        )
        click.echo("\ndeliveries")
        _print_table(
            ("ID", "TO", "KIND", "STATE", "ATTEMPTS", "OWED", "REASON"),
            [
                (d.id, _to(d), d.kind, d.state, str(d.attempts), _when(d.owed_at), d.reason or "")
                for d in deliveries
            ],
        )

    _look(config_path, body)


@conversations.command("end")
@_CONFIG
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


@cli.command()
@_JSON
def adapters(as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """The installed adapter plug-ins and their capabilities."""
    found = registry.discover()
    if as_json:
        _print_json(
            [
                {
                    "name": name,
                    "problem": one.problem,
                    "distribution": one.distribution,
                    "capabilities": dict(_claims(one.plugin)) if one.plugin else None,
                }
                for name, one in sorted(found.items())
            ]
        )
        return
    rows = []
    for name, one in sorted(found.items()):
        if one.plugin is None:
            rows.append((name, one.distribution, f"cannot be used: {one.problem}"))
            continue
        told = ", ".join(f"{name} {claim}" for name, claim in _claims(one.plugin))
        rows.append((name, one.distribution, told))
    _print_table(("NAME", "FROM", "CAPABILITIES"), rows)


@cli.group()
def simulate() -> None:
    """The simulators as servers on loopback, until interrupted."""


_PORT = click.IntRange(0, 65535)


@simulate.command("polyai")
@click.option("--port", type=_PORT, default=8091, show_default=True, help="0 for any free port.")
def simulate_polyai(port: int) -> None:
    """A PolyAI Messaging service with a small rule-driven agent."""
    from bridge.simulators.polyai import PolyAISimulator

    simulator = PolyAISimulator(clock=SystemClock(), ids=RandomIds(), port=port)

    def shown() -> str:
        return _POLYAI_SHOWN.format(url=simulator.base_url)

    asyncio.run(_simulated(simulator, port, shown))


@simulate.command("slack")
@click.option("--port", type=_PORT, default=8092, show_default=True, help="0 for any free port.")
def simulate_slack(port: int) -> None:
    """A Slack workspace: the Web API and Socket Mode."""
    from bridge.simulators.slack import SlackSimulator

    simulator = SlackSimulator(clock=SystemClock(), ids=RandomIds(), port=port)
    ids = {
        "channel": simulator.add_channel("help"),
        "ann": simulator.add_user("Ann"),
        "ben": simulator.add_user("Ben"),
        "bot": simulator.bot_user_id,
    }

    def shown() -> str:
        api_url = simulator.api_url
        return _SLACK_SHOWN.format(url=api_url.removesuffix("/api/"), api_url=api_url, **ids)

    asyncio.run(_simulated(simulator, port, shown))


_POLYAI_SHOWN = """\
PolyAI simulator: {url}
control: POST {url}/_simulator/VERB, GET {url}/_simulator/state

# for bridge.toml
[agents.default]
base_url = "{url}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
"""
_SLACK_SHOWN = """\
Slack simulator: {url}
control: POST {url}/_simulator/VERB, GET {url}/_simulator/state
channel #help: {channel}
person Ann: {ann}
person Ben: {ben}
bot user: {bot}

# for bridge.toml
[adapters.slack]
type = "slack"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
api_url = "{api_url}"
"""


async def _simulated(
    simulator: AbstractAsyncContextManager[object], port: int, shown: Callable[[], str]
) -> None:
    """Run a simulator until interrupted, once it has said how to use it.

    Raises:
        ConfigurationError: it cannot have its port.
    """
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(simulator)
        except OSError as error:
            cause = os.strerror(error.errno).lower() if error.errno else "it is not to be had"
            raise ConfigurationError(
                f"the simulator cannot listen on 127.0.0.1:{port}: {cause}",
                remedy="choose another with --port; 0 is any free port",
            ) from None
        click.echo(shown())
        await _until_interrupted()


@cli.command()
def demo() -> None:
    """The main job with no account; interactive in a terminal, otherwise scripted."""
    from bridge.simulators.demo import play

    sys.exit(play(scripted=os.environ.get("DEMO") == "scripted" or not sys.stdin.isatty()))


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _settings(path: Path) -> config.Settings:
    return config.load(path, os.environ)


def _database(path: Path) -> config.DatabaseSettings:
    return config.load_database(path, os.environ)


def _look(path: Path, body: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    """Open the database beside a running daemon."""
    database = _database(path)

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
        "state": _state(conversation),
        "handoff": session.handoff.value if session else "none",
        "language": session.language if session else "",
        "opened_at": conversation.opened_at,
        "touched_at": conversation.touched_at,
        "sessions": conversation.sessions,
        "waiting": len(conversation.waiting) + (conversation.in_flight is not None),
    }


def _state(conversation: Conversation) -> str:
    session = conversation.session
    if conversation.parked_at is not None:
        return "parked"
    if session is None:
        return "closed" if _is_closed(conversation) else "opening"
    if session.released:
        return "quiet"
    return "open" if session.joined else "joining"


def _is_closed(conversation: Conversation) -> bool:
    """Neither a session, nor anything for which one is to be opened."""
    asked_for = conversation.waiting or conversation.in_flight or conversation.wanted
    return conversation.session is None and not asked_for


def _to(delivery: DeliveryRow) -> str:
    """Whom it is for: a call for help stands at another place, though its thread owes it."""
    return "place" if delivery.kind == "announce" else delivery.target


def _claims(plugin: registry.AnyPlugin) -> Iterator[tuple[str, str | int]]:
    """Every capability of a plug-in, its grades by their names."""
    for name, claim in msgspec.structs.asdict(plugin.capabilities).items():
        yield name, claim.name.lower() if isinstance(claim, Grade) else claim


def _when(instant: datetime | None) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%SZ") if instant else ""


def _print_json(value: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def _print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


if __name__ == "__main__":
    main()
