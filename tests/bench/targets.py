"""What was to be reached, and whether it is: computed from the figures of one run alone.

Each target is a ratio within the run, a figure for one session, or so many times T_c, the time of
one durable transaction on the run's own disk; so it holds on other machines too.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.stand import CAREFUL, FLOOR, FORGETFUL, OURS, SCRIPT

Json = dict[str, Any]
Figure = Callable[[Json], float]

#: More of them not said than this, and a rate counts as not held.
_SKIPPED: Final = 0.01
_MODES: Final = (("clear", "in clear"), ("tls", "over TLS"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target, and what came of it."""

    name: str
    what: str
    unit: str
    ambitious: float | None
    stretch: float | None
    measured: float | None  #: None: the run has no figure for it; infinite: a rate was not held
    at_least: bool = False

    @property
    def missed_by(self) -> float | None:
        """By which part of the ambitious target it was missed; None if it was met, or not known."""
        if self.measured is None or self.ambitious is None or self.reaches(self.ambitious):
            return None
        return abs(self.measured / self.ambitious - 1) if self.ambitious else math.inf

    def reaches(self, limit: float) -> bool:
        """Whether it is at least as good as that."""
        assert self.measured is not None
        return self.measured >= limit if self.at_least else self.measured <= limit


@dataclass(frozen=True, slots=True)
class Target:
    """How it is computed. A figure raises KeyError where the run has not measured it."""

    name: str
    what: str
    figure: Figure
    ambitious: float | Figure
    stretch: float | Figure | None
    unit: str = "x"
    at_least: bool = False

    def judged(self, found: Json) -> Verdict:
        """What came of it in this run."""
        measured, ambitious, stretch = (
            _known(figure, found) for figure in (self.figure, self.ambitious, self.stretch)
        )
        return Verdict(self.name, self.what, self.unit, ambitious, stretch, measured, self.at_least)


def verdicts(found: Json) -> list[Verdict]:
    """All of them, by name."""
    return sorted((target.judged(found) for target in _targets()), key=lambda one: one.name)


def held_rate(result: Json) -> bool:
    """Whether nearly all that was to be said at a rate could be said: the answers kept up."""
    skipped: float = result["skipped"]
    said: float = result["answered"]
    return skipped <= _SKIPPED * (said + skipped)


def restart_each(held: Json, sessions: int) -> float:
    """The CPU, in microseconds, that one more session costs at a restart: the start is left out."""
    few, many = (held[str(count)][OURS]["restart_cpu_us"] * count for count in (100, sessions))
    return float(many - few) / (sessions - 100)


def _known(figure: float | Figure | None, found: Json) -> float | None:
    if figure is None or isinstance(figure, int | float):
        return figure
    try:
        return figure(found)
    except KeyError:
        return None


def _targets() -> Iterator[Target]:
    for name, what in (("sockets", "every socket is back"), ("owed", "all that was owed is out")):
        yield Target(
            f"A5-{name}", f"after a kill {what}, over the least time that paces and limits allow",
            _recovered(f"{name}_ratio"), 1.2, None,
        )  # fmt: skip
    yield from _memory()
    yield from _throughput()
    yield from _latency()
    for mode, where in _MODES:
        yield from _restart(mode, where)
        yield from _growth(mode, where)
    yield Target(
        "drain", "1,000 replies over 20 channels, over the least time Slack's limits allow",
        lambda found: float(found["drain"]["ratio"]), 1.05, None,
    )  # fmt: skip
    yield Target("drain-429", "429s in that", lambda found: float(found["drain"]["429s"]), 0, 0, "")


def _memory() -> Iterator[Target]:
    yield Target(
        "1b", "memory of a session in clear, at 10,000", _held("clear", 10_000), 24, 18, "KB"
    )
    yield Target(
        "1b-floor", "the same, over a bare connection's",
        _over("clear", 10_000, "kb_per_session", FLOOR), 1.8, None,
    )  # fmt: skip
    yield Target(
        "1c", "memory of a session over TLS, at 10,000", _held("tls", 10_000), 72, 56, "KB"
    )
    yield Target(
        "1c-script", "memory of a session over TLS, at 1,000, over the script's",
        _over("tls", 1000, "kb_per_session", SCRIPT), 0.10, None,
    )  # fmt: skip


def _throughput() -> Iterator[Target]:
    rows = (
        ("2a", "messages/s over the script's, 100 threads, in clear", "clear", SCRIPT, 1.2, 2.0),
        ("2b", "the same over TLS", "tls", SCRIPT, 2.3, 4.0),
        ("2c", "messages/s over the careful script's, in clear", "clear", CAREFUL, 8.0, 12.0),
        ("2d", "messages/s over the forgetful bridge's, in clear", "clear", FORGETFUL, 0.65, 0.80),
    )
    for name, what, mode, rival, ambitious, stretch in rows:
        yield Target(name, what, _faster(mode, rival), ambitious, stretch, at_least=True)


