"""What does one of PolyAI's HTTP answers say? Pure; nothing here raises.

The same texts and headers answer the REST calls and a refused WebSocket handshake.
"""

import errno
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import msgspec

from bridge.polyai.fields import as_object, as_text

CORRELATION_HEADER: Final = "X-Polyai-Correlation-Id"

_TRY_LATER = frozenset({408, 425, 429})
_LONGEST_WAIT: Final = 30.0  # seconds
_MAX_TEXT: Final = 1024  # characters of an error's text that are quoted


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one call, for good or ill. `headers` ignore case, or are lower-cased.

    `secrets` are texts of the request that are never quoted: some servers echo what they refuse.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    sent_correlation_id: str = ""

    @property
    def good(self) -> bool:
        """Whether the call was granted."""
        return 200 <= self.status < 300

    @property
    def passing(self) -> bool:
        """Whether the same call may be granted later."""
        return self.status in _TRY_LATER or self.status >= 500

    @property
    def json(self) -> object:
        """The body as JSON, None where it is none."""
        return read_json(self.body)

    @property
    def text(self) -> str:
        """What went wrong, in PolyAI's words, on one line and cut short.

        Three shapes are known: `{"error": {"message"}}`, `{"error_message"}` and `{"message"}` or
        `{"error"}`; without a message its code will do; anything else is quoted as it is.
        """
        said = as_object(self.json)
        nested = as_object(said.get("error"))
        text = as_text(
            nested.get("message"),
            said.get("error_message"),
            said.get("message"),
            said.get("error"),
            nested.get("code"),
            said.get("error_code"),
        )
        line = " ".join((text or self.body.decode("utf-8", "replace")).split())
        return without(line, self.secrets)[:_MAX_TEXT]

    @property
    def correlation_id(self) -> str:
        """The id PolyAI's support asks for: its own where it gave one."""
        said = as_object(self.json)
        nested = as_object(said.get("error"))
        return as_text(
            self._header(CORRELATION_HEADER),
            nested.get("correlation_id"),
            said.get("error_id"),
            self.sent_correlation_id,
        )

    def retry_after(self, now: datetime) -> timedelta | None:
        """How long it asks us to wait, at most 30 s; None where it does not say.

        `Retry-After` holds seconds, fractions too, or a date.
        """
        value = self._header("Retry-After")
        try:
            seconds = float(value)
        except ValueError:
            seconds = _seconds_until(value, now)
        if not math.isfinite(seconds):
            return None
        return timedelta(seconds=min(max(seconds, 0.0), _LONGEST_WAIT))

    def _header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret taken out."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return text


def unanswered(error: Exception) -> str:
    """Why a call brought no answer, in plain words: the host, the port and the cause."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} is not known"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {error.host}:{error.port} is not trusted"
        case aiohttp.ClientSSLError():
            return f"{error.host}:{error.port} speaks no TLS that we do"
        case aiohttp.ClientConnectorError():
            return f"{error.host}:{error.port} {not_connected(error.os_error)}"
        case aiohttp.ServerDisconnectedError() | ConnectionError() | aiohttp.ClientOSError():
            return "the connection broke before the answer came"
        case _:
            return "the answer is not HTTP, or was cut off"


def not_connected(error: OSError) -> str:
    """What became of an attempt to connect, after the name of the place."""
    if isinstance(error, ConnectionRefusedError) or error.errno == errno.ECONNREFUSED:
        return "refuses the connection"
    cause = f": {os.strerror(error.errno).lower()}" if error.errno and error.errno > 0 else ""
    return f"cannot be reached{cause}"


def read_json(body: bytes) -> object:
    """The JSON value, None where it is none."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None


def _seconds_until(date: str, now: datetime) -> float:
    try:
        return (parsedate_to_datetime(date) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return math.nan
