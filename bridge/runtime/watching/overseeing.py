"""Who looks after what runs? Health, survey and watchdog, made for one bridge and its work."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from bridge.config import Settings
from bridge.model.ids import AdapterName, AgentName
from bridge.runtime.reporting.publishing import publish_health, publish_work
from bridge.runtime.watching.health import Health, Loads
from bridge.runtime.watching.notify import Manager
from bridge.runtime.watching.status import Status
from bridge.runtime.watching.survey import Survey
from bridge.runtime.watching.watchdog import Watchdog, status_line
from bridge.runtime.work import Work
from bridge.runtime.world import World
from bridge.store import Overdue, Store, database_path

#: How long a change may take to be written before its writer stands still: longer than any lock,
#: and than a large database takes to be written anew (`Scour`).
_WRITING: Final = timedelta(minutes=10)


class Oversight:
    """Makes who looks after a bridge."""

    def __init__(
        self, settings: Settings, store: Store, world: World, status: Status, work: Work
    ) -> None:
        self._settings = settings
        self._store = store
        self._world = world
        self._status = status
        self._work = work

    def survey(self, agents: Collection[AgentName]) -> Survey:
        """What the metrics say of how much there is; the metrics are told whom to ask."""
        metrics = self._status.metrics
        for agent in agents:
            metrics.expected_agent(agent)
        publish_health(self._status)
        publish_work(metrics, self._store, self._work)
        return Survey(
            self._store,
            self._world.clock,
            metrics,
            database=database_path(self._settings.database.url),
            conversations=self._work.worker.conversations,
        )

    def health(self, agents: Collection[AgentName], adapters: Collection[AdapterName]) -> Health:
        """What `/ready` and `status` say; what `adapters` do not serve may be owed for long."""
        work = self._work

        def excused(owed: Overdue) -> bool:
            conversation = work.worker.present(owed.conversation)
            parked = conversation is not None and conversation.parked_at is not None
            person = work.dispatcher.needs_person(owed.conversation)
            return (
                owed.adapter not in adapters
                or (parked and owed.waits_for == "agent")
                or (person and owed.waits_for == "thread")
            )

        return Health(
            self._settings.health,
            database_path(self._settings.database.url),
            self._store,
            self._world,
            self._status,
            agents=tuple(agents),
            excused=excused,
            loads=Loads(
                conversations=lambda: work.worker.in_memory,
                owed=lambda: work.dispatcher.owed,
                sockets=lambda: work.sessions.open,
            ),
        )

    def watchdog(self, manager: Manager) -> Watchdog:
        """What tells `manager` that we get on, unless anything stands still."""
        progress, clock, work = self._world.progress, self._world.clock, self._work
        progress.watch("writer", self._store.under_way, patience=_WRITING)
        self._status.look_also(progress.troubles)

        def say() -> str:
            return status_line(
                conversations=work.worker.in_memory,
                owed=work.dispatcher.owed,
                oldest=work.dispatcher.oldest(clock.now()),
                sockets=work.sessions.open,
                causes=self._status.causes,
            )

        return Watchdog(progress, manager, clock, say)