def _latency() -> Iterator[Target]:
    yield Target(
        "3a", "added to the script's p50 at 300/s, in clear", _added("p50_ms"),
        _commits(4, 0.5), _commits(2.2, 0.2), "ms",
    )  # fmt: skip
    yield Target("3b", "added to its p99", _added("p99_ms"), _commits(8, 2), _commits(5, 1), "ms")
    for percent in ("p50", "p99"):
        yield Target(
            f"3c-{percent}", f"{percent} over the script's at 100/s, over TLS",
            _slower(f"{percent}_ms"), 1.0, 0.7,
        )  # fmt: skip
    yield Target(
        "3d", "acknowledged, p99, at 300/s, in clear",
        lambda found: _at_rate(found, "clear")["ack_p99_ms"],
        _commits(6, 1), _commits(4, 0.5), "ms",
    )  # fmt: skip


def _restart(mode: str, where: str) -> Iterator[Target]:
    yield Target(
        f"4a-{mode}", f"restart, CPU of one more session over a bare connect's, {where}",
        lambda found: restart_each(found[mode]["sessions"], 10_000)
        / found[mode]["sessions"]["10000"][OURS]["bare_connect_cpu_us"],
        1.3, 1.1,
    )  # fmt: skip
    yield Target(
        f"4b-{mode}", f"that CPU, at 10,000 over at 1,000, {where}",
        lambda found: restart_each(found[mode]["sessions"], 10_000)
        / restart_each(found[mode]["sessions"], 1000),
        1.15, 1.05,
    )  # fmt: skip
    seconds = {"clear": (2.0, 1.4), "tls": (5.0, 4.1)}[mode]
    yield Target(
        f"4c-{mode}", f"restart, all of 5,000 sockets back, {where}",
        _held(mode, 5000, "restart_s"), *seconds, "s",
    )  # fmt: skip


def _growth(mode: str, where: str) -> Iterator[Target]:
    yield Target(
        f"1a-{mode}", f"heartbeats of 10,000 sessions, {where}",
        _held(mode, 10_000, "idle_cpu_percent"), 10, 5, "% of a core",
    )  # fmt: skip
    yield Target(
        f"1a-lost-{mode}", f"sockets lost meanwhile, {where}",
        _held(mode, 10_000, "sockets_lost"), 0, 0, "",
    )  # fmt: skip
    for name, what, key, many, few in (
        ("5a", "CPU of a message", "cpu_us_per_message", 10_000, 100),
        ("5b", "memory of a session", "kb_per_session", 10_000, 1000),
    ):
        limits = (1.15, 1.05) if name == "5a" else (1.05, 1.00)
        yield Target(
            f"{name}-{mode}", f"{what}, at {many:,} over at {few:,}, {where}",
            _grown(mode, key, many, few), *limits,
        )  # fmt: skip
    yield Target(
        f"5c-{mode}", f"a whole collection with 5,000 sessions, {where}",
        _held(mode, 5000, "full_gc_ms"), 20, 5, "ms",
    )  # fmt: skip
    yield Target(
        f"5d-{mode}", f"heartbeats of 10,000 over bare connections', {where}",
        _over(mode, 10_000, "idle_cpu_percent", FLOOR), 1.5, 1.2,
    )  # fmt: skip


def _recovered(key: str) -> Figure:
    return lambda found: float(found["recover"][key])


def _held(mode: str, sessions: int, key: str = "kb_per_session") -> Figure:
    return lambda found: float(found[mode]["sessions"][str(sessions)][OURS][key])


def _over(mode: str, sessions: int, key: str, rival: str) -> Figure:
    def figure(found: Json) -> float:
        held = found[mode]["sessions"][str(sessions)]
        return float(held[OURS][key] / held[rival][key])

    return figure


def _grown(mode: str, key: str, many: int, few: int) -> Figure:
    return lambda found: _held(mode, many, key)(found) / _held(mode, few, key)(found)


def _faster(mode: str, rival: str) -> Figure:
    def figure(found: Json) -> float:
        results = found[mode]["throughput"]["100"]
        return float(results[OURS]["per_s"] / results[rival]["per_s"])

    return figure


def _at_rate(found: Json, mode: str, subject: str = OURS) -> Json:
    """What was measured at the rate that the targets name; nothing is as fast as it was to be."""
    result: Json = found[mode]["rate"][subject]
    if held_rate(result):
        return result
    return dict.fromkeys(result, math.inf)


def _scripts(found: Json, mode: str) -> Json:
    """The same of the script. KeyError if it was too slow for it: who queues is easily beaten."""
    result: Json = found[mode]["rate"][SCRIPT]
    if not held_rate(result):
        raise KeyError("the script did not hold the rate")
    return result


def _added(key: str) -> Figure:
    return lambda found: float(_at_rate(found, "clear")[key] - _scripts(found, "clear")[key])


def _slower(key: str) -> Figure:
    return lambda found: float(_at_rate(found, "tls")[key] / _scripts(found, "tls")[key])


def _commits(times: float, more: float) -> Figure:
    """So many T_c, and so many milliseconds."""
    return lambda found: times * float(found["disk"]["T_c_ms"]) + more
