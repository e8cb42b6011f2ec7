"""How long is an access token good? Pure.

Only its form is looked at, as PolyAI's SDKs do; the server has the last word.
"""

import base64
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.polyai.answers import read_json

_GRACE: Final = 5  # seconds that clocks may differ by (polyai-messaging §10)


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that no log, error or repr shows."""

    value: str = field(repr=False)


def token_usable(token: str, now: datetime) -> bool:
    """Whether a token is worth presenting: a JWT not expired, with 5 s of grace for clocks.

    It has three parts, the second a JSON object whose `exp`, if any, is a number.
    """
    claims = _claims(token)
    if not isinstance(claims, dict):
        return False
    expires = claims.get("exp", math.inf)
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return False
    return expires + _GRACE > now.timestamp()


def token_expiry(token: str) -> datetime | None:
    """When a token says that it expires, None where it does not or cannot be read."""
    claims = _claims(token)
    expires = claims.get("exp") if isinstance(claims, dict) else None
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    if expires <= 0:
        return None  # the zero time of some language, and not the year 1970
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=expires)
    except (OverflowError, ValueError):
        return None


def _claims(token: str) -> object:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    part = parts[1]
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return read_json(raw)
