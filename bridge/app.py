"""Who holds whom? The composition root: start order, drain order; the only one who knows all.

Start: store, worker's memory, adapters, sockets, listener. Drain: what is under
way gets a moment, then the adapters leave; the rest is in the store, for the next start.
"""

import asyncio
import signal
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from bridge import log
from bridge.config import Settings
from bridge.polyai.socket import Sockets
from bridge.runtime.adapters.configured import Configured, configured_adapters, refuse_unusable
from bridge.runtime.adapters.hosting import Hosting
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.adapters.supervisor import Adapters, Supervisor
from bridge.runtime.connecting.agents import AgentDoor
from bridge.runtime.connecting.doors import doors
from bridge.runtime.connecting.keeping import Means
from bridge.runtime.connecting.pace import Pace
from bridge.runtime.connecting.probing import Probing
from bridge.runtime.connecting.proving import Proving
from bridge.runtime.connecting.sessions import Sessions
from bridge.runtime.control import Control, controlled
from bridge.runtime.deciding import Mail
from bridge.runtime.delivering.dispatcher import Dispatcher
from bridge.runtime.entering.naming import Names
from bridge.runtime.entering.requests import take_requests
from bridge.runtime.erasing import Eraser, Within
from bridge.runtime.housekeeping import Housekeeping, keeping_of
from bridge.runtime.letters import Letters
from bridge.runtime.listener import listening
from bridge.runtime.outward import http_session
from bridge.runtime.process import uncollected
from bridge.runtime.redacting import Redacting, redactors_of
from bridge.runtime.reporting import loudness
from bridge.runtime.reporting.alerts import Alerts, ways_of
from bridge.runtime.reporting.noting import Hops
from bridge.runtime.reporting.otlp import exporter
from bridge.runtime.reporting.publishing import lines_counted
from bridge.runtime.reporting.telemetry import Telemetry
from bridge.runtime.reporting.tracing import trace_verb
from bridge.runtime.tasks import cancelled_at_end, first, until
from bridge.runtime.terms import KnownTerms
from bridge.runtime.watching.notify import Manager
from bridge.runtime.watching.overseeing import Oversight
from bridge.runtime.watching.status import Status
from bridge.runtime.work import Work
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import Store, database_path, open_store

_log = log.get("app")

#: How many calls and new sockets per second, over all conversations and agents.
CONNECTS_PER_SECOND = 50.0
#: How long the drain waits for deliveries under way.
DRAIN = timedelta(seconds=5)
#: How long opening the database may take, which may be migrated, and taking up what is in it.
_OPENING: Final = timedelta(minutes=30)
_TAKING_UP: Final = timedelta(minutes=10)


