"""How are we? What `/ready` and `/metrics` say; log lines once when lost, once when back."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

from bridge import log
from bridge.model.ids import AdapterName, AgentName, DeliveryId
from bridge.plugin import Accepted

_log = log.get("status")


class State(enum.StrEnum):
    """How an adapter stands."""

    STARTING = "starting"  #: connecting for the first time
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"  #: it says so itself, and goes on
    RESTARTING = "restarting"  #: it failed, and is tried again
    REFUSED = "refused"  #: its platform refuses who we are; tried again every minute
    UNUSABLE = "unusable"  #: its plug-in cannot be used; tried again


@dataclass(frozen=True, slots=True)
class Standing:
    """How an adapter stands, and why if that is a trouble; `failures` are those in a row."""

    state: State
    trouble: str | None = None
    failures: int = 0

    def __str__(self) -> str:
        """The trouble, and what becomes of it."""
        if not self.failures:
            return self.trouble or self.state
        return f"{self.trouble} ({self.state}, attempt {self.failures + 1})"


#: An adapter that has arrived and said nothing else.
_WELL = True, ""


class Status:
    """The state of everything that can be away, and the counts."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began: noise
        self.registry = CollectorRegistry()
        self._adapters: dict[AdapterName, Standing] = {}
        #: Those that are not connected, and what each has reported meanwhile.
        self._coming: dict[AdapterName, tuple[bool, str]] = {}
        self._refusing: dict[AdapterName, str] = {}
        self._agents: dict[AgentName, str] = {}
        self._alike: dict[AgentName, str] = {}  #: their troubles without what changes every time
        self._database: str | None = None
        inbound = Counter(
            "polyai_bridge_inbound_total",
            "What platforms told us, by outcome.",
            ("adapter", "outcome"),
            registry=self.registry,
        )
        deliveries = Counter(
            "polyai_bridge_deliveries_total",
            "Deliveries to threads, by how an attempt came out.",
            ("adapter", "outcome"),
            registry=self.registry,
        )
        self._doubts: dict[AdapterName, set[DeliveryId]] = {}
        self._in_doubt = Gauge(
            "polyai_bridge_deliveries_in_doubt",
            "Deliveries of which nobody knows whether they arrived.",
            ("adapter",),
            registry=self.registry,
        )
        self._twins = Counter(
            "polyai_bridge_twins_total",
            "Second copies of deliveries, seen and removed.",
            ("adapter", "outcome"),
            registry=self.registry,
        )
        frames = Counter(
            "polyai_bridge_frames_total",
            "Frames on PolyAI sockets.",
            ("agent", "direction"),
            registry=self.registry,
        )
        self._connected = Gauge(
            "polyai_bridge_adapter_connected",
            "Whether an adapter is connected.",
            ("adapter",),
            registry=self.registry,
        )
        self._restarts = Counter(
            "polyai_bridge_adapter_restarts_total",
            "How often an adapter failed and was tried again.",
            ("adapter",),
            registry=self.registry,
        )
        # Counted for every message: a counter is looked up once for what it is of.
        self._inbound = cache(inbound.labels)
        self._deliveries = cache(deliveries.labels)
        self._frames = cache(frames.labels)

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Publish a figure that is read when it is asked for."""
        gauge = Gauge(f"polyai_bridge_{name}", help_text, registry=self.registry)
        gauge.set_function(read)

    def expected(self, name: AdapterName) -> None:
        """An adapter is going to be connected; until it is, we are not ready."""
        self._adapters.setdefault(name, Standing(State.STARTING, "not connected yet"))
        self._coming[name] = _WELL
        self._restarts.labels(name)
        for outcome in ("seen", "removed"):
            self._twins.labels(name, outcome)  # an alarm needs the nought before the first one
        self._connected.labels(name)
        self._in_doubt.labels(name)

    def adapter(self, name: AdapterName, *, connected: bool, detail: str = "") -> None:
        """An adapter's connection changed."""
        if connected:
            standing = Standing(State.CONNECTED)
        else:
            standing = Standing(State.DISCONNECTED, detail or "not connected")
        if self._stands(name, standing) and connected:
            _log.info("adapter.connected", adapter=name, detail=detail)

    def arrived(self, name: AdapterName) -> None:
        """An adapter is connected: from here on it stands as it reports, and did on its way."""
        connected, detail = self._coming.pop(name, _WELL)
        self.adapter(name, connected=connected, detail=detail)

    def reported(self, name: AdapterName, *, connected: bool, detail: str) -> None:
        """An adapter says how its connection stands; as long as it is not connected, we know."""
        if name in self._coming:
            self._coming[name] = connected, detail
        else:
            self.adapter(name, connected=connected, detail=detail)

    def failed(self, name: AdapterName, state: State, trouble: str, failures: int) -> None:
        """An adapter failed for the `failures`-th time in a row, and is going to be tried again."""
        self._restarts.labels(name).inc()
        self._coming[name] = _WELL
        self._stands(name, Standing(state, trouble, failures))

    def _stands(self, name: AdapterName, standing: Standing) -> bool:
        """Whether that is news; the same trouble once more is none."""
        before, self._adapters[name] = self._adapters.get(name), standing
        if before is not None and before.trouble == standing.trouble:
            return False
        self._connected.labels(name).set(standing.trouble is None)
        if standing.trouble is not None:
            _log.warning(
                "adapter.disconnected", adapter=name, detail=standing.trouble, state=standing.state
            )
        return True

    @property
    def adapters(self) -> dict[AdapterName, Standing]:
        """How each adapter stands."""
        return dict(self._adapters)

    def refused(self, name: AdapterName, trouble: str | None) -> None:
        """An adapter's platform refuses deliveries (`trouble`), or takes them again (None)."""
        if self._refusing.get(name) == trouble:
            return
        if trouble is None:
            del self._refusing[name]
            _log.info("adapter.accepted", adapter=name)
        else:
            self._refusing[name] = trouble
            _log.error("adapter.refused", adapter=name, error=trouble)

    def agent(
        self, name: AgentName, trouble: str | None, *, correlation_id: str | None = None
    ) -> None:
        """An agent refuses or cannot be reached (`trouble`), or answers again (None).

        The same trouble under another correlation id, which it may quote, is no news.
        """
        if trouble is None:
            if self._agents.pop(name, None) is not None:
                del self._alike[name]
                _log.info("agent.available", agent=name)
            return
        alike = trouble.replace(correlation_id, "") if correlation_id else trouble
        if self._alike.get(name) != alike:
            _log.error(
                "agent.unavailable", agent=name, error=trouble, correlation_id=correlation_id
            )
        self._agents[name], self._alike[name] = trouble, alike

    def database(self, trouble: str | None) -> None:
        """The database fails (`trouble`), or works again (None)."""
        before, self._database = self._database, trouble
        if trouble is not None and before is None:
            _log.error("database.failing", error=trouble)
        elif trouble is None and before is not None:
            _log.info("database.working")

    def accepted(self, adapter: AdapterName, outcome: Accepted) -> None:
        """An inbound was seen to."""
        self._inbound(adapter, outcome.value).inc()

    def attempted(self, adapter: AdapterName, outcome: str) -> None:
        """An attempt to deliver came out like this."""
        self._deliveries(adapter, outcome).inc()

    def doubted(self, adapter: AdapterName, delivery: DeliveryId) -> None:
        """Nobody knows whether it arrived; it is looked for, or held."""
        doubts = self._doubts.setdefault(adapter, set())
        doubts.add(delivery)
        self._in_doubt.labels(adapter).set(len(doubts))

    def certain(self, adapter: AdapterName, delivery: DeliveryId) -> None:
        """It is known what became of it; perhaps it always was."""
        doubts = self._doubts.get(adapter, set())
        if delivery in doubts:
            doubts.remove(delivery)
            self._in_doubt.labels(adapter).set(len(doubts))

    def doubled(self, adapter: AdapterName, *, removed: bool) -> None:
        """A second copy of a delivery was seen, or is removed."""
        self._twins.labels(adapter, "removed" if removed else "seen").inc()

    def frame(self, agent: AgentName, direction: str) -> None:
        """A frame went `in` or `out`."""
        self._frames(agent, direction).inc()

    @property
    def troubles(self) -> list[str]:
        """Why we are not ready; empty if we are."""
        database = [f"database: {self._database}"] if self._database is not None else []
        adapters = [f"adapter {n}: {how}" for n, how in self._adapters.items() if how.trouble]
        refusing = [f"adapter {n} refuses deliveries: {why}" for n, why in self._refusing.items()]
        agents = [f"agent {n}: {why}" for n, why in self._agents.items()]
        return database + adapters + refusing + agents
