"""Who writes faster than people do? Told apart before anything is stored, by person and account."""

import math
from datetime import datetime, timedelta

import msgspec

from bridge.clock import Clock
from bridge.core.rates import Rate, free_in, taken
from bridge.model.inbound import Clicked, Edited, Inbound, PersonAsked, Said, TooFast

#: What costs the agent something, if it comes in floods.
_COUNTED = (Said, Clicked, PersonAsked, Edited)
#: How many buckets there may be before those that are full again are looked for.
_SWEPT_AT = 1_000


class Limits:
    """The rates at which one adapter's people may write; None is without a limit."""

    def __init__(self, clock: Clock, *, person: Rate | None, account: Rate | None) -> None:
        self._clock = clock
        self._rates = {"person": person, "account": account}
        self._buckets: dict[tuple[str, str], datetime] = {}  #: when each is full again
        self._sweep_at = _SWEPT_AT

    @property
    def remembered(self) -> int:
        """How many buckets are in memory."""
        return len(self._buckets)

    def applied(self, inbound: Inbound) -> Inbound:
        """The same if it is within the rates, and counted; else that it came too fast.

        What is too fast is not counted: whoever waits as told gets through.
        """
        if not isinstance(inbound.body, _COUNTED):
            return inbound
        now = self._clock.now()
        limited = self._limited(inbound)
        wait = max(
            (free_in(self._buckets.get(key), rate, now) for key, rate in limited.items()),
            default=timedelta(),
        )
        if wait:
            return msgspec.structs.replace(inbound, body=TooFast(math.ceil(wait.total_seconds())))
        for key, rate in limited.items():
            self._buckets[key] = taken(self._buckets.get(key), rate, now)
        self._sweep(now)
        return inbound

    def given_back(self, inbound: Inbound) -> None:
        """It was counted and should not have been: it was told before, or is nobody's."""
        if not isinstance(inbound.body, _COUNTED):
            return
        now = self._clock.now()
        for key, rate in self._limited(inbound).items():
            full_at = self._buckets.pop(key, now) - rate.gap
            if full_at > now:
                self._buckets[key] = full_at

    def _limited(self, inbound: Inbound) -> dict[tuple[str, str], Rate]:
        whose = {"person": inbound.person.id, "account": inbound.account}
        return {(kind, whose[kind]): rate for kind, rate in self._rates.items() if rate}

    def _sweep(self, now: datetime) -> None:
        """Forget who has long been quiet, once there are twice as many as were left last time."""
        if len(self._buckets) < self._sweep_at:
            return
        self._buckets = {key: full_at for key, full_at in self._buckets.items() if full_at > now}
        self._sweep_at = max(_SWEPT_AT, 2 * len(self._buckets))
