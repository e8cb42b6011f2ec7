"""How are we, in all? Who looks, put together; and one answer for everybody who asks.

`/ready` asks for the troubles with their figures, `polyai-bridge status` for everything. Nothing is
looked up when somebody asks: it was, a few seconds before.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from bridge import __version__
from bridge.clock import Clock
from bridge.config.health_settings import HealthSettings
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.watching.backlog import Backlog
from bridge.runtime.watching.disk import Disk, Floor
from bridge.runtime.watching.soundness import Soundness
from bridge.runtime.watching.status import Status
from bridge.runtime.watching.trouble import Dependency
from bridge.runtime.world import World
from bridge.store import Overdue, Store

#: How often what came and went is counted, and over how long that makes a rate.
_COUNT: Final = timedelta(seconds=5)
_MINUTE: Final = timedelta(minutes=1)
#: What people said, and what was shown to them: the counter, and the outcome that counts.
_CAME: Final = ("polyai_bridge_inbound_total", "new")
_WENT: Final = ("polyai_bridge_deliveries_total", "sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """How much there is, for whoever asks."""

    conversations: Callable[[], int]
    owed: Callable[[], int]
    sockets: Callable[[], int]


class Health:
    """Everything that looks after us, and what it found."""

    def __init__(
        self,
        settings: HealthSettings,
        database: Path,
        store: Store,
        world: World,
        status: Status,
        *,
        agents: tuple[str, ...],
        excused: Callable[[Overdue], bool],
        loads: Loads,
    ) -> None:
        """`excused` says of something old that is owed whether it waits for a reason."""
        floor = Floor(free=settings.disk_free, inodes=settings.inodes_free)
        self._status = status
        self._clock = world.clock
        self._agents = agents
        self._loads = loads
        self._began_at = world.clock.now()
        self._soundness = Soundness(store, world, status)
        self._disk = Disk(database.absolute().parent, floor, world.clock)
        self._backlog = Backlog(
            store,
            world.clock,
            excused,
            age=settings.backlog_age,
            most_dead=settings.dead_letters,
        )
        self._rates = Rates(status.metrics, world.clock)
        status.look_also(self._disk.troubles)
        status.look_also(self._backlog.troubles)
        status.figures = self.figures

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Look, in tasks of that group."""
        tasks.create_task(self._soundness.watch(), name="soundness")
        tasks.create_task(self._disk.watch(), name="disk")
        tasks.create_task(self._backlog.watch(), name="backlog")
        tasks.create_task(self._rates.watch(), name="rates")

    def figures(self) -> dict[str, Any]:
        """The figures behind the troubles."""
        space, ages = self._disk.space, self._backlog.ages
        oldest = (self._clock.now() - ages.oldest).total_seconds() if ages.oldest else 0.0
        return {
            "disk_free_bytes": space.free if space else None,
            "disk_free_inodes": space.inodes if space else None,
            "overdue": ages.overdue,
            "oldest_overdue_seconds": round(oldest, 1),
            "old_and_held": ages.held,
            "old_and_excused": ages.excused,
            "unseen_dead_letters": ages.dead,
        }

    async def told(self, _arguments: dict[str, Any]) -> object:
        """Everything, as `polyai-bridge status` shows it."""
        troubles = self._status.troubles
        return {
            "version": __version__,
            "uptime_seconds": round((self._clock.now() - self._began_at).total_seconds()),
            "ready": not troubles,
            "troubles": [asdict(trouble) for trouble in troubles],
            "adapters": {
                name: {"state": how.state, "detail": how.trouble or ""}
                for name, how in self._status.adapters.items()
            },
            "agents": {name: self._of_agent(name) for name in self._agents},
            "database": self._sentence(Dependency.DATABASE),
            "figures": {
                **self.figures(),
                "conversations": self._loads.conversations(),
                "sockets": self._loads.sockets(),
                "owed_to_threads": self._loads.owed(),
                "in_doubt": self._in_doubt(),
                "in_a_minute": self._rates.came,
                "out_a_minute": self._rates.went,
            },
        }

    def _of_agent(self, name: str) -> str:
        return self._sentence(Dependency.AGENT, name)

    def _sentence(self, dependency: Dependency, name: str = "") -> str:
        """What is wrong with one dependency; empty if nothing is."""
        found = [
            trouble.sentence
            for trouble in self._status.troubles
            if (trouble.dependency, trouble.name) == (dependency, name)
        ]
        return "; ".join(found)

    def _in_doubt(self) -> int:
        return int(_total(self._status.metrics, "polyai_bridge_deliveries_in_doubt"))


class _Count(NamedTuple):
    at: datetime
    came: float
    went: float


class Rates:
    """How much came and went within the last minute."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._counts: deque[_Count] = deque()

    @property
    def came(self) -> int:
        """What platforms told us that was new."""
        return self._risen(lambda count: count.came)

    @property
    def went(self) -> int:
        """What was posted."""
        return self._risen(lambda count: count.went)

    async def watch(self) -> None:
        """Count for ever."""
        while True:
            now = self._clock.now()
            came, went = _total(self._metrics, *_CAME), _total(self._metrics, *_WENT)
            self._counts.append(_Count(now, came, went))
            while self._counts[0].at < now - _MINUTE:
                self._counts.popleft()
            await self._clock.sleep(_COUNT)

    def _risen(self, of: Callable[[_Count], float]) -> int:
        return int(of(self._counts[-1]) - of(self._counts[0])) if self._counts else 0


def _total(metrics: Metrics, name: str, outcome: str | None = None) -> float:
    """The sum of a metric over its labels."""
    return sum(
        sample.value
        for family in metrics.registry.restricted_registry([name]).collect()
        for sample in family.samples
        if sample.name == name and outcome in (None, sample.labels.get("outcome"))
    )
