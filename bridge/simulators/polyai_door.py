"""Who is let in? The checks of the two REST calls and of the handshake, in the service's words."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.simulators.polyai_faults import CallName, Refused
from bridge.simulators.polyai_frames import Json
from bridge.simulators.polyai_options import Options

PLATFORMS = frozenset({"web", "ios", "android", "ios-web", "android-web", "custom"})
DEVICE_TYPES = frozenset({"mobile", "tablet", "desktop"})

_WORDS: dict[tuple[CallName, int], str] = {
    ("token", 401): "Connector token does not exist",
    ("token", 500): "Failed to create access token",
    ("session", 400): "Error parsing request",
    ("session", 401): "Invalid access token",
    ("session", 404): "session not found",
    ("session", 500): "Failed to create session",
    ("handshake", 400): "invalid connection parameters",
    ("handshake", 401): "authentication failed",
    ("handshake", 404): "session not found",
    ("handshake", 429): "connection limit exceeded for session",
}
_SDK_WORDS: dict[tuple[CallName, int], str] = {
    ("token", 401): "Unable to get agent details from connector service",
    ("session", 500): "Error creating session",
}
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
    options: Options = field(repr=False)
    _expiries: dict[str, datetime] = field(default_factory=dict, repr=False)

    def check_connector(self, headers: Mapping[str, str]) -> None:
        """Check `X-Token` and `X-Host` (reference §2.1).

        Raises:
            Refused: one is missing or wrong.
        """
        token, host = headers.get("X-Token"), headers.get("X-Host")
        if not token or not host:
            raise Refused(401, "Missing authentication headers")
        if token != self.connector_token:
            code = "AUTH_USER_NOT_FOUND"
            raise Refused(
                self.options.unknown_connector, "Connector token does not exist", code=code
            )
        if not self.host:
            raise Refused(401, "Connector missing host domain")
        if not self._registered(host):
            raise Refused(401, "Failed to validate connector")

    def mint(self, *, name: str, now: datetime) -> str:
        """A new access token, normally a JWT: three base64url parts, `exp` in seconds."""
        options, form = self.options, self.options.token_form
        expires = now + timedelta(seconds=options.token_seconds)
        claimed = options.token_seconds if options.jwt_seconds is None else options.jwt_seconds
        claims: Json = {"sub": name, "iat": int(now.timestamp())}
        exp = int((now + timedelta(seconds=claimed)).timestamp())
        if form != "no_exp":
            claims["exp"] = str(exp) if form == "text_exp" else exp
        token = _jwt(claims, form)
        self._expiries[token] = expires
        return token

    def expire(self, token: str | None) -> None:
        """Take this access token no more; None: none of those given out so far."""
        for each in list(self._expiries) if token is None else [token]:
            self._expiries.pop(each, None)

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

    def _registered(self, host: str) -> bool:
        """Equal byte for byte, unless subdomains match as well (reference §22, row 13)."""
        if host == self.host:
            return True
        scheme, _, domain = self.host.partition("://")
        inside = host.startswith(f"{scheme}://") and host.endswith(
            "." + domain.removeprefix("www.")
        )
        return self.options.host_match == "subdomains" and bool(domain) and inside


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


def error_body(refused: Refused, *, text: str, shape: str, correlation: str) -> tuple[str, str]:
    """The body of a refusal and its content type, in one of the shapes of the reference's §3."""
    if refused.body is not None:
        return refused.body, "application/json" if refused.body[:1] in ("{", "[") else "text/html"
    if shape == "plain":
        return text, "text/plain"
    if shape == "html":
        return f"<html><body><h1>{refused.status}</h1>{text}</body></html>", "text/html"
    code = refused.code or _CODES.get(refused.status, "INTERNAL_ERROR")
    nested = {"code": code, "id": 1, "message": text, "correlation_id": correlation}
    flat = {
        "success": False,
        "error": text,
        "error_id": correlation,
        "error_code": code,
        "error_message": text,
        "data": None,
    }
    bodies: dict[str, Json] = {"nested": {"error": nested}, "message": {"message": text}}
    return json.dumps(bodies.get(shape, flat)), "application/json"


def usual_words(call: CallName, status: int, *, words: str) -> str:
    """What the service says when it answers a call with this status (reference §2, §4.3).

    `words` are those of the "docs" or of the "sdk" (§22, row 14).
    """
    sdk = _SDK_WORDS.get((call, status)) if words == "sdk" else None
    return sdk or _WORDS.get((call, status), "")


def _among(value: object, allowed: frozenset[str]) -> bool:
    return isinstance(value, str) and value in allowed


def _jwt(claims: Json, form: str) -> str:
    head = _part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = _part(json.dumps(claims).encode())
    signature = _part(hashlib.sha256(f"{head}.{body}".encode()).digest())
    if form == "two_parts":
        # Still one of a kind: the signature stands for the claims.
        return f"{head}.{signature}"
    return f"{head}.{'~' + signature if form == 'undecodable' else body}.{signature}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
