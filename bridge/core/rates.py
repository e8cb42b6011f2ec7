"""How fast may somebody write? A bucket that holds a burst and fills again steadily.

A bucket is known by one instant: when it will be full again. It need not be remembered after that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` in any time as long as `per`, all of them at once if need be."""

    count: int
    per: timedelta

    @property
    def gap(self) -> timedelta:
        """How long one takes to come back: rounded up, so that no rate is without end."""
        return -(-self.per // self.count)


def free_in(full_at: datetime | None, rate: Rate, now: datetime) -> timedelta:
    """How long until one may be taken from a bucket that is full at `full_at`, or now if None."""
    return max(taken(full_at, rate, now) - now - rate.gap * rate.count, timedelta())


def taken(full_at: datetime | None, rate: Rate, now: datetime) -> datetime:
    """When the bucket will be full after one was taken."""
    # Should the clock be set back, nobody waits longer than for an empty bucket.
    empty = now + rate.gap * rate.count
    return min(max(full_at or now, now), empty) + rate.gap
