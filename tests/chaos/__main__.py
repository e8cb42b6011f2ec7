"""`python -m tests.chaos`: kill the bridge so many times, and write what came of it."""

import asyncio
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bridge.runtime.world import POINTS
from tests.chaos.chain import SYSTEM_CALLS, chains
from tests.chaos.flows import FLOWS, PLAIN_FLOWS, Flow
from tests.chaos.matrix import Matrix, fill, table
from tests.chaos.scene import ANY_MOMENT
from tests.chaos.striking import MOMENTS, VICTIMS

_TELL = """# The kill matrix

What came of killing the real process, with SIGKILL, while it served each kind of exchange. `make
chaos` wrote this page and stops with an error if anything was lost, doubled, out of order or held;
`make chaos KILLS=200 PLUG_IN_KILLS=50` is a shorter run.

Each chain of deaths plays one flow, from a person's first word to the last answer, between the
simulators of a platform and of PolyAI, which outlive the bridge. Every restart is armed with the
next death, so recovery is killed too; the last start is left alone and has to settle everything.
Then the simulators' records are compared with what was accepted: what the platform was told we
heard, and what the agent said. *Lost* is what is missing there, *doubled* what stands there beside
what belongs there, *out of order* whatever is there once but in another order than it was accepted
in, *held* what our own database then still has as owed or in doubt, even if the other side has it;
except what is shown to one person alone: Slack tells nobody whether that arrived, so it stays in
doubt.

A death is at a named point of `bridge.runtime.world` (see the table in
[ARCHITECTURE.md](../ARCHITECTURE.md)), at the entry of one of SQLite's system calls (`fdatasync`,
`pwrite64`; by strace), at a moment of the flow, or, where a start did not come to the point it was
armed with, at whatever it was doing (*any moment*). A chain's cost, if there were one, would stand
in the row of each of its deaths.
"""

_TELL_PLUG_IN = """## The sample plug-in

The same bridge with a stranger's adapter: the wheel of `tests/sample_adapter`, found by its entry
point, run in a process of its own between PolyAI and a pinboard that outlives it. What a board
cannot show becomes words: who chooses answers with a number, and what comes in pieces is shown once
it is whole.

Beside the deaths above, after which the adapter's process must be gone too, that process is killed
alone (*adapter*), together with the bridge (*both*), or stopped until the bridge finds that it
hangs, kills it and starts another (*hung*). It dies where the board sees it: while a question or a
pin is on its way and never arrives, when that was done but not answered, when it was answered; or
at any moment. So that it has to look for what it pinned, the answer to a pin is lost before.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One platform's share of the page."""

    tell: str
    flows: Sequence[type[Flow]]
    doors: Sequence[str]
    further: Sequence[str] = ()  #: deaths that are not the bridge's alone
    apart: int = 0  #: see `chains`
    sample: bool = False  #: with the sample plug-in installed


_SLACK = Part("## Slack\n", FLOWS, ("socket", "http"))
_PLUG_IN = Part(
    _TELL_PLUG_IN,
    PLAIN_FLOWS,
    ("pinboard",),
    tuple(f"{victim}: {moment}" for victim in VICTIMS for moment in (*MOMENTS, ANY_MOMENT)),
    apart=7,
    sample=True,
)


@click.command()
@click.option("--kills", default=2_000, help="At least so many with Slack.")
@click.option("--plug-in-kills", default=500, help="At least so many with the sample plug-in.")
@click.option("--beside", default=12, help="So many chains at once.")
@click.option("--length", default=5, help="So many deaths in a chain.")
@click.option("--seed", default=0, help="Where the chains begin; a chain replays by its number.")
@click.option("--report", type=click.Path(path_type=Path), help="Where the page is written.")
def main(
    kills: int, plug_in_kills: int, beside: int, length: int, seed: int, report: Path | None
) -> None:
    """Kill the bridge, and compare what was accepted with what both sides recorded."""
    page, bad = [_TELL], False
    for part, so_many in ((_SLACK, kills), (_PLUG_IN, plug_in_kills)):
        if not so_many:
            continue
        began = time.monotonic()
        matrix = _filled(part, so_many, beside=beside, length=length, seed=seed)
        page += _told(part, matrix, seconds=time.monotonic() - began)
        bad = bad or bool(matrix.total or matrix.problems)
        for problem in matrix.problems:
            click.echo(problem, err=True)
    click.echo("\n".join(page))
    if report is not None:
        report.write_text("\n".join(page))
    sys.exit(int(bad))


def _filled(part: Part, kills: int, *, beside: int, length: int, seed: int) -> Matrix:
    many = chains(
        part.flows,
        part.doors,
        length=length,
        system_calls=_calls(),
        seed=seed,
        apart=part.apart,
    )
    return asyncio.run(fill(many, kills=kills, beside=beside, sample=part.sample))


def _calls() -> Sequence[str]:
    return SYSTEM_CALLS if shutil.which("strace") else ()


def _told(part: Part, matrix: Matrix, *, seconds: float) -> Iterator[str]:
    """One part of the page, line by line."""
    moments = [m for flow in part.flows for m in flow.moments]
    points = [*POINTS, *SYSTEM_CALLS, *dict.fromkeys(moments), *part.further, ANY_MOMENT]
    cost = matrix.total
    yield part.tell
    yield (
        f"**{matrix.kills.total():,} kills in {matrix.chains:,} chains, "
        f"{seconds / 60:.0f} minutes: {cost.lost} lost, {cost.doubled} doubled, "
        f"{cost.disordered} out of order, {cost.held} held.**\n"
    )
    yield (
        matrix.places(named=POINTS, called=SYSTEM_CALLS, moments=moments, further=part.further)
        + "\n"
    )
    if not _calls():
        yield "Without strace no system call was interrupted in this run.\n"
    hit = {point for _, _, point in matrix.kills}
    if missed := [f"`{point}`" for point in (*POINTS, *part.further) if point not in hit]:
        yield f"No death came at {', '.join(missed)}.\n"
    yield from table(matrix, points)
    yield ""


if __name__ == "__main__":
    main()
