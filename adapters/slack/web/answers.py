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
    ThreadClosed,
    Unreachable,
)

#: The longest wait for one call.
TIMEOUT = timedelta(seconds=15)

#: No pause that Slack asks for is obeyed for longer at a time.
LONGEST_PAUSE = timedelta(hours=1)

_AFTER_UNSAID = timedelta(seconds=30)

#: Too many calls: none of the method for a while.
_TOO_MANY = {"message_limit_exceeded", "rate_limited", "ratelimited"}
#: Wait and repeat: certainly nothing was done.
_LATER = {*_TOO_MANY, "request_timeout", "team_added_to_org"}
#: May have been done, wholly or in part. `service_unavailable` asks to wait and repeat; it is an
#: answer of the way to Slack as well, so that a post is looked for first.
_UNCLEAR = {"fatal_error", "internal_error", "service_unavailable"}
#: The token is good for nothing now: a person must act, and nothing else need be tried.
REFUSED_TOKEN = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
#: The operator must mend the app; other calls still work, and what is owed is kept.
_UNPERMITTED = {"missing_scope", "no_permission", "not_allowed_token_type"}
#: Nothing can be said in this thread any more.
_CLOSED = {
    "cannot_dm_bot",
    "cannot_reply_to_message",
    "is_archived",
    "messages_tab_disabled",
    "thread_not_found",
    "user_not_found",
}
#: With `restricted_action_read_only_channel`, `_thread_locked` and the others.
_RESTRICTED = "restricted_action"
#: The app is not there. Of a private channel Slack does not even say that there is one.
AWAY = frozenset({"channel_not_found", "not_in_channel"})
#: A plainer message may still do.
PLAINER = frozenset(
    {
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "markdown_text_conflict",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
    }
)
#: This workspace, or this kind of channel, does not have the method.
LACKING = frozenset({"channel_type_not_supported", "feature_not_enabled", "unknown_method"})
#: Removed from the workspace, or its tokens revoked: only an installation gives another.
_REMOVED = {"account_inactive", "token_revoked"}
#: What to do about a refusal, where that is worth saying.
_REMEDIES = {
    "channel_not_found": "invite the app to the channel",
    "is_archived": "the channel is archived",
    "messages_tab_disabled": "switch the Messages tab on in the App Home of the Slack app",
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

    @property
    def too_many(self) -> bool:
        """Whether Slack asks for a pause of the method."""
        return self.code in _TOO_MANY or self.status == 429

    def again(self) -> "Refusal":
        """The same refusal, for another call."""
        return Refusal(
            self.code,
            needed=self.needed,
            after=self.after,
            status=self.status,
            reached=self.reached,
            kind=self.kind,
        )

    def meaning(
        self, *, posting: bool, setting: str = "bot_token", place: str = "", only_for: bool = False
    ) -> BridgeError:
        """What the runtime should make of it; `posting` means that a repetition would show.

        `setting` names the configured token that made the call. `place` is the channel beside the
        thread that it was about, if it was: a scope that is missing there stops nothing else. Nor
        does what is wrong with the one person whom it was `only_for`.
        """
        if self.code in _LATER or self.status == 429:
            return RetryLater(f"Slack asks to wait ({self})", after=self.after or _AFTER_UNSAID)
        if self.code in REFUSED_TOKEN:
            return self._refused(setting)
        if self.code in _UNPERMITTED and not (place and self.code == "missing_scope"):
            return self._refused(setting)
        if self.code and self.code not in _UNCLEAR:
            return self._rejected(place, closing=not (place or only_for))
        # Whoever answers 4xx without a word of Slack's is not Slack.
        if not posting or not self.reached or 400 <= self.status < 500:
            return Unreachable(f"Slack cannot be reached ({self})")
        return MaybeDelivered(f"Slack did not confirm ({self})")

    def __str__(self) -> str:
        return self.code or (f"status {self.status}" if self.status else self.kind)

    def _rejected(self, place: str, *, closing: bool) -> Rejected:
        """Of this message alone, of everything in its thread, or of a channel beside the thread."""
        where = f" in the channel {place}" if place else ""
        remedy = _REMEDIES.get(self.code, "")
        if place and self.code == "channel_not_found":
            remedy += ", or correct its id in handoffs"
        told = f"Slack refused{where}: {self}{self._needs}"
        over = self.code in {*_CLOSED, *AWAY} or self.code.startswith(_RESTRICTED)
        if over and closing:
            return ThreadClosed(told, remedy=remedy)
        return Rejected(told, remedy=remedy)

    @property
    def _needs(self) -> str:
        return f", needed: {self.needed}" if self.needed else ""

    def _refused(self, setting: str) -> CredentialsRefused:
        remedy = _REMEDIES.get(self.code, f"put a valid token into {setting}")
        if self.code in _REMOVED and setting == "bot_token":
            remedy = "install the Slack app again, and renew the bot_token where one is configured"
        told = f"Slack refuses the {setting}: {self.code}{self._needs}"
        return CredentialsRefused(told, remedy=remedy)


async def asked(call: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    """Slack's answer to `call`, which must have been made with no retries of its own.

    Raises:
        Refusal: there is no good answer.
    """
    try:
        # A call has no other limit, however it leaves.
        async with asyncio.timeout(TIMEOUT.total_seconds()):
            data = (await call).data
    except SlackApiError as error:
        raise _refused(error.response) from None
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Refusal(reached=False, kind=_unreached(error)) from None
    except Exception as error:
        # Whatever else goes wrong leaves the outcome open. The original is not kept: it may hold
        # the request, and with it the token.
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


def _refused(response: Any) -> Refusal:  # noqa: ANN401  # the SDK leaves it open
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
    return min(timedelta(seconds=max(1, int(header.strip()[:6]))), LONGEST_PAUSE)
