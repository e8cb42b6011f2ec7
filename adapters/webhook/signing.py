"""Who sent it, and was it just now? A signature over the instant and the body, either way.

How it is made, `bridge.plugin.signing` says. Whoever repeats a whole request within the window
tells us what we know already.
"""

import enum
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bridge.plugin.signing import SIGNATURE, TIMESTAMP, signature


class Distrust(enum.StrEnum):
    """Why a request is not believed."""

    UNSIGNED = "unsigned"  #: one of the headers is missing, or is none of ours
    FORGED = "signature"  #: signed with another secret, or changed on its way
    STALE = "clock"  #: signed by whom it should be, but not just now


def distrust(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Sequence[str],
    window: timedelta,
    clocks: Sequence[datetime],
) -> Distrust | None:
    """Why this request is not believed; None if it is.

    Any of the `secrets` will do, and any of the `clocks`: of a machine whose clock was set right
    while we run, only one shows the time that others have.
    """
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not given or not _is_instant(timestamp):
        return Distrust.UNSIGNED
    # Each secret is tried, whichever it is: how long that takes tells nothing.
    matches = [_same(signature(secret, timestamp, body), given) for secret in secrets]
    if not any(matches):
        return Distrust.FORGED
    apart = min(abs(clock.timestamp() - int(timestamp)) for clock in clocks)
    return Distrust.STALE if apart > window.total_seconds() else None


def _same(ours: str, given: str) -> bool:
    # As bytes: of texts that are not ASCII, compare_digest takes none.
    return hmac.compare_digest(ours.encode(), given.encode(errors="replace"))


def _is_instant(timestamp: str) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