async def serve(
    settings: Settings,
    world: World,
    *,
    connects: float = CONNECTS_PER_SECOND,
    manager: Manager | None = None,
) -> None:
    """Run the daemon until SIGTERM or SIGINT, then drain; best by `runtime.process.run`.

    `connects` is how many calls and new sockets there may be in a second; `manager` is told how we
    are.

    Raises:
        BridgeError: it cannot start; the exit code is the error's.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    adapters = configured_adapters(settings)
    if all(one.trouble for one in adapters):
        refuse_unusable(adapters)
    manager = manager or Manager()
    manager.starting("opening the database", _OPENING)
    async with (
        open_store(
            settings.database.url,
            auto_migrate=settings.database.auto_migrate,
            key=settings.database.digest_key,
        ) as store,
        http_session() as http,
    ):
        daemon = Daemon(settings, adapters, store, http, world, manager, connects=connects)
        await daemon.run(stop)


class Daemon:
    """The running whole."""

    def __init__(
        self,
        settings: Settings,
        adapters: list[Configured],
        store: Store,
        http: aiohttp.ClientSession,
        world: World,
        manager: Manager | None = None,
        *,
        connects: float = CONNECTS_PER_SECOND,
    ) -> None:
        self._manager = manager or Manager()
        self._settings = settings
        self._configured = adapters
        self._store = store
        self._http = http
        self._world = world
        self._status = Status()
        self._routes = Routes()
        self._control = Control()
        telemetry = settings.telemetry
        self._export = exporter(telemetry, http) if telemetry.otlp_endpoint else None
        self._pace = Pace(world.clock, world.chance, connects)
        self._redacting = Redacting(redactors_of(settings))
        self._agents = doors(settings, store, http, world, self._pace)
        self._proving = Proving(self._agents, self._status, world)
        self._terms = KnownTerms(settings, self._agents, adapters)
        self._hosting = Hosting(
            settings, store, http, world, self._status, self._routes, self._terms
        )
        self._unknown: tuple[datetime, datetime] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Start in order, serve, drain in order."""
        self._manager.starting("asking the agents", _TAKING_UP)
        away = await self._proving.all()
        self._unknown = await self._store.unknown_span()
        http = self._settings.http
        database = database_path(self._settings.database.url)
        async with (
            listening(http.host, http.port, self._status, self._routes),
            controlled(database, self._control),
            lines_counted(self._status.metrics),
        ):
            try:
                await self._serve(stop, away)
            except BaseExceptionGroup as group:
                raise first(group) from None
        _log.info("bridge.stopped")

    async def _serve(self, stop: asyncio.Event, away: list[AgentDoor]) -> None:
        async with asyncio.TaskGroup() as supervised, cancelled_at_end() as tasks:
            adapters = Adapters()
            names = Names(adapters, self._world.clock)
            telemetry = self._telemetry(tasks)
            work = self._work(adapters, names, telemetry, tasks)
            oversight = self._watch(work, tasks)
            self._offer_erasing(work, adapters, names)
            await self._take_up(work)
            self._look_after_rows(work, tasks)
            for door in away:
                tasks.create_task(self._proving.again(door), name="prove")
            leave = asyncio.Event()
            running = self._connect(adapters, work.worker, leave, supervised)
            tasks.create_task(self._alerts(adapters).run(), name="alerts")
            self._manager.ready()
            tasks.create_task(oversight.watchdog(self._manager).run(), name="watchdog")
            _log.info("bridge.started", adapters=",".join(c.name for c in self._configured))
            await until(stop, running)
            self._manager.stopping()
            # The adapters stay while what is under way is finished: it goes out through them.
            await self._drain(work.dispatcher)
            if telemetry is not None:
                await telemetry.finish()
            leave.set()
            # What they accept to the last moment still needs the worker.
            await asyncio.gather(*running, return_exceptions=True)

    def _telemetry(self, tasks: asyncio.TaskGroup) -> Telemetry | None:
        if self._export is None:
            return None
        sample = self._settings.telemetry.sample
        lost = self._status.metrics.untraced
        telemetry = Telemetry(self._store, self._world, self._export, sample, lost)
        tasks.create_task(telemetry.run(), name="telemetry")
        return telemetry

    def _work(
        self,
        adapters: Adapters,
        names: Names,
        telemetry: Telemetry | None,
        tasks: asyncio.TaskGroup,
    ) -> Work:
        store, world, status = self._store, self._world, self._status
        ended = telemetry.settled if telemetry else None
        hops = Hops(store.notes, status.metrics, ended)
        worker = Worker(store, world, self._terms.of, tasks, names, hops, self._redacting)
        dispatcher = Dispatcher(
            store,
            world,
            adapters,
            status,
            tasks,
            tell=lambda conversation, event: worker.tell(conversation, Mail(event)),
            hops=hops,
        )
        sessions = Sessions(self._means(worker), tasks)
        worker.attach(dispatcher, sessions)
        return Work(worker, dispatcher, sessions)

    def _means(self, worker: Worker) -> Means:
        return Means(
            store=self._store,
            worker=worker,
            world=self._world,
            agents=self._agents,
            sockets=Sockets(self._world.clock),
            pace=self._pace,
            status=self._status,
        )

    def _watch(self, work: Work, tasks: asyncio.TaskGroup) -> Oversight:
        oversight = Oversight(self._settings, self._store, self._world, self._status, work)
        oversight.survey(self._agents).start(tasks)
        loudness.offer(self._control)
        tasks.create_task(loudness.tend(self._world.clock), name="loudness")
        tasks.create_task(work.worker.run_timers(), name="timers")
        health = oversight.health(self._agents, {one.name for one in self._configured})
        self._control.offer("status", health.told)
        self._control.offer("trace", trace_verb(self._store, self._status))
        health.start(tasks)
        Probing(
            self._agents,
            self._http,
            self._world,
            self._status,
            lambda: work.sessions.connections,
        ).start(tasks)
        return oversight

    def _offer_erasing(self, work: Work, adapters: Adapters, names: Names) -> None:
        within = Within(self._store, work.worker, work.dispatcher, adapters, names)
        eraser = Eraser(self._store, within, self._world, key=self._settings.database.digest_key)
        self._control.offer("erase", eraser.asked)

    async def _take_up(self, work: Work) -> None:
        self._manager.starting("taking up conversations", _TAKING_UP)
        with uncollected():
            await work.dispatcher.recover()
            await work.worker.recover()
        # Only now: what is owed again must not be taken up twice.
        letters = Letters(self._store, work.worker, self._world.clock, work.dispatcher)
        letters.offer(self._control)

    def _look_after_rows(self, work: Work, tasks: asyncio.TaskGroup) -> None:
        requests = take_requests(self._store, work.worker, self._world.clock)
        tasks.create_task(requests, name="requests")
        housekeeping = Housekeeping(self._store, self._world, keeping_of(self._settings))
        tasks.create_task(housekeeping.run(), name="housekeeping")

    def _connect(
        self,
        adapters: Adapters,
        worker: Worker,
        leave: asyncio.Event,
        supervised: asyncio.TaskGroup,
    ) -> list[asyncio.Task[None]]:
        among = [one.name for one in self._configured]
        supervisor = Supervisor(adapters, self._status, self._world, self._routes, among=among)
        return [
            supervised.create_task(
                supervisor.run(self._hosting.post(one, worker, self._unknown), leave),
                name=one.name,
            )
            for one in self._configured
        ]

    def _alerts(self, adapters: Adapters) -> Alerts:
        settings, world = self._settings.alerts, self._world
        ways = ways_of(settings, self._http, adapters, self._store, world)
        return Alerts(settings, ways, self._store, world, self._status)

    async def _drain(self, dispatcher: Dispatcher) -> None:
        _log.info("bridge.draining", owed=dispatcher.owed)
        deadline = self._world.clock.now() + DRAIN
        while dispatcher.owed and self._world.clock.now() < deadline:
            await self._world.clock.sleep(timedelta(milliseconds=50))
