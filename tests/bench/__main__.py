"""`make bench`: our bridge beside the script one would write instead, and beside the floor.

Everything is told beside its rival's figure in the same run; a number never makes it fail, only a
run that says nothing. Of this, `throughput` alone is for whoever is at work on speed; `page` writes
the page anew from the last result, after its words have changed.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.page import PAGE, RESULT, page, table
from tests.bench.running import run
from tests.bench.sizes import FULL, SHORT
from tests.bench.stand import certificate_in, many_files
from tests.bench.throughput import throughput

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed."""

    what: str
    part: list[str]
    short: bool
    tls: bool
    threads: int
    rounds: int
    seconds: float
    result: Path | None


def wanted(arguments: list[str]) -> Wanted:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=("all", "throughput", "page"))
    parser.add_argument(
        "--part", action="append", default=[], help="only this, as tls.speed, clear or sessions"
    )
    parser.add_argument("--short", action="store_true", help="less of everything, under a minute")
    parser.add_argument("--tls", action="store_true", help="for throughput: over TLS")
    parser.add_argument("--threads", type=int, default=100, help="for throughput")
    parser.add_argument("--rounds", type=int, default=3, help="for throughput")
    parser.add_argument("--seconds", type=float, default=5.0, help="for throughput: of each round")
    parser.add_argument(
        "--result", type=Path, default=None, help="the JSON, written after each part"
    )
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


def told(name: str, found: Json, result: Path | None = None) -> None:
    """Say that a part is over, and how; keep what there is so far, as a whole run takes long."""
    said = found["broken"].get(name, "measured")
    sys.stderr.write(f"{name}: {said} in {found['took_s'][name]:.0f} s\n")
    sys.stderr.flush()
    if result is not None:
        result.write_text(json.dumps(found, indent=1) + "\n")


def measured(how: Wanted) -> Json:
    """What was asked for, said as tables."""
    many_files()
    with tempfile.TemporaryDirectory() as directory:
        if how.what == "throughput":
            results = compared(Path(directory), how)
            found = {"throughput": results, "broken": {}}
            sys.stdout.write(f"{table(results)}\n{json.dumps(results)}\n")
        else:
            sizes, tell = SHORT if how.short else FULL, partial(told, result=how.result)
            found = run(Path(directory), sizes, tuple(how.part), tell)
            sys.stdout.write(page(found))
    return found


def main() -> None:
    """Measure and tell; a run that broke anywhere ends badly, and leaves the page as it was."""
    how = wanted(sys.argv[1:])
    if how.what == "page":
        PAGE.write_text(page(json.loads(RESULT.read_text())))
        return
    found = measured(how)
    if found["broken"]:
        sys.exit("broken: " + ", ".join(found["broken"]))
    # The page tells of a whole run, or of none.
    if how.what == "all" and not how.short and not how.part:
        RESULT.write_text(json.dumps(found, indent=1) + "\n")
        PAGE.write_text(page(found))


if __name__ == "__main__":
    main()
