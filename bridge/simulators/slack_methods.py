"""Which methods are there? The Web API's table, and the methods that only read."""

import base64
import binascii
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge.simulators.slack_arguments import Arguments, Refusal
from bridge.simulators.slack_chat import Chat, missing_scope, readable
from bridge.simulators.slack_limits import DISTRIBUTED_PAGE
from bridge.simulators.slack_streams import Streams
from bridge.simulators.slack_views import Views
from bridge.simulators.slack_workspace import (
    Channel,
    ChannelKind,
    SimulatedMessage,
    Workspace,
)

Json = dict[str, Any]

HISTORY_PAGE, HISTORY_MOST = 100, 999
REPLIES_PAGE, REPLIES_MOST = 1000, 1000

_HISTORY_SCOPES = {
    ChannelKind.PUBLIC: "channels:history",
    ChannelKind.PRIVATE: "groups:history",
    ChannelKind.DIRECT: "im:history",
}
ALL_SCOPES = frozenset(_HISTORY_SCOPES.values()) | {
    "app_mentions:read",
    "channels:join",
    "channels:read",
    "groups:read",
    "mpim:history",
    "chat:write",
    "chat:write.customize",
    "commands",
    "im:write",
    "users:read",
}


#: What the simulated app subscribes to, unless that was taken back.
EVERY_EVENT = frozenset(
    (
        "app_home_opened",
        "app_mention",
        "app_uninstalled",
        "channel_archive",
        "channel_deleted",
        "channel_left",
        "group_archive",
        "group_deleted",
        "group_left",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "tokens_revoked",
    )
)
#: The one configuration token there is: it reads the app's own settings.
CONFIG_TOKEN = "xoxe.xoxp-simulated"  # noqa: S105 - it opens nothing


