"""Which places are closed for us, with all their threads? Archived, deleted, left, uninstalled.

One event of these concerns many conversations. Each of them is told before the event is
acknowledged; told twice, they know it. Shapes from docs.slack.dev/reference/events.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec

from adapters.slack import ids
from adapters.slack.identity import BotIdentity
from adapters.slack.logs import LOG
from adapters.slack.reading.arrivals import arrival
from adapters.slack.reading.callbacks import Callback, Json
from adapters.slack.reading.messages import SLACK
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Inbound, ThreadGone
from bridge.plugin import Host

_OF_A_CHANNEL = {
    "channel_archive",
    "channel_deleted",
    "channel_left",
    "group_archive",
    "group_deleted",
    "group_left",
}
#: How many threads are told at once: they share commits, and do not crowd out the others.
_AT_ONCE = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Closed:
    """A channel, or with no channel the whole workspace, that is closed for us since `ts`."""

    team: str
    channel: str
    why: str  #: the event that told
    ts: str

    @property
    def prefix(self) -> str:
        """How the keys of its threads begin."""
        return f"{self.team}:{self.channel}:" if self.channel else f"{self.team}:"

    @property
    def whole(self) -> bool:
        """Whether it is all of the workspace: the app was taken out of it."""
        return not self.channel


class _Event(msgspec.Struct):
    type: str = ""
    channel: str = ""
    user: str = ""
    tokens: dict[str, Any] | None = None
    event_ts: Any = None
    old_channel_id: str = ""
    new_channel_id: str = ""


def places_closed(payload: object, bot: BotIdentity) -> Closed | None:
    """The place that `payload` says is closed for us, if it says so. Never raises."""
    read = _read(payload)
    if read is None:
        return None
    callback, event, ts = read
    channel = event.channel
    match event.type:
        case "app_uninstalled":
            channel = ""
        case "tokens_revoked" if _holds(event.tokens, bot.user):
            channel = ""
        case "member_left_channel" if event.user == bot.user and ids.is_place(channel):
            pass
        case kind if kind in _OF_A_CHANNEL and ids.is_place(channel):
            pass
        case _:
            return None
    if not channel and _installed_since(ts, bot):
        return None  # told late, or again
    return Closed(team=callback.team, channel=channel, why=event.type, ts=ts)


def _installed_since(ts: str, bot: BotIdentity) -> bool:
    """Whether the app was installed anew after `ts`, which may be a whole second."""
    return bot.since is not None and ids.instant_of(ts) < bot.since.replace(microsecond=0)


def renumbered(payload: object) -> tuple[str, str] | None:
    """The old and the new id of a channel, if `payload` says that it was given another."""
    read = _read(payload)
    if read is None or read[1].type != "channel_id_changed":
        return None
    old, new = read[1].old_channel_id, read[1].new_channel_id
    return (old, new) if ids.is_place(old) and ids.is_place(new) else None


async def close(closed: Closed, host: Host) -> None:
    """Tell every open conversation of the place that it is over.

    Raises:
        DatabaseFailed: not all of them are told; the event is to be repeated.
    """
    threads = await host.open_threads(closed.prefix)
    for first in range(0, len(threads), _AT_ONCE):
        some = threads[first : first + _AT_ONCE]
        told = [host.accept(gone) for key in some if (gone := _gone(closed, key))]
        results = await asyncio.gather(*told, return_exceptions=True)
        for failure in (result for result in results if isinstance(result, BaseException)):
            raise failure
    LOG.info(
        "slack.place_closed",
        extra={
            "team": closed.team,
            "channel": closed.channel,
            "reason": closed.why,
            "threads": len(threads),
        },
    )


async def attend(payload: object, bot: BotIdentity, host: Host) -> Closed | None:
    """Close what `payload` says is closed, if anything. Raises like `close`."""
    closed = places_closed(payload, bot)
    if closed is not None:
        await close(closed, host)
    elif (ids_of := renumbered(payload)) is not None:
        # Threads keep the old id in their names; a post to it will say whether it still counts.
        LOG.warning("slack.channel_renumbered", extra={"old": ids_of[0], "new": ids_of[1]})
    return closed


def _read(payload: object) -> tuple[Callback, _Event, str] | None:
    """The event with its wrapping and its instant, where it is readable and says whose it is."""
    if not (isinstance(payload, dict) and isinstance(payload.get("event"), dict)):
        return None
    try:
        callback = msgspec.convert(payload, Callback)
        event = msgspec.convert(callback.event, _Event)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    ts = event.event_ts if ids.is_ts(event.event_ts) else _whole_seconds(payload)
    return (callback, event, ts) if ids.is_place(callback.team) and ids.is_ts(ts) else None


def _whole_seconds(payload: Json) -> str:
    at = payload.get("event_time")
    return f"{at}.000000" if isinstance(at, int) else ""


def _holds(tokens: dict[str, Any] | None, user: str) -> bool:
    """Whether the bot's own token is among those that were revoked."""
    bots = (tokens or {}).get("bot")
    return isinstance(bots, list) and user in bots


def _gone(closed: Closed, key: ThreadKey) -> Inbound | None:
    try:
        thread = ids.SlackThread.parse(key)
    except ValueError:
        return None
    name = f"gone:{thread.team}:{thread.channel}:{closed.ts}:{thread.root}"
    return arrival(thread, (name,), ts=closed.ts, person=SLACK, body=ThreadGone(), opens=False)
