"""Many chains beside each other, and the table of what they came to."""

import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.chain import Chain, Outcome, run
from tests.chaos.forks import Forks, forking
from tests.chaos.sample import installed
from tests.chaos.verdict import Verdict


@dataclass
class Matrix:
    """Every kill by the kind of its flow, its door and its point, and what it cost."""

    kills: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    costs: defaultdict[tuple[str, str, str], Verdict] = field(
        default_factory=lambda: defaultdict(Verdict)
    )
    total: Verdict = field(default_factory=Verdict)
    chains: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """A chain's cost stands beside each of the points at which it died."""
        self.chains += 1
        self.total += outcome.verdict
        if outcome.problem:
            self.problems.append(f"{outcome.kind} over {outcome.door}, {outcome.problem}")
        for point in outcome.kills:
            self.kills[outcome.kind, outcome.door, point] += 1
        for point in set(outcome.kills):
            self.costs[outcome.kind, outcome.door, point] += outcome.verdict

    def places(
        self,
        *,
        named: Sequence[str],
        called: Sequence[str],
        moments: Sequence[str],
        further: Sequence[str] = (),
    ) -> str:
        """Where the bridge died, in a sentence; `further` are deaths not of the bridge alone."""
        killed: Counter[str] = Counter()
        for (_, _, point), times in self.kills.items():
            killed[point] += times
        kinds = (named, called, moments, further)
        at, inside, of, beyond = (sum(killed[p] for p in set(some)) for some in kinds)
        rest = killed.total() - at - inside - of - beyond
        told = (
            f"{at:,} of these deaths were at a named point, {inside:,} in a system call, {of:,} at"
            f" a moment of the flow and {rest:,} at any moment"
        )
        return f"{told}; {beyond:,} befell the adapter's process." if further else f"{told}."


async def fill(many: Iterator[Chain], *, kills: int, beside: int, sample: bool = False) -> Matrix:
    """Run chains, so many beside each other, until there were so many kills.

    `sample`: with the sample plug-in installed.
    """
    matrix = Matrix()
    with tempfile.TemporaryDirectory() as directory:
        site = installed(Path(directory)) if sample else None
        async with forking(Path(directory), sample=site) as forks, asyncio.TaskGroup() as players:
            for number in range(beside):
                place = Path(directory) / str(number)
                players.create_task(_play(many, forks, place, matrix, kills))
    return matrix


async def _play(
    many: Iterator[Chain], forks: Forks, place: Path, matrix: Matrix, kills: int
) -> None:
    for number, chain in enumerate(many):
        if matrix.kills.total() >= kills:
            return
        directory = place / str(number)
        directory.mkdir(parents=True)
        matrix.add(await run(chain, forks, directory))


def table(matrix: Matrix, points: Sequence[str]) -> Iterator[str]:
    """How many kills, and what they cost, by flow, door and point."""
    yield "| flow | over | killed | kills | lost | doubled | out of order | held |"
    yield "|---|---|---|---:|---:|---:|---:|---:|"
    order = {point: place for place, point in enumerate(points)}
    keys = sorted(matrix.kills, key=lambda k: (k[0], k[1], order.get(k[2], len(order)), k[2]))
    for kind, door, point in keys:
        cost = matrix.costs[kind, door, point]
        numbers = (matrix.kills[kind, door, point], *_counts(cost))
        yield f"| {kind} | {door} | {point} | {' | '.join(map(str, numbers))} |"
    total = (f"**{number}**" for number in (matrix.kills.total(), *_counts(matrix.total)))
    yield f"| **all** | | | {' | '.join(total)} |"


def _counts(cost: Verdict) -> tuple[int, int, int, int]:
    return cost.lost, cost.doubled, cost.disordered, cost.held
