"""What is owed, in doubt or dead, and what is to be done about it? Both directions."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from bridge.cli import options
from bridge.cli.asking import NotRunning, ask
from bridge.cli.options import CONFIG, JSON
from bridge.cli.printing import print_json, print_table, when
from bridge.clock import SystemClock
from bridge.plugin.settings import read_duration
from bridge.runtime.alone import letters_alone
from bridge.runtime.letters import Outcome
from bridge.runtime.world import World
from bridge.store import Store, look_into
from bridge.store.letters import MOST_AT_ONCE, OPEN_STATES, STATES, Wanted, entry_of
from bridge.store.records import Letter

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

#: From so many on it is asked whether that many are meant.
_MANY: Final = 11
#: What helps, by whom a dead letter was for, where nobody said anything better.
_REMEDIES: Final = {
    "agent": "`deliveries redrive` sends it again; so does Try again in its thread",
    "thread": "mend what the reason names, then `deliveries redrive`; or `deliveries drop`",
    "place": "mend what the reason names; `deliveries redrive` calls again",
    "held": "look into the thread, then `deliveries settle --arrived` or `--absent`",
}
_TO: Final = ("thread", "agent", "place")


class _Instant(click.ParamType[datetime]):
    """An instant in UTC, or how long ago."""

    name = "instant"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """`2026-11-21`, `2026-11-21T12:00` or `2h`."""
        text = str(value)
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            try:
                return SystemClock().now() - read_duration(text)
            except ValueError:
                self.fail(f"{text!r} is neither an instant nor a duration such as 2h", param, ctx)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


_FILTERS = (
    click.option(
        "--state", "states", multiple=True, type=click.Choice(sorted(STATES)), help="Of this state."
    ),
    click.option("--to", type=click.Choice(_TO), default=None, help="For whom."),
    click.option("--adapter", default="", help="Of this adapter's conversations."),
    click.option("--agent", default="", help="Of this agent's conversations."),
    click.option("--conversation", default="", metavar="ID", help="Of this conversation."),
    click.option("--reason", default="", metavar="PART", help="Whose reason has this in it."),
    click.option("--since", type=_Instant(), help="Changed at or after: an instant, or 2h ago."),
    click.option("--until", type=_Instant(), help="Changed before."),
)


def _filters(command: F) -> F:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def _choosing(command: F) -> F:
    """Ids or filters, and what keeps from changing too much."""
    for option in (
        CONFIG,
        click.argument("ids", nargs=-1, metavar="[ID]..."),
        _filters,
        click.option("--dry-run", is_flag=True, help="Only say which; change nothing."),
        click.option("--yes", is_flag=True, help=f"Also if {_MANY} or more are meant."),
        JSON,
    ):
        command = option(command)
    return command


@click.group()
def deliveries() -> None:
    """What is owed, in doubt or dead, in both directions."""


@deliveries.command("list")
@CONFIG
@_filters
@click.option("--all", "everything", is_flag=True, help="Also what was sent or dropped.")
@JSON
def list_deliveries(
    config_path: Path,
    everything: bool,  # noqa: FBT001 - click passes flags so
    as_json: bool,  # noqa: FBT001
    **filters: Any,  # noqa: ANN401 - click's own
) -> None:
    """Everything that is not over, the oldest first. Nobody's words."""
    wanted = _wanted((), filters, STATES if everything else OPEN_STATES)
    letters = _look(config_path, lambda store: store.letters.listed(wanted))
    if as_json:
        print_json([_told(letter) for letter in letters])
    else:
        _print(letters)


@deliveries.command("show")
@CONFIG
@click.argument("delivery_id", metavar="ID")
@click.option("--words", is_flag=True, help="Also what it says, as long as that is kept.")
@JSON
def show_delivery(
    config_path: Path,
    delivery_id: str,
    words: bool,  # noqa: FBT001 - click passes flags so
    as_json: bool,  # noqa: FBT001
) -> None:
    """Everything about one delivery, without its words."""

    async def found(store: Store) -> dict[str, object]:
        letter = await store.letters.one(delivery_id)
        if letter is None:
            raise click.UsageError(f"No delivery {delivery_id!r}; see `deliveries list --all`.")
        before, after = None, None
        if entry_of(delivery_id) is None:
            before, after = await store.letters.beside(letter)
        beside = {
            "before": _summary(before) if before else None,
            "after": _summary(after) if after else None,
        }
        body = await store.letters.body(delivery_id) if words else ""
        says = {"words": msgspec.json.decode(body) if body else None} if words else {}
        return _told(letter) | beside | says

    told = _look(config_path, found)
    if as_json:
        print_json(told)
        return
    for key, value in told.items():
        text = when(value) if isinstance(value, datetime) else value
        if key == "words" and value is not None:
            text = msgspec.json.encode(value).decode()
        click.echo(f"{key:13} {'' if text is None else text}".rstrip())


@deliveries.command()
@_choosing
def redrive(**given: Any) -> None:  # noqa: ANN401 - click's own
    """Have dead letters owed again: these, or all that the filters mean."""
    _change("deliveries.redrive", frozenset({"dead"}), "redriven", **given)


