"""Is one message's fault, or the platform's? What fails while others go through is poisoned.

An outage concerns all: then nothing goes through, and everything waits for its end. No trouble of
an hour gives anything up. A pause that the platform asks for, and credentials that it refuses, are
no failures of a message.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from bridge.errors import CredentialsRefused, RetryLater
from bridge.model.ids import AdapterName
from bridge.runtime.delivering.outcomes import BREAKS, unannounced

#: How long a delivery has to fail, at least, before it is given up.
PATIENCE: Final = timedelta(minutes=75)
#: After how many of its failures others must have gone through since the one before.
WITNESSES: Final = 10
#: How long, and how often, what nobody can be compared with is tried.
LAST_PATIENCE: Final = timedelta(hours=24)
LAST_TRIES: Final = 20


class Passages:
    """What went through each adapter, and what failed, by the kind of call."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[AdapterName, str]] = Counter()
        self.failures: Counter[tuple[AdapterName, str]] = Counter()

    def passed(self, adapter: AdapterName, call: str) -> None:
        """One did."""
        self._counts[adapter, call] += 1

    def trial(self, adapter: AdapterName, call: str) -> "Trial":
        """Of a delivery that is about to be tried."""
        return Trial(self, adapter, call)

    def count(self, adapter: AdapterName, call: str) -> int:
        """How many did so far."""
        return self._counts[adapter, call]


class Trial:
    """One delivery, and how often it failed where others did not."""

    def __init__(self, passages: Passages, adapter: AdapterName, call: str) -> None:
        self._passages, self._adapter, self._call = passages, adapter, call
        self._passed = passages.count(adapter, call)
        self._failed_before = passages.failures[adapter, call]
        self._first: datetime | None = None
        self._lasted = timedelta()
        self._failures = self._breaks = self._witnessed = 0

    def failed(self, outcome: object, now: datetime) -> None:
        """It failed so. As its thread waits for it, whatever goes through is another's."""
        if isinstance(outcome, RetryLater | CredentialsRefused):
            return
        self._first = self._first or now
        self._lasted = now - self._first
        self._failures += 1
        self._passages.failures[self._adapter, self._call] += 1
        self._breaks += unannounced(outcome)
        passed = self._passages.count(self._adapter, self._call)
        self._witnessed += passed > self._passed
        self._passed = passed

    @property
    def hopeless(self) -> bool:
        """Whether it is to be given up."""
        broken = self._breaks >= BREAKS and not self._outage
        singled_out = self._witnessed >= WITNESSES or broken
        if singled_out and self._lasted >= PATIENCE:
            return True
        return self._failures >= LAST_TRIES and self._lasted >= LAST_PATIENCE

    @property
    def _outage(self) -> bool:
        """Whether others fail as well, and none goes through."""
        failed = self._passages.failures[self._adapter, self._call] - self._failed_before
        return failed > self._failures and not self._witnessed

    @property
    def verdict(self) -> str:
        """How that reads."""
        minutes = round(self._lasted.total_seconds() / 60)
        return f"it failed {self._failures} times in {minutes} minutes"
