"""The page of results, docs/performance.md: written by the run, its words kept here."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.bench.explanations import why
from tests.bench.stand import CAREFUL, FLOOR, FORGETFUL, OURS, SCRIPT
from tests.bench.targets import Verdict, held_rate, verdicts

Json = dict[str, Any]

PAGE: Final = Path("docs/performance.md")
#: The run's figures, of which the page is made.
RESULT: Final = Path("docs/performance.json")

#: Peers that are at work for more of the time than this hold up whom they are to measure.
_SATURATED: Final = 0.9

_HEAD: Final = """\
# Performance

Written by `make bench`; every figure is of one run on one machine, so compare columns, not pages.
The figures of this page are also in [performance.json](performance.json).

- `ours` is the bridge as it runs in service: the daemon, the Slack adapter, SQLite with
  `synchronous=FULL`, every event committed before it is acknowledged, every post before it is sent.
- `script` is what one would write instead (`tests/bench/script.py`): Bolt, websockets and a dict
  with their defaults, nothing durable.
- `careful` is that script with a transaction by SQLAlchemy for each operation.
- `forgetful` is ours with `synchronous=OFF`: the same transactions, and nobody waits for the disk.
  So it tells what the disk costs, not what keeping anything at all costs.
- `floor` is the same traffic through the bare libraries, as cheaply as they can; nothing is kept.

The peers are another process on the same machine; the network costs nothing, and the fake Slack has
no limits. So every gate of our governor has an allowance that nobody uses up, the pace of new
sockets is lifted, and people may write as fast as they like (`person_rate = "off"`). The script is
spared two things it would meet in service: the peers decline compression of WebSockets, which would
add 40 KB to each of its sessions, and our own posts do not come back as events, which spares ours
and `floor` as well. It is measured with a thousand open conversations at most, as over TLS each
takes it a megabyte.

Latency is from a person's words leaving Slack to the answer's post reaching it; acknowledgement,
to the ack; CPU, of the process measured, all threads; memory, what is its alone (USS) after a
collection; a restart, from the new process to its last socket. What is told of speed are medians
of interleaved rounds, each with new processes; what is told of open conversations is one round.
Where the peers took more than 0.9 of a core the figure is marked ⚠: it may be theirs.
"""

_LEVERS: Final = """\
## Levers

Those that are taken, in the order in which they matter, as far as that is known. A run measures the
first two; where a decision or the changelog is named, the effect was measured when it was taken and
is told there; of the rest it was not measured one by one.

1. Group commit by one writer, without a timer: what queued while the last commit ran is the
   next.{grouped}
2. One hop to the database's thread for each transaction, not several for each statement (decision
   4).{both}
3. One HTTP session for every call of Slack, as a new one for each post costs a connection, and a
   handshake over TLS; and on it a way out of our own (decision 22).
4. One TLS context for all sockets; building one takes milliseconds and most of a megabyte.
5. uvloop: asyncio's own TLS keeps a buffer of 256 KB for each connection (decision 21).
6. No compression of WebSockets: its buffers would be three quarters of a session.
7. What Slack tells is read once and by searches (changelog), and events pass Bolt by (decision
   23).
8. A fast answer costs no call for its sign of life; a turn that is free is taken without a queue.
9. The collector is off during the start, and what survives is frozen: a full collection looks at
   what is new (decision 21).
