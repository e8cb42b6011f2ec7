"""What `/metrics` says."""

from prometheus_client import generate_latest

from bridge.model.ids import AdapterName, AgentName
from bridge.plugin import Accepted
from bridge.runtime.metrics import Metrics

SLACK = AdapterName("slack")
DEFAULT = AgentName("default")


def figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    """A published figure."""
    return metrics.registry.get_sample_value(name, labels)


def test_what_happens_is_counted() -> None:
    metrics = Metrics()
    for outcome in (Accepted.NEW, Accepted.NEW, Accepted.KNOWN):
        metrics.accepted(SLACK, outcome)
    metrics.attempted(SLACK, "sent")
    metrics.frame(DEFAULT, "in")
    owed = 3
    metrics.watch("deliveries_owed", "Deliveries to threads owed.", lambda: owed)
    assert figure(metrics, "polyai_bridge_deliveries_owed") == 3

    owed = 0

    new = {"adapter": "slack", "outcome": "new"}
    assert figure(metrics, "polyai_bridge_inbound_total", **new) == 2
    assert figure(metrics, "polyai_bridge_deliveries_owed") == 0
    published = generate_latest(metrics.registry).decode()
    assert 'polyai_bridge_deliveries_total{adapter="slack",outcome="sent"} 1.0' in published
    assert 'polyai_bridge_frames_total{agent="default",direction="in"} 1.0' in published


def test_two_of_them_do_not_share_their_figures() -> None:
    one, other = Metrics(), Metrics()
    one.accepted(SLACK, Accepted.NEW)

    assert b'outcome="new"' not in generate_latest(other.registry)


def test_an_adapter_that_is_not_connected_yet_has_its_figures_already() -> None:
    metrics = Metrics()
    metrics.expected(SLACK)

    assert figure(metrics, "polyai_bridge_adapter_connected", adapter="slack") == 0
    assert figure(metrics, "polyai_bridge_adapter_restarts_total", adapter="slack") == 0
