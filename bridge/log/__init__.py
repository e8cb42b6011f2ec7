"""What happened? One line per event on standard error: a dotted name, its fields, no secrets.

    text   2025-03-01T09:30:00.123456Z info     session.opened conversation=7 agent=default
    json   {"timestamp": "2025-…Z", "level": "info", "event": "session.opened", …}

Every finished line passes `redact`, exception text and other people's libraries included. Never
log what people say: nothing here could recognise it.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor

#: The family of our own loggers, an adapter's included. Everybody else is heard from warning up, at
#: any level: libraries speak of bodies and addresses below that.
OURS = "polyai_bridge"
_MASK = "[secret]"
#: What secrets look like, wherever they stand; group 1 is kept, a mask too.
_SECRETS = (
    re.compile(r"\b(xox[a-z]{1,2}-|xapp-|xwfp-)[\w.%-]+", re.ASCII),
    re.compile(r"()\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)*", re.ASCII),
    re.compile(
        r"((?:token|ticket)(?:=|%3D|\\?[\"']:\s*\\?[\"']))(?!\[secret)[^&\s\"'<>)\]}\\,]+", re.I
    ),
    re.compile(r"(\bBearer(?:\s|%20)+)(?!\[secret)[^\s\"'\\,)\]}]+", re.I),
    re.compile(
        r"(\bX-(?:Token|Api-Key)\b[\\\"']*\s*[:=,]\s*[\\\"']*)(?!\[secret)[^\s\"'\\,)\]}]+", re.I
    ),
)
#: Secrets that look like nothing in particular, the longest first; shorter ones would tear words.
_known: list[str] = []
_SHORTEST = 6
_PLAIN = re.compile(r"[^\s\"'=\\]+")


#: What every event gains on its way, whichever logger it came from.
_GAINED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `log.info("session.opened", agent=…)`."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(f"{OURS}.{name}"),
        processors=[
            structlog.stdlib.filter_by_level,
            *_GAINED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return logger


def configure(level: str, layout: str) -> None:
    """Send everything from `level` up to standard error, as `text` or `json` lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level.upper())  # some libraries' loggers have levels of their own
    handler.setFormatter(
        _Redacting(
            # Plain records may carry fields too: adapters log through the standard library.
            foreign_pre_chain=(structlog.stdlib.ExtraAdder(), *_GAINED),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _as_json if layout == "json" else _as_text,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    ours = logging.getLogger(OURS)
    ours.setLevel(level.upper())
    root.setLevel(max(logging.WARNING, ours.level))


def where(error: BaseException) -> str:
    """A surprise by its kind and place: its own words may hold what people said."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} at {Path(code.co_filename).name}:{trace.tb_lineno}"


def know(secrets: Iterable[str]) -> None:
    """Mask these wherever they would be printed, whatever they look like; for good."""
    told = [one for one in secrets if len(one) >= _SHORTEST]
    ways = {way for one in told for way in (one, quote(one, safe=""), json.dumps(one)[1:-1])}
    _known[:] = sorted({*_known, *ways}, key=len, reverse=True)


def forget() -> None:
    """Nothing is known any more; for tests, which share a process."""
    _known.clear()


def redact(text: str) -> str:
    """`text` with everything in it masked that is known to be a secret, or looks like one."""
    for secret in _known:
        text = text.replace(secret, _MASK)
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{_MASK}", text)
    return text


class _Redacting(structlog.stdlib.ProcessorFormatter):
    """Masks secrets in the finished line: whatever way they came in, this is the way out."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _as_json(_logger: object, _method: str, event: EventDict) -> str:
    first = {name: event.pop(name, "") for name in ("timestamp", "level", "logger", "event")}
    return json.dumps({**first, **event}, default=str, ensure_ascii=False)


def _as_text(_logger: object, _method: str, event: EventDict) -> str:
    head = f"{event.pop('timestamp', '')} {event.pop('level', ''):<8} {_said(event.pop('event'))}"
    event.pop("logger", None)
    below = [str(event.pop(name)) for name in ("exception", "stack") if event.get(name)]
    fields = [f"{name}={_shown(value)}" for name, value in event.items()]
    return "\n".join([" ".join([head, *fields]), *below])


def _said(event: object) -> str:
    """The event's name; another library's sentence stays on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(event)).split())


def _shown(value: object) -> str:
    """A field's value: bare if that is unambiguous, quoted otherwise; never a line break."""
    text = str(value)
    if text.isprintable() and _PLAIN.fullmatch(text):
        return text
    # Some characters that cannot be seen end a line too, or turn its direction: they are escaped.
    return json.dumps(text, ensure_ascii=not text.isprintable())
