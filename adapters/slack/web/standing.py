"""What do we know not to try? A token that was just refused, a method that a workspace lacks.

Asking again at once would only be refused again; so the refusal is repeated from here.
"""

from datetime import datetime, timedelta
from typing import Final

from adapters.slack.logs import LOG
from adapters.slack.web.answers import LACKING, REFUSED_TOKEN, Refusal

#: For so long nothing is sent after Slack refused the token; then one call asks again.
REFUSED_FOR: Final = timedelta(minutes=1)
#: For so long a method that was not to be had is not tried again.
LACKING_FOR: Final = timedelta(hours=1)
#: Without these there is no adapter: they are always tried.
_NEEDED: Final = frozenset({"chat.postMessage", "chat.update", "conversations.replies"})
#: These only adorn: where they are not permitted, it is as if there were none.
_SPARED: Final = frozenset({"assistant.threads.setStatus", "chat.startStream"})
_UNPERMITTED: Final = frozenset({"missing_scope", "no_permission", "not_allowed_token_type"})
#: What one kind of channel does not support, another may (a channel's id begins with its kind).
_OF_ONE_KIND: Final = frozenset(
    {
        "channel_type_not_supported",
        "missing_recipient_team_id",
        "missing_recipient_user_id",
        "not_allowed",
    }
)


class Standing:
    """How one workspace stands to us, as its answers have told."""

    def __init__(self) -> None:
        self._refused: Refusal | None = None
        self._refused_until: datetime | None = None
        self._lacking: dict[tuple[str, str], tuple[Refusal, datetime]] = {}

    @property
    def good(self) -> bool:
        """Whether nothing was refused that matters to another call."""
        return self._refused is None and not self._lacking

    def refusal(self, method: str, channel: str, now: datetime) -> Refusal | None:
        """The refusal that a call would only bring again."""
        if self._refused is not None and self._refused_until is not None:
            return self._refused.again() if now < self._refused_until else None
        for kind in ("", channel[:1]):
            found = self._lacking.get((method, kind))
            if found is not None and now < found[1]:
                return found[0].again()
        return None

    def asking(self, now: datetime) -> None:
        """A call goes out. If the token was refused it goes alone: the others wait for its news."""
        if self._refused is not None:
            self._refused_until = now + REFUSED_FOR

    def answered(self) -> None:
        """The token is good."""
        self._refused = self._refused_until = None

    def refused(self, refusal: Refusal, method: str, channel: str, now: datetime) -> None:
        """Slack refused a call."""
        if refusal.code in REFUSED_TOKEN:
            self._refused, self._refused_until = refusal, now + REFUSED_FOR
        elif refusal.code:
            self.answered()
        lacking = refusal.code in LACKING and method not in _NEEDED
        if lacking or (method in _SPARED and refusal.code in _UNPERMITTED | _OF_ONE_KIND):
            kind = channel[:1] if refusal.code in _OF_ONE_KIND else ""
            self._lacking[method, kind] = (refusal, now + LACKING_FOR)
            LOG.warning("slack.not_supported", extra={"method": method, "reason": refusal.code})
