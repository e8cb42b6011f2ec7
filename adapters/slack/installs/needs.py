"""What must the Slack app be allowed, for these settings? Each scope and event, and what breaks.

Scopes as docs.slack.dev/reference/scopes has them; an event needs its scope besides
(docs.slack.dev/reference/events). The manifest asks for exactly these, and a check of the
connection names those that are missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.slack.reading.admission import DIRECT
from adapters.slack.settings import SlackSettings


@dataclass(frozen=True, slots=True)
class Need:
    """A scope or an event by Slack's name, and what does not work without it."""

    name: str
    without: str
    #: Whether the bridge does its main job without it.
    spared: bool = False


def scopes(settings: SlackSettings) -> list[Need]:
    """The bot scopes, by name."""
    return sorted(_scopes(settings), key=lambda need: need.name)


def events(settings: SlackSettings) -> list[Need]:
    """The bot events, by name."""
    return sorted(_events(settings), key=lambda need: need.name)


def _scopes(settings: SlackSettings) -> Iterator[Need]:
    yield Need("chat:write", "nothing can be posted")
    yield Need("chat:write.customize", "live agents' names stand in the text", spared=True)
    yield Need("users:read", "the agent is not told people's names", spared=True)
    yield Need("commands", "there is no message shortcut and no slash command", spared=True)
    if _direct(settings):
        yield Need("im:history", "direct messages are not received")
        yield Need("mpim:history", "messages of group conversations are not received")
    if _channels(settings):
        closed = "that a channel was archived is noticed with the next post only"
        yield Need("app_mentions:read", "mentions in channels are not received")
        yield Need("channels:history", "threads in public channels are not read")
        yield Need("groups:history", "threads in private channels are not read")
        yield Need("channels:read", f"public channels: {closed}", spared=True)
        yield Need("groups:read", f"private channels: {closed}", spared=True)


def _events(settings: SlackSettings) -> Iterator[Need]:
    gone = "conversations of a workspace that removed the app stay open for a while"
    yield Need("app_uninstalled", gone, spared=True)
    yield Need("tokens_revoked", gone, spared=True)
    if settings.home_tab:
        yield Need("app_home_opened", "the home tab stays empty", spared=True)
    if _direct(settings):
        yield Need("message.im", "direct messages are not received")
        yield Need("message.mpim", "messages of group conversations are not received")
    if _channels(settings):
        yield Need("app_mention", "mentions in channels are not received")
        yield Need("message.channels", "replies in threads of public channels are not received")
        yield Need("message.groups", "replies in threads of private channels are not received")
        for event in _CLOSINGS:
            yield Need(event, "conversations there are closed with the next post only", spared=True)


_CLOSINGS = (
    "channel_archive",
    "channel_deleted",
    "channel_left",
    "group_archive",
    "group_deleted",
    "group_left",
)


def _direct(settings: SlackSettings) -> bool:
    allowed = not settings.allow_channels or DIRECT in settings.allow_channels
    return allowed and DIRECT not in settings.deny_channels


def _channels(settings: SlackSettings) -> bool:
    return set(settings.allow_channels) != {DIRECT}
