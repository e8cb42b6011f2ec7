"""`python -m tests.chaos.model`: random people, agents, faults and kills against one plain law."""

import asyncio
import itertools
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from tests.chaos.model.episode import Episode
from tests.chaos.model.episodes import Orders, Tally, played_until, replayed, shrunk
from tests.chaos.model.page import page

#: How often one hears that it goes on, in seconds.
_NEWS = 30.0
#: How long something may take while beats are left out, in seconds: it was never seen to come.
_SHORT = 15.0


@click.command()
@click.option("--minutes", default=60.0, help="For so long.")
@click.option(
    "--first", type=int, help="The first seed; the others follow it. By chance if left out."
)
@click.option("--beside", default=4, help="So many episodes at once.")
@click.option("--seed", type=int, help="Play this episode alone, and tell all of it.")
@click.option("--beats", default="", help="With --seed: only these beats of it, as 0,3,4.")
@click.option("--fault", default="", help="Plant this fault of tests/chaos/seeded.py.")
@click.option("--report", type=click.Path(path_type=Path), help="Where the page is written.")
def main(
    minutes: float,
    first: int | None,
    beside: int,
    seed: int | None,
    beats: str,
    fault: str,
    report: Path | None,
) -> None:
    """Play episodes until one breaks the law; its seed plays it again."""
    orders = Orders(Path(tempfile.mkdtemp(prefix="model-run-")), beside, fault)
    if seed is not None:
        only = [int(beat) for beat in beats.split(",")] if beats else None
        _tell(asyncio.run(replayed(seed, orders, only)), orders)
    first = secrets.randbelow(1_000_000_000) if first is None else first
    click.echo(f"The first seed is {first}.")
    began = time.monotonic()
    deadline = began + 60 * minutes
    tally = asyncio.run(played_until(deadline, itertools.count(first), orders, _news(began)))
    if tally.failed is not None:
        _shrink(tally.failed, orders)
        _tell(tally.failed, orders)
    written = page(tally, first=first, seconds=time.monotonic() - began)
    click.echo(written)
    if report is not None:
        report.write_text(written)


def _news(began: float) -> Callable[[Tally], None]:
    """Tells now and then how far it is."""
    next_at = began

    def told(tally: Tally) -> None:
        nonlocal next_at
        now = time.monotonic()
        if now < next_at:
            return
        next_at = now + _NEWS
        click.echo(
            f"{(now - began) / 60:5.1f} minutes: {tally.episodes} episodes, {tally.beats} beats, "
            f"{tally.kills.total()} kills, {'a failure' if tally.failed else 'no failure'}"
        )

    return told


def _shrink(episode: Episode, orders: Orders) -> None:
    click.echo(f"Seed {episode.program.seed} fails; looking which of its beats that takes.")
    beats = asyncio.run(shrunk(episode, replace(orders, patience=_SHORT)))
    click.echo(f"Fewer beats that fail: --beats {','.join(map(str, beats))}")


def _tell(episode: Episode, orders: Orders) -> None:
    """All of one episode; ends the process, with an error if it failed."""
    click.echo("\n".join(episode.trace))
    seed, fault = episode.program.seed, f" --fault {orders.fault}" if orders.fault else ""
    click.echo(f"Again: python -m tests.chaos.model --seed {seed}{fault}")
    click.echo(f"Its trace, log and store are in {orders.place / str(seed)}")
    click.echo(f"Seed {seed} {'FAILED' if episode.failed else 'is sound'}.")
    sys.exit(1 if episode.failed else 0)


if __name__ == "__main__":
    main()
