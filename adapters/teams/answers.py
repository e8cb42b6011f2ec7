"""What does an answer of Microsoft's services mean for us? One door out, one table of errors.

Statuses and codes from learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit and
/bots/how-to/conversations/send-proactive-messages, and the Bot Connector API reference. A 412, 502
or 504 is to be repeated, says Microsoft. A gateway's answer does not say what became of a post
behind it, and there is no key to repeat it by, so for a post it leaves the outcome open.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp

from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)

#: The longest wait for one answer, and for the connection before it: without one nothing was sent.
TIMEOUT = timedelta(seconds=15)
_CONNECTING = timedelta(seconds=5)
LIMITS = aiohttp.ClientTimeout(total=TIMEOUT.total_seconds(), connect=_CONNECTING.total_seconds())
#: No pause that is asked for is obeyed for longer at a time.
_LONGEST_PAUSE = timedelta(hours=1)
_PAUSE_UNSAID = timedelta(seconds=5)
#: The longest answer that is read, in bytes.
_READ = 64 * 1024

#: The app is not there any more, or is not wanted; some come as the `subCode` of another.
_CLOSED = frozenset(
    {
        "BotDisabledByAdmin",
        "BotNotInConversationRoster",
        "BotNotRegistered",
        "ConversationBlockedByUser",
        "ConversationNotFound",
        "ForbiddenOperationException",
        "MessageWritesBlocked",
        "NotEnoughPermissions",
        "UserBlocked",
    }
)
#: A message that people deleted; the conversation goes on.
_GONE = frozenset({"ActivityNotFoundInConversation", "MessageNotFound"})
#: What Microsoft's login says of itself, not of the app, whatever the status.
_PASSING = frozenset({"server_error", "temporarily_unavailable"})
_REMEDY = (
    "put the registration's id and tenant and a valid secret into app_id, tenant, app_password"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that came."""

    status: int
    body: dict[str, Any]
    after: timedelta | None = None  #: how long it asks to wait

    @property
    def good(self) -> bool:
        """Whether what was asked for was done."""
        return 200 <= self.status < 300

    @property
    def codes(self) -> set[str]:
        """The names that the service gives to what is wrong."""
        error = self.body.get("error")
        told = error if isinstance(error, dict) else self.body
        inner = told.get("innerHttpError")
        inner = inner.get("body") if isinstance(inner, dict) else None
        parts = [told, self.body, inner if isinstance(inner, dict) else {}]
        found = [part.get(key) for part in parts for key in ("code", "subCode", "error")]
        return {word for word in map(_word, found) if word}


async def exchanged(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    data: dict[str, str] | bytes | None = None,
    limits: aiohttp.ClientTimeout = LIMITS,
) -> Answer:
    """The answer to one request. No redirect is followed: it would carry secrets elsewhere.

    Each goes by a connection of its own. One that was kept may have been closed by the other side
    just before, and then nobody could tell whether a post arrived.

    Raises:
        Unreachable: there was no connection; certainly nothing was done.
        MaybeDelivered: it was sent, and no answer came.
    """
    told = {**(headers or {}), "Connection": "close"}
    if http.closed:
        raise Unreachable("the adapter has left")
    try:
        async with http.request(
            method, url, headers=told, data=data, allow_redirects=False, timeout=limits
        ) as answer:
            body = _read(await _bounded(answer))
            return Answer(answer.status, body, _pause(answer.headers.get("Retry-After")))
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise Unreachable("Microsoft's service cannot be reached") from None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        # The original is not kept: it may hold the request, and with it the token.
        raise MaybeDelivered("the connection broke before Teams answered") from None


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    """What the answer says; nothing if it breaks off, or is longer than any of theirs.

    What became of the request its status has told before.
    """
    found = b""
    try:
        async for chunk in answer.content.iter_any():
            found += chunk
            if len(found) > _READ:
                return b""
    except (aiohttp.ClientError, OSError):  # the time limit's too
        return b""
    return found


def trouble(answer: Answer, *, repeatable: bool) -> BridgeError:
    """What a bad answer about a conversation comes to; `repeatable` if it may be asked twice."""
    told = _told(answer)
    match answer.status:
        case status if 300 <= status < 400:
            # Sent on elsewhere, and we do not go there: nothing was done here.
            return Unreachable(f"Teams is somewhere else: {told}")
        case 401:
            return CredentialsRefused(f"Teams refuses the app: {told}", remedy=_REMEDY)
        case 404 if answer.codes & _GONE:
            return Rejected(f"the message is not there any more: {told}")
        case 403 | 404 if answer.codes & _CLOSED or answer.status == 404:
            return ThreadClosed(f"the app is not in this conversation any more: {told}")
        case 403:
            return CredentialsRefused(f"Teams forbids the app to write: {told}", remedy=_REMEDY)
        case 429:
            return RetryLater("Teams asks to wait", after=answer.after or _PAUSE_UNSAID)
        case 408 | 412 | 500 | 502 | 503 | 504 if repeatable:
            return RetryLater(f"Teams is in trouble: {told}", after=answer.after or _PAUSE_UNSAID)
        case 412:
            # A precondition is looked at before anything is done.
            return RetryLater(f"Teams was busy: {told}", after=answer.after or _PAUSE_UNSAID)
        case status if 400 <= status < 500 and status != 408:
            return Rejected(f"Teams refused it: {told}")
        case _:
            return MaybeDelivered(f"Teams does not say what became of it: {told}")


def login_trouble(answer: Answer) -> BridgeError:
    """What a bad answer of the login endpoint comes to (RFC 6749, 5.2): nothing was posted yet."""
    if answer.status in {400, 401, 403} and not answer.codes & _PASSING:
        return CredentialsRefused(
            f"Microsoft's login refuses the app: {_told(answer)}", remedy=_REMEDY
        )
    if answer.status == 429:
        return RetryLater("the login asks to wait", after=answer.after or _PAUSE_UNSAID)
    return Unreachable(f"Microsoft's login gives no token: {_told(answer)}")


def _told(answer: Answer) -> str:
    return " ".join([str(answer.status), *sorted(answer.codes)])


def _word(value: object) -> str:
    """A code as Microsoft writes them; anything else would not be fit for an error."""
    plain = isinstance(value, str) and value.isascii() and value.replace("_", "").isalnum()
    return str(value)[:60] if plain else ""


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _pause(header: str | None) -> timedelta | None:
    """`Retry-After`, in seconds, within reason."""
    if header is None or not header.strip().isdigit() or not header.isascii():
        return None
    return min(timedelta(seconds=max(1, int(header.strip()[:6]))), _LONGEST_PAUSE)
