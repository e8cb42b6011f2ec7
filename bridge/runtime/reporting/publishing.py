"""What is read when somebody asks for the metrics, and from whom; and how log lines are counted."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.watching.status import Status
from bridge.runtime.work import Work
from bridge.store import Store


def publish_health(status: Status) -> None:
    """Whether we are ready, and what is wrong."""
    status.metrics.watch("ready", lambda: not status.troubles)
    status.metrics.watch_each(
        "trouble", lambda: {(str(one.dependency), one.name): 1 for one in status.troubles}
    )


def publish_work(metrics: Metrics, store: Store, work: Work) -> None:
    """How much there is to do, and what it costs to write it down."""
    metrics.watch("conversations", lambda: work.worker.in_memory)
    metrics.watch("deliveries_owed", lambda: work.dispatcher.owed)
    metrics.watch("sockets_open", lambda: work.sessions.open)
    store.committed = metrics.committed


@asynccontextmanager
async def lines_counted(metrics: Metrics) -> AsyncIterator[None]:
    """Count the lines of the log, everybody's, by their level."""
    counting, root = _Counting(metrics), logging.getLogger()
    root.addHandler(counting)
    try:
        yield
    finally:
        root.removeHandler(counting)


class _Counting(logging.Handler):
    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def emit(self, record: logging.LogRecord) -> None:
        """Count it; a plug-in's own levels count as the one below."""
        self._metrics.logged(_level(record.levelno))


def _level(number: int) -> str:
    for level in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO):
        if number >= level:
            return logging.getLevelName(level).lower()
    return "debug"
