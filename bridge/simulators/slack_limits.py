"""How often may an app call? Slack's rate limits, as one table and one bucket per workspace.

Source: docs.slack.dev, apis/web-api/rate-limits. Slack publishes the tiers as a floor ("50 or
more a minute") and leaves the special ones open; where it is silent the number here is on the
strict side, and says so.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

EVERY_CHANNEL = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A bucket: at most `burst` calls at once, filled again at `per_minute`."""

    per_minute: float
    burst: int

    @property
    def pause(self) -> timedelta:
        """The time in which one more call is earned."""
        return timedelta(minutes=1 / self.per_minute)


def _tier(per_minute: int) -> Allowance:
    return Allowance(per_minute=per_minute, burst=per_minute)


TIER_2 = _tier(20)
TIER_3 = _tier(50)
TIER_4 = _tier(100)
#: "Special: hundreds a minute" for auth.test, chat.getPermalink, assistant.threads.setStatus.
SPECIAL = _tier(600)

#: Per workspace and method.
METHODS: Mapping[str, Allowance] = {
    "apps.connections.open": TIER_3,
    "assistant.threads.setStatus": SPECIAL,
    "apps.manifest.export": TIER_3,
    "auth.test": SPECIAL,
    "bots.info": TIER_3,
    "chat.appendStream": TIER_4,
    "chat.delete": TIER_3,
    "chat.getPermalink": SPECIAL,
    "chat.postEphemeral": TIER_4,
    # "A workspace-wide cap of several hundred a minute", undisclosed: 300 is our choice.
    "chat.postMessage": _tier(300),
    "chat.startStream": TIER_2,
    "chat.stopStream": TIER_2,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.join": TIER_3,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "users.info": TIER_4,
    "views.publish": TIER_4,
}
#: What Slack lets an app read that is distributed outside its Marketplace (changelog, 2025-05-29).
DISTRIBUTED: Mapping[str, Allowance] = {
    "conversations.history": _tier(1),
    "conversations.replies": _tier(1),
}
#: … and how many messages it shows such an app at once.
DISTRIBUTED_PAGE = 15
#: Per channel as well: "about one a second, with short bursts"; the burst's size is our choice.
PER_CHANNEL: Mapping[str, Allowance] = {"chat.postMessage": Allowance(per_minute=60, burst=5)}


@dataclass(slots=True)
class _Bucket:
    allowance: Allowance
    calls: float
    filled_at: datetime

    def fill(self, now: datetime) -> None:
        earned = (now - self.filled_at) / self.allowance.pause
        self.calls = min(float(self.allowance.burst), self.calls + earned)
        self.filled_at = now

    def wait(self) -> timedelta:
        return self.allowance.pause * max(0.0, 1 - self.calls)


@dataclass(slots=True)
class RateLimits:
    """The buckets of one workspace. With nothing given: Slack's own table."""

    methods: Mapping[str, Allowance] = field(default_factory=lambda: METHODS)
    per_channel: Mapping[str, Allowance] = field(default_factory=lambda: PER_CHANNEL)
    distributed: bool = False  #: the quotas of a distributed app go first
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def off(cls) -> "RateLimits":
        """No limits at all."""
        return cls(methods={}, per_channel={})

    def take(self, method: str, channel: str, now: datetime) -> timedelta | None:
        """Count one call. None if it may go on; else how long to wait, in whole seconds >= 1.

        A refused call costs nothing.
        """
        buckets = [
            self._bucket(table[method], method, key, now)
            for table, key in ((self._by_method, EVERY_CHANNEL), (self.per_channel, channel))
            if method in table and (key or table is not self.per_channel)
        ]
        wait = max((bucket.wait() for bucket in buckets), default=timedelta())
        if wait > timedelta():
            return timedelta(seconds=max(1, math.ceil(wait.total_seconds())))
        for bucket in buckets:
            bucket.calls -= 1
        return None

    @property
    def _by_method(self) -> Mapping[str, Allowance]:
        return {**self.methods, **DISTRIBUTED} if self.distributed else self.methods

    def _bucket(self, allowance: Allowance, method: str, key: str, now: datetime) -> _Bucket:
        bucket = self._buckets.get((method, key))
        if bucket is None or bucket.allowance != allowance:
            bucket = _Bucket(allowance, float(allowance.burst), now)
            self._buckets[method, key] = bucket
        bucket.fill(now)
        return bucket
