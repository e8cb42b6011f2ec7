"""How often do we let ourselves call? Our own allowances, and a bucket that keeps to one.

Pure. Slack's limits are per method and workspace (docs.slack.dev, apis/web-api/rate-limits): tier 2
is "20+ a minute", tier 3 "50+", tier 4 "100+", each with bursts of unsaid size; chat.postMessage is
"about one a second in a channel, with short bursts", and "several hundred a minute" in a workspace.
We keep to those floors as rates. Our bursts are smaller than a minute's worth, because nobody says
how large they may be, and because calls that leave in step may arrive bunched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `burst` calls at once after a quiet time, and one more each `gap`."""

    per_minute: int
    burst: int

    @property
    def gap(self) -> timedelta:
        """The time in which one more call is earned."""
        return timedelta(minutes=1) / self.per_minute


def _tier(per_minute: int) -> Allowance:
    return Allowance(per_minute, burst=per_minute // 5)


TIER_2: Final = _tier(20)
TIER_3: Final = _tier(50)
TIER_4: Final = _tier(100)
#: "Hundreds a minute", of methods that answer at once.
SPECIAL: Final = _tier(300)

_METHODS: Final[Mapping[str, Allowance]] = {
    "agents.sessions.rename": TIER_3,
    "agents.sessions.setStatus": TIER_3,
    "apps.connections.open": TIER_3,
    "assistant.threads.setStatus": SPECIAL,
    "assistant.threads.setSuggestedPrompts": TIER_4,
    "assistant.threads.setTitle": TIER_4,
    "auth.test": SPECIAL,
    "bots.info": TIER_3,
    "chat.appendStream": TIER_4,
    "chat.delete": TIER_3,
    "chat.getPermalink": SPECIAL,
    "chat.postEphemeral": TIER_4,
    # "Several hundred a minute": three are several. The burst only matters where many channels are
    # owed something at once, as after an outage; each of them is held to its own floor. Nobody
    # outside Slack knows how much is taken at once. If it is a minute's worth of those three
    # hundred, as the simulator has it, 265 say a thousand answers in 1.05 times the least time, and
    # thirty are left for calls that arrive bunched. If it is less, a 429 comes, which is obeyed.
    "chat.postMessage": Allowance(300, burst=270),
    "chat.startStream": TIER_2,
    "chat.stopStream": TIER_2,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.join": TIER_3,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "reactions.add": TIER_3,
    "reactions.remove": TIER_2,
    "users.info": TIER_4,
    "views.open": TIER_4,
    "views.publish": TIER_4,
}
#: What makes a new message is held to a pace in each channel as well.
_IN_CHANNEL: Final = Allowance(60, burst=3)
_POSTING: Final = frozenset({"chat.postMessage", "chat.startStream"})


def allowed(method: str) -> Allowance:
    """What a method may in a workspace; one that we do not know is taken for one of tier 2."""
    return _METHODS.get(method, TIER_2)


def allowed_in_channel(method: str) -> Allowance | None:
    """What a method may in one channel, if that is limited too."""
    return _IN_CHANNEL if method in _POSTING else None


class Bucket:
    """Keeps to an allowance from `now` on, when it is full; all it holds is when it is so again."""

    def __init__(self, allowance: Allowance, now: datetime) -> None:
        self._burst = allowance.burst
        self._gap = allowance.gap
        self._full_at = now

    def free_at(self, *, leaving: int = 0) -> datetime:
        """When one more call may go, and leave so many in the bucket. An instant past means now."""
        kept = max(0, self._burst - 1 - leaving)
        return self._full_at - self._gap * kept

    def take(self, now: datetime) -> None:
        """Count one call."""
        self._full_at = max(self._full_at, now) + self._gap

    def hold(self, until: datetime) -> None:
        """Let nothing through before `until`, and no burst then: Slack has just had too many."""
        first = until + self._gap * (self._burst - 1)
        self._full_at = max(self._full_at, first)

    def full(self, now: datetime) -> bool:
        """Whether it holds nothing that a new one would not know."""
        return self._full_at <= now

    @property
    def spare(self) -> int:
        """What whispers leave for words."""
        return self._burst // 3
