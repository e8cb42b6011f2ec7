"""What does Slack's answer mean for us? One door to the Web API, one table of its error codes.

Codes from docs.slack.dev/reference/methods; `fatal_error` and `internal_error` are documented as
possibly done in part, so for a post they leave the outcome open. Everything else Slack answers with
`ok: false` is a refusal: nothing was done.
"""

import asyncio
import errno
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)

#: The longest wait for one call.
TIMEOUT = timedelta(seconds=15)

_AFTER_UNSAID = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)

#: Wait and repeat: certainly nothing was done.
_LATER = {
    "message_limit_exceeded",
    "rate_limited",
    "ratelimited",
    "request_timeout",
    "team_added_to_org",
}
#: May have been done, wholly or in part.
_UNCLEAR = {"fatal_error", "internal_error", "service_unavailable"}
#: A person must act: the token, its scopes or the workspace's consent.
_CREDENTIALS = {
    "access_denied",
    "account_inactive",
    "ekm_access_denied",
    "invalid_auth",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
}
#: What to do about a refusal, where that is worth saying.
_REMEDIES = {
    "channel_not_found": "invite the app to the channel",
    "is_archived": "the channel is archived",
    "missing_scope": "add the missing scope to the Slack app and install it again",
    "not_in_channel": "invite the app to the channel",
    "thread_not_found": "the thread is gone",
}


class Refusal(Exception):
    """A call that brought no good answer, before anybody has judged what follows from that.

    `code` is Slack's own, or empty if Slack did not answer; `reached` says whether the request may
    have arrived.
    """

    def __init__(
        self,
        code: str = "",
        *,
        needed: str = "",
        after: timedelta | None = None,
        status: int = 0,
        reached: bool = True,
        kind: str = "",
    ) -> None:
        super().__init__(code or kind)
        self.code = code
        self.needed = needed
        self.after = after
        self.status = status
        self.reached = reached
        self.kind = kind

    def meaning(self, *, posting: bool, setting: str = "bot_token", place: str = "") -> BridgeError:
        """What the runtime should make of it; `posting` means that a repetition would show.

        `setting` names the configured token that made the call. `place` is the channel beside the
        thread that it was about, if it was: a scope that is missing there stops nothing else.
        """
        if self.code in _LATER or self.status == 429:
            return RetryLater(f"Slack asks to wait ({self})", after=self.after or _AFTER_UNSAID)
        if self.code in _CREDENTIALS and not (place and self.code == "missing_scope"):
            return self._refused(setting)
        if self.code and self.code not in _UNCLEAR:
            where = f" in the channel {place}" if place else ""
            remedy = _REMEDIES.get(self.code, "")
            if place and self.code == "channel_not_found":
                remedy += ", or correct its id in handoffs"
            return Rejected(f"Slack refused{where}: {self}{self._needs}", remedy=remedy)
        # Whoever answers 4xx without a word of Slack's is not Slack.
        if not posting or not self.reached or 400 <= self.status < 500:
            return Unreachable(f"Slack cannot be reached ({self})")
        return MaybeDelivered(f"Slack did not confirm ({self})")

    def __str__(self) -> str:
        return self.code or (f"status {self.status}" if self.status else self.kind)

    @property
    def _needs(self) -> str:
        return f", needed: {self.needed}" if self.needed else ""

    def _refused(self, setting: str) -> CredentialsRefused:
        remedy = _REMEDIES.get(self.code, f"put a valid token into {setting}")
        told = f"Slack refuses the {setting}: {self.code}{self._needs}"
        return CredentialsRefused(told, remedy=remedy)


async def asked(call: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    """Slack's answer to `call`, which must have been made with no retries of its own.

    Raises:
        Refusal: there is no good answer.
    """
    try:
        # The SDK gives a shared session no timeout of its own.
        async with asyncio.timeout(TIMEOUT.total_seconds()):
            data = (await call).data
    except SlackApiError as error:
        raise _refused(error.response) from None
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Refusal(reached=False, kind=_unreached(error)) from None
    except Exception as error:
        # The SDK stumbles over unreadable answers in many ways; all leave the outcome open. The
        # original is not kept: it may hold the request, and with it the token.
        raise Refusal(kind=_unanswered(error)) from None
    return data if isinstance(data, dict) else {}


def _unreached(error: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) -> str:
    """Why there is no connection, in plain words: the host, the port and the cause."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return "no connection in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {error.host} is not known"
    place = f"{error.host}:{error.port}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {place} is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):
        return f"{place} speaks no TLS that we do"
    if error.os_error.errno == errno.ECONNREFUSED:
        return f"{place} refuses the connection"
    return f"no connection to {place}"


def _unanswered(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT.total_seconds():.0f} s"
    if isinstance(error, aiohttp.ClientConnectionError | ConnectionError):
        return "the connection broke before the answer came"
    return "an unreadable answer"


def _refused(response: Any) -> Refusal:  # noqa: ANN401  # the SDK's own response, or aiohttp's
    data = getattr(response, "data", None)
    data = data if isinstance(data, dict) else {}
    status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    headers = getattr(response, "headers", None) or {}
    return Refusal(
        _word(data.get("error")),
        needed=_word(data.get("needed")),
        after=_pause(headers.get("Retry-After")),
        status=0 if status == 200 else status,
        kind="an unreadable answer",
    )


def _word(value: object) -> str:
    """A code or a scope as Slack writes them; anything else would not be fit for an error."""
    return value[:100] if isinstance(value, str) and value.isascii() and value.isprintable() else ""


def _pause(header: object) -> timedelta | None:
    """`Retry-After`, in seconds, within reason."""
    if not isinstance(header, str) or not header.strip().isdigit():
        return None
    return min(timedelta(seconds=max(1, int(header.strip()[:6]))), _LONGEST_PAUSE)
