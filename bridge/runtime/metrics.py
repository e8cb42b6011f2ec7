"""How much, how often, how long? What `/metrics` says: the registry, and everything counted."""

from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

from bridge.model.ids import AdapterName, AgentName, DeliveryId
from bridge.plugin import Accepted


class Metrics:
    """The figures. Labels are bounded: names of the configuration and words of ours, never ids."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began: noise
        self.registry = CollectorRegistry()
        self._doubts: dict[AdapterName, set[DeliveryId]] = {}
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

    def expected(self, adapter: AdapterName) -> None:
        """Its figures are published before the first event: an alarm needs the nought."""
        self._restarts.labels(adapter)
        for outcome in ("seen", "removed"):
            self._twins.labels(adapter, outcome)
        self._connected.labels(adapter)
        self._in_doubt.labels(adapter)

    def connected(self, adapter: AdapterName, *, connected: bool) -> None:
        """Whether an adapter is connected changed."""
        self._connected.labels(adapter).set(connected)

    def restarted(self, adapter: AdapterName) -> None:
        """An adapter failed, and is going to be tried again."""
        self._restarts.labels(adapter).inc()

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
