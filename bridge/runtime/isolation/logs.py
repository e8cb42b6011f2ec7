"""What becomes of the log lines of an adapter's process? The daemon writes them, as its own.

Best effort: a line that finds too much waiting is left out. Exceptions cross by their kind and
place alone, and secrets are masked here, where the plug-in's own are known, and by the daemon.
"""

import logging
from typing import Final

from bridge import log
from bridge.model.ids import AdapterName
from bridge.runtime.isolation.line import Line
from bridge.runtime.isolation.verbs import LOG

#: The longest event or field, in code points, and the most fields.
_LONGEST: Final = 2_000
_MOST: Final = 20
#: What every record has: fields are what it has besides.
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


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
        told = {
            name: log.redact(str(value)[:_LONGEST]) for name, value in list(fields.items())[:_MOST]
        }
        try:
            event = log.redact(record.getMessage()[:_LONGEST])
            self._line.say(LOG, record.name, record.levelno, event, told)
        # A line that cannot be written or sent is no reason to fail what it tells of.
        except Exception:
            self.handleError(record)


def forward(line: Line, level: int) -> None:
    """Send what is logged here to the daemon: ours from `level` up, others' from warning up."""
    root = logging.getLogger()
    root.handlers[:] = [_Forwarding(line)]
    root.setLevel(max(logging.WARNING, level))
    logging.getLogger(log.OURS).setLevel(level)


def heard(adapter: AdapterName, logger: str, level: int, event: str, told: dict[str, str]) -> None:
    """Write a line that came from the process of `adapter`."""
    fields = {name: text for name, text in told.items() if name not in _USUAL}
    logging.getLogger(logger).log(level, "%s", event, extra={**fields, "adapter": adapter})
