"""How do we get a session from PolyAI? Two HTTP calls: an access token, then a session.

One attempt each; whoever calls owns the retries. What a failure means is said in `refusals`.

A session belongs to the exact token that made it, so they are handed over as a pair.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import msgspec

from bridge import __version__
from bridge.clock import Clock, Ids
from bridge.polyai.answers import CORRELATION_HEADER, Answer, unanswered, without
from bridge.polyai.fields import Object, as_number, as_text
from bridge.polyai.refusals import (
    TryLater,
    connector_refused,
    session_refused,
    token_refused,
    try_later,
)
from bridge.polyai.tokens import Secret, token_expiry

USER_AGENT: Final = f"polyai-bridge/{__version__}"

_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": USER_AGENT,
}
_TIMEOUT = aiohttp.ClientTimeout(total=15)
#: The longest answer that is read, in bytes; a token and a session take a few thousand.
_LONGEST_ANSWER = 1024 * 1024
_LONGEST_LIFE = 366 * 24 * 3600  # seconds; a token said to live longer is a slip


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConnection:
    """One PolyAI agent: where it is, and as whom we come. `host` is sent byte for byte.

    The addresses are taken to be valid: that is the configuration's business.
    """

    base_url: str
    connector_token: str = field(repr=False)
    host: str
    streaming: bool = True
    name: str = "default"

    @property
    def socket_url(self) -> str:
        """The WebSocket's address, without its query."""
        scheme, _, rest = self.base_url.partition("://")
        return f"{'ws' if scheme.lower() == 'http' else 'wss'}://{rest.rstrip('/')}/ws"

    def endpoint(self, name: str) -> str:
        """The address of one HTTP call."""
        return f"{self.base_url.rstrip('/')}/api/v1/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSession:
    """A session and the only token that opens its sockets.

    `expires_at` is the token's: as PolyAI said, else as the token says, None where neither does.
    """

    session_id: str
    token: Secret
    expires_at: datetime | None
    correlation_id: str = ""


#: Awaited before each call; what it raises, the call raises.
Enter = Callable[[], Awaitable[None]]


async def _freely() -> None:
    """Wait for nobody."""


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """What the answer says, unpacked; raises ClientPayloadError where it does not end in time."""
    found = bytearray()
    async for piece in response.content.iter_any():
        found += piece
        if len(found) > _LONGEST_ANSWER:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return bytes(found)


@dataclass(frozen=True, slots=True)
class _Token:
    secret: Secret
    expires_at: datetime | None


class Api:
    """The HTTP side of one agent. Holds nothing but what it was given."""

    def __init__(
        self, connection: AgentConnection, *, http: aiohttp.ClientSession, ids: Ids, clock: Clock
    ) -> None:
        self._connection = connection
        self._http = http
        self._ids = ids
        self._clock = clock

    async def open_session(self, enter: Enter = _freely) -> OpenedSession:
        """Mint a token and open a session with it; `enter` is awaited before each call.

        A try whose answer was lost may leave a session behind that nobody uses; it idles out.

        Raises:
            ConnectorRefused: the connector is refused, or its own fresh tokens are.
            SessionRefused: the request is refused for another reason.
            TryLater: no answer, or one that settles nothing.
        """
        token = await self._mint(enter)
        answer = await self._create(token, enter)
        if answer.status == 401:
            # Expired or tampered with on the way: one more, newly minted, is worth a try.
            token = await self._mint(enter)
            answer = await self._create(token, enter)
        return OpenedSession(
            session_id=self._session_id(answer),
            token=token.secret,
            expires_at=token.expires_at,
            correlation_id=answer.correlation_id,
        )

    async def prove(self, enter: Enter = _freely) -> str:
        """Mint a token and throw it away; one line that says as whom.

        Raises like `open_session`.
        """
        await self._mint(enter)
        where = self._connection
        return f"{where.base_url} accepts the connector for {where.host}"

    async def _mint(self, enter: Enter) -> _Token:
        await enter()
        secret = self._connection.connector_token
        headers = {"X-Token": secret, "X-Host": self._connection.host}
        answer = await self._post("access-token", headers, {}, secret=secret)
        if not answer.good:
            raise token_refused(answer, self._connection.name, self._clock.now())
        said = self._said(answer)
        value = as_text(said.get("access_token"), said.get("accessToken"))
        if not value:
            text = "the answer holds no access token"
            raise connector_refused(text, answer, self._connection.name)
        seconds = as_number(said.get("expires_in"), said.get("expiresIn"))
        return _Token(Secret(value), self._expiry(seconds) or token_expiry(value))

    async def _create(self, token: _Token, enter: Enter) -> Answer:
        await enter()
        headers = {"Authorization": f"Bearer {token.secret.value}"}
        body = {"streaming_enabled": self._connection.streaming, "platform": "custom"}
        return await self._post("sessions", headers, body, secret=token.secret.value)

    async def _post(
        self, name: str, headers: Mapping[str, str], body: Object, *, secret: str
    ) -> Answer:
        """One call, the only door to the network. Raises TryLater where no answer came."""
        correlation_id = self._new_correlation_id()
        try:
            async with self._http.post(
                self._connection.endpoint(name),
                data=msgspec.json.encode(body),
                headers={**_HEADERS, CORRELATION_HEADER: correlation_id, **headers},
                # A redirect would carry our secrets to wherever it points.
                allow_redirects=False,
                timeout=_TIMEOUT,
            ) as response:
                content = await _bounded(response)
                return Answer(response.status, response.headers, content, (secret,), correlation_id)
        except TimeoutError:
            problem = f"no answer within {_TIMEOUT.total:.0f} s"
        except (aiohttp.ClientError, OSError) as exc:
            problem = without(unanswered(exc), (secret,))
        # Raised out here, without its cause: some of aiohttp's errors hold the request's headers.
        raise TryLater(
            f"PolyAI cannot be reached for {name}: {problem} [correlation id {correlation_id}]",
            after=None,
            status=0,
            correlation_id=correlation_id,
        )

    def _new_correlation_id(self) -> str:
        """A UUID, as PolyAI's own SDKs send."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self._ids.new()))

    def _session_id(self, answer: Answer) -> str:
        if not answer.good:
            raise session_refused(answer, self._connection.name, self._clock.now())
        said = self._said(answer)
        session_id = as_text(said.get("session_id"), said.get("sessionId"), said.get("id"))
        if not session_id:
            raise try_later("session", "the answer holds no session id", answer, self._clock.now())
        return session_id

    def _said(self, answer: Answer) -> Object:
        """The object in a good answer. Raises TryLater: a proxy's page says nothing about us."""
        said = answer.json
        if not isinstance(said, dict):
            raise try_later("session", "the answer is not a JSON object", answer, self._clock.now())
        return said

    def _expiry(self, seconds: int | None) -> datetime | None:
        if seconds is None or seconds > _LONGEST_LIFE:
            return None
        return self._clock.now() + timedelta(seconds=seconds)
