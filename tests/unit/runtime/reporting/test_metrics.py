"""What `/metrics` says."""

import platform

from bridge.model.ids import AdapterName, AgentName, DeliveryId
from bridge.plugin import Accepted
from bridge.runtime.reporting.metrics import Leg, Metrics

SLACK = AdapterName("slack")
DEFAULT = AgentName("default")


def figure(metrics: Metrics, name: str, /, **labels: str) -> float | None:
    """A published figure."""
    return metrics.registry.get_sample_value(name, labels)


def test_what_happens_is_counted() -> None:
    metrics = Metrics()
    for outcome in (Accepted.NEW, Accepted.NEW, Accepted.KNOWN):
        metrics.accepted(SLACK, outcome)
    metrics.attempted(SLACK, "sent")
    metrics.frame(DEFAULT, "in")
    owed = 3
    metrics.watch("deliveries_owed", lambda: owed)
    assert figure(metrics, "polyai_bridge_deliveries_owed") == 3

    owed = 0

    new = {"adapter": "slack", "outcome": "new"}
    assert figure(metrics, "polyai_bridge_inbound_total", **new) == 2
    assert figure(metrics, "polyai_bridge_deliveries_owed") == 0
    published = metrics.published().decode()
    assert 'polyai_bridge_deliveries_total{adapter="slack",outcome="sent"} 1.0' in published
    assert 'polyai_bridge_frames_total{agent="default",direction="in"} 1.0' in published


def test_two_of_them_do_not_share_their_figures() -> None:
    one, other = Metrics(), Metrics()
    one.accepted(SLACK, Accepted.NEW)

    assert b'outcome="new"' not in other.published()


def test_an_adapter_that_is_not_connected_yet_has_its_figures_already() -> None:
    metrics = Metrics()
    metrics.expected(SLACK)

    assert figure(metrics, "polyai_bridge_adapter_connected", adapter="slack") == 0
    assert figure(metrics, "polyai_bridge_adapter_restarts_total", adapter="slack") == 0


def test_the_legs_of_a_message_are_measured_whatever_a_clock_did() -> None:
    metrics = Metrics()
    metrics.hop(Leg.WHOLE, 0.3, adapter="slack", agent="default")
    metrics.hop(Leg.WHOLE, -5, adapter="slack", agent="default")

    of = {"hop": "whole", "adapter": "slack", "agent": "default"}
    assert figure(metrics, "polyai_bridge_hop_seconds_sum", **of) == 0.3
    assert figure(metrics, "polyai_bridge_hop_seconds_bucket", le="0.25", **of) == 1
    assert figure(metrics, "polyai_bridge_hop_seconds_bucket", le="0.5", **of) == 2


def test_what_is_held_is_in_doubt_too_until_it_is_certain() -> None:
    metrics = Metrics()
    metrics.expected(SLACK)
    metrics.doubted(SLACK, DeliveryId("c1.1"))
    metrics.held(SLACK, DeliveryId("c1.1"))
    assert figure(metrics, "polyai_bridge_deliveries_held", adapter="slack") == 1
    assert figure(metrics, "polyai_bridge_deliveries_in_doubt", adapter="slack") == 1

    metrics.certain(SLACK, DeliveryId("c1.1"))
    assert figure(metrics, "polyai_bridge_deliveries_held", adapter="slack") == 0
    assert figure(metrics, "polyai_bridge_deliveries_in_doubt", adapter="slack") == 0


def test_what_is_read_by_label_has_a_figure_for_each_value() -> None:
    metrics = Metrics()
    assert b"polyai_bridge_trouble{" not in metrics.published()
    metrics.watch_each("trouble", lambda: {("agent", "default"): 1})

    assert figure(metrics, "polyai_bridge_trouble", dependency="agent", name="default") == 1


def test_what_runs_here_is_told() -> None:
    said = Metrics().published().decode()
    assert f'polyai_bridge_build_info{{python="{platform.python_version()}"' in said
    assert "process_resident_memory_bytes" in said
