"""Who holds whom? The composition root: start order, drain order; the only one who knows all.

Start: store, worker's memory, adapters, sockets, listener. Drain: what is under
way gets a moment, then the adapters leave; the rest is in the store, for the next start.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

import aiohttp
import msgspec

from bridge import log
from bridge.config import AgentSettings, Settings, adapter_type_place
from bridge.core.state import Conversation
from bridge.core.terms import Terms
from bridge.errors import BridgeError, CredentialsRefused, DatabaseFailed
from bridge.model.ids import AdapterName, AgentName
from bridge.plugin import Adapter, Capabilities, Host
from bridge.polyai.api import AgentConnection, Api
from bridge.polyai.socket import Sockets
from bridge.runtime.adapters.configured import Configured as Configured
from bridge.runtime.adapters.configured import configured, refuse_unusable
from bridge.runtime.adapters.configured import configured_adapters as configured_adapters
from bridge.runtime.adapters.patience import patient
from bridge.runtime.adapters.remembering import AdapterMemory
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.adapters.supervisor import Adapters, Post, Supervisor
from bridge.runtime.connecting.agents import UNKNOWN, AgentDoor, Agents, terms_on
from bridge.runtime.connecting.holding import Hold
from bridge.runtime.connecting.keeping import Means
from bridge.runtime.connecting.pace import Pace
from bridge.runtime.connecting.probing import Probing
from bridge.runtime.connecting.sessions import Sessions
from bridge.runtime.control import Control, controlled
from bridge.runtime.deciding import Mail
from bridge.runtime.delivering.dispatcher import Dispatcher
from bridge.runtime.entering.intake import Intake
from bridge.runtime.entering.limits import Limits
from bridge.runtime.entering.naming import Names
from bridge.runtime.erasing import Eraser, Within
from bridge.runtime.housekeeping import Housekeeping, keeping_of
from bridge.runtime.isolation.apart import Apart
from bridge.runtime.letters import Letters
from bridge.runtime.listener import listening
from bridge.runtime.process import Thaw, uncollected
from bridge.runtime.redacting import Redacting, redactors_of
from bridge.runtime.reporting import loudness
from bridge.runtime.reporting.alerts import Alerts, ways_of
from bridge.runtime.reporting.measuring import Calls
from bridge.runtime.reporting.noting import Hops
from bridge.runtime.reporting.otlp import exporter
from bridge.runtime.reporting.publishing import lines_counted, publish_health, publish_work
from bridge.runtime.reporting.telemetry import Telemetry
from bridge.runtime.reporting.tracing import trace_verb
from bridge.runtime.watching.health import Health, Loads
from bridge.runtime.watching.notify import Manager
from bridge.runtime.watching.status import Status
from bridge.runtime.watching.survey import Survey
from bridge.runtime.watching.watchdog import Watchdog, status_line
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import MEMORY, Overdue, Sealer, Store, database_path, open_store

_log = log.get("app")

#: How many calls and new sockets per second, over all conversations and agents.
CONNECTS_PER_SECOND = 50.0
#: How long the drain waits for deliveries under way.
DRAIN = timedelta(seconds=5)
#: How long opening the database may take, which may be migrated, and taking up what is in it.
_OPENING = timedelta(minutes=30)
_TAKING_UP = timedelta(minutes=10)
#: How long a change may take to be written before its writer stands still: longer than any lock,
#: and than a large database takes to be written anew (`Scour`).
_WRITING = timedelta(minutes=10)
#: How often requests left by the command line are looked for, and old rows deleted.
_REQUESTS = timedelta(seconds=1)
_HOUSEKEEPING = timedelta(hours=1)


def agent_connection(name: str, agent: AgentSettings) -> AgentConnection:
    """How to reach one configured agent."""
    return AgentConnection(
        base_url=agent.base_url,
        connector_token=agent.connector_token.get_secret_value(),
        host=agent.host,
        streaming=agent.streaming,
        name=name,
    )


async def prove_agent(name: str, agent: AgentSettings, world: World) -> str:
    """Prove an agent's credentials without opening a session; one line that says so.

    Raises:
        CredentialsRefused: a person must act.
        BridgeError: it could not be proved now.
    """
    async with aiohttp.ClientSession() as http:
        api = Api(agent_connection(name, agent), http=http, ids=world.ids, clock=world.clock)
        return await api.prove()


def http_session() -> aiohttp.ClientSession:
    """What all calls and sockets go by. It keeps no cookies: they would go to other workspaces.

    Nor has it a limit: calls that one platform leaves unanswered would use it up for all others.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )


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
        self._calls = Calls(self._status.metrics, world.clock)
        self._sealer = _memory_sealer(settings, store)
        telemetry = settings.telemetry
        self._export = exporter(telemetry, http) if telemetry.otlp_endpoint else None
        self._pace = Pace(world.clock, world.chance, connects)
        self._redacting = Redacting(redactors_of(settings))
        self._agents: Agents = {
            AgentName(name): self._door(name, agent) for name, agent in settings.agents.items()
        }
        self._capabilities = {one.name: one.capabilities for one in adapters}
        self._unknown: tuple[datetime, datetime] | None = None
        self._known_terms: dict[tuple[AdapterName, AgentName], Terms] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Start in order, serve, drain in order."""
        self._manager.starting("asking the agents", _TAKING_UP)
        unproved = await self._prove_agents()
        self._unknown = await self._store.unknown_span()
        http = self._settings.http
        database = database_path(self._settings.database.url)
        async with (
            listening(http.host, http.port, self._status, self._routes),
            controlled(database, self._control),
            lines_counted(self._status.metrics),
        ):
            try:
                await self._serve(stop, unproved)
            except BaseExceptionGroup as group:
                raise _first(group) from None
        _log.info("bridge.stopped")

    async def _prove_agents(self) -> list[AgentDoor]:
        """Refused credentials stop the start; agents that are only away are returned."""
        away = []
        for name, door in self._agents.items():
            try:
                await door.prove()
            except BridgeError as error:
                if isinstance(error, CredentialsRefused):
                    raise
                self._away(name, error)
                away.append(door)
        return away

    async def _prove_again(self, door: AgentDoor) -> None:
        """Until an agent that was away at the start answers: then we are ready."""
        failures = 1
        while True:
            await self._world.pause(failures)
            try:
                await door.prove()
            except BridgeError as error:
                self._away(door.name, error)
                failures += 1
            else:
                self._status.agent(door.name, None)
                return

    def _away(self, agent: AgentName, error: BridgeError) -> None:
        correlation_id = getattr(error, "correlation_id", None)
        self._status.agent(agent, str(error), correlation_id=correlation_id)

    async def _serve(self, stop: asyncio.Event, unproved: list[AgentDoor]) -> None:
        async with asyncio.TaskGroup() as supervised, _cancelled_at_end() as tasks:
            adapters = Adapters()
            names = Names(adapters, self._world.clock)
            telemetry = self._telemetry(tasks)
            ended = telemetry.settled if telemetry else None
            hops = Hops(self._store.notes, self._status.metrics, ended)
            worker = Worker(
                self._store, self._world, self._terms, tasks, names, hops, self._redacting
            )
            dispatcher = Dispatcher(
                self._store,
                self._world,
                adapters,
                self._status,
                tasks,
                tell=lambda conversation, event: worker.tell(conversation, Mail(event)),
                hops=hops,
            )
            sessions = Sessions(self._means(worker), tasks)
            worker.attach(dispatcher, sessions)
            self._publish(worker, dispatcher, sessions, tasks)
            loudness.offer(self._control)
            tasks.create_task(loudness.tend(self._world.clock), name="loudness")
            tasks.create_task(worker.run_timers(), name="timers")
            self._look_after(worker, dispatcher, sessions).start(tasks)
            within = Within(self._store, worker, dispatcher, adapters, names)
            self._control.offer("erase", self._eraser(within).asked)
            Probing(
                self._agents, self._http, self._world, self._status, lambda: sessions.connections
            ).start(tasks)
            self._manager.starting("taking up conversations", _TAKING_UP)
            with uncollected():
                await dispatcher.recover()
                await worker.recover()
            # Only now: what is owed again must not be taken up twice.
            Letters(self._store, worker, self._world.clock, dispatcher).offer(self._control)
            tasks.create_task(self._take_requests(worker), name="requests")
            tasks.create_task(self._keep_house(), name="housekeeping")
            for door in unproved:
                tasks.create_task(self._prove_again(door), name="prove")
            among = [one.name for one in self._configured]
            supervisor = Supervisor(adapters, self._status, self._world, self._routes, among=among)
            leave = asyncio.Event()
            running = [
                supervised.create_task(
                    supervisor.run(self._post(one, worker), leave), name=one.name
                )
                for one in self._configured
            ]
            tasks.create_task(self._alerts(adapters).run(), name="alerts")
            self._manager.ready()
            watchdog = self._watchdog(worker, dispatcher, sessions)
            tasks.create_task(watchdog.run(), name="watchdog")
            _log.info("bridge.started", adapters=",".join(c.name for c in self._configured))
            await _until(stop, running)
            self._manager.stopping()
            # The adapters stay while what is under way is finished: it goes out through them.
            await self._drain(dispatcher)
            if telemetry is not None:
                await telemetry.finish()
            leave.set()
            # What they accept to the last moment still needs the worker.
            await asyncio.gather(*running, return_exceptions=True)

    def _telemetry(self, tasks: asyncio.TaskGroup) -> Telemetry | None:
        if self._export is None:
            return None
        sample = self._settings.telemetry.sample
        telemetry = Telemetry(self._store, self._world, self._export, sample)
        tasks.create_task(telemetry.run(), name="telemetry")
        return telemetry

    def _look_after(self, worker: Worker, dispatcher: Dispatcher, sessions: Sessions) -> Health:
        names = {one.name for one in self._configured}

        def excused(owed: Overdue) -> bool:
            conversation = worker.present(owed.conversation)
            parked = conversation is not None and conversation.parked_at is not None
            return owed.adapter not in names or (parked and owed.waits_for == "agent")

        health = Health(
            self._settings.health,
            database_path(self._settings.database.url),
            self._store,
            self._world,
            self._status,
            agents=tuple(self._agents),
            excused=excused,
            loads=Loads(
                conversations=lambda: worker.in_memory,
                owed=lambda: dispatcher.owed,
                sockets=lambda: sessions.open,
            ),
        )
        self._control.offer("status", health.told)
        self._control.offer("trace", trace_verb(self._store, self._status))
        return health

    def _eraser(self, within: Within) -> Eraser:
        return Eraser(self._store, within, self._world, key=self._settings.database.digest_key)

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

    def _post(self, one: Configured, worker: Worker) -> Post:
        host = Intake(
            one.name,
            store=self._store,
            worker=worker,
            world=self._world,
            http=self._http,
            status=self._status,
            memory=AdapterMemory(one.name, self._store, self._sealer),
            routes=self._routes,
            limits=Limits(
                self._world.clock,
                person=self._settings.intake.person_rate,
                account=self._settings.intake.account_rate,
            ),
            route=self._route,
            unknown=self._unknown,
        )
        if one.isolated:
            return Post(
                name=one.name,
                connect=self._apart(one, host).connect,
                called=partial(self._calls.measured, one.name),
            )
        return Post(
            name=one.name,
            connect=lambda: self._here(one, host),
            called=lambda adapter: self._calls.measured(
                one.name, patient(adapter, trusted=one.ours)
            ),
        )

    def _apart(self, one: Configured, host: Host) -> Apart:
        return Apart(
            name=one.name,
            type_name=self._settings.adapters[one.name].type,
            where=adapter_type_place(self._settings, one.name),
            given=self._settings.given_to(one.name),
            host=host,
            clock=self._world.clock,
            learn=lambda capabilities: self._learn(one.name, capabilities),
        )

    def _here(self, one: Configured, host: Host) -> AbstractAsyncContextManager[Adapter]:
        """The adapter within this process; a plug-in that could not be imported is, if it can be.

        Raises:
            ConfigurationError: it cannot.
        """
        if one.trouble:
            one = configured(self._settings, one.name)
            self._learn(one.name, one.capabilities)
        if one.plugin is None or one.settings is None:
            raise one.trouble or AssertionError("without its plug-in an adapter has a trouble")
        return one.plugin.connect(one.settings, host)

    def _learn(self, adapter: AdapterName, capabilities: Capabilities | None) -> None:
        """What an adapter can show; from here on each step goes by it."""
        if self._capabilities.get(adapter) != capabilities:
            self._capabilities[adapter] = capabilities
            self._known_terms.clear()

    def _door(self, name: str, agent: AgentSettings) -> AgentDoor:
        connection = agent_connection(name, agent)
        api = Api(connection, http=self._http, ids=self._world.ids, clock=self._world.clock)
        return AgentDoor(
            name=AgentName(name),
            connection=connection,
            api=api,
            pace=self._pace,
            hold=Hold(self._world.clock),
            sealer=self._store.sealer(agent.connector_token.get_secret_value()),
            idle_timeout=agent.idle_timeout,
            echo_timeout=agent.echo_timeout,
            reconnect_max=agent.reconnect_max,
            handoffs=tuple(each.rule for each in agent.handoffs),
            person_words=agent.person_words,
            edits=agent.edits,
            speakers=agent.speakers,
            speaker_format=agent.speaker_format,
        )

    def _terms(self, conversation: Conversation) -> Terms:
        """What a step must know; the same for all of an adapter's conversations with an agent."""
        key = conversation.adapter, conversation.agent
        if key not in self._known_terms:
            self._known_terms[key] = self._new_terms(*key)
        return self._known_terms[key]

    def _alerts(self, adapters: Adapters) -> Alerts:
        settings, world = self._settings.alerts, self._world
        ways = ways_of(settings, self._http, adapters, self._store, world)
        return Alerts(settings, ways, self._store, world, self._status)

    def letters(self, tasks: asyncio.TaskGroup) -> Letters:
        """What can be done about letters while nothing else runs."""
        alone = Worker(self._store, self._world, self._terms, tasks)
        return Letters(self._store, alone, self._world.clock)

    def _new_terms(self, adapter: AdapterName, agent: AgentName) -> Terms:
        platform = self._capabilities.get(adapter) or UNKNOWN
        door = self._agents.get(agent)
        terms = terms_on(platform) if door is None else door.terms(platform)
        table = self._settings.adapters.get(adapter)
        asked = table.deletions if table is not None else None
        deletions = asked or self._settings.privacy.deletions
        return msgspec.structs.replace(terms, deletions=deletions)

    def _route(self, adapter: AdapterName, place: str) -> AgentName:
        for route in self._settings.routes:
            if route.adapter == adapter and route.channel in (None, place):
                return AgentName(route.agent)
        return AgentName("default")

    def _publish(
        self,
        worker: Worker,
        dispatcher: Dispatcher,
        sessions: Sessions,
        tasks: asyncio.TaskGroup,
    ) -> None:
        metrics = self._status.metrics
        for agent in self._agents:
            metrics.expected_agent(agent)
        publish_health(self._status)
        publish_work(metrics, self._store, worker, dispatcher, sessions)
        Survey(
            self._store,
            self._world.clock,
            metrics,
            database=database_path(self._settings.database.url),
            conversations=worker.conversations,
        ).start(tasks)

    def _watchdog(self, worker: Worker, dispatcher: Dispatcher, sessions: Sessions) -> Watchdog:
        progress, clock = self._world.progress, self._world.clock
        progress.watch("writer", self._store.under_way, patience=_WRITING)
        self._status.look_also(progress.troubles)

        def say() -> str:
            return status_line(
                conversations=worker.in_memory,
                owed=dispatcher.owed,
                oldest=dispatcher.oldest(clock.now()),
                sockets=sessions.open,
                causes=self._status.causes,
            )

        return Watchdog(progress, self._manager, clock, say)

    async def _take_requests(self, worker: Worker) -> None:
        """What the command line left in the inbox, beside the adapters."""
        seen = 0
        while True:
            await self._world.clock.sleep(_REQUESTS)
            try:
                entries = await self._store.requests(after=seen)
            except DatabaseFailed:
                continue  # whoever writes will say so
            worker.take(entries)
            seen = max((entry.id for entry in entries), default=seen)

    async def _keep_house(self) -> None:
        thaw = Thaw()
        housekeeping = Housekeeping(self._store, self._world, keeping_of(self._settings))
        while True:
            await housekeeping.tidy()
            await self._world.clock.sleep(_HOUSEKEEPING)
            thaw.if_grown()  # not at the start: to count them takes as long as to look at some

    async def _drain(self, dispatcher: Dispatcher) -> None:
        _log.info("bridge.draining", owed=dispatcher.owed)
        deadline = self._world.clock.now() + DRAIN
        while dispatcher.owed and self._world.clock.now() < deadline:
            await self._world.clock.sleep(timedelta(milliseconds=50))


