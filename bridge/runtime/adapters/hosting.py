"""What is each adapter lent, and where does it run? Its host, and its post within us or apart."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial

import aiohttp

from bridge.config import Settings, adapter_type_place
from bridge.model.ids import AdapterName, AgentName
from bridge.plugin import Adapter, Host
from bridge.runtime.adapters.configured import Configured, configured
from bridge.runtime.adapters.patience import patient
from bridge.runtime.adapters.remembering import AdapterMemory
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.adapters.supervisor import Post
from bridge.runtime.entering.intake import Intake
from bridge.runtime.entering.limits import Limits
from bridge.runtime.isolation.apart import Apart
from bridge.runtime.reporting.measuring import Calls
from bridge.runtime.terms import KnownTerms
from bridge.runtime.watching.status import Status
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import MEMORY, Sealer, Store


class Hosting:
    """Makes the posts of the configured adapters."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        http: aiohttp.ClientSession,
        world: World,
        status: Status,
        routes: Routes,
        terms: KnownTerms,
    ) -> None:
        self._settings = settings
        self._store = store
        self._http = http
        self._world = world
        self._status = status
        self._routes = routes
        self._terms = terms
        self._calls = Calls(status.metrics, world.clock)
        self._sealer = _memory_sealer(settings, store)

    def post(
        self, one: Configured, worker: Worker, unknown: tuple[datetime, datetime] | None
    ) -> Post:
        """Where it runs; of what was said in the span `unknown` nobody knows what became."""
        host = self._host(one.name, worker, unknown)
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

    def _host(
        self, name: AdapterName, worker: Worker, unknown: tuple[datetime, datetime] | None
    ) -> Intake:
        rates = self._settings.intake
        return Intake(
            name,
            store=self._store,
            worker=worker,
            world=self._world,
            http=self._http,
            status=self._status,
            memory=AdapterMemory(name, self._store, self._sealer),
            routes=self._routes,
            limits=Limits(self._world.clock, person=rates.person_rate, account=rates.account_rate),
            route=self._route,
            unknown=unknown,
        )

    def _apart(self, one: Configured, host: Host) -> Apart:
        return Apart(
            name=one.name,
            type_name=self._settings.adapters[one.name].type,
            where=adapter_type_place(self._settings, one.name),
            given=self._settings.given_to(one.name),
            host=host,
            clock=self._world.clock,
            learn=lambda capabilities: self._terms.learn(one.name, capabilities),
        )

    def _here(self, one: Configured, host: Host) -> AbstractAsyncContextManager[Adapter]:
        """The adapter within this process; a plug-in that could not be imported is, if it can be.

        Raises:
            ConfigurationError: it cannot.
        """
        if one.trouble:
            one = configured(self._settings, one.name)
            self._terms.learn(one.name, one.capabilities)
        if one.plugin is None or one.settings is None:
            raise one.trouble or AssertionError("without its plug-in an adapter has a trouble")
        return one.plugin.connect(one.settings, host)

    def _route(self, adapter: AdapterName, place: str) -> AgentName:
        for route in self._settings.routes:
            if route.adapter == adapter and route.channel in (None, place):
                return AgentName(route.agent)
        return AgentName("default")


def _memory_sealer(settings: Settings, store: Store) -> Sealer | None:
    """Seals what adapters remember, if the operator gave a key for that."""
    key = settings.database.encryption_key
    return store.sealer(key.get_secret_value(), MEMORY) if key else None
