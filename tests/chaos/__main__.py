"""`python -m tests.chaos`: kill the bridge so many times, and write what came of it."""

import asyncio
import shutil
import sys
import time
from pathlib import Path

import click

from bridge.runtime.world import POINTS
from tests.chaos.chain import SYSTEM_CALLS, chains
from tests.chaos.flows import FLOWS
from tests.chaos.matrix import Matrix, fill, table
from tests.chaos.scene import ANY_MOMENT

_TELL = """# The kill matrix

What came of killing the real process, with SIGKILL, while it served each kind of exchange. `make
chaos` wrote this page and stops with an error if anything was lost, doubled, out of order or held;
`make chaos KILLS=200` is a shorter run.

Each chain of deaths plays one flow, from a person's first word to the last answer, between the
simulators of Slack and of PolyAI, which outlive the bridge. Every restart is armed with the next
death, so recovery is killed too; the last start is left alone and has to settle everything. Then
the simulators' records are compared with what was accepted: what Slack was told we heard, and what
the agent said. *Lost* is what is missing there, *doubled* what stands there beside what belongs
there, *out of order* whatever is there once but in another order than it was accepted in, *held*
what our own database then still has as owed or in doubt, even if the other side has it; except what
is shown to one person alone: Slack tells nobody whether that arrived, so it stays in doubt.

A death is at a named point of `bridge.runtime.world` (see the table in
[ARCHITECTURE.md](../ARCHITECTURE.md)), at the entry of one of SQLite's system calls (`fdatasync`,
`pwrite64`; by strace), at a moment of the flow, or, where a start did not come to the point it was
armed with, at whatever it was doing (*any moment*). A chain's cost, if there were one, would stand
in the row of each of its deaths.
"""


@click.command()
@click.option("--kills", default=2_000, help="At least so many.")
@click.option("--beside", default=12, help="So many chains at once.")
@click.option("--length", default=5, help="So many deaths in a chain.")
@click.option("--seed", default=0, help="Where the chains begin; a chain replays by its number.")
@click.option("--report", type=click.Path(path_type=Path), help="Where the page is written.")
def main(kills: int, beside: int, length: int, seed: int, report: Path | None) -> None:
    """Kill the bridge, and compare what was accepted with what both sides recorded."""
    began = time.monotonic()
    calls = SYSTEM_CALLS if shutil.which("strace") else ()
    many = chains(FLOWS, ("socket", "http"), length=length, system_calls=calls, seed=seed)
    matrix = asyncio.run(fill(many, kills=kills, beside=beside))
    page = _page(matrix, seconds=time.monotonic() - began, traced=bool(calls))
    click.echo(page)
    if report is not None:
        report.write_text(page)
    for problem in matrix.problems:
        click.echo(problem, err=True)
    sys.exit(1 if matrix.total or matrix.problems else 0)


def _page(matrix: Matrix, *, seconds: float, traced: bool) -> str:
    moments = [m for flow in FLOWS for m in flow.moments]
    points = [*POINTS, *SYSTEM_CALLS, *dict.fromkeys(moments), ANY_MOMENT]
    cost = matrix.total
    sums = (
        f"{matrix.kills.total():,} kills in {matrix.chains:,} chains, {seconds / 60:.0f} minutes: "
        f"{cost.lost} lost, {cost.doubled} doubled, {cost.disordered} out of order, "
        f"{cost.held} held."
    )
    where = matrix.places(named=POINTS, called=SYSTEM_CALLS, moments=moments)
    hit = {point for _, _, point in matrix.kills}
    missed = [f"`{point}`" for point in POINTS if point not in hit]
    unmet = f"\nNo death came at {', '.join(missed)}.\n" if missed else ""
    untraced = "" if traced else "\nWithout strace no system call was interrupted in this run.\n"
    told = [_TELL, f"**{sums}**", "", where, untraced + unmet, *table(matrix, points), ""]
    return "\n".join(told)


if __name__ == "__main__":
    main()