10. An idle session has one task, and one heap of timers wakes all of them (changelog).
"""

_SPEED: Final = {
    "per_s": "messages/s",
    "per_s_low": "messages/s, lowest of the rounds",
    "per_s_high": "messages/s, highest",
    "cpu_us": "CPU µs/message",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "ack_p50_ms": "ack p50 ms",
    "ack_p99_ms": "ack p99 ms",
    "db_bytes_per_message": "database bytes/message",
    "busy": "share of a core",
    "peers_busy": "peers' share of a core",
}
_HELD: Final = {
    "kb_per_session": "KB/session",
    "idle_cpu_percent": "idle CPU, % of a core",
    "sockets_lost": "sockets lost while idle",
    "full_gc_ms": "full collection ms",
    "per_s": "messages/s, ten in flight",
    "cpu_us_per_message": "CPU µs/message, heartbeats included",
    "p99_ms": "p99 ms",
    "peers_busy": "peers' share of a core",
    "restart_s": "restart: all back, s",
    "restart_half_s": "restart: half back, s",
    "restart_cpu_us": "restart CPU µs/session",
    "bare_connect_s": "bare connect, s",
    "bare_connect_cpu_us": "bare connect CPU µs/session",
}
_COLUMNS: Final = (OURS, FORGETFUL, SCRIPT, CAREFUL, FLOOR)


def page(found: Json) -> str:
    """All of it."""
    return "\n".join((_HEAD, *_sections(found), *_levers(found)))


def table(results: Json, rows: dict[str, str] = _SPEED) -> str:
    """One measurement: a column for each subject, and ours over the script's."""
    subjects = [name for name in _COLUMNS if name in results]
    lines = [f"| | {' | '.join(subjects)} | ours / script |", "|---" * (len(subjects) + 2) + "|"]
    for key, name in rows.items():
        values = [results[subject].get(key) for subject in subjects]
        if any(value is not None for value in values):
            told = [_told(key, value) for value in values]
            lines.append(f"| {name} | {' | '.join(told)} | {_ratio(results, key)} |")
    return "\n".join(lines) + "\n"


def targets(judged: list[Verdict]) -> Iterator[str]:
    """Target by target, then why those were missed that were."""
    yield "## Target by target\n"
    lines = ["| # | what | target | stretch | measured | |", "|---|---|---|---|---|---|"]
    for verdict in judged:
        limits = [_limit(verdict, value) for value in (verdict.ambitious, verdict.stretch)]
        measured = _with_unit(verdict, verdict.measured)
        cells = (verdict.name, verdict.what, *limits, measured, _came_of(verdict))
        lines.append(f"| {' | '.join(cells)} |")
    yield "\n".join(lines) + "\n"
    if missed := [verdict for verdict in judged if verdict.missed_by is not None]:
        yield "### What was missed, and why\n"
        yield "\n".join(f"- **{one.name}**, {one.what}: {why(one.name)}" for one in missed) + "\n"


def _sections(found: Json) -> Iterator[str]:
    told = "; ".join(f"{name} {value}" for name, value in found["machine"].items())
    yield f"Machine and versions: {told}.\n"
    minutes = sum(found["took_s"].values()) / 60
    yield f"The run took {minutes:.0f} minutes.\n"
    if broken := found["broken"]:
        yield f"**Not measured, as the run broke there: {', '.join(broken)}.**\n"
    yield from targets(verdicts(found))
    yield from _disk(found)
    for key, name in (("tls", "Over TLS"), ("clear", "In clear")):
        if key in found:
            yield f"## {name}\n"
            yield from _over(found[key], found.get("disk", {}).get("T_c_ms"))
    if "recover" in found:
        yield from _recover(found["recover"])


def _disk(found: Json) -> Iterator[str]:
    if (disk := found.get("disk")) or "drain" in found:
        yield "## The disk, the core, and Slack's limits\n"
    if disk:
        yield (
            f"One durable transaction of one row (T_c) takes {disk['T_c_ms']:.3f} ms here;"
            f" {disk['accepts_per_s_1']:,.0f} messages a second are accepted one at a time,"
            f" with 64 at once {disk['accepts_per_s_64']:,.0f}."
            f" The core follows {disk['frames_per_s']:,.0f} frames a second.\n"
        )
    if drain := found.get("drain"):
        yield (
            f"A thousand replies over twenty channels are said in {drain['seconds']:.1f} s; the"
            f" limits allow {drain['least_s']:.1f} s. That is {drain['ratio']:.3f} times the least,"
            f" with {drain['429s']} answers of 429. The limits are the simulated Slack's: where"
            " Slack itself says no number (how many posts a workspace takes at once, and in a"
            " minute) they and our own allowance go by the same assumption, 300.\n"
        )


