"""How loud is the running bridge? It is made louder, quieter or more talkative while it runs."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from bridge import log
from bridge.cli import options
from bridge.cli.asking import ask
from bridge.cli.options import CONFIG, JSON
from bridge.cli.printing import print_json, print_table
from bridge.config.tables import read_rate
from bridge.plugin.settings import read_duration

_LEVELS = click.Choice(["debug", "info", "warning", "error"])


def _as_written(
    read: Callable[[str], Any],
) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A usage error for what the configuration would not take either."""

    def convert(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Any:  # noqa: ANN401 - what the reader gives
        try:
            return None if value is None else read(value)
        except ValueError as error:
            raise click.BadParameter(f"{value!r} {error}") from None

    return convert


def _burst(value: str) -> object:
    return value if value == "off" else read_rate(value)


_FOR = click.option(
    "--for",
    "lasting",
    callback=_as_written(read_duration),
    help='For how long, such as "10m"; else until the bridge stops.',
)


@click.group("log")
def logs() -> None:
    """See and change what the running bridge logs; a restart undoes it."""


@logs.command()
@CONFIG
@click.argument("level", type=_LEVELS, required=False)
@click.option("--logger", default=log.OURS, help="One logger and those below it, such as sessions.")
@_FOR
@JSON
def level(
    config_path: Path,
    level: str | None,
    logger: str,
    lasting: timedelta | None,
    as_json: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """Log from LEVEL up; without one, as configured."""
    wish = {"level": level, "logger": logger, "seconds": _seconds(lasting)}
    _print(_asked(config_path, "log.level", wish), as_json=as_json)


@logs.command()
@CONFIG
@click.argument("burst", callback=_as_written(_burst), required=False)
@click.option("--sample", type=click.IntRange(1, 1_000_000), help="Beyond it, each so-many-th.")
@_FOR
@JSON
def sampling(
    config_path: Path,
    burst: Any,  # noqa: ANN401 - a rate, "off" or nothing
    sample: int | None,
    lasting: timedelta | None,
    as_json: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """Write so many lines of one event, such as 100/10s; or "off".

    Without BURST, as configured.
    """
    wish: dict[str, Any] = {"seconds": _seconds(lasting), "sample": sample}
    if burst == "off":
        wish["sample"] = sample or 1
    elif burst is not None:
        wish |= {"count": burst.count, "per": burst.per.total_seconds()}
    _print(_asked(config_path, "log.sampling", wish), as_json=as_json)


@logs.command()
@CONFIG
@JSON
def show(config_path: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show who is heard from which level up, and what is left out."""
    _print(_asked(config_path, "log.show", {}), as_json=as_json)


def _seconds(lasting: timedelta | None) -> float | None:
    return None if lasting is None else lasting.total_seconds()


def _asked(config_path: Path, verb: str, wish: dict[str, Any]) -> dict[str, Any]:
    url = options.database(config_path).url
    answer: dict[str, Any] = asyncio.run(ask(url, verb, wish))
    return answer


def _print(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    rows = [(one["logger"], one["level"], _left(one["seconds_left"])) for one in told["loggers"]]
    print_table(("LOGGER", "LEVEL", "FOR"), rows)
    sampled = told["sampling"]
    beyond = "" if sampled["burst"] == "off" else f", then each {sampled['sample']}th"
    click.echo(f"lines of one event: {sampled['burst']}{beyond}")


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f}s"
