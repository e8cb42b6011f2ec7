"""The whole run, in parts, in clear and over TLS, at the sizes given."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import recover
from tests.bench.disk import measured
from tests.bench.drain import drained, fewest_seconds
from tests.bench.machine import machine
from tests.bench.sessions import held
from tests.bench.sizes import Sizes
from tests.bench.stand import SUBJECTS, certificate_in
from tests.bench.throughput import latency, profile, throughput

Json = dict[str, Any]
#: Puts what it has measured into what was found so far.
Part = Callable[[Json], None]


def run(
    directory: Path, sizes: Sizes, wanted: tuple[str, ...], tell: Callable[[str, Json], None]
) -> Json:
    """Everything, or those parts only; a part that broke is named with its reason, and left out.

    A part is wanted by its name (`tls.speed`) or by a piece of it (`speed`). `tell` is called after
    each, with its name and all that was found so far.
    """
    found: Json = {"machine": machine(), "took_s": {}, "broken": {}}
    for name, part in _parts(directory, sizes):
        if wanted and not {name, *name.split(".")} & set(wanted):
            continue
        began = time.perf_counter()
        try:
            part(found)
        except Exception as error:  # whatever it is, the other parts are worth having
            found["broken"][name] = f"{type(error).__name__}: {error}"
        found["took_s"][name] = time.perf_counter() - began
        tell(name, found)
    return found


def _parts(directory: Path, sizes: Sizes) -> Iterator[tuple[str, Part]]:
    """In this order; what is quick, and what others are judged by, comes first."""
    yield "disk", lambda found: found.update(disk=asyncio.run(measured(directory, 5)))
    if sizes.drained:
        yield "drain", lambda found: found.update(drain=drain())
    for mode in sizes.modes:
        yield from Way(directory, mode, sizes).parts()
    if any(sizes.killed_with):
        sessions, owed = sizes.killed_with
        yield (
            "recover",
            lambda found: found.update(
                recover=recover.measure(directory / "recover", sessions=sessions, owed=owed)
            ),
        )


class Way:
    """All that is measured in clear, or over TLS."""

    def __init__(self, directory: Path, mode: str, sizes: Sizes) -> None:
        self._mode = mode
        self._sizes = sizes
        self._directory = directory / mode
        self._directory.mkdir()
        self._tls = certificate_in(self._directory) if mode == "tls" else None

    def parts(self) -> Iterator[tuple[str, Part]]:
        """By name."""
        for part in (self.speed, self.rate, self.profile, self.sessions):
            yield f"{self._mode}.{part.__name__}", part

    def speed(self, found: Json) -> None:
        """As fast as it goes; then at half of what the slowest of the three can."""
        speeds = {
            str(speed.threads): throughput(
                self._directory / f"speed-{speed.threads}",
                self._tls,
                threads=speed.threads,
                rounds=speed.rounds,
                seconds=self._sizes.seconds,
                subjects=speed.subjects,
            )
            for speed in self._sizes.speeds
        }
        results = speeds[str(self._sizes.latency_threads)]
        half = min(results[subject]["per_s"] for subject in SUBJECTS) / 2
        self._put(found, throughput=speeds, half=self._latency("half", half))

    def rate(self, found: Json) -> None:
        """At the rate that the targets name."""
        if rate := self._sizes.rates.get(self._mode):
            self._put(found, rate=self._latency("rate", rate))

    def profile(self, found: Json) -> None:
        """Where our CPU goes."""
        threads, seconds = self._sizes.latency_threads, self._sizes.seconds
        self._put(
            found,
            profile=profile(
                self._directory / "profile", self._tls, threads=threads, seconds=seconds
            ),
        )

    def sessions(self, found: Json) -> None:
        """What open conversations cost."""
        results = {
            str(size.sessions): {
                subject: held(
                    self._directory / f"sessions-{size.sessions}-{subject}",
                    self._tls,
                    subject,
                    sessions=size.sessions,
                    idle_seconds=size.idle_seconds,
                    seconds=self._sizes.seconds,
                )
                for subject in size.subjects
            }
            for size in self._sizes.sessions
        }
        self._put(found, sessions=results)

    def _latency(self, name: str, rate: float) -> Json:
        return latency(
            self._directory / name,
            self._tls,
            threads=self._sizes.latency_threads,
            rate=rate,
            rounds=self._sizes.latency_rounds,
            seconds=self._sizes.latency_seconds,
        )

    def _put(self, found: Json, **results: Json) -> None:
        found.setdefault(self._mode, {}).update(results)


def drain() -> Json:
    """A thousand replies over twenty channels, at the simulated Slack's exact limits."""
    channels, each = 20, 50
    found, fewest = drained(channels, each, threads=5), fewest_seconds(channels, each)
    return {
        "seconds": found.seconds,
        "least_s": fewest,
        "ratio": found.seconds / fewest,
        "429s": found.excesses,
        "unfairness": found.unfairness,
    }
