"""What goes wrong next? Faults planned for the Web API, spent one call at a time."""

import enum
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import timedelta

#: A fault planned for this method befalls the next call of any.
ANY = "*"


class FaultKind(enum.StrEnum):
    """What befalls a call."""

    RATE_LIMITED = "rate_limited"  #: 429; not done
    REFUSED = "refused"  #: an error of Slack's choice; not done
    REQUEST_LOST = "request_lost"  #: not done, and the connection is cut
    RESPONSE_LOST = "response_lost"  #: done, and the connection is cut
    STATUS_BEFORE = "status_before"  #: not done, and answered with a bare HTTP status
    STATUS_AFTER = "status_after"  #: done, and answered with a bare HTTP status
    SILENT = "silent"  #: not done, and never answered
    SLOW = "slow"  #: done at once, and answered late


@dataclass(frozen=True, slots=True)
class Fault:
    """One misfortune."""

    kind: FaultKind
    error: str = ""
    status: int = 0
    duration: timedelta = timedelta()


@dataclass(slots=True)
class PlannedFaults:
    """The misfortunes to come, by method; each befalls one call."""

    _planned: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))

    def plan(self, method: str, fault: Fault, n: int) -> None:
        """The next `n` calls of `method` suffer `fault`, after those planned before."""
        self._planned[method].extend([fault] * n)

    def take(self, method: str) -> Fault | None:
        """The fault that befalls this call, if any."""
        for name in (method, ANY):
            if self._planned[name]:
                return self._planned[name].popleft()
        return None

    def forget(self) -> None:
        """No more misfortune."""
        self._planned.clear()
