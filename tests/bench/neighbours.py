"""Does an adapter in trouble delay the others? One bridge, several platforms, one in trouble.

Slack and the webhook are asked at a steady rate, while the Matrix adapter beside them (a process of
its own, on a real Synapse, under the same load) is well, or killed over and over, or stopped in the
middle of what it does, or without its server. All states take turns in one run, so that what the
machine does besides befalls all alike; each is told as a ratio to the turns in which all was well.
"""

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count, cycle
from pathlib import Path
from typing import Any

from bridge.testing.stand_in import Leaving
from tests.square import Square, square

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "neighbours.md"
#: Who is in trouble, and who should not notice.
TROUBLED = "matrix"
NEIGHBOURS = ("slack", "webhook")
WELL = "all is well"
#: How often each platform is asked, in seconds, and in how many threads, which take turns.
_PACE = 0.25
_THREADS = 20
_STRIKES = 1.5
_NUMBERS = count()

_TOLD = """\
# Does an adapter in trouble delay the others?

Written by `python -m tests.bench.neighbours`. One bridge serves Slack (simulated), a webhook and
Matrix (a real Synapse); the Matrix adapter runs in a process of its own. Every platform is asked
{pace:.0f} times a second, in {threads} conversations by turns, while the Matrix adapter is in one
of these states. They took turns, {rounds} times {seconds:.0f} seconds each. A figure is the time
from a person's words to the answer they see; the ratio is to the turns in which all was well.
"""


@asynccontextmanager
async def _well(_square: Square) -> AsyncIterator[None]:
    yield


def _struck(
    number: signal.Signals,
) -> Callable[[Square], AbstractAsyncContextManager[None]]:
    """Its process gets this signal, and so does the next one, over and over."""

    async def strike(place: Square) -> None:
        while True:
            for child in place.children():
                os.kill(child, number)
            await asyncio.sleep(_STRIKES)

    @asynccontextmanager
    async def struck(place: Square) -> AsyncIterator[None]:
        striking = asyncio.create_task(strike(place))
        try:
            yield
        finally:
            striking.cancel()
            for child in place.children():
                os.kill(child, signal.SIGCONT)

    return struck


@asynccontextmanager
async def _alone(place: Square) -> AsyncIterator[None]:
    """Its platform is away."""
    platform: object = place.stand_ins[TROUBLED]
    assert isinstance(platform, Leaving)
    await platform.leave()
    try:
        yield
    finally:
        await platform.return_()


STATES: Mapping[str, Callable[[Square], AbstractAsyncContextManager[None]]] = {
    WELL: _well,
    "its process is killed every 1.5 s": _struck(signal.SIGKILL),
    "its process stands still": _struck(signal.SIGSTOP),
    "its platform is away": _alone,
}


async def measured(directory: Path, *, rounds: int, seconds: float) -> Json:
    """How long answers took, by state and platform, in seconds; the states take turns."""
    found: dict[str, dict[str, list[float]]] = {
        state: {name: [] for name in NEIGHBOURS} for state in STATES
    }
    async with square(directory, (*NEIGHBOURS, TROUBLED), isolated=(TROUBLED,)) as place:
        await place.start()
        threads = {name: await _opened(place, name) for name in place.stand_ins}
        for _ in range(rounds):
            for state, entered in STATES.items():
                async with entered(place):
                    for name, took in (await _turn(place, threads, seconds)).items():
                        found[state][name] += took
                await place.ask(TROUBLED, "are you there again?", look=0.1, patience=120)
    return {"rounds": rounds, "seconds": seconds, "states": found}


async def _opened(place: Square, name: str) -> list[str]:
    """Threads in which the agent has answered; who is greeted is not what is measured."""
    asking = (place.ask(name, "is anybody there?", look=0.1, patience=120) for _ in range(_THREADS))
    return [uttered.thread for uttered, _ in [await one for one in asking]]


async def _turn(
    place: Square, threads: Mapping[str, list[str]], seconds: float
) -> dict[str, list[float]]:
    """Ask everybody for so long; what the troubled one is asked need not be answered in time."""
    beside = asyncio.create_task(_told(place, threads[TROUBLED]))
    asked = (_asked(place, name, threads[name], seconds) for name in NEIGHBOURS)
    results = await asyncio.gather(*asked)
    beside.cancel()
    await asyncio.gather(beside, return_exceptions=True)
    return dict(zip(NEIGHBOURS, results, strict=True))


async def _told(place: Square, threads: list[str]) -> None:
    """Talk to the troubled one as often; to look for its answers would keep us from the others'."""
    for thread in cycle(threads):
        await place.stand_ins[TROUBLED].say(f"and this {next(_NUMBERS)}x", thread=thread)
        await asyncio.sleep(_PACE)


async def _asked(place: Square, name: str, threads: list[str], seconds: float) -> list[float]:
    asking = []
    for number, thread in zip(range(int(seconds / _PACE)), cycle(threads)):
        ask = place.ask(name, f"question {number} {next(_NUMBERS)}x", thread)
        asking.append(asyncio.create_task(ask))
        await asyncio.sleep(_PACE)
    try:
        return [took for _, took in await asyncio.gather(*asking)]
    finally:
        for one in asking:
            one.cancel()


def page(found: Json) -> str:
    """The figures, and what they come to."""
    told = _TOLD.format(
        pace=1 / _PACE, threads=_THREADS, rounds=found["rounds"], seconds=found["seconds"]
    )
    lines = [
        told,
        "| while | platform | answered | median | ratio | 99 in 100 within | ratio | the slowest |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    usual = found["states"][WELL]
    for state, platforms in found["states"].items():
        for name, took in platforms.items():
            row = _Row(took, usual[name])
            lines.append(f"| {state} | {name} | {row} |")
    return "\n".join([*lines, ""])


class _Row:
    """The figures of one state and platform."""

    def __init__(self, took: list[float], usual: list[float]) -> None:
        self._took, self._usual = sorted(took), sorted(usual)

    def __str__(self) -> str:
        middle, late = self.ratios
        return (
            f"{len(self._took)} | {_ms(statistics.median(self._took))} | {middle:.2f} "
            f"| {_ms(_late(self._took))} | {late:.2f} | {_ms(self._took[-1])}"
        )

    @property
    def ratios(self) -> tuple[float, float]:
        """Of the medians, and of the 99th hundredth."""
        return (
            statistics.median(self._took) / statistics.median(self._usual),
            _late(self._took) / _late(self._usual),
        )


def _late(took: list[float]) -> float:
    return took[min(len(took) - 1, int(len(took) * 0.99))]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.neighbours", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--report", type=Path, default=PAGE)
    how = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(measured(Path(directory), rounds=how.rounds, seconds=how.seconds))
    how.report.write_text(page(found))
    sys.stdout.write(how.report.read_text())


if __name__ == "__main__":
    main()
