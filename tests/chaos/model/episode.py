"""One seed, one episode: a world of its own, its trace, and what is wrong with it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.forks import Forks
from tests.chaos.model.driving import Driving
from tests.chaos.model.program import Program, drawn
from tests.chaos.scene import PATIENCE
from tests.chaos.slack_scene import set_up
from tests.chaos.verdict import Compared, Verdict, judged


@dataclass(frozen=True, slots=True)
class Episode:
    """What became of it. Played again, a seed gives the same trace."""

    program: Program
    trace: tuple[str, ...]  #: what was done, the first deaths, and what both sides recorded
    deaths: tuple[str, ...]  #: what became of every death that was built in
    kills: tuple[str, ...]  #: each by its point
    begun: int  #: so many of its beats
    verdict: Verdict
    problem: str = ""  #: what went wrong, if anything

    @property
    def failed(self) -> bool:
        """Whether the law was broken."""
        return bool(self.problem) or bool(self.verdict)


async def played(
    program: Program, forks: Forks, directory: Path, *, fault: str = "", patience: float = PATIENCE
) -> Episode:
    """Play it in `directory`, with this fault of `seeded.FAULTS` in the bridge's code."""
    directory.mkdir(parents=True)
    problem, driving = "", None
    try:
        async with set_up(directory, forks, program.door, fault=fault) as scene:
            scene.patience = patience
            driving = Driving(scene, program)
            try:
                await driving.play()
            except (AssertionError, TimeoutError) as error:
                problem = type(error).__name__ + ": " + str(error).partition("\n")[0]
            records = driving.compared()
    except AssertionError as error:  # the other side objects
        problem = problem or str(error)
    assert driving is not None
    trace = [*driving.trace, *map(_record, records), *filter(None, [problem])]
    return Episode(
        program=program,
        trace=tuple(trace),
        deaths=tuple(driving.deaths),
        kills=tuple(driving.kills),
        begun=driving.begun,
        verdict=judged(records),
        problem=problem,
    )


def _record(compared: Compared) -> str:
    told = f"{compared.what}: {list(compared.seen)}"
    return told + (f" INSTEAD OF {list(compared.expected)}" if compared.verdict else "")


async def from_seed(
    seed: int,
    forks: Forks,
    place: Path,
    *,
    beats: Sequence[int] | None = None,
    fault: str = "",
    patience: float = PATIENCE,
) -> Episode:
    """Draw the program of a seed, keep only these `beats` of it, and play it."""
    program = drawn(seed)
    if beats is not None:
        program = program.only(beats)
    return await played(program, forks, place, fault=fault, patience=patience)


def kept(episode: Episode, place: Path) -> None:
    """Leave beside the bridge's log and store what was done and seen."""
    (place / "trace.lines").write_text("\n".join(episode.trace) + "\n")
    (place / "deaths.txt").write_text("\n".join(episode.deaths) + "\n")


def cleared(place: Path) -> None:
    """Nobody asks about an episode that went well."""
    shutil.rmtree(place, ignore_errors=True)
