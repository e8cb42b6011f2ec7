"""The page of results, docs/performance.md: written by the run, its words kept here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.bench.stand import FLOOR, OURS, SCRIPT

Json = dict[str, Any]

PAGE: Final = Path("docs/performance.md")

_HEAD = """\
# Performance

Written by `make bench`; every figure is of one run on one machine, so compare columns, not pages.
`ours` is the bridge as it runs in service: the daemon, the Slack adapter, SQLite with
`synchronous=FULL`, every event committed before it is acknowledged. `script` is what one would
write instead (`tests/bench/script.py`): Bolt, websockets and a dict with their defaults, nothing
durable. `floor` is the same traffic through the bare libraries. The peers are another process on
the same machine; the network costs nothing, and the fake Slack has no limits. So the gates of our
governor hold nobody up, the pace of new sockets is lifted, and people may write as fast as they
like (`person_rate = "off"`).
The script is spared two things it would meet in service: the peers decline compression of
WebSockets, which would add 40 KB to each of its sessions, and our own posts do not come back as
events.

Latency is from a person's words leaving Slack to the answer's post reaching it; acknowledgement,
to the ack; CPU, of the process measured, all threads; memory, what is its alone (USS) after a
collection; a restart, from the new process to its last socket. What is told of speed are medians
of interleaved rounds, each with new processes; what is told of open conversations is one run each.
"""

_LEVERS = """\
## Levers

Those that are taken, in the order in which they were expected to matter; their shares were not
measured one by one.

1. Group commit by one writer, without a timer: what queued while the last commit ran is the next.
2. One hop to the database's thread for each transaction, not several for each statement.
3. One HTTP session for every call to Slack: a new one for each post costs a connection, and a
   handshake over TLS.
4. One TLS context for all sockets; building one takes milliseconds and most of a megabyte.
5. uvloop: asyncio's own TLS keeps a buffer of 256 KB for each connection.
6. No compression of WebSockets: its buffers would be three quarters of a session.
7. The collector is off during the start, and what survives is frozen: a full collection looks at
   what is new.
"""

_SPEED = {
    "per_s": "messages/s",
    "cpu_us": "CPU µs/message",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "ack_p50_ms": "ack p50 ms",
    "ack_p99_ms": "ack p99 ms",
    "db_bytes_per_message": "database bytes/message",
    "peers_busy": "peers' share of a core",
}
_HELD = {
    "kb_per_session": "KB/session",
    "idle_cpu_percent": "idle CPU, % of a core",
    "cpu_us_per_message": "CPU µs/message",
    "p99_ms": "p99 ms",
    "full_gc_ms": "full collection ms",
    "restart_s": "restart: all back, s",
    "restart_half_s": "restart: half back, s",
    "restart_cpu_us": "restart CPU µs/session",
    "bare_connect_s": "bare connect, s",
    "bare_connect_cpu_us": "bare connect CPU µs/session",
}


def page(found: Json) -> str:
    """All of it."""
    return "\n".join((_HEAD, *_sections(found), _LEVERS))


def table(results: Json, rows: dict[str, str] = _SPEED) -> str:
    """One measurement: a column for each subject, and ours over the script's."""
    subjects = [name for name in (OURS, SCRIPT, FLOOR) if name in results]
    lines = [f"| | {' | '.join(subjects)} | ours / script |", "|---" * (len(subjects) + 2) + "|"]
    for key, name in rows.items():
        values = [results[subject].get(key) for subject in subjects]
        if any(value is not None for value in values):
            ratio = _ratio(results, key)
            lines.append(f"| {name} | {' | '.join(map(_number, values))} | {ratio} |")
    return "\n".join(lines) + "\n"


def _sections(found: Json) -> Iterator[str]:
    told = "; ".join(f"{name} {value}" for name, value in found["machine"].items())
    disk = found["disk"]
    yield f"Machine and versions: {told}.\n"
    yield (
        f"One durable transaction of one row (T_c) takes {disk['T_c_ms']:.3f} ms here;"
        f" {disk['accepts_per_s_1']:,.0f} messages a second are accepted one at a time,"
        f" with 64 at once {disk['accepts_per_s_64']:,.0f}."
        f" The core follows {disk['frames_per_s']:,.0f} frames a second.\n"
    )
    if drain := found.get("drain"):
        yield (
            f"A thousand replies over twenty channels are said in {drain['seconds']:.1f} s; Slack's"
            f" limits allow {drain['least_s']:.1f} s. That is {drain['ratio']:.3f} times the least,"
            f" with {drain['429s']} answers of 429.\n"
        )
    for key, name in (("tls", "Over TLS"), ("clear", "In clear")):
        if key in found:
            yield f"## {name}\n"
            yield from _over(found[key], disk["T_c_ms"])


def _over(found: Json, commit: float) -> Iterator[str]:
    for threads, results in found["throughput"].items():
        yield f"### As fast as it goes, threads: {threads}\n\n{table(results)}"
    results = found["latency"]
    ours, script = results[OURS], results[SCRIPT]
    added = ((ours[key] - script[key]) / commit for key in ("p50_ms", "p99_ms"))
    yield (
        f"### At {ours['rate']:,.0f} messages a second, half of what the slowest can\n\n"
        f"{table(results)}\n"
        "Added to the script's: p50 {:.1f} T_c, p99 {:.1f} T_c.\n".format(*added)
    )
    for sessions, held in found["sessions"].items():
        yield f"### Open conversations: {sessions}\n\n{table(held, _HELD)}"


def _ratio(results: Json, key: str) -> str:
    ours, script = (results.get(name, {}).get(key) for name in (OURS, SCRIPT))
    return f"{ours / script:.2f}" if ours is not None and script else ""


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
