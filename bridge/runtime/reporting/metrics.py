"""How much, how often, how long? What `/metrics` says, counted where it happens."""

import enum
import platform
from collections.abc import Callable, Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics, generate_latest

from bridge import __version__
from bridge.model.ids import AdapterName, AgentName, DeliveryId
from bridge.plugin import Accepted
from bridge.runtime.reporting.families import Families


class Leg(enum.StrEnum):
    """A stretch of a message's way, in the order they are gone."""

    ACCEPT = "accept"  #: received from the platform, until it is journaled
    STEP = "step"  #: until its step has committed
    SEND = "send"  #: until it is sent to the agent
    ECHO = "echo"  #: until PolyAI has confirmed it
    ANSWER = "answer"  #: until the agent's first answer is owed to the thread
    POST = "post"  #: until that is posted
    WHOLE = "whole"  #: all of it: received until posted


class Metrics:
    """The figures of one bridge. Whatever is counted for every message costs about 1 µs."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began: noise
        self._all = Families()
        self._doubts: dict[AdapterName, set[DeliveryId]] = {}
        self._held: dict[AdapterName, set[DeliveryId]] = {}
        # Counted for every message: each is looked up once for what it is of.
        self._hops = cache(self._all.hops.labels)
        self._inbound = cache(self._all.inbound.labels)
        self._deliveries = cache(self._all.deliveries.labels)
        self._frames = cache(self._all.frames.labels)
        self._calls = cache(self._all.calls.labels)
        self._all.build.labels(__version__, platform.python_version()).set(1)
        for level in ("warning", "error", "critical"):
            self._all.log_lines.labels(level)  # an alarm needs the nought before the first one
        for outcome in ("sent", "failed"):
            self._all.alerts.labels(outcome)

    @property
    def registry(self) -> CollectorRegistry:
        """Where all of them are."""
        return self._all.registry

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The labels of each figure of ours, by its whole name."""
        return self._all.labels

    def published(self) -> bytes:
        """Prometheus text."""
        return generate_latest(self.registry)

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Say how a figure of `families` is read when it is asked for."""
        self.watch_each(name, lambda: {(): read()})

    def watch_each(self, name: str, read: Callable[[], Mapping[tuple[str, ...], float]]) -> None:
        """The same for one that has labels: a figure for each value of them."""
        self._all.readings[name].read = read

    def expected(self, adapter: AdapterName) -> None:
        """Its figures are published before the first event: an alarm needs the nought."""
        self._all.restarts.labels(adapter)
        self._all.limited.labels(adapter, "deliver")
        for outcome in ("seen", "removed"):
            self._all.twins.labels(adapter, outcome)
        for gauge in (self._all.connected, self._all.in_doubt, self._all.held):
            gauge.labels(adapter)

    def expected_agent(self, agent: AgentName) -> None:
        """The same for an agent."""
        self._all.openings.labels(agent, "opened")
        self._all.handshakes.labels(agent, "opened")
        self._all.reconnects.labels(agent, "dropped")

    def connected(self, adapter: AdapterName, *, connected: bool) -> None:
        """Whether an adapter is connected changed."""
        self._all.connected.labels(adapter).set(connected)

    def restarted(self, adapter: AdapterName) -> None:
        """An adapter failed, and is going to be tried again."""
        self._all.restarts.labels(adapter).inc()

    def hop(self, leg: Leg, seconds: float, *, adapter: str = "", agent: str = "") -> None:
        """One stretch of a message's way took so long; clocks that were set count as none."""
        self._hops(leg, adapter, agent).observe(max(0.0, seconds))

    def accepted(self, adapter: AdapterName, outcome: Accepted) -> None:
        """An inbound was seen to."""
        self._inbound(adapter, outcome.value).inc()

    def attempted(self, adapter: AdapterName, outcome: str) -> None:
        """An attempt to deliver came out like this."""
        self._deliveries(adapter, outcome).inc()

    def doubted(self, adapter: AdapterName, delivery: DeliveryId) -> None:
        """Nobody knows whether it arrived; it is looked for, or held."""
        _add(self._doubts, self._all.in_doubt, adapter, delivery)

    def held(self, adapter: AdapterName, delivery: DeliveryId) -> None:
        """And nobody can tell: it is not looked for until the next start."""
        _add(self._held, self._all.held, adapter, delivery)

    def certain(self, adapter: AdapterName, delivery: DeliveryId) -> None:
        """It is known what became of it; perhaps it always was."""
        _take(self._doubts, self._all.in_doubt, adapter, delivery)
        _take(self._held, self._all.held, adapter, delivery)

    def doubled(self, adapter: AdapterName, *, removed: bool) -> None:
        """A second copy of a delivery was seen, or is removed."""
        self._all.twins.labels(adapter, "removed" if removed else "seen").inc()

    def called(self, adapter: AdapterName, call: str, seconds: float) -> None:
        """A call of an adapter came to its end, good or bad."""
        self._calls(adapter, call).observe(seconds)

    def limited(self, adapter: AdapterName, call: str) -> None:
        """Its platform put a call off."""
        self._all.limited.labels(adapter, call).inc()

    def frame(self, agent: AgentName, direction: str) -> None:
        """A frame went `in` or `out`."""
        self._frames(agent, direction).inc()

    def opening(self, agent: AgentName, outcome: str) -> None:
        """An attempt to open a session came out like this."""
        self._all.openings.labels(agent, outcome).inc()

    def handshake(self, agent: AgentName, outcome: str) -> None:
        """An attempt to open a socket came out like this."""
        self._all.handshakes.labels(agent, outcome).inc()

    def reconnect(self, agent: AgentName, reason: str) -> None:
        """A socket has to be opened again."""
        self._all.reconnects.labels(agent, reason).inc()

    def replayed(self, agent: AgentName, reason: str) -> None:
        """The history that came on a new socket was followed."""
        self._all.replays.labels(agent, reason).inc()

    def heartbeat(self, agent: AgentName, seconds: float) -> None:
        """PolyAI echoed a heartbeat after so long."""
        self._all.heartbeats.labels(agent).observe(seconds)

    def committed(self, changes: int, seconds: float) -> None:
        """So many changes were committed together, in so long."""
        self._all.batches.observe(changes)
        self._all.commits.observe(seconds)

    def database_failed(self) -> None:
        """The database refused a change or a question."""
        self._all.database_failures.inc()

    def lagged(self, seconds: float) -> None:
        """A turn of the event loop came so late."""
        self._all.lags.observe(seconds)

    def logged(self, level: str) -> None:
        """A line of the log was written."""
        self._all.log_lines.labels(level).inc()

    def untraced(self, number: int) -> None:
        """Of so many messages no trace was taken, or there was no room."""
        self._all.traces_dropped.inc(number)

    def alerted(self, outcome: str) -> None:
        """An alert of the bridge's own came out like this."""
        self._all.alerts.labels(outcome).inc()


_Sets = dict[AdapterName, set[DeliveryId]]


def _add(sets: _Sets, gauge: Gauge, adapter: AdapterName, delivery: DeliveryId) -> None:
    some = sets.setdefault(adapter, set())
    some.add(delivery)
    gauge.labels(adapter).set(len(some))


def _take(sets: _Sets, gauge: Gauge, adapter: AdapterName, delivery: DeliveryId) -> None:
    some = sets.get(adapter)
    if some and delivery in some:
        some.remove(delivery)
        gauge.labels(adapter).set(len(some))
