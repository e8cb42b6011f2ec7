"""What does it mean that no socket opened? Pure."""

import enum
import socket
import ssl
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from websockets.exceptions import InvalidMessage
from websockets.http11 import Response

from bridge.errors import BridgeError
from bridge.polyai.answers import Answer, not_connected


class Refusal(enum.StrEnum):
    """Why a handshake was refused, by what it means for the session."""

    SESSION_GONE = "session_gone"  #: unknown, expired or not this token's: needs a new session
    BUSY = "busy"  #: too many sockets or too fast: same session, later
    BAD_CURSOR = "bad_cursor"  #: no form of the cursor is taken
    BROKEN = "broken"  #: our request is wrong: repeating it is no use
    AWAY = "away"  #: server trouble: same session, later


class HandshakeRefused(BridgeError):
    """PolyAI answered, and opened no socket. `text` is its reason, without our secrets.

    `after` is how long it asks us to wait, None where it does not say.
    """

    def __init__(
        self,
        *,
        status: int,
        text: str,
        kind: Refusal,
        after: timedelta | None,
        correlation_id: str,
    ) -> None:
        named = f", correlation id {correlation_id}" if correlation_id else ""
        reason = text or "no reason given"
        super().__init__(f"PolyAI opens no socket: {reason} [HTTP {status}{named}]")
        self.status = status
        self.text = text
        self.kind = kind
        self.after = after
        self.correlation_id = correlation_id


def refused(response: Response, secrets: tuple[str, ...], now: datetime) -> HandshakeRefused:
    """What an answer other than a socket means."""
    # By lower-cased name, one of each: the library's own headers raise where one comes twice.
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    answer = Answer(response.status_code, headers, bytes(response.body or b""), secrets)
    text = answer.text
    return HandshakeRefused(
        status=answer.status,
        text=text,
        kind=kind_of(answer, text),
        after=answer.retry_after(now),
        correlation_id=answer.correlation_id,
    )


def kind_of(answer: Answer, text: str) -> Refusal:
    """By status; the text only tells a bad cursor from other bad requests."""
    if answer.status in (401, 403, 404, 410):
        return Refusal.SESSION_GONE
    if answer.status == 429:
        return Refusal.BUSY
    if answer.status == 400 and "cursor" in text.lower():
        return Refusal.BAD_CURSOR
    # A good answer that is no socket is some proxy's.
    return Refusal.AWAY if answer.passing or answer.good else Refusal.BROKEN


def unopened(error: Exception, address: str, patience: float) -> str:
    """Why a handshake had no answer, in plain words. Of the address only host and port are told."""
    where = urlsplit(address)
    place = f"{where.hostname}:{where.port}" if where.port else f"{where.hostname}"
    match error:
        case TimeoutError():
            return f"{place} did not answer within {patience:.0f} s"
        case socket.gaierror():
            return f"the name {where.hostname} is not known"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {place} is not trusted"
        case ssl.SSLError():
            return f"{place} speaks no TLS that we do"
        case ConnectionResetError() | BrokenPipeError():
            return "the connection broke before the answer came"
        case OSError():
            return f"{place} {not_connected(error)}"
        case InvalidMessage(__cause__=EOFError() | OSError()):
            return "the connection broke before the answer came"
        case _:
            return f"the answer of {place} is no WebSocket handshake"
