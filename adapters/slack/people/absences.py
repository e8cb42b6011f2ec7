"""What if we are not in a channel any more? Somebody who can invite us is told, and we wait.

Slack refuses a post with not_in_channel, or, for a private channel, as if there were none. Both can
be mended by an invitation. So for `KEPT_FOR` what is owed there is kept, which holds up no other
conversation; after that it is refused for good, and the conversation is over. Whoever began the
conversation gets one direct message an hour for each channel, best effort; the operator reads it in
the log. Who that was is known since the start of the process only.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

import msgspec

from adapters.slack import ids
from adapters.slack.logs import LOG
from adapters.slack.web.answers import AWAY, Refusal
from adapters.slack.web.calls import Calls
from adapters.slack.web.governor import Turns
from bridge.errors import BridgeError, NeedsPerson
from bridge.model.delivery import Urgency
from bridge.model.ids import PersonId, ThreadKey

#: How long an invitation is waited for.
KEPT_FOR: Final = timedelta(hours=1)
#: How often it is looked whether one has come.
_LOOK: Final = timedelta(minutes=1)
#: Without a refusal for so long, the next one begins a new absence.
_OVER: Final = 5 * _LOOK
_TOLD_AGAIN: Final = timedelta(hours=1)
_MOST: Final = 1000


class _Absence(msgspec.Struct, frozen=True, kw_only=True):
    since: datetime
    seen_at: datetime
    told_at: datetime


class Absences:
    """The channels of one workspace in which we found that we are not."""

    def __init__(self, team: str, calls: Calls) -> None:
        self._team = team
        self._calls = calls
        self._channels: OrderedDict[str, _Absence] | None = None
        self._openers: OrderedDict[ThreadKey, PersonId] = OrderedDict()

    def heard(self, thread: ThreadKey, person: PersonId) -> None:
        """Somebody said something; the first in a thread is taken for whoever began it."""
        self._openers.setdefault(thread, person)
        while len(self._openers) > _MOST:
            self._openers.popitem(last=False)

    async def meaning(self, refusal: Refusal, thread: ids.SlackThread) -> BridgeError:
        """What follows from a refusal that concerns a thread: wait, or it is over."""
        turns = self._calls.turns
        if turns is None or refusal.code not in AWAY or thread.direct:
            return refusal.meaning(posting=True)
        now = turns.clock.now()
        known = await self._known(turns, thread.channel)
        since = known.since if known and now - known.seen_at < _OVER else now
        tell = known is None or now - known.told_at >= _TOLD_AGAIN
        told_at = now if known is None or tell else known.told_at
        self._note(turns, thread.channel, _Absence(since=since, seen_at=now, told_at=told_at))
        if tell:
            await self._tell(refusal, thread)
        if now - since >= KEPT_FOR:
            return refusal.meaning(posting=True)
        return NeedsPerson(f"the app is not in the channel ({refusal})", after=_LOOK)

    async def _tell(self, refusal: Refusal, thread: ids.SlackThread) -> None:
        LOG.warning(
            "slack.not_in_channel",
            extra={"team": self._team, "channel": thread.channel, "reason": refusal.code},
        )
        person = self._openers.get(thread.key)
        if person is None:
            return
        try:
            await self._calls.ask(
                self._calls.web.chat_postMessage,
                urgency=Urgency.NEWS,
                channel=person,
                text=_words(thread.channel),
                unfurl_links=False,
            )
        except (Refusal, BridgeError):
            return  # best effort: it stands in the log

    async def _known(self, turns: Turns, channel: str) -> _Absence | None:
        if self._channels is None:
            kept = await turns.notes.read(self._prefix)
            self._channels = OrderedDict(
                (key.removeprefix(self._prefix), absence)
                for key, text in kept.items()
                if (absence := _read(text)) is not None
            )
        return self._channels.get(channel)

    def _note(self, turns: Turns, channel: str, absence: _Absence) -> None:
        channels = self._channels if self._channels is not None else OrderedDict()
        self._channels = channels
        channels[channel] = absence
        channels.move_to_end(channel)
        turns.notes.write(self._prefix + channel, msgspec.json.encode(absence).decode())
        while len(channels) > _MOST:
            oldest, _ = channels.popitem(last=False)
            turns.notes.erase(self._prefix + oldest)

    @property
    def _prefix(self) -> str:
        return f"absent:{self._team}:"


def _words(channel: str) -> str:
    return (
        f"I cannot answer in <#{channel}>: I am not a member of that channel. "
        "Please invite me there; for an hour I keep what is to be said."
    )


def _read(text: str) -> _Absence | None:
    try:
        return msgspec.json.decode(text, type=_Absence)
    except msgspec.MsgspecError:
        return None
