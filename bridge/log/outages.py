"""Is that an outage which begins or ends? Each is said once, at its end with how long it lasted.

Pure: instants are seconds, passed in. Of a dependency that comes and goes six lines in ten minutes
are written, and the last one once it has stood still for a minute, with how many were left out.
What an outage brings about again and again is written once, and its last one when it is over.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Pair:
    """The events that begin and end one kind of outage."""

    begins: str
    ends: str
    by: tuple[str, ...] = ()  #: the fields that tell one from another


PAIRS: Final = [
    Pair("adapter.disconnected", "adapter.connected", ("adapter",)),
    Pair("adapter.refused", "adapter.accepted", ("adapter",)),
    Pair("agent.unavailable", "agent.available", ("agent",)),
    Pair("socket.unreachable", "socket.reachable", ("agent",)),
    Pair("database.failing", "database.working"),
    Pair("progress.stuck", "progress.moving", ("loop",)),
    Pair("health.trouble", "health.mended", ("dependency", "name")),
    Pair("alerts.failing", "alerts.working"),
    Pair("telemetry.failing", "telemetry.working"),
]
_KINDS: Final = {name: pair for pair in PAIRS for name in (pair.begins, pair.ends)}

#: What happens over and over while something is away, with the fields that tell one from another.
REPEATS: Final[dict[str, tuple[str, ...]]] = {
    "adapter.log_left_out": ("adapter",),
    "alerts.not_told": ("way",),
    "delivery.retry": ("adapter",),
    "dispatcher.database_failed": (),
    "frame.malformed": ("conversation",),
    "intake.left_out": ("adapter",),
    "listener.handler_failed": ("adapter",),
    "session.not_opened": ("agent",),
    "sessions.surprise": ("error",),
    "socket.no_history": ("agent",),
    "socket.refused": ("agent",),
    "socket.silent": ("agent",),
    "socket.unavailable": ("agent",),
    "worker.database_failed": (),
}


def declare(pair: Pair) -> None:
    """An adapter has such outages too."""
    if pair.begins not in _KINDS:
        PAIRS.append(pair)
        _KINDS.update({pair.begins: pair, pair.ends: pair})


def declare_repeated(event: str, by: tuple[str, ...]) -> None:
    """An adapter's event is repeated like that."""
    REPEATS.setdefault(event, by)


#: So many lines of one outage in so many seconds; and how long it stands still before more.
MOST: Final = 6
WITHIN: Final = 600.0
CALM: Final = 60.0
#: What is repeated is over when it did not come for so long: it is tried at least every minute.
OVER: Final = 150.0
#: And is written once more after so long, if it goes on.
AGAIN: Final = 3_600.0
#: How many different ones are told apart; more are not held back.
_DIFFERENT: Final = 1_000

Key = tuple[str, ...]


@dataclass(slots=True)
class _Outage:
    most: int
    within: float
    calm: float
    since: float | None = None  #: None: it is over
    told: deque[float] = field(default_factory=deque)  #: when, `within` the last while
    left_out: int = 0
    last: Any = None  #: the newest line that was left out
    changed: float = 0.0

    def past(self, now: float) -> bool:
        """Whether it is over, and so long that nothing depends on it any more."""
        long = self.within if self.most > 1 else self.calm
        return self.since is None and not self.left_out and now - self.changed >= long


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the line is written, and what is added to it."""

    written: bool
    added: Mapping[str, float | int]


class Outages:
    """What is away now, as the lines of the log have told."""

    def __init__(self) -> None:
        self._outages: dict[Key, _Outage] = {}

    def judge(
        self, event: str, fields: Mapping[str, Any], line: object, now: float
    ) -> Verdict | None:
        """What becomes of a line; None: it is of no outage. `line` is given back if told later."""
        pair, by = _KINDS.get(event), REPEATS.get(event)
        if pair is None and by is None:
            return None
        names = pair.by if pair else by or ()
        key = (pair.begins if pair else event, *(str(fields.get(name, "")) for name in names))
        if key not in self._outages and not self._room(now):
            return None
        new = _Outage(MOST, WITHIN, CALM) if pair else _Outage(1, AGAIN, OVER)
        outage = self._outages.setdefault(key, new)
        added = _turned(outage, now, begins=event == pair.begins) if pair else {}
        return self._damped(outage, line, now, added)

    def _room(self, now: float) -> bool:
        """Whether one more can be told apart, if need be once those that are over are forgotten."""
        if len(self._outages) >= _DIFFERENT:
            self._outages = {key: one for key, one in self._outages.items() if not one.past(now)}
        return len(self._outages) < _DIFFERENT

    def _damped(
        self, outage: _Outage, line: object, now: float, added: dict[str, float | int]
    ) -> Verdict:
        while outage.told and now - outage.told[0] >= outage.within:
            outage.told.popleft()
        if outage.most == 1 and not outage.left_out and now - outage.changed >= outage.calm:
            outage.told.clear()
        outage.changed = now
        if len(outage.told) >= outage.most:
            outage.left_out += 1
            outage.last = line
            return Verdict(written=False, added=added)
        outage.told.append(now)
        if outage.left_out:
            added["left_out"] = outage.left_out
            outage.left_out, outage.last = 0, None
        return Verdict(written=True, added=added)

    def due(self, now: float) -> list[tuple[Any, int]]:
        """Lines to be written now after all, and how many before each were left out."""
        found = []
        for outage in self._outages.values():
            if outage.left_out and now - outage.changed >= outage.calm:
                found.append((outage.last, outage.left_out - 1))
                if outage.most > 1:
                    outage.told.append(now)
                else:
                    outage.told.clear()
                outage.left_out, outage.last = 0, None
        return found


def _turned(outage: _Outage, now: float, *, begins: bool) -> dict[str, float | int]:
    """Note that it begins or ends; at the end, how long it lasted."""
    if begins:
        outage.since = now if outage.since is None else outage.since
        return {}
    since, outage.since = outage.since, None
    return {} if since is None else {"lasted": round(now - since, 1)}
