"""What happened? One line per event on standard error: a dotted name, its fields, no secrets.

    text   2025-03-01T09:30:00.123456Z info     session.opened conversation=7 agent=default
    json   {"timestamp": "2025-…Z", "level": "info", "event": "session.opened", …}

Never log what people say: nothing here could recognise it. `redaction` says what is masked, `lines`
how a line looks, `outages` and `sampling` which ones are left out, `loudness` who is heard from
which level up, and `surfacing` what becomes of troubles that nobody logs.
"""

import logging
import sys

import structlog

from bridge.log.lines import GAINED, OURS, Writing, about, formatter, not_written, to_journal, where
from bridge.log.loudness import Loudness
from bridge.log.redaction import forget, know, learn, redact
from bridge.log.sampling import Sampling
from bridge.log.surfacing import surface, surface_tasks

__all__ = [
    "OURS",
    "Sampling",
    "about",
    "configure",
    "forget",
    "get",
    "know",
    "learn",
    "loudness",
    "not_written",
    "redact",
    "surface",
    "surface_tasks",
    "where",
]

#: What is heard in this process.
loudness = Loudness()


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `log.info("session.opened", agent=…)`."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(f"{OURS}.{name}"),
        processors=[
            structlog.stdlib.filter_by_level,
            *GAINED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return logger


def configure(level: str, layout: str, sampling: Sampling | None = None) -> None:
    """Send everything from `level` up to standard error, as `text` or `json` lines.

    Where that is the journal, each line says its priority, and text no instant.
    """
    handler = Writing(sys.stderr)
    handler.addFilter(loudness)
    handler.setFormatter(formatter(layout, journal=to_journal(sys.stderr)))
    logging.getLogger().handlers[:] = [handler]
    loudness.configure(logging.getLevelNamesMapping()[level.upper()], sampling or Sampling())
