"""What did the bridge log? Every event with its virtual time, for assertions and for failures."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

#: The family of the bridge's own loggers.
_OURS = "polyai_bridge"
_NOT_FIELDS = ("event", "level", "logger", "timestamp")


@dataclass(frozen=True, slots=True)
class Logged:
    """One event: its virtual second, level, dotted name and fields."""

    at: float
    level: str
    event: str
    fields: dict[str, Any]

    def __str__(self) -> str:
        fields = " ".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{self.at:10.3f}  {self.level:<8} {self.event} {fields}"


class HeardLog(logging.Handler):
    """Listens to the bridge's loggers."""

    def __init__(self, time: Callable[[], float]) -> None:
        super().__init__(logging.DEBUG)
        self._time = time
        self.all: list[Logged] = []

    def emit(self, record: logging.LogRecord) -> None:
        said: object = record.msg
        fields = dict(said) if isinstance(said, dict) else {"event": record.getMessage()}
        event = str(fields["event"])
        told = {name: value for name, value in fields.items() if name not in _NOT_FIELDS}
        self.all.append(Logged(self._time(), record.levelname.lower(), event, told))

    def of(self, event: str) -> list[Logged]:
        """Every occurrence of one event, in order."""
        return [logged for logged in self.all if logged.event == event]

    def at_level(self, level: str) -> list[str]:
        """The names of the events of one level, in order."""
        return [logged.event for logged in self.all if logged.level == level]

    def tail(self, lines: int = 40) -> str:
        """The last events, one a line."""
        return "\n".join(str(logged) for logged in self.all[-lines:]) or "(nothing was logged)"


@contextmanager
def hearing(time: Callable[[], float]) -> Iterator[HeardLog]:
    """Listen as long as the block lasts."""
    logger, heard = logging.getLogger(_OURS), HeardLog(time)
    before = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.setLevel(before)
