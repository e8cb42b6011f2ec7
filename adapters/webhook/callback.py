"""What became of a callback? One signed POST to the operator's own address, and its answer judged.

Nothing in a message says where it goes. A redirect is not followed: it would carry words and
signature to wherever it points. The runtime owns retries, so each is made once.
"""

import email.utils
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
import msgspec

from adapters.webhook.outbound import Taken
from adapters.webhook.settings import WebhookSettings
from bridge.clock import wall_time
from bridge.errors import (
    CredentialsRefused,
    DeliveryFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.plugin.canary import Reach
from bridge.plugin.signing import signed

#: By which a system knows what comes to it twice.
IDEMPOTENCY_KEY = "Idempotency-Key"
#: How much of an answer is read; what a reference may be long, in characters.
_ANSWER_LIMIT = 64 * 1024
_REFERENCE_LIMIT = 500
#: How long it may take to get a connection at all.
_CONNECTING = timedelta(seconds=5)
#: When to try again where nobody says; and how long a pause that is asked for may be at most.
_AFTER_UNSAID = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)

_reader = msgspec.json.Decoder(Taken)


class Callbacks:
    """The way to one system."""

    def __init__(
        self,
        settings: WebhookSettings,
        http: aiohttp.ClientSession,
        wall: Callable[[], datetime] = wall_time,
    ) -> None:
        """`wall` is the clock that the system compares its own with."""
        self._settings = settings
        self._http = http
        self._wall = wall
        self.place = urlsplit(settings.callback_url).netloc  #: without a path, that may be secret
        #: Asks whether the system is there, without a word to it.
        self.reach = Reach(http, settings.callback_url, name=self.place)
        #: Told whenever it has answered.
        self.answered: Callable[[], None] = lambda: None
        limit = settings.callback_timeout
        self._timeout = aiohttp.ClientTimeout(
            total=limit.total_seconds(), connect=min(limit / 2, _CONNECTING).total_seconds()
        )

    async def post(self, body: bytes, key: str) -> str | None:
        """Tell it; the reference that the system answers with, if any.

        Raises what `Adapter.deliver` does.
        """
        if self._http.closed:
            raise Unreachable("the adapter has left")
        try:
            async with self._asked(body, key) as answer:
                now = self._wall()
                self.answered()
                if (error := judged(answer.status, answer.headers, now, self.place)) is not None:
                    raise error
                return await _reference(answer)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(f"{self.place}: {_no_way(error)}") from None
        except (aiohttp.InvalidURL, UnicodeError):  # a name that cannot even be asked for
            raise Unreachable(f"{self.place}: the name is not known") from None
        except (aiohttp.ClientError, OSError) as error:  # the time limit's too
            told = "no answer in time" if isinstance(error, TimeoutError) else "no readable answer"
            raise MaybeDelivered(f"{self.place}: {told} to a callback") from None

    def _asked(self, body: bytes, key: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        secret = self._settings.signing_secret
        headers = {
            "Content-Type": "application/json",
            IDEMPOTENCY_KEY: key,
            **signed(secret, body, self._wall()),
        }
        if not self._settings.callback_idempotent:
            # A connection that is used again may be closed at the very moment: nobody could tell
            # then whether the system had it.
            headers["Connection"] = "close"
        return self._http.post(
            self._settings.callback_url,
            data=body,
            headers=headers,
            timeout=self._timeout,
            allow_redirects=False,
        )


def judged(
    status: int, headers: Mapping[str, str], now: datetime, place: str
) -> DeliveryFailed | CredentialsRefused | None:
    """What a status means for a delivery; None if the system has it now, or had it already."""
    told = f"{place} answered a callback with {status}"
    after = headers.get("Retry-After")
    match status:
        case _ if 200 <= status < 300 or status == 409:
            return None
        case 429:
            return RetryLater(told, after=_pause(after, now) or _AFTER_UNSAID)
        case 503 if pause := _pause(after, now):
            return RetryLater(told, after=pause)
        case 401 | 403:
            return CredentialsRefused(told, remedy="give both sides the same secret and the time")
        case 410:
            return ThreadClosed(f"{told}: the thread is gone")
        case _ if 300 <= status < 400:
            return Unreachable(told, remedy="set callback_url to the address that it leads to")
        case _ if status == 408 or status >= 500:
            return MaybeDelivered(told)
    return Rejected(told)


async def _reference(answer: aiohttp.ClientResponse) -> str | None:
    """The system's name of what it took. One that breaks off here has taken it all the same."""
    content = bytearray()
    try:
        while piece := await answer.content.read(_ANSWER_LIMIT + 1 - len(content)):
            content += piece
    except (aiohttp.ClientError, OSError):
        return None
    if len(content) > _ANSWER_LIMIT:
        return None
    try:
        reference = _reader.decode(content).reference
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return reference if reference and len(reference) <= _REFERENCE_LIMIT else None


def _pause(header: str | None, now: datetime) -> timedelta | None:
    """`Retry-After` in seconds or as a date (RFC 9110, 10.2.3), within reason."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        pause = timedelta(seconds=int(text[:6]))
    else:
        try:
            moment = email.utils.parsedate_to_datetime(text)
            # Without a zone it is meant like every date of HTTP, not by the clock on our wall.
            pause = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
        except (ValueError, OverflowError):
            return None
    return min(max(pause, timedelta(seconds=1)), _LONGEST_PAUSE)


def _no_way(error: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) -> str:
    """Why there is no connection, in plain words."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return "no connection in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name is not known"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the certificate is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):
        return "it speaks no TLS that we do"
    return "the connection is refused"
