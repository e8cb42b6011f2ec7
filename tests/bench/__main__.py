"""`make bench`: our bridge beside the script one would write instead, and beside the floor.

Everything is told beside its rival's figure in the same run; nothing here judges a number. Of this,
`throughput` alone is for whoever is at work on speed.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.page import PAGE, page, table
from tests.bench.running import FULL, SHORT, Sizes, run
from tests.bench.stand import certificate_in, many_files
from tests.bench.throughput import throughput

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed."""

    what: str
    short: bool
    tls: bool
    threads: int
    rounds: int
    seconds: float
    result: Path | None


def wanted(arguments: list[str]) -> Wanted:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=("all", "throughput"))
    parser.add_argument("--short", action="store_true", help="less of everything, under a minute")
    parser.add_argument("--tls", action="store_true", help="for throughput: over TLS")
    parser.add_argument("--threads", type=int, default=100, help="for throughput")
    parser.add_argument("--rounds", type=int, default=3, help="for throughput")
    parser.add_argument("--seconds", type=float, default=5.0, help="for throughput: of each round")
    parser.add_argument("--result", type=Path, default=None, help="a file for the JSON")
    return Wanted(**vars(parser.parse_args(arguments)))


def compared(directory: Path, how: Wanted) -> Json:
    """Throughput alone."""
    certificate = certificate_in(directory) if how.tls else None
    return throughput(
        directory / "throughput",
        certificate,
        threads=how.threads,
        rounds=how.rounds,
        seconds=how.seconds,
    )


def main() -> None:
    """Measure and tell: a table for people, then one line of JSON for programs."""
    how = wanted(sys.argv[1:])
    many_files()
    with tempfile.TemporaryDirectory() as directory:
        if how.what == "throughput":
            found = {"throughput": compared(Path(directory), how)}
            sys.stdout.write(table(found["throughput"]))
        else:
            sizes: Sizes = SHORT if how.short else FULL
            found = run(Path(directory), sizes)
            written = page(found)
            sys.stdout.write(written)
            if not how.short:
                PAGE.write_text(written)
    told = json.dumps(found)
    sys.stdout.write(f"\n{told}\n")
    if how.result is not None:
        how.result.write_text(told)


if __name__ == "__main__":
    main()