@asynccontextmanager
async def letters_alone(settings: Settings, world: World) -> AsyncIterator[Letters]:
    """What can be done about letters on the database alone, where no bridge serves it.

    Raises:
        BridgeError: it cannot be opened, or another process has it.
    """
    adapters = configured_adapters(settings)
    migrate, key = settings.database.auto_migrate, settings.database.digest_key
    async with (
        open_store(settings.database.url, auto_migrate=migrate, key=key) as store,
        http_session() as http,
        _cancelled_at_end() as tasks,
    ):
        yield Daemon(settings, adapters, store, http, world).letters(tasks)


def _memory_sealer(settings: Settings, store: Store) -> Sealer | None:
    """Seals what adapters remember, if the operator gave a key for that."""
    key = settings.database.encryption_key
    return store.sealer(key.get_secret_value(), MEMORY) if key else None


@asynccontextmanager
async def _cancelled_at_end() -> AsyncIterator[asyncio.TaskGroup]:
    """A group whose tasks would go on for ever: they are cancelled when the body is done."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
            await _leave()
    except* _Left:
        pass


class _Left(Exception):
    """Makes a task group cancel its tasks."""


async def _leave() -> None:
    raise _Left


async def _until(stop: asyncio.Event, running: list[asyncio.Task[None]]) -> None:
    """Until told to stop, or until an adapter can never run."""
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait((stopped, *running), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that is ours to tell among those that came together."""
    ours = group.subgroup(BridgeError)
    inner: BaseException = ours or group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner
