"""How is a request of ours signed? Over the instant and the body, in two headers.

It is the HMAC-SHA256 of `v1:<timestamp>:<body>`, the timestamp in seconds since 1970.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Final

TIMESTAMP: Final = "X-Bridge-Timestamp"
SIGNATURE: Final = "X-Bridge-Signature"

_VERSION: Final = "v1"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What stands in the header `X-Bridge-Signature`."""
    base = b":".join((_VERSION.encode(), timestamp.encode(), body))
    return f"{_VERSION}={hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()}"


def signed(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """Both headers, for a request that leaves `now`."""
    timestamp = str(int(now.timestamp()))
    return {TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}
