"""What the figures are made of."""

import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client import Histogram as Theirs

from bridge.runtime.reporting.families import Histogram, Process

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


@pytest.mark.skipif(sys.platform != "linux", reason="only there is /proc")
def test_the_process_is_told_of_also_where_only_processes_are_seen(tmp_path: Path) -> None:
    """As under our unit, whose `ProcSubset=pid` leaves nothing of /proc but them."""
    (tmp_path / "self").symlink_to("/proc/self")
    seen, alone = CollectorRegistry(), CollectorRegistry()
    ProcessCollector(registry=seen)
    Process(proc=str(tmp_path), registry=alone)

    names = {family.name for family in seen.collect()}
    assert len(names) == 6
    assert {family.name for family in alone.collect()} == names
    started = "process_start_time_seconds"
    theirs, ours = seen.get_sample_value(started), alone.get_sample_value(started)
    assert theirs is not None
    assert ours == pytest.approx(theirs, abs=2)
