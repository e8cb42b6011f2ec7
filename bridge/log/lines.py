"""How does a line look? As text for people or JSON for programs, and as the journal likes it.

Every finished line passes `redact`, exceptions and other people's libraries included. An exception
is told by its kinds and places: its own words may hold what people said.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor

from bridge.errors import BridgeError
from bridge.log.redaction import redact

#: The family of our own loggers, an adapter's included. Everybody else is heard from warning up, at
#: any level: libraries speak of bodies and addresses below that.
OURS: Final = "polyai_bridge"
_PLAIN: Final = re.compile(r"[^\s\"'=\\]+")
#: The priorities of sd-daemon(3), by the level from which up they hold.
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (20, 6))
_DEBUG: Final = 7
_log = logging.getLogger(f"{OURS}.log")


def where(error: BaseException) -> str:
    """A surprise by its kind and place: its own words may hold what people said."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} at {Path(code.co_filename).name}:{trace.tb_lineno}"


def _exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The exception of an event: where it came by, and of which kind it is."""
    told = event.pop("exc_info", None)
    if told is True:
        told = sys.exc_info()
    error = told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        event["exception"] = _traced(error)
    return event


def _traced(error: BaseException) -> str:
    """Like Python's own traceback, without anybody's words but ours."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    above = [_traced(before), "", "from which came:", ""] if before is not None else []
    frames = [
        f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    kind = type(error).__qualname__
    ours = isinstance(error, BridgeError) and type(error).__module__ == BridgeError.__module__
    words = f": {_said(error)}" if ours else ""
    return "\n".join([*above, "Traceback (most recent call last):", *frames, kind + words])


def _own_names(_logger: object, _method: str, event: EventDict) -> EventDict:
    """What stands on lines of its own is a traceback of ours: an adapter's field is none."""
    for name in ("exception", "stack"):
        if name in event:
            event[f"{name}_"] = event.pop(name)
    return event


def _without_objects(_logger: object, _method: str, event: EventDict) -> EventDict:
    """asyncio shows tasks and callbacks with what they were given, which may be anything."""
    if event.get("logger") == "asyncio":
        event["event"] = re.split(r"[<(\n]", str(event["event"]), maxsplit=1)[0].strip(" :")
    return event


#: Whom the lines of an adapter concern that says so itself in none of them.
_about: ContextVar[Mapping[str, str]] = ContextVar("about")


def about(**fields: str) -> None:
    """From here on, in this task and those it starts, an adapter's lines concern this."""
    _about.set(fields)


def concerning(name: str) -> Mapping[str, str]:
    """What lines of this logger concern, if it is an adapter's."""
    return _about.get({}) if name.startswith(f"{OURS}.") else {}


def _with_concerned(_logger: object, _method: str, event: EventDict) -> EventDict:
    for name, value in concerning(str(event.get("logger", ""))).items():
        event.setdefault(name, value)
    return event


#: What every event gains on its way, whichever logger it came from.
GAINED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    _exception,
)


def formatter(layout: str, *, journal: bool) -> logging.Formatter:
    """`text` or `json` lines; for the journal each begins with its priority."""
    as_text = _as_undated_text if journal else _as_text
    made = _Redacting(
        # Plain records may carry fields too: adapters log through the standard library.
        foreign_pre_chain=(
            structlog.stdlib.ExtraAdder(),
            _own_names,
            *GAINED,
            _with_concerned,
            _without_objects,
        ),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _as_json if layout == "json" else as_text,
        ],
    )
    made.journal = journal
    return made


class Writing(logging.StreamHandler[TextIO]):
    """Writes lines; one that cannot be made is told by its place."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Python itself would print its words, past every mask."""
        not_written(record)


def not_written(record: logging.LogRecord) -> None:
    """Say so of a line, while handling why; a handler calls it where its `emit` failed."""
    error = sys.exc_info()[1]
    if record.name != _log.name and not isinstance(error, OSError):  # else this would not be either
        at = f"{Path(record.pathname).name}:{record.lineno}"
        why = type(error).__name__
        _log.error("log.not_written", extra={"of": record.name, "at": at, "error": why})


def to_journal(stream: TextIO) -> bool:
    """Whether `stream` is a socket of systemd's journal (systemd.exec(5), $JOURNAL_STREAM)."""
    told = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # it is closed, or no file at all
        return False
    return told == f"{status.st_dev}:{status.st_ino}"


class _Redacting(structlog.stdlib.ProcessorFormatter):
    """Masks secrets in the finished line: whatever way they came in, this is the way out."""

    journal = False

    def format(self, record: logging.LogRecord) -> str:
        line = redact(super().format(record))
        if not self.journal:
            return line
        # The journal takes each line for an entry of its own.
        return "\n".join(f"<{_priority(record.levelno)}>{each}" for each in line.split("\n"))


def _priority(level: int) -> int:
    return next((number for least, number in _PRIORITIES if level >= least), _DEBUG)


def _as_json(_logger: object, _method: str, event: EventDict) -> str:
    first = {name: event.pop(name, "") for name in ("timestamp", "level", "logger", "event")}
    whole = {**first, **event}
    try:
        line = json.dumps(whole, default=as_it_reads, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # a key or a number that JSON has not, a circle
        line = json.dumps({n: as_it_reads(v) for n, v in whole.items()}, ensure_ascii=False)
    if line.isprintable():
        return line
    # What is left, within JSON's texts, a terminal would obey, or turn the line's direction by.
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def as_it_reads(value: object) -> str:
    """Its words; of what has none, which kind of thing it is."""
    try:
        return str(value)
    except Exception as error:  # a line is written, whatever somebody put into it
        return f"({type(value).__name__} that cannot be shown: {type(error).__name__})"


def _as_text(_logger: object, _method: str, event: EventDict) -> str:
    return f"{event.pop('timestamp', '')} {_as_undated_text(_logger, _method, event)}"


def _as_undated_text(_logger: object, _method: str, event: EventDict) -> str:
    """The journal has a date for each entry already."""
    head = f"{event.pop('level', ''):<8} {_said(event.pop('event'))}"
    event.pop("timestamp", None)
    event.pop("logger", None)
    below = [str(event.pop(name)) for name in ("exception", "stack") if event.get(name)]
    fields = [f"{name}={_shown(value)}" for name, value in event.items()]
    return "\n".join([" ".join([head, *fields]), *below])


def _said(event: object) -> str:
    """The event's name; another library's sentence stays on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(event)).split())


def _shown(value: object) -> str:
    """A field's value: bare if that is unambiguous, quoted otherwise; never a line break."""
    text = as_it_reads(value)
    if text.isprintable() and _PLAIN.fullmatch(text):
        return text
    # Some characters that cannot be seen end a line too, or turn its direction: they are escaped.
    return json.dumps(text, ensure_ascii=not text.isprintable())
