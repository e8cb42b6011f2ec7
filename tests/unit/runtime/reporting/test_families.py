"""What the figures are made of."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as Theirs

from bridge.runtime.reporting.families import Histogram

BOUNDS = (0.005, 0.25, 1, 60)
VALUES = (0.0, 0.005, 0.0051, 0.25, 0.9, 1.0, 59.9, 61.0)


def test_our_histogram_says_what_the_clients_own_would() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    one = Histogram("took_seconds", "How long it took.", ("call", "of"), BOUNDS)
    ours.register(one)
    other = Theirs(
        "took_seconds", "How long it took.", ("call", "of"), registry=theirs, buckets=BOUNDS
    )
    for number, value in enumerate(VALUES):
        of = "deliver", "slack" if number % 2 else "teams"
        one.labels(*of).observe(value)
        other.labels(*of).observe(value)

    assert sorted(generate_latest(ours).splitlines()) == sorted(
        line for line in generate_latest(theirs).splitlines() if b"_created" not in line
    )


def test_one_without_labels_is_there_before_anything_was_measured() -> None:
    registry = CollectorRegistry()
    registry.register(Histogram("took_seconds", "How long it took.", (), BOUNDS))

    assert registry.get_sample_value("took_seconds_count") == 0
