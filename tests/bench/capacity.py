"""How big a machine does it take? What a session, a message and a core come to, over TLS.

`python -m tests.bench.capacity` measures for about two minutes, which are best left to it alone,
and writes docs/capacity.md anew.
"""

# ruff: noqa: E501 - the lines of the page

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.machine import machine
from tests.bench.stand import OURS, Stand, certificate_in, many_files, standing_up

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "capacity.md"
#: Open when the memory of the rest begins to count.
_FIRST = 10
_IDLE = 30.0
#: What is told of the machine.
_NAMED = ("processor", "cores", "system", "python", "sqlite")

_TOLD = """\
# How big a machine does it take?

Written by `python -m tests.bench.capacity`: one bridge over TLS between a Slack and a PolyAI that answer at once,
with {sessions:,} open conversations, then {seconds:.0f} seconds as fast as {threads} threads go, each with one message
in flight. On: {machine}.

| what | measured | so |
|---|--:|---|
| memory of the bridge with Slack alone, nobody there | {base_mb:.0f} MB | |
| memory of an open conversation | {session_kb:.0f} KB | a gigabyte holds some {per_gb:,} |
| CPU of {sessions:,} open conversations in which nobody says anything | {idle:.1f} % of a core | CPU is no bound of how many are open; open files are: one socket each |
| CPU of a message with its answer | {message_us:.0f} µs | a core would be full at some {per_core:,} a second; the bridge uses one, and some of another for the disk |
| disk of a message with its answers, rows and indexes | {bytes_per_message:.0f} bytes | {gb:.1f} GB for a million, for as long as [`keep`](privacy.md) says |

- **Slack is the narrow place** long before the machine: it takes about one message a second in a channel
  ([when Slack slows us down](operating.md#when-slack-slows-us-down)).
- **Words are gone** from the disk as soon as they are settled ([privacy](privacy.md)); what the row of a message
  takes after that are ids, instants, sizes and digests. Housekeeping gives the room back to the file, not to the disk:
  a file stays as big as it ever was, until an erasure or a restore writes it anew.
- **A stranger's plug-in** in a process of its own takes about 60 MB more.
- **A start** opens 50 sockets a second, those first for whom somebody waits: 10,000 conversations take a little more than
  three minutes, in which messages go through.
- **Several bridges** on one machine (the [template unit](systemd.md)) use a core each; one conversation is never in two.

How these were measured, with peers beside them, and at 10,000 conversations: [performance](performance.md).
"""


def measured(directory: Path, *, sessions: int, threads: int, seconds: float) -> Json:
    """The figures, of one run."""
    with standing_up(directory / "stand", OURS, certificate_in(directory)) as stand:
        return _measured(stand, sessions, threads, seconds)


def _measured(stand: Stand, sessions: int, threads: int, seconds: float) -> Json:
    stand.collect()
    base = stand.private_bytes()
    stand.open(_FIRST)
    stand.collect()
    first = stand.private_bytes()
    stand.open(sessions)
    stand.collect()
    each = (stand.private_bytes() - first) / (sessions - _FIRST)
    idle = stand.idle_cpu(_IDLE)
    stored = stand.stored_bytes()
    busy = stand.closed(threads, warm=3.0, seconds=seconds)
    return {
        "sessions": sessions,
        "threads": threads,
        "seconds": seconds,
        "base_mb": base / 1e6,
        "session_kb": each / 1024,
        "idle": idle * 100,
        "message_us": busy["cpu_us"],
        "bytes_per_message": (stand.stored_bytes() - stored) / busy["answered"],
    }


def page(found: Json) -> str:
    """The figures, and what they come to."""
    told = ", ".join(f"{name} {found['machine'].get(name)}" for name in _NAMED)
    return _TOLD.format(
        **{**found, "machine": told},
        per_gb=int(1e9 / (found["session_kb"] * 1024)) // 1000 * 1000,
        per_core=int(1e6 / found["message_us"]) // 10 * 10,
        gb=found["bytes_per_message"] * 1e6 / 1e9,
    )


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000)
    parser.add_argument("--threads", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0)
    how = parser.parse_args()
    many_files()
    with tempfile.TemporaryDirectory() as directory:
        found = measured(Path(directory), **vars(how)) | {"machine": machine()}
    PAGE.write_text(page(found))
    sys.stdout.write(page(found))


if __name__ == "__main__":
    main()
