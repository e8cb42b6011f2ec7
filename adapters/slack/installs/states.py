"""Did whoever comes back from Slack set out from our page? A signed, short-lived note of it.

The note goes with them to Slack as OAuth's `state`, and stays in their browser as a cookie: only
who has both began an installation here (RFC 6749 §10.12).
"""

import hashlib
import hmac
from datetime import datetime, timedelta

#: How long somebody may look at Slack's page of permissions.
LIFE = timedelta(minutes=10)


def new_state(secret: str, nonce: str, now: datetime) -> str:
    """A note that `nonce` set out `now`."""
    told = f"{int(now.timestamp())}.{nonce}"
    return f"{told}.{_sign(secret, told)}"


def is_good(state: str, cookie: str, secret: str, now: datetime) -> bool:
    """Whether the note is ours, fresh, and the one in the browser."""
    told, _, signature = state.rpartition(".")
    seconds, _, _ = told.partition(".")
    if not (state and hmac.compare_digest(_bytes(state), _bytes(cookie))):
        return False
    if not hmac.compare_digest(_bytes(signature), _bytes(_sign(secret, told))):
        return False
    return timedelta() <= now - datetime.fromtimestamp(int(seconds), now.tzinfo) <= LIFE


def _sign(secret: str, told: str) -> str:
    return hmac.new(secret.encode(), _bytes(told), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    """Whatever a browser sends, be it no text at all (then it holds half characters)."""
    return text.encode(errors="surrogatepass")
