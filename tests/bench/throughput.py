"""How many messages a second, each with one in flight in its thread: all of them side by side."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.stand import OURS, SUBJECTS, Certificate, Stand, standing_up

Json = dict[str, Any]


def interleaved(
    directory: Path,
    certificate: Certificate | None,
    rounds: int,
    measure: Callable[[Stand], Json],
    subjects: tuple[str, ...] = SUBJECTS,
) -> dict[str, Json]:
    """The medians of so many rounds, in each of which every subject has its turn, new each time."""
    found: dict[str, list[Json]] = {subject: [] for subject in subjects}
    for number in range(rounds):
        for subject in subjects:
            with standing_up(directory / f"{number}-{subject}", subject, certificate) as stand:
                found[subject].append(measure(stand))
    return {subject: medians(results) for subject, results in found.items()}


def medians(results: list[Json]) -> Json:
    """The median of each number; of the messages a second also the lowest and the highest."""
    found: Json = {
        name: statistics.median(result[name] for result in results)
        for name, value in results[0].items()
        if isinstance(value, int | float)
    }
    speeds = [result["per_s"] for result in results]
    return found | {"rounds": len(results), "per_s_low": min(speeds), "per_s_high": max(speeds)}


def throughput(
    directory: Path,
    certificate: Certificate | None,
    *,
    threads: int,
    rounds: int,
    seconds: float,
    subjects: tuple[str, ...] = SUBJECTS,
) -> dict[str, Json]:
    """As fast as it goes."""

    def measured(stand: Stand) -> Json:
        stand.open(threads)
        before = stand.stored_bytes() if stand.subject == OURS else 0
        found = stand.closed(threads, warm=seconds / 3, seconds=seconds)
        if stand.subject == OURS:
            grown = stand.stored_bytes() - before
            found["db_bytes_per_message"] = grown / found["answered"]
        return found

    return interleaved(directory, certificate, rounds, measured, subjects)


def latency(
    directory: Path,
    certificate: Certificate | None,
    *,
    threads: int,
    rate: float,
    rounds: int,
    seconds: float,
) -> dict[str, Json]:
    """At a rate, whether it can be held or not: what could not be said is counted as skipped."""

    def measured(stand: Stand) -> Json:
        stand.open(threads)
        return stand.steady(threads, rate, warm=seconds / 3, seconds=seconds)

    found = interleaved(directory, certificate, rounds, measured)
    return {subject: {**result, "rate": rate} for subject, result in found.items()}


def profile(
    directory: Path, certificate: Certificate | None, *, threads: int, seconds: float
) -> Json:
    """Where ours has its CPU, as fast as it goes: one round, as looking costs a little."""
    with standing_up(directory, OURS, certificate) as stand:
        stand.open(threads)
        return stand.profile(threads, warm=seconds / 3, seconds=seconds)
