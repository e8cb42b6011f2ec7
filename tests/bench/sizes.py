"""How much of everything is measured: in full within 35 minutes, in short in half a minute."""

from dataclasses import dataclass
from typing import Final

from tests.bench.stand import CAREFUL, FLOOR, FORGETFUL, OURS, SCRIPT, SUBJECTS

EVERYBODY: Final = (OURS, FORGETFUL, SCRIPT, CAREFUL, FLOOR)


@dataclass(frozen=True, slots=True)
class Speed:
    """As fast as it goes, in so many threads, by these, in so many rounds."""

    threads: int
    subjects: tuple[str, ...]
    rounds: int


@dataclass(frozen=True, slots=True)
class Held:
    """So many open conversations, by these; one round, as opening them takes long."""

    sessions: int
    subjects: tuple[str, ...]
    #: Nobody says anything for so long: thirty seconds are a heartbeat of each. 0: not measured.
    idle_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    speeds: tuple[Speed, ...]
    seconds: float
    #: What is done at a rate: in so many threads, for so long, so often.
    latency_threads: int
    latency_seconds: float
    latency_rounds: int
    #: The rate that the targets name, in messages a second.
    rates: dict[str, float]
    sessions: tuple[Held, ...]
    drained: bool
    #: So many open conversations, so many deliveries owed: and then it is killed. 0: not measured.
    killed_with: tuple[int, int]
    #: TLS is the real case.
    modes: tuple[str, ...]


FULL = Sizes(
    speeds=(Speed(1, SUBJECTS, 3), Speed(100, EVERYBODY, 5), Speed(1000, SUBJECTS, 3)),
    seconds=3.0,
    latency_threads=100,
    latency_seconds=5.0,
    latency_rounds=3,
    rates={"tls": 100.0, "clear": 300.0},
    sessions=(
        Held(100, SUBJECTS, 30.0),
        Held(1000, SUBJECTS, 30.0),
        Held(5000, (OURS,), 0.0),
        Held(10_000, (OURS, FLOOR), 30.0),
    ),
    drained=True,
    killed_with=(10_000, 1000),
    modes=("tls", "clear"),
)
SHORT = Sizes(
    speeds=(Speed(5, EVERYBODY, 1),),
    seconds=0.5,
    latency_threads=5,
    latency_seconds=0.5,
    latency_rounds=1,
    rates={},
    sessions=(Held(20, (OURS,), 0.5),),
    drained=False,
    killed_with=(0, 0),
    modes=("tls",),
)
