"""Who is let in? The checks of the two REST calls and of the handshake, in the service's words."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.simulators.polyai_faults import Refused
from bridge.simulators.polyai_frames import Json

PLATFORMS = frozenset({"web", "ios", "android", "ios-web", "android-web", "custom"})
DEVICE_TYPES = frozenset({"mobile", "tablet", "desktop"})

_CODES = {
    400: "BAD_REQUEST",
    401: "AUTH_USER_UNAUTHORISED",
    404: "CONVERSATIONS_NOT_FOUND",
    429: "TOO_MANY_REQUESTS",
}


@dataclass(slots=True)
class Door:
    """Knows the one connector and every access token it has given out."""

    connector_token: str = field(repr=False)
    host: str  #: the registered one; empty: none is registered
    _expiries: dict[str, datetime] = field(default_factory=dict, repr=False)

    def check_connector(self, headers: Mapping[str, str]) -> None:
        """Check `X-Token` and `X-Host`; the host must be equal byte for byte (reference §22.13).

        Raises:
            Refused: one is missing or wrong.
        """
        token, host = headers.get("X-Token"), headers.get("X-Host")
        if not token or not host:
            raise Refused(401, "Missing authentication headers")
        if token != self.connector_token:
            raise Refused(401, "Connector token does not exist")
        if not self.host:
            raise Refused(401, "Connector missing host domain")
        if host != self.host:
            raise Refused(401, "Failed to validate connector")

    def mint(self, *, name: str, now: datetime, life: timedelta) -> str:
        """A new access token in the shape of a JWT: three base64url parts, `exp` in seconds."""
        expires = now + life
        claims = {"sub": name, "iat": int(now.timestamp()), "exp": int(expires.timestamp())}
        head = _part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        body = _part(json.dumps(claims).encode())
        token = f"{head}.{body}.{_part(hashlib.sha256(f'{head}.{body}'.encode()).digest())}"
        self._expiries[token] = expires
        return token

    def check_bearer(self, headers: Mapping[str, str], now: datetime) -> str:
        """The access token of a call that carries it as a header.

        Raises:
            Refused: it is missing, malformed, unknown or expired.
        """
        given = headers.get("Authorization")
        if given is None:
            raise Refused(400, "Missing access token")
        scheme, _, token = given.partition(" ")
        if scheme != "Bearer" or not token:
            raise Refused(401, "Missing authentication headers")
        if not self.valid(token, now):
            raise Refused(401, "Invalid access token")
        return token

    def valid(self, token: str, now: datetime) -> bool:
        """Whether we gave this token out and it still holds."""
        expires = self._expiries.get(token)
        return expires is not None and now < expires


def read_object(body: str, *, content_type: str) -> Json:
    """The JSON object a call carries.

    Raises:
        Refused: it is not one, or is not called one.
    """
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if content_type != "application/json" or not isinstance(value, dict):
        raise Refused(400, "Error parsing request")
    return value


def read_wishes(body: Json) -> bool:
    """Whether the new session streams.

    Raises:
        Refused: a documented key has an undocumented value (reference §2.2, §20).
    """
    streaming = body.get("streaming_enabled", False)
    if (
        not isinstance(streaming, bool)
        or not _among(body.get("platform", "web"), PLATFORMS)
        or not _among(body.get("device_type", "desktop"), DEVICE_TYPES)
    ):
        raise Refused(400, "Error parsing request")
    return streaming


def error_body(refused: Refused, *, shape: str, correlation: str) -> tuple[str, str]:
    """The body of a refusal and its content type, in one of the shapes of the reference's §3."""
    if refused.body is not None:
        return refused.body, "application/json" if refused.body[:1] in ("{", "[") else "text/html"
    if shape == "plain":
        return refused.text, "text/plain"
    code = _CODES.get(refused.status, "INTERNAL_ERROR")
    nested = {"code": code, "id": 1, "message": refused.text, "correlation_id": correlation}
    flat = {
        "success": False,
        "error": refused.text,
        "error_id": correlation,
        "error_code": code,
        "error_message": refused.text,
        "data": None,
    }
    return json.dumps({"error": nested} if shape == "nested" else flat), "application/json"


def _among(value: object, allowed: frozenset[str]) -> bool:
    return isinstance(value, str) and value in allowed


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