def _recover(found: Json) -> Iterator[str]:
    """At the pace and limits of service, unlike all else."""
    yield (
        f"## After a kill\n\nKilled in clear with {found['sessions']:,} open conversations and"
        f" {found['owed']:,} deliveries owed, and started again with the pace and the allowances of"
        f" service: every socket is back after {found['sockets_s']:.0f} s, where the pace allows"
        f" {found['least_sockets_s']:.0f} s; all that was owed is out after {found['owed_s']:.0f}"
        f" s, where the simulated Slack's limits allow {found['least_owed_s']:.0f} s, with"
        f" {found['429s']} answers of 429.\n"
    )


def _over(found: Json, commit: float | None) -> Iterator[str]:
    for threads, results in found.get("throughput", {}).items():
        rounds = results[OURS]["rounds"]
        yield f"### As fast as it goes, threads: {threads}\n\n{table(results)}\nRounds: {rounds}.\n"
    for key, what in (("half", ", half of what the slowest of the three can"), ("rate", "")):
        if results := found.get(key):
            yield f"### At {results[OURS]['rate']:,.0f} messages a second{what}\n"
            yield from _steady(results, commit)
    if profile := found.get("profile"):
        yield from _profile(profile)
    for sessions, held in found.get("sessions", {}).items():
        yield f"### Open conversations: {sessions}\n\n{table(held, _HELD)}"


def _steady(results: Json, commit: float | None) -> Iterator[str]:
    yield table(results)
    late = [name for name in _COLUMNS if name in results and not held_rate(results[name])]
    if late:
        yield (
            f"Not held by {', '.join(late)}: what was to be said in a thread that still waited for"
            " its answer was left out, so the latencies are better than they would be.\n"
        )
    if commit:
        ours, script = results[OURS], results[SCRIPT]
        p50, p99 = (ours[key] - script[key] for key in ("p50_ms", "p99_ms"))
        yield (
            f"Added to the script's: p50 {p50:.2f} ms ({p50 / commit:.1f} T_c),"
            f" p99 {p99:.2f} ms ({p99 / commit:.1f} T_c).\n"
        )


def _profile(found: Json) -> Iterator[str]:
    areas: dict[str, float] = found["areas"]
    whole = sum(areas.values())
    lines = ["| area of ours | CPU µs/message | share |", "|---|---|---|"]
    for name, used in sorted(areas.items(), key=lambda area: -area[1]):
        lines.append(f"| {name} | {used:,.0f} | {used / whole:.0%} |")
    yield "### Where a message's CPU goes\n"
    yield (
        "As fast as it goes, seen by a timer of the process's CPU (`tests/bench/sampling.py`);"
        " threads beside the loop's by their own clocks.\n"
    )
    yield "\n".join(lines) + "\n"


def _levers(found: Json) -> Iterator[str]:
    gain = found.get("disk", {}).get("group_commit_gain")
    ratio = next(verdict.measured for verdict in verdicts(found) if verdict.name == "2c")
    grouped = f"\n   Here: {gain:.1f} times the accepts, 64 in flight over one." if gain else ""
    both = f"\n   Both together, here: {ratio:.1f} times `careful`'s messages." if ratio else ""
    yield _LEVERS.format(grouped=grouped, both=both)


def _limit(verdict: Verdict, value: float | None) -> str:
    sign = "≥" if verdict.at_least else "≤"
    return "" if value is None else f"{sign} {_with_unit(verdict, value)}"


def _with_unit(verdict: Verdict, value: float | None) -> str:
    if value is None:
        return ""
    if math.isinf(value):
        return "the rate was not held"
    return f"{_number(value)} {verdict.unit}".rstrip()


def _came_of(verdict: Verdict) -> str:
    if verdict.measured is None:
        return "not measured"
    if (missed := verdict.missed_by) is not None:
        if math.isinf(missed):
            return "**missed**"
        return (
            f"**missed** by {missed:.0%}" if missed < 1 else f"**missed**, {missed + 1:.1f} times"
        )
    if verdict.stretch is not None and verdict.reaches(verdict.stretch):
        return "met, and the stretch"
    return "met"


def _told(key: str, value: float | None) -> str:
    mark = " ⚠" if key == "peers_busy" and value is not None and value > _SATURATED else ""
    return _number(value) + mark


def _ratio(results: Json, key: str) -> str:
    ours, script = (results.get(name, {}).get(key) for name in (OURS, SCRIPT))
    return f"{ours / script:.2f}" if ours is not None and script else ""


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
