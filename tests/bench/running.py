"""The whole run, in clear and over TLS, at the sizes given."""

import asyncio
import os
import platform
import sqlite3
import ssl
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.disk import measured
from tests.bench.drain import drained, fewest_seconds
from tests.bench.sessions import held
from tests.bench.stand import FLOOR, OURS, SCRIPT, SUBJECTS, Certificate, certificate_in
from tests.bench.throughput import latency, throughput

Json = dict[str, Any]

_TOLD = ("websockets", "aiohttp", "slack-bolt", "slack-sdk", "SQLAlchemy", "aiosqlite", "msgspec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    threads: tuple[int, ...]
    rounds: int
    seconds: float
    latency_threads: int
    sessions: tuple[int, ...]
    #: Who is measured with how many sessions at most: the script takes megabytes for each over TLS.
    most_sessions: dict[str, int]
    idle_seconds: float
    drained: bool
    #: TLS is the real case.
    clear_too: bool


FULL = Sizes(
    threads=(1, 100, 1000),
    rounds=5,
    seconds=6.0,
    latency_threads=100,
    sessions=(100, 1000, 5000, 10_000),
    most_sessions={OURS: 10_000, FLOOR: 10_000, SCRIPT: 1000},
    idle_seconds=35.0,
    drained=True,
    clear_too=True,
)
SHORT = Sizes(
    threads=(5,),
    rounds=1,
    seconds=1.0,
    latency_threads=5,
    sessions=(20,),
    most_sessions={OURS: 20},
    idle_seconds=0.5,
    drained=False,
    clear_too=False,
)


def run(directory: Path, sizes: Sizes) -> Json:
    """Everything. Raises Broken if the run says nothing."""
    found: Json = {"machine": machine(), "disk": asyncio.run(measured(directory, sizes.rounds))}
    if sizes.drained:
        found["drain"] = drain()
    found["tls"] = _over(directory / "tls", certificate_in(directory), sizes)
    if sizes.clear_too:
        found["clear"] = _over(directory / "clear", None, sizes)
    return found


def _over(directory: Path, tls: Certificate | None, sizes: Sizes) -> Json:
    speeds = {
        str(threads): throughput(
            directory / f"throughput-{threads}",
            tls,
            threads=threads,
            rounds=sizes.rounds,
            seconds=sizes.seconds,
        )
        for threads in sizes.threads
    }
    near = str(min(sizes.threads, key=lambda threads: abs(threads - sizes.latency_threads)))
    slowest = min(speeds[near][subject]["per_s"] for subject in SUBJECTS)
    return {
        "throughput": speeds,
        "latency": latency(
            directory / "latency",
            tls,
            threads=sizes.latency_threads,
            rate=slowest / 2,
            rounds=sizes.rounds,
            seconds=sizes.seconds,
        ),
        "sessions": {
            str(count): {
                subject: held(
                    directory / f"sessions-{count}-{subject}",
                    tls,
                    subject,
                    sessions=count,
                    idle_seconds=sizes.idle_seconds,
                    seconds=sizes.seconds,
                )
                for subject, most in sizes.most_sessions.items()
                if count <= most
            }
            for count in sizes.sessions
        },
    }


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


def machine() -> Json:
    """Where the figures come from."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in lines if line.startswith("model name")), "unknown: unknown")
    return {
        "processor": model.partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "openssl": ssl.OPENSSL_VERSION,
        **{name: version(name) for name in _TOLD},
    }
