"""How does Slack reach us over HTTP? Its signed requests, taken like everything else that comes.

Every request is signed with the app's signing secret and is good for five minutes
(docs.slack.dev/authentication/verifying-requests-from-slack), by our clock or by the machine's wall
clock: ours is not moved when that one is set wrong, and that one is right once it is set right. One
that is sent again by somebody else within these is recognised by its identity, as Slack's own
repetitions are. An event that we could not store is answered 500, and Slack repeats it; whatever we
will never understand is answered 200, as repetitions would not help.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from adapters.slack.doors.hearing import Hearing
from adapters.slack.front.reception import Reply
from adapters.slack.logs import LOG
from adapters.slack.reading.callbacks import decoded
from bridge.clock import Clock, wall_time
from bridge.plugin import Host

#: How often we look whether our own posts come back, and note that we are there.
LOOK = timedelta(seconds=2)

#: Stores a payload and says what Slack is answered.
Take = Callable[[Any], Awaitable[Reply]]

_DEAF = (
    "Slack does not send our own posts back "
    "(look at the app's event subscriptions, and whether public_url leads here)"
)
#: More fields than Slack ever sends with a slash command.
_MOST_FIELDS = 100
_FRESH = 300  #: seconds for which a signature is good
_TIMESTAMP, _SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"


class _Seconds(SignatureClock):
    """A clock as the SDK reads one."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now().timestamp()


class Requests:
    """Slack's requests: events, presses, shortcuts and commands, all at one address."""

    def __init__(
        self,
        signing_secret: str,
        take: Take,
        hearing: Hearing,
        clock: Clock,
        wall: Callable[[], datetime] = wall_time,
    ) -> None:
        self._clocks = _Seconds(clock.now), _Seconds(wall)
        self._verifiers = [SignatureVerifier(signing_secret, each) for each in self._clocks]
        self._take = take
        self._hearing = hearing
        self._warned: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        """Take one request; 401 for whatever Slack has not signed just now."""
        body = await request.read()
        if not self._is_slacks(body, request.headers):
            self._warn(request.headers)
            return web.Response(status=401)
        payload = read_payload(body, request.content_type)
        if isinstance(payload, dict) and payload.get("type") == "url_verification":
            return web.Response(text=str(payload.get("challenge", "")))
        await self._hearing.before(payload)
        reply = await self._take(payload)
        kind = "application/json" if reply.body.startswith("{") else "text/plain"
        return web.Response(status=reply.status, text=reply.body, content_type=kind)

    def _is_slacks(self, body: bytes, headers: Mapping[str, str]) -> bool:
        timestamp, signature = headers.get(_TIMESTAMP, ""), headers.get(_SIGNATURE, "")
        if not _is_instant(timestamp):
            return False
        try:
            return any(each.is_valid(body, timestamp, signature) for each in self._verifiers)
        except (UnicodeDecodeError, TypeError):
            return False  # the body is no text, or the signature not ASCII: neither is Slack's

    def _warn(self, headers: Mapping[str, str]) -> None:
        """Once for each reason: a stranger who knocks, all night perhaps, hides no wrong secret."""
        reason = self._reason(headers.get(_TIMESTAMP, ""), headers.get(_SIGNATURE, ""))
        if reason not in self._warned:
            self._warned.add(reason)
            LOG.warning("slack.request_refused", extra={"reason": reason})

    def _reason(self, timestamp: str, signature: str) -> str:
        if not (signature and _is_instant(timestamp)):
            return "unsigned"
        old = all(abs(each.now() - int(timestamp)) > _FRESH for each in self._clocks)
        return "clock" if old else "signature"


def _is_instant(timestamp: str) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12


def read_payload(body: bytes, content_type: str) -> Any:  # noqa: ANN401 - whatever was sent
    """What a request carries: JSON, JSON in the field `payload` of a form, or a form's fields.

    None if it is nothing of that.
    """
    try:
        text = body.decode()
        if content_type == "application/json":
            return decoded(text)
        fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        return decoded(fields["payload"]) if "payload" in fields else fields
    except (ValueError, RecursionError):
        return None


@contextlib.asynccontextmanager
async def served(hearing: Hearing, host: Host) -> AsyncIterator[None]:
    """Note, for as long as the block lasts, that Slack can reach us, and watch whether it does."""
    await hearing.recall()
    watching = asyncio.create_task(_watch(hearing, host), name="slack-watch")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await hearing.leave()


async def _watch(hearing: Hearing, host: Host) -> None:
    told = ""
    while True:
        try:
            told = _look(hearing, host, told)
            await hearing.remember()
        except Exception as error:  # nobody else would notice that nobody looks any more
            LOG.exception("slack.surprise", extra={"error": type(error).__name__})
        await host.clock.sleep(LOOK)


def _look(hearing: Hearing, host: Host, told: str) -> str:
    """Look once; what is wrong, which is said when it is not what was `told` before."""
    hearing.listening()
    hearing.judge()
    trouble = _DEAF if hearing.deaf else hearing.speechless or ""
    if trouble != told:
        host.report(connected=not trouble, detail=trouble or "heard again")
    return trouble
