"""How does Slack reach an app over HTTP? Signed requests instead of frames on a socket.

docs.slack.dev/apis/events-api and authentication/verifying-requests-from-slack. A 2xx within the
deadline is the ack; what it says goes back to whoever pressed or typed.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bridge.clock import Clock
from bridge.simulators.slack_tasks import OwnedTasks

Json = dict[str, Any]

_PATIENCE = timedelta(seconds=3)


class RequestUrl:
    """Where the app takes requests; stands where a socket would, and takes every envelope."""

    deaf = silent = leaving = False

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        clock: Clock,
        tasks: OwnedTasks,
        heard: Callable[[Json], None],
    ) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._tasks = tasks
        self._heard = heard
        self.gone = asyncio.Event()
        self.statuses: list[int] = []  #: what the app answered, in order; 0 if it did not

    def send(self, frame: Json) -> None:
        """Send what the frame holds as a request."""
        self._tasks.start(self._request(frame))

    async def _request(self, frame: Json) -> None:
        body, kind = _body(frame)
        headers = {"Content-Type": kind, **self._signed(body), **_retry(frame)}
        timeout = aiohttp.ClientTimeout(total=_PATIENCE.total_seconds())
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self._url, data=body, headers=headers) as response,
            ):
                said = await response.text()
                self.statuses.append(response.status)
        except (aiohttp.ClientError, TimeoutError):
            self.statuses.append(0)
            return
        if response.ok:
            self._heard({"envelope_id": frame["envelope_id"], "payload": _said(said)})

    def _signed(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock.now().timestamp()))
        base = b":".join((b"v0", timestamp.encode(), body))
        signature = hmac.new(self._secret.encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature}"}


def _body(frame: Json) -> tuple[bytes, str]:
    payload = frame["payload"]
    if frame["type"] == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if frame["type"] == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _retry(frame: Json) -> dict[str, str]:
    if not frame.get("retry_attempt"):
        return {}
    return {
        "X-Slack-Retry-Num": str(frame["retry_attempt"]),
        "X-Slack-Retry-Reason": "http_timeout",
    }


def _said(text: str) -> Json | None:
    try:
        said = json.loads(text)
    except ValueError:
        return {"text": text} if text else None
    return said if isinstance(said, dict) else None