@deliveries.command()
@_choosing
def drop(**given: Any) -> None:  # noqa: ANN401 - click's own
    """Nobody needs these any more, dead or held: their words go."""
    _change("deliveries.drop", frozenset({"dead", "held"}), "dropped", **given)


@deliveries.command()
@_choosing
def seen(**given: Any) -> None:  # noqa: ANN401 - click's own
    """You know of these dead letters: they stay, and are no trouble any more."""
    _change("deliveries.seen", frozenset({"dead"}), "seen", **given)


@deliveries.command()
@CONFIG
@click.argument("delivery_id", metavar="ID")
@click.option("--arrived", is_flag=True, help="The thread shows it.")
@click.option("--absent", is_flag=True, help="It does not: it is sent again.")
@JSON
def settle(
    config_path: Path,
    delivery_id: str,
    arrived: bool,  # noqa: FBT001 - click passes flags so
    absent: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Say what became of one that is held, once you have looked into its thread."""
    if arrived == absent:
        raise click.UsageError("Say what the thread shows: --arrived or --absent.")
    verb = "deliveries.arrived" if arrived else "deliveries.absent"
    _report(_asked(config_path, verb, [delivery_id]), "settled", as_json=as_json)


def _change(
    verb: str,
    among: frozenset[str],
    done: str,
    *,
    config_path: Path,
    ids: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **filters: Any,  # noqa: ANN401 - click's own
) -> None:
    if not ids and not any(filters.values()):
        raise click.UsageError("Name deliveries by their ids, or say which by filters.")
    if ids and any(filters.values()):
        raise click.UsageError("Name deliveries by their ids or by filters, not by both.")
    chosen = list(dict.fromkeys(ids))
    if not ids or dry_run:
        wanted = _wanted(ids, filters, among if not ids else STATES)
        letters = _look(config_path, lambda store: store.letters.listed(wanted))
        chosen = [letter.id for letter in letters]
        if dry_run:
            print_json([_told(one) for one in letters]) if as_json else _print(letters)
            click.echo(f"{len(letters)} would be {done}; nothing was changed.", err=True)
            return
    _confirm(len(chosen), done, yes=yes)
    _report(_asked(config_path, verb, chosen), done, as_json=as_json)


def _confirm(many: int, done: str, *, yes: bool) -> None:
    if many < _MANY or yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{many} would be {done}; say --yes if that is meant.")
    click.confirm(f"{many} will be {done}. Go on?", abort=True, err=True)


def _asked(path: Path, verb: str, ids: list[str]) -> list[Outcome]:
    """Done by the running bridge, or on the database alone where none runs."""

    async def asked() -> list[Outcome]:
        url = options.database(path).url
        outcomes: list[Outcome] = []
        try:
            for first in range(0, len(ids), MOST_AT_ONCE):
                answer = await ask(url, verb, {"ids": ids[first : first + MOST_AT_ONCE]})
                outcomes += msgspec.convert(answer, list[Outcome])
        except NotRunning:
            rest = ids[len(outcomes) :]
            async with letters_alone(options.settings(path), World()) as letters:
                for one in rest:
                    outcomes += await letters.each(verb, [one])
        return outcomes

    return asyncio.run(asked())


def _report(outcomes: list[Outcome], done: str, *, as_json: bool) -> None:
    if as_json:
        print_json([msgspec.structs.asdict(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            click.echo(f"{outcome.id}: {'' if outcome.done else 'nothing done: '}{outcome.note}")
        click.echo(f"{sum(one.done for one in outcomes)} of {len(outcomes)} {done}.")
    if not all(outcome.done for outcome in outcomes):
        sys.exit(1)


def _wanted(ids: tuple[str, ...], filters: dict[str, Any], states: frozenset[str]) -> Wanted:
    given = {key: value for key, value in filters.items() if value and key != "states"}
    return Wanted(ids=ids, states=frozenset(filters["states"]) or states, **given)


def _look(path: Path, body: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """Read the database beside a running bridge."""

    async def looking() -> T:
        async with look_into(options.database(path).url) as store:
            return await body(store)

    return asyncio.run(looking())


def _told(letter: Letter) -> dict[str, object]:
    """Without what only sorts."""
    told = msgspec.structs.asdict(letter)
    del told["number"]
    if letter.state in ("dead", "held"):
        told["remedy"] = _remedy(letter)
    return told


def _remedy(letter: Letter) -> str:
    """What is to be mended, where somebody said so, and the command after that."""
    command = _REMEDIES["held" if letter.state == "held" else letter.to]
    return f"{letter.remedy}; {command}" if letter.remedy else command


def _summary(letter: Letter) -> str:
    return f"{letter.id} ({letter.kind}, {letter.state})"


def _print(letters: list[Letter]) -> None:
    rows = [
        (
            *(one.id, one.to, one.kind, one.state, one.adapter, str(one.attempts)),
            *(when(one.settled_at or one.attempted_at or one.owed_at), one.reason or ""),
        )
        for one in letters
    ]
    header = ("ID", "TO", "KIND", "STATE", "ADAPTER", "ATTEMPTS", "SINCE", "REASON")
    print_table(header, rows)
