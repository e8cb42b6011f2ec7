"""What becomes of the log lines of an adapter's process? The daemon writes them, as its own.

Best effort: a line that finds too much waiting is left out. Exceptions cross by their kind and
place alone, and secrets are masked here, where the plug-in's own are known, and by the daemon. The
daemon believes nothing of it: neither how long a line is, nor how many there are, nor who logs.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from bridge import log
from bridge.clock import Clock
from bridge.core.rates import Rate, free_in, taken
from bridge.model.ids import AdapterName
from bridge.runtime.isolation.line import Line
from bridge.runtime.isolation.verbs import LOG

_log = log.get("supervisor")

#: The longest event or field, and the longest name, in code points, and the most fields.
_LONGEST: Final = 2_000
_LONGEST_NAME: Final = 100
_MOST: Final = 20
#: How many lines are written, and of how many loggers.
_RATE: Final = Rate(count=200, per=timedelta(seconds=10))
_LOGGERS: Final = 100
#: What every record has: fields are what it has besides.
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
#: What our own lines have; an adapter has no say in it.
_OURS: Final = {"event", "level", "logger", "timestamp", "exception", "stack", "positional_args"}


class _Forwarding(logging.Handler):
    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """Send it, if there is room."""
        if self._line.clogged:
            return
        fields = {name: value for name, value in vars(record).items() if name not in _USUAL}
        if record.exc_info and record.exc_info[1]:
            fields["error"] = log.where(record.exc_info[1])
        try:
            told = {name: _masked(value) for name, value in list(fields.items())[:_MOST]}
            self._line.say(LOG, record.name, record.levelno, _masked(record.getMessage()), told)
        # A line that cannot be written or sent is no reason to fail what it tells of.
        except Exception:
            log.not_written(record)


def _masked(value: object) -> str:
    """Cut where no secret is cut that was not masked: part of one is no secret we know."""
    return log.redact(str(value)[: 2 * _LONGEST])[:_LONGEST]


def forward(line: Line, levels: Mapping[str, int]) -> None:
    """Send what is logged here to the daemon: ours from their levels up, others' from warning."""
    handler = _Forwarding(line)
    handler.addFilter(log.loudness)  # what a plug-in declared is known here alone
    logging.getLogger().handlers[:] = [handler]
    log.loudness.follow(levels)


class Heard:
    """The lines that come from the process of one adapter, written as far as they are bearable."""

    def __init__(self, adapter: AdapterName, clock: Clock) -> None:
        self._adapter = adapter
        self._clock = clock
        self._full_at: datetime | None = None
        self._left_out = 0
        self._loggers: set[str] = set()

    def hear(self, logger: str, level: int, event: str, told: dict[str, str]) -> None:
        """Write one, unless there are too many."""
        now = self._clock.now()
        if free_in(self._full_at, _RATE, now):
            self._left_out += 1
            return
        self._full_at = taken(self._full_at, _RATE, now)
        if self._left_out:
            _log.warning("adapter.log_left_out", adapter=self._adapter, lines=self._left_out)
            self._left_out = 0
        fields = {name: text[:_LONGEST] for name, text in list(told.items())[:_MOST] if _own(name)}
        level = min(max(level, logging.DEBUG), logging.CRITICAL)
        extra = {**fields, "adapter": self._adapter}
        logging.getLogger(self._known(logger)).log(level, "%s", event[:_LONGEST], extra=extra)

    def _known(self, logger: str) -> str:
        """Python keeps every logger for ever."""
        if logger not in self._loggers:
            if len(self._loggers) == _LOGGERS or len(logger) > _LONGEST_NAME:
                return f"{log.OURS}.{self._adapter}"
            self._loggers.add(logger)
        return logger


def _own(name: str) -> bool:
    """Whether it is a field of the adapter's own, and none of ours."""
    usual = name in _USUAL or name in _OURS or name.startswith("_")
    return name.isidentifier() and len(name) <= _LONGEST_NAME and not usual
