"""How do we call the homeserver? One request each, and what came of it, exactly."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp

from adapters.matrix.endpoints import Request
from adapters.matrix.settings import MatrixSettings
from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)
from bridge.plugin.answers import whole

#: How long one call may take, in seconds, beyond what it waits for on purpose.
_PATIENCE = 20.0
#: The longest answer that is read, in bytes: a sync after a long absence.
_LONGEST = 64 * 1024 * 1024
#: What a limit without a time of its own comes to.
_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=10)
#: The errors that say our token or account is no good ("Standard error response").
_NOBODY = {"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED"}


#: What our account is not let do before a person acts, and not for what was asked.
_BARRED = {"M_CONSENT_NOT_GIVEN", "M_USER_SUSPENDED"}
#: What passes: a server that is full, and one that knows nothing of a call every server knows, as
#: a proxy does in whose place another answers.
_AWAY = {"M_RESOURCE_LIMIT_EXCEEDED", "M_UNRECOGNIZED"}

#: Halves of characters, as JSON escapes them; whole ones too are written so by some.
_HALVES = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """The server answered, and it was not success."""

    status: int
    code: str  #: such as `M_FORBIDDEN`; empty where the answer is no Matrix answer
    after: timedelta | None = None  #: when to try again, where it says so


class Misunderstood(Rejected):
    """The server makes nothing of what was asked (400): it will make no more of it later."""


class Calls:
    """The client-server API of one homeserver, as one account."""

    def __init__(self, settings: MatrixSettings, http: aiohttp.ClientSession) -> None:
        self._base = settings.homeserver
        self._token = settings.access_token
        self._http = http

    async def ask(self, request: Request) -> dict[str, Any]:
        """Read something, or do what may be done twice.

        Raises:
            RetryLater: too many calls.
            CredentialsRefused: the token is no good, or the account is barred.
            Rejected: it is refused for good; Misunderstood, if it makes no sense to the server.
            Unreachable: no answer, or one that makes no sense.
        """
        try:
            return await self._call(request)
        except Refusal as refusal:
            raise asked(refusal) from None
        except MaybeDelivered as error:
            raise Unreachable(error.message) from None

    async def post(self, request: Request) -> dict[str, Any]:
        """Show something to people. Raises like `Adapter.deliver`, or Refusal for M_FORBIDDEN."""
        try:
            return await self._call(request)
        except Refusal as refusal:
            if refusal.code == "M_FORBIDDEN":
                raise
            raise posted(refusal) from None

    async def _call(self, request: Request) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
        if request.body:
            headers["Content-Type"] = "application/json"
        try:
            async with self._http.request(
                request.method,
                request.at(self._base),
                data=request.body.encode() or None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=_PATIENCE + request.waits.total_seconds()),
                allow_redirects=False,
            ) as response:
                return _read(response.status, response.headers, await _json(response))
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"the homeserver cannot be reached: {error.os_error}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise MaybeDelivered(f"the homeserver did not answer: {type(error).__name__}") from None


async def _json(response: aiohttp.ClientResponse) -> object:
    return parsed((await whole(response, _LONGEST)).decode(errors="replace"))


def parsed(text: str) -> object:
    """What a JSON text says; None if it is none."""
    try:
        told = json.loads(text)
        if _HALVES.search(text):  # half a character could not be stored, nor sent on
            told = json.loads(json.dumps(told, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return told


def _read(status: int, headers: Mapping[str, str], body: object) -> dict[str, Any]:
    told = body if isinstance(body, dict) else {}
    if status == 200:
        if not isinstance(body, dict):
            raise MaybeDelivered("the homeserver's answer makes no sense")
        return told
    code = told.get("errcode")
    after = _after(headers.get("Retry-After"), told.get("retry_after_ms"))
    raise Refusal(status, code if isinstance(code, str) else "", after)


def _after(seconds: str | None, milliseconds: object) -> timedelta | None:
    """When to try again: the header is the specification's (1.10), the field older servers'."""
    if seconds is not None and seconds.isdecimal() and len(seconds) < 9:
        return min(timedelta(seconds=int(seconds)), _LONGEST_PAUSE)
    if isinstance(milliseconds, int) and 0 <= milliseconds < 10**12:
        return min(timedelta(milliseconds=milliseconds), _LONGEST_PAUSE)
    return None


def asked(refusal: Refusal) -> BridgeError:
    """What a refused question comes to."""
    error = posted(refusal)
    if isinstance(error, Rejected) and refusal.status == 400:
        return Misunderstood(error.message)
    return Unreachable(error.message) if isinstance(error, MaybeDelivered) else error


def posted(refusal: Refusal) -> BridgeError:
    """What a refused post comes to: by its code, else by its status."""
    told = f"{refusal.status} {refusal.code}".strip()
    if refusal.code in _NOBODY or refusal.status == 401:
        return CredentialsRefused(
            f"the homeserver refuses the access token ({told})",
            remedy="make a new one as docs/matrix.md says",
        )
    if refusal.code == "M_LIMIT_EXCEEDED" or refusal.status == 429:
        return RetryLater(f"too many at once ({told})", after=refusal.after or _PAUSE)
    if refusal.code in _BARRED:
        return CredentialsRefused(
            f"the homeserver bars the account ({told})",
            remedy="log in as it with a client, which says what the server asks for",
        )
    if refusal.code in _AWAY:
        return Unreachable(f"the homeserver cannot do it now ({told})")
    if refusal.status >= 500:
        return MaybeDelivered(f"the homeserver is in trouble ({told})")
    if refusal.code:
        return Rejected(f"the homeserver refuses it ({told})")
    # Nothing that speaks Matrix answered: a wrong address, or a proxy whose server is away.
    return Unreachable(f"that is no Matrix homeserver's answer ({told})")