class TokenOwner(enum.Enum):
    """Whose token a method wants."""

    BOT = enum.auto()
    APP = enum.auto()
    CONFIGURATION = enum.auto()


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what it does, the scope it needs, whether it reads a JSON body.

    Slack's reading methods take a query or a form and ignore JSON: a call that sends it fails as
    if it had sent nothing.
    """

    do: Callable[[Arguments], Json]
    scope: str = ""
    takes_json: bool = True
    token: TokenOwner = TokenOwner.BOT


@dataclass(slots=True)
class Methods:
    """The table, over one workspace. `open_socket` gives a new Socket Mode address."""

    workspace: Workspace
    chat: Chat
    streams: Streams
    views: Views
    open_socket: Callable[[], str]

    def table(self) -> Mapping[str, Method]:
        """Every method there is; any other name is `unknown_method`."""
        return {
            "apps.connections.open": Method(self._open_connection, token=TokenOwner.APP),
            "apps.manifest.export": Method(self._export_manifest, token=TokenOwner.CONFIGURATION),
            "assistant.threads.setStatus": Method(self.chat.set_status, "chat:write"),
            "auth.test": Method(self._test_auth),
            "bots.info": Method(self._describe_bot, "users:read", takes_json=False),
            "chat.appendStream": Method(self.streams.append, "chat:write"),
            "chat.delete": Method(self.chat.delete, "chat:write"),
            "chat.getPermalink": Method(self._get_permalink, takes_json=False),
            "chat.postEphemeral": Method(self.chat.post_ephemeral, "chat:write"),
            "chat.postMessage": Method(self.chat.post, "chat:write"),
            "chat.startStream": Method(self.streams.start, "chat:write"),
            "chat.stopStream": Method(self.streams.stop, "chat:write"),
            "chat.update": Method(self.chat.update, "chat:write"),
            "conversations.history": Method(self._history, takes_json=False),
            "conversations.info": Method(self._describe_channel, "channels:read", takes_json=False),
            "conversations.join": Method(self._join, "channels:join"),
            "conversations.open": Method(self._open_direct, "im:write"),
            "conversations.replies": Method(self._replies, takes_json=False),
            "users.info": Method(self._describe_user, "users:read", takes_json=False),
            "views.publish": Method(self.views.publish),
        }

    def _open_connection(self, _args: Arguments) -> Json:
        return {"url": self.open_socket()}

    def _test_auth(self, _args: Arguments) -> Json:
        space = self.workspace
        team = {"url": "https://simulated.slack.com/", "team": "Simulated", "team_id": space.team}
        bot = {"user": "bridge", "user_id": space.bot_user_id, "bot_id": space.bot_id}
        return {**team, **bot, "is_enterprise_install": False}

    def _export_manifest(self, args: Arguments) -> Json:
        if args.need("app_id") != self.workspace.app_id:
            raise Refusal("app_not_found")
        bot_events = sorted(EVERY_EVENT - self.workspace.unsubscribed)
        subscribed = {"bot_events": bot_events}
        return {"manifest": {"settings": {"event_subscriptions": subscribed}}}

    def _describe_bot(self, args: Arguments) -> Json:
        if args.need("bot") != self.workspace.bot_id:
            raise Refusal("bot_not_found")
        return {"bot": {"id": self.workspace.bot_id, "app_id": self.workspace.app_id}}

    def _get_permalink(self, args: Arguments) -> Json:
        channel = readable(self.workspace, args.need("channel"))
        ts = args.need("message_ts")
        message = channel.messages.get(ts)
        if message is None or message.deleted:
            raise Refusal("message_not_found")
        link = f"https://simulated.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
        if message.is_reply:
            link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    def _history(self, args: Arguments) -> Json:
        channel = self._history_channel(args)
        rooted = [
            message
            for message in channel.messages.values()
            if not message.is_reply or message.subtype == "thread_broadcast"
        ]
        kept = [message for message in rooted if self._is_shown(channel, message)]
        page = self._page(args, default=HISTORY_PAGE, most=HISTORY_MOST)
        return self._page_of(sorted(kept, key=_ts, reverse=True), page, args)

    def _replies(self, args: Arguments) -> Json:
        channel = self._history_channel(args)
        asked = channel.messages.get(args.need("ts"))
        if asked is None or not self._is_shown(channel, asked):
            raise Refusal("thread_not_found")
        page = self._page(args, default=REPLIES_PAGE, most=REPLIES_MOST)
        if asked.is_reply:
            return self._page_of([asked], page, args)
        # The root heads every page, whatever the page's bounds.
        return self._page_of(self.workspace.replies(channel, asked.ts), page, args, head=asked)

    def _history_channel(self, args: Arguments) -> Channel:
        channel = readable(self.workspace, args.need("channel"))
        scope = _HISTORY_SCOPES[channel.kind]
        if scope not in self.chat.access.scopes:
            raise missing_scope(scope, self.chat.access)
        return channel

    def _page(self, args: Arguments, *, default: int, most: int) -> "_Page":
        page = _Page.asked(args, default=default, most=most)
        few = min(page.limit, DISTRIBUTED_PAGE)
        return replace(page, limit=few) if self.chat.access.distributed else page

    def _is_shown(self, channel: Channel, message: SimulatedMessage) -> bool:
        """A deleted message is gone, unless it is the root of a thread that lives on."""
        return not message.deleted or bool(self.workspace.replies(channel, message.ts))

    def _page_of(
        self,
        messages: list[SimulatedMessage],
        page: "_Page",
        args: Arguments,
        *,
        head: SimulatedMessage | None = None,
    ) -> Json:
        within = page.continued([message for message in messages if page.holds(message.ts)])
        found, rest = within[: page.limit], within[page.limit :]
        if head is not None:
            found.insert(0, head)
        metadata = args.flag("include_all_metadata")
        wired = [self.workspace.wire(message, with_metadata=metadata) for message in found]
        cursor = _write_cursor(rest[0].ts) if rest else ""
        onward = {"has_more": bool(rest), "response_metadata": {"next_cursor": cursor}}
        return {"messages": wired, **onward}

    def _describe_channel(self, args: Arguments) -> Json:
        named = args.need("channel")
        channel = self.workspace.channels.get(named)
        if channel is None or channel.kind is not ChannelKind.PUBLIC:
            channel = readable(self.workspace, named)
        direct = channel.kind is ChannelKind.DIRECT
        known = {"id": channel.id, "is_archived": channel.archived, "is_im": direct}
        if direct:
            return {"channel": {**known, "user": channel.person}}
        private = channel.kind is ChannelKind.PRIVATE
        member = {"is_member": channel.bot_is_member, "is_ext_shared": False}
        named_as = {"name": channel.name, "is_channel": True, "is_private": private}
        return {"channel": {**known, **named_as, **member}}

    def _join(self, args: Arguments) -> Json:
        channel = self.workspace.channels.get(args.need("channel"))
        if channel is None or channel.kind is not ChannelKind.PUBLIC:
            raise Refusal("channel_not_found")
        if channel.archived:
            raise Refusal("is_archived")
        channel.bot_is_member = True
        return {"channel": {"id": channel.id, "name": channel.name, "is_member": True}}

    def _open_direct(self, args: Arguments) -> Json:
        if args.need("users") not in self.workspace.users:
            raise Refusal("user_not_found")
        return {"channel": {"id": self.workspace.direct_channel(args.need("users")).id}}

    def _describe_user(self, args: Arguments) -> Json:
        user = self.workspace.users.get(args.need("user"))
        if user is None:
            raise Refusal("user_not_found")
        profile = {"real_name": user.name, "display_name": user.name}
        known = {"id": user.id, "team_id": self.workspace.team, "name": user.name}
        return {"user": {**known, "is_bot": False, "deleted": False, "profile": profile}}


@dataclass(frozen=True, slots=True)
class _Page:
    """Which messages of a listing are asked for: bounds in ts, and where to go on from."""

    cursor: str
    limit: int
    oldest: str
    latest: str
    inclusive: bool

    @classmethod
    def asked(cls, args: Arguments, *, default: int, most: int) -> "_Page":
        limit = args.number("limit", default=default, least=1, most=most, error="invalid_limit")
        cursor = _read_cursor(args.text("cursor") or "")
        oldest, latest = args.text("oldest") or "", args.text("latest") or ""
        return cls(cursor, limit, oldest, latest, args.flag("inclusive"))

    def holds(self, ts: str) -> bool:
        """Bounds are exclusive unless asked otherwise."""
        moment = _micros(ts)
        edges = [_micros(edge) for edge in (self.oldest, self.latest) if edge]
        if moment in edges:
            return self.inclusive
        after = not self.oldest or moment > _micros(self.oldest)
        return after and (not self.latest or moment < _micros(self.latest))

    def continued(self, messages: list[SimulatedMessage]) -> list[SimulatedMessage]:
        """From the cursor on. It names a message, so that newer ones in front shift nothing."""
        if not self.cursor:
            return messages
        newest_first = len(messages) > 1 and _ts(messages[0]) > _ts(messages[-1])
        start = _micros(self.cursor)
        return [
            message
            for message in messages
            if (_ts(message) <= start if newest_first else _ts(message) >= start)
        ]


def _write_cursor(ts: str) -> str:
    return base64.b64encode(f"next_ts:{ts}".encode()).decode()


def _read_cursor(cursor: str) -> str:
    if not cursor:
        return ""
    try:
        word, _, ts = base64.b64decode(cursor, validate=True).decode().partition(":")
        _micros(ts)
    except (binascii.Error, ValueError, Refusal):
        raise Refusal("invalid_cursor") from None
    if word != "next_ts":
        raise Refusal("invalid_cursor")
    return ts


def _micros(ts: str) -> int:
    """A ts as whole microseconds, so that comparing loses nothing. People also give seconds."""
    seconds, _, fraction = ts.partition(".")
    try:
        return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))
    except ValueError:
        raise Refusal("invalid_arguments", "[ERROR] invalid ts") from None


def _ts(message: SimulatedMessage) -> int:
    return _micros(message.ts)
