"""Would the kill matrix notice a fault? A flow and a death that show it, and what that costs."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.chaos.chain import Chain, Outcome, run
from tests.chaos.flows import Flow
from tests.chaos.forks import forking
from tests.chaos.scene import PATIENCE, Arm
from tests.chaos.verdict import Verdict

#: A flow, and the death that shows a fault; without one most faults go unseen.
Shown = tuple[type[Flow], Arm | None]

#: How long anybody waits for what a fault has lost, in seconds.
IMPATIENCE = 9.0
#: How many chains play beside each other.
_AT_ONCE = 12


async def missed(
    faults: Mapping[str, tuple[Shown, str]],
    place: Path,
    *,
    door: str = "socket",
    sample: Path | None = None,
) -> dict[str, Verdict]:
    """Those that did not show as they must: each costs one of the fields of a verdict."""
    soon = await _missed(faults, place / "soon", IMPATIENCE, door, sample)
    if not soon:
        return soon
    # A busy machine: nothing had come to its end when time was up.
    left = {fault: faults[fault] for fault in soon}
    return await _missed(left, place / "later", PATIENCE, door, sample)


async def _missed(
    faults: Mapping[str, tuple[Shown, str]],
    place: Path,
    patience: float,
    door: str,
    sample: Path | None,
) -> dict[str, Verdict]:
    place.mkdir()
    faulty = [(fault, shown) for fault, (shown, _) in faults.items()]
    outcomes = await played(faulty, place, patience, door=door, sample=sample)
    verdicts = {fault: o.verdict for (fault, _), o in zip(faulty, outcomes, strict=True)}
    return {fault: v for fault, v in verdicts.items() if not _shows(v, faults[fault][1])}


def _shows(verdict: Verdict, costs: str) -> bool:
    return any(getattr(verdict, cost) for cost in costs.split())


async def played(
    many: Sequence[tuple[str, Shown]],
    place: Path,
    patience: float = PATIENCE,
    *,
    door: str = "socket",
    sample: Path | None = None,
) -> list[Outcome]:
    """What came of each flow and death with each fault, in this order; all beside each other."""
    turns = asyncio.Semaphore(_AT_ONCE)
    async with forking(place, sample=sample) as forks:

        async def one(number: int, fault: str, shown: Shown) -> Outcome:
            directory = place / str(number)
            directory.mkdir()
            flow, arm = shown
            arms = (arm,) if arm else ()
            chain = Chain(number, flow, door, arms, fault, patience=patience, reach=20.0)
            async with turns:
                outcome = await run(chain, forks, directory)
            _is_no_crash(fault, directory)
            return outcome

        return await asyncio.gather(*(one(n, *each) for n, each in enumerate(many)))


def _is_no_crash(fault: str, directory: Path) -> None:
    """A fault that only breaks the bridge, as its code has changed, would cost something, too."""
    log = (directory / "bridge.log").read_text()
    told = [line for line in log.splitlines() if "Traceback" in line or ".surprise" in line]
    assert not told, f"{fault or 'no fault'} breaks the bridge:\n{log[-2000:]}"
