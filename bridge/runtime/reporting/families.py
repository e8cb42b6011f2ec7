"""Which figures are there? Each by its name, labels and meaning: a contract with dashboards.

docs/metrics.md explains them; a test holds both together. Labels are bounded: names that stand in
the configuration, and words of ours. Never an id, a channel or a text.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from bridge.clock import elapsed, wall_time

_PREFIX: Final = "polyai_bridge_"
#: Seconds that people notice: from a local commit to a long wait for an agent.
_HOPS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
#: Seconds that machines take: a sync of a disk, a turn of the loop.
_MOMENTS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
#: Seconds of a call or a round trip over a network.
_CALLS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Reading(Collector):
    """A gauge that is read when it is asked for: a figure for each value of its labels.

    Until somebody says how (`read`), it has no figures.
    """

    def __init__(self, name: str, meaning: str, labels: tuple[str, ...]) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = labels
        self.read: Callable[[], Mapping[tuple[str, ...], float]] = dict

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The figures at present."""
        family = GaugeMetricFamily(self._name, self._meaning, labels=self._labels)
        for values, figure in self.read().items():
            family.add_metric(values, figure)
        yield family


class Tally:
    """How many were at most as much as each of the bounds, and how much all were together."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)  #: each without those before it
        self.total = 0.0

    def observe(self, value: float) -> None:
        """One more."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


class Histogram(Collector):
    """Counted in a third of the time that the client's own takes, by one thread alone."""

    def __init__(
        self, name: str, meaning: str, labels: tuple[str, ...], bounds: tuple[float, ...]
    ) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = labels
        self._bounds = bounds
        self._tallies: dict[tuple[str, ...], Tally] = {}
        if not labels:
            self.labels()

    def labels(self, *values: str) -> Tally:
        """Those with these values of the labels."""
        return self._tallies.setdefault(values, Tally(self._bounds))

    def observe(self, value: float) -> None:
        """One more of those that have no labels."""
        self._tallies[()].observe(value)

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """The figures at present."""
        family = HistogramMetricFamily(self._name, self._meaning, labels=self._labels)
        ends = [*map(floatToGoString, self._bounds), "+Inf"]
        for values, tally in self._tallies.items():
            buckets = list(zip(ends, accumulate(tally.counts), strict=True))
            family.add_metric(values, buckets, tally.total)
        yield family


class Process(ProcessCollector):
    """The client's own, also where nothing of the machine is seen but its processes.

    So it is under our unit (`ProcSubset=pid`): there is no /proc/stat, and without that the client
    tells nothing at all. When the machine was booted its clocks say as well.
    """

    def _boot_time(self) -> float:
        return wall_time().timestamp() - elapsed()


class Families:
    """Every figure there is, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        #: The labels of each, by its whole name.
        self.labels: dict[str, tuple[str, ...]] = {}
        self.readings: dict[str, Reading] = {}
        Process(registry=self.registry)
        self._make_health()
        self._make_messages()
        self._make_platforms()
        self._make_agents()
        self._make_machine()

    def _make_health(self) -> None:
        self._reading("ready", "Whether nothing is wrong.")
        self._reading("trouble", "What is wrong, 1 for each.", "dependency", "name")
        self.build = self._gauge("build_info", "What runs here, always 1.", "version", "python")
        self.log_lines = self._counter("log_lines_total", "Lines of the log.", "level")
        self.alerts = self._counter("alerts_total", "Alerts sent by the bridge.", "outcome")
        self.traces_dropped = self._counter(
            "traces_dropped_total", "Messages of which no trace went out."
        )

    def _make_messages(self) -> None:
        self.hops = self._histogram(
            "hop_seconds", "How long one hop of a message took.", _HOPS, "hop", "adapter", "agent"
        )
        self.inbound = self._counter(
            "inbound_total", "What platforms told us, by outcome.", "adapter", "outcome"
        )
        self.deliveries = self._counter(
            "deliveries_total",
            "Deliveries to threads, by how an attempt came out.",
            "adapter",
            "outcome",
        )
        self._reading("deliveries_owed", "Deliveries to threads owed.")
        self._reading("owed", "What is owed, by for whom.", "direction")
        self._reading("oldest_owed_seconds", "Age of the oldest of it.", "direction")
        self.in_doubt = self._gauge(
            "deliveries_in_doubt",
            "Deliveries of which nobody knows whether they arrived.",
            "adapter",
        )
        self.held = self._gauge(
            "deliveries_held", "Those of them that are not looked for any more.", "adapter"
        )
        self._reading("dead_letters", "Dead letters in the database.", "direction")
        self._reading("dead_letters_unseen", "Those of a day that nobody has looked at.")
        self.twins = self._counter(
            "twins_total", "Second copies of deliveries, seen and removed.", "adapter", "outcome"
        )

    def _make_platforms(self) -> None:
        self.connected = self._gauge(
            "adapter_connected", "Whether an adapter is connected.", "adapter"
        )
        self.restarts = self._counter(
            "adapter_restarts_total", "How often an adapter failed and was tried again.", "adapter"
        )
        self.calls = self._histogram(
            "adapter_call_seconds", "How long a call of an adapter took.", _CALLS, "adapter", "call"
        )
        self.limited = self._counter(
            "rate_limited_total",
            "Calls that a platform put off (HTTP 429 and its like).",
            "adapter",
            "call",
        )
        self._reading("wait_seconds", "How long what waits now will wait.", "adapter", "call")
        self._reading("turns_waiting", "Deliveries that wait for their turn.", "adapter")

    def _make_agents(self) -> None:
        self.frames = self._counter(
            "frames_total", "Frames on PolyAI sockets.", "agent", "direction"
        )
        self.openings = self._counter(
            "session_openings_total", "Attempts to open a session.", "agent", "outcome"
        )
        self.handshakes = self._counter(
            "handshakes_total", "Attempts to open a socket.", "agent", "outcome"
        )
        self.reconnects = self._counter(
            "reconnects_total", "Sockets to be opened again.", "agent", "reason"
        )
        self.replays = self._counter(
            "replays_total", "Histories followed on a new socket.", "agent", "reason"
        )
        self.heartbeats = self._histogram(
            "heartbeat_seconds", "How long PolyAI took to echo a heartbeat.", _CALLS, "agent"
        )
        self._reading("conversations", "Conversations in memory.")
        self._reading("sessions", "Conversations by what their session does.", "state")
        self._reading("sockets_open", "Open PolyAI sockets.")

    def _make_machine(self) -> None:
        self.commits = self._histogram("commit_seconds", "How long a commit took.", _MOMENTS)
        self.batches = self._histogram("commit_changes", "How many changes it held.", _SIZES)
        self.database_failures = self._counter(
            "database_failures_total", "Changes and questions that the database refused."
        )
        self._reading("database_bytes", "Size of the database's files.", "file")
        self._reading("disk_free_bytes", "Free space on the disk of the database.")
        self.lags = self._histogram(
            "loop_lag_seconds", "By how much a turn of the event loop came late.", _MOMENTS
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(self._named(name, labels), meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(self._named(name, labels), meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        histogram = Histogram(self._named(name, labels), meaning, labels, buckets)
        self.registry.register(histogram)
        return histogram

    def _reading(self, name: str, meaning: str, *labels: str) -> None:
        reading = Reading(self._named(name, labels), meaning, labels)
        self.registry.register(reading)
        self.readings[name] = reading

    def _named(self, name: str, labels: tuple[str, ...]) -> str:
        whole = _PREFIX + name
        self.labels[whole] = labels
        return whole
