"""How do we get a session from PolyAI? Two HTTP calls: an access token, then a session.

One attempt each; whoever calls owns the retries. Each failure says what to do next:

    CredentialsRefused    the connector token or host is wrong: a person must act
    SessionRefused        the request itself is refused: repeating it will not help
    TryLater              nothing was decided: network, rate limit, server trouble

A session belongs to the exact token that made it, so they are handed over as a pair.
"""

import base64
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import msgspec

from bridge import __version__
from bridge.clock import Clock, Ids
from bridge.errors import BridgeError, CredentialsRefused
from bridge.polyai.answers import CORRELATION_HEADER, Answer, read_json, unanswered, without
from bridge.polyai.fields import Object, as_number, as_text

USER_AGENT: Final = f"polyai-bridge/{__version__}"

_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": USER_AGENT,
}
_TIMEOUT = aiohttp.ClientTimeout(total=15)
_RATE_LIMIT_WAIT = timedelta(seconds=5)  # where a 429 does not say, as PolyAI's own SDKs wait
_LONGEST_LIFE = 366 * 24 * 3600  # seconds; a token said to live longer is a slip


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that no log, error or repr shows."""

    value: str = field(repr=False)


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

    `expires_at` is the token's, None where PolyAI did not say.
    """

    session_id: str
    token: Secret
    expires_at: datetime | None


class SessionRefused(BridgeError):
    """PolyAI refuses the request itself: ours is wrong, or the address is. Repeating is no use."""


class TryLater(BridgeError):
    """No session now. `after` is how long PolyAI asks us to wait, None where it does not say.

    `status` is the HTTP status, 0 where there was none.
    """

    def __init__(self, message: str, *, after: timedelta | None, status: int) -> None:
        super().__init__(message)
        self.after = after
        self.status = status


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

    async def open_session(self) -> OpenedSession:
        """Mint a token and open a session with it.

        A try whose answer was lost may leave a session behind that nobody uses; it idles out.

        Raises:
            CredentialsRefused: the connector is refused, or its own fresh tokens are.
            SessionRefused: the request is refused for another reason.
            TryLater: no answer, or one that settles nothing.
        """
        token = await self._mint()
        answer = await self._create(token)
        if answer.status == 401:
            # Expired or tampered with on the way: one more, newly minted, is worth a try.
            token = await self._mint()
            answer = await self._create(token)
        session_id = self._session_id(answer)
        return OpenedSession(session_id=session_id, token=token.secret, expires_at=token.expires_at)

    async def prove(self) -> str:
        """Mint a token and throw it away; one line that says as whom.

        Raises like `open_session`.
        """
        await self._mint()
        where = self._connection
        return f"{where.base_url} accepts the connector for {where.host}"

    async def _mint(self) -> _Token:
        secret = self._connection.connector_token
        headers = {"X-Token": secret, "X-Host": self._connection.host}
        answer = await self._post("access-token", headers, {}, secret=secret)
        if not answer.good:
            raise self._token_refusal(answer)
        said = self._said(answer)
        value = as_text(said.get("access_token"), said.get("accessToken"))
        if not value:
            raise self._credentials_refused("the answer holds no access token", answer)
        seconds = as_number(said.get("expires_in"), said.get("expiresIn"))
        return _Token(Secret(value), self._expiry(seconds))

    async def _create(self, token: _Token) -> Answer:
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
                content = await response.read()
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
        )

    def _new_correlation_id(self) -> str:
        """A UUID, as PolyAI's own SDKs send."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self._ids.new()))

    def _session_id(self, answer: Answer) -> str:
        if not answer.good:
            raise self._session_refusal(answer)
        said = self._said(answer)
        session_id = as_text(said.get("session_id"), said.get("sessionId"), said.get("id"))
        if not session_id:
            raise self._try_later("the answer holds no session id", answer)
        return session_id

    def _said(self, answer: Answer) -> Object:
        """The object in a good answer. Raises TryLater: a proxy's page says nothing about us."""
        said = answer.json
        if not isinstance(said, dict):
            raise self._try_later("the answer is not a JSON object", answer)
        return said

    def _expiry(self, seconds: int | None) -> datetime | None:
        if seconds is None or seconds > _LONGEST_LIFE:
            return None
        return self._clock.now() + timedelta(seconds=seconds)

    def _token_refusal(self, answer: Answer) -> BridgeError:
        """What a failed call for a token means: by status first, the text only refines."""
        text = answer.text
        if answer.passing:
            return self._try_later(text, answer)
        # "Failed to validate connector" and its like, under whatever status.
        if answer.status in (401, 403) or "connector" in text.lower():
            return self._credentials_refused(text, answer)
        return self._refused("access-token", text, answer)

    def _session_refusal(self, answer: Answer) -> BridgeError:
        text = answer.text
        if answer.passing:
            return self._try_later(text, answer)
        if answer.status in (401, 403):
            return self._credentials_refused(f"its own new access token: {text}", answer)
        return self._refused("sessions", text, answer)

    def _credentials_refused(self, text: str, answer: Answer) -> CredentialsRefused:
        name = self._connection.name
        return CredentialsRefused(
            f"PolyAI refuses agent {name}: {_described(text, answer)}",
            remedy=f"check agents.{name}.connector_token and agents.{name}.host",
        )

    def _refused(self, call: str, text: str, answer: Answer) -> SessionRefused:
        return SessionRefused(
            f"PolyAI refuses the request for {call}: {_described(text, answer)}",
            remedy=f"check agents.{self._connection.name}.base_url; otherwise report a bug",
        )

    def _try_later(self, text: str, answer: Answer) -> TryLater:
        after = answer.retry_after(self._clock.now())
        if after is None and answer.status == 429:
            after = _RATE_LIMIT_WAIT
        message = f"PolyAI gives no session now: {_described(text, answer)}"
        return TryLater(message, after=after, status=answer.status)


def token_usable(token: str, now: datetime) -> bool:
    """Whether a token is worth presenting: a JWT not expired, with 5 s of grace for clocks.

    Only its form is looked at, as PolyAI's SDKs do: three parts, the second a JSON object whose
    `exp`, if any, is a number. The server has the last word.
    """
    parts = token.split(".")
    claims = _claims(parts[1]) if len(parts) == 3 else None
    if not isinstance(claims, dict):
        return False
    expires = claims.get("exp", math.inf)
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return False
    return expires + 5 > now.timestamp()


def _claims(part: str) -> object:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return read_json(raw)


def _described(text: str, answer: Answer) -> str:
    said = text or "no reason given"
    return f"{said} [HTTP {answer.status}, correlation id {answer.correlation_id}]"
