"""Who is heard from which level up, and how often? As configured, until somebody asks otherwise."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from bridge.clock import elapsed
from bridge.log.lines import OURS, as_it_reads, concerning
from bridge.log.outages import REPEATS, Outages
from bridge.log.sampling import Sampler, Sampling

_USUAL: Final = frozenset(vars(logging.makeLogRecord({})))
#: So many loggers may have a level of their own.
MOST: Final = 50

Follower = Callable[[dict[str, int]], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """A level that somebody asked for; `until` is an instant of `elapsed`, None for good."""

    level: int
    until: float | None = None


class Loudness(logging.Filter):
    """The levels of our loggers; as the filter of the handler also which lines are written."""

    def __init__(self, now: Callable[[], float] = elapsed) -> None:
        """`now` counts seconds."""
        super().__init__()
        self._now = now
        self._configured = logging.INFO
        self._wishes: dict[str, Wish] = {}
        self._followers: list[Follower] = []
        self._sampling = Sampling()
        self._sampled_until: float | None = None
        self._sampler, self._outages = Sampler(), Outages()
        self._telling = False  #: of what was left out, which is told in any case

    def configure(self, level: int, sampling: Sampling) -> None:
        """What holds unless somebody asks otherwise; whatever anybody asked for is over."""
        for name in self._wishes:
            logging.getLogger(name).setLevel(logging.NOTSET)
        self._configured, self._sampling = level, sampling
        self._wishes, self._sampled_until = {}, None
        self._sampler, self._outages = Sampler(), Outages()
        self._sampler.rule = sampling
        self._apply()

    def ask(self, logger: str, level: int | None, seconds: float | None = None) -> None:
        """From now on, or for so many seconds, this logger and those below it; None: as before.

        Raises:
            ValueError: it is none of ours, or too many have levels of their own.
        """
        if logger != OURS and not logger.startswith(f"{OURS}."):
            raise ValueError(f"{logger[:100]!r} is none of our loggers")
        if level is None:
            self._take_back(logger)
        elif logger not in self._wishes and len(self._wishes) >= MOST:
            raise ValueError(f"{MOST} loggers have levels of their own already")
        else:
            self._wishes[logger] = Wish(level, None if seconds is None else self._now() + seconds)
        self._apply()

    def sample(self, sampling: Sampling | None, seconds: float | None = None) -> None:
        """From now on, or for so many seconds, leave out so much; None: as configured."""
        self._sampler.rule = sampling or self._sampling
        self._sampled_until = None if seconds is None else self._now() + seconds

    @property
    def levels(self) -> dict[str, int]:
        """From which level up each logger is heard that has a level of its own."""
        return {OURS: self._configured} | {name: wish.level for name, wish in self._wishes.items()}

    @property
    def sampling(self) -> Sampling:
        """What is left out."""
        return self._sampler.rule

    def left(self) -> dict[str, float | None]:
        """For how many seconds more what was asked for holds, by logger."""
        now = self._now()
        return {
            name: None if wish.until is None else max(0.0, wish.until - now)
            for name, wish in self._wishes.items()
        }

    @contextmanager
    def followed(self, follower: Follower) -> Iterator[None]:
        """Tell `follower` the levels, now and whenever they change."""
        follower(self.levels)
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)

    def follow(self, levels: Mapping[str, int]) -> None:
        """In an adapter's process: be as loud as the daemon."""
        for name in self._wishes.keys() - levels.keys():
            logging.getLogger(name).setLevel(logging.NOTSET)
        self._wishes = {name: Wish(level) for name, level in levels.items()}
        self._apply()

    def tend(self) -> None:
        """Every second or so: end what is over, tell what was left out."""
        now = self._now()
        over = [n for n, w in self._wishes.items() if w.until is not None and now >= w.until]
        for name in over:
            self._take_back(name)
        if over:
            self._apply()
        if self._sampled_until is not None and now >= self._sampled_until:
            self.sample(None)
        self._tell(now)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written; the end of an outage gains how long it lasted."""
        ours = record.name == OURS or record.name.startswith(f"{OURS}.")
        if not ours and record.levelno < self._foreign:
            return False
        if self._telling:
            return True
        event, fields = _read(record)
        now = self._now()
        verdict = None
        if event not in REPEATS or self._sampler.rule.burst is not None:
            verdict = self._outages.judge(event, fields, record, now)
        if verdict is None:
            return self._sampler.lets(event, now)
        _add(record, verdict.added)
        return verdict.written

    @property
    def _foreign(self) -> int:
        ours = self._wishes.get(OURS)
        return max(logging.WARNING, ours.level if ours else self._configured)

    def _take_back(self, logger: str) -> None:
        if self._wishes.pop(logger, None) is not None:
            logging.getLogger(logger).setLevel(logging.NOTSET)

    def _apply(self) -> None:
        for name, level in self.levels.items():
            logger = logging.getLogger(name)
            if logger.level != level:  # to set it, every logger there is is asked
                logger.setLevel(level)
        root = logging.getLogger()
        if root.level != self._foreign:
            root.setLevel(self._foreign)
        for follower in self._followers:
            follower(self.levels)

    def _tell(self, now: float) -> None:
        over = self._sampler.left_out(now)
        late = self._outages.due(now)
        self._telling = True
        try:
            for event, lines in over.items():
                _log.warning("log.left_out", extra={"of": event, "lines": lines})
            for record, left_out in late:
                _add(record, {"left_out": left_out})
                logging.getLogger(record.name).handle(record)
        finally:
            self._telling = False


_log = logging.getLogger(f"{OURS}.log")


def _read(record: logging.LogRecord) -> tuple[str, Mapping[str, Any]]:
    """The event and its fields; another library's event is its sentence without what it is of."""
    if isinstance(record.msg, dict):  # one of our own, on its way to the formatter
        return str(record.msg.get("event", "")), record.msg
    if record.msg == "%s" and isinstance(record.args, tuple):  # from an adapter's process
        return as_it_reads(record.args[0]), vars(record)
    return as_it_reads(record.msg), {**concerning(record.name), **vars(record)}


def _add(record: logging.LogRecord, fields: Mapping[str, Any]) -> None:
    if isinstance(record.msg, dict):
        record.msg.update(fields)
    else:
        vars(record).update({n: v for n, v in fields.items() if n not in _USUAL})
