"""What is in the workspace? People, channels and messages, and what each change is announced as.

Nothing here waits or speaks HTTP. Every change of a message goes through `post`, `change` or
`remove`, so people's and the app's own doings are stored and announced alike.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bridge.clock import Clock, Ids

Json = dict[str, Any]

#: A status that nothing refreshes lapses after this time (assistant.threads.setStatus).
STATUS_LIFE = timedelta(minutes=2)
#: A stream ends after this time, whatever is appended (chat.startStream; measured by others).
STREAM_LIFE = timedelta(minutes=5)


class ChannelKind(enum.StrEnum):
    """As the events' `channel_type` has it."""

    PUBLIC = "channel"
    PRIVATE = "group"
    DIRECT = "im"


class StreamState(enum.StrEnum):
    """As messages have it that flow, or did."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    STOPPED = "stopped"  #: by a person; our word, as Slack's is not known
    ERRORED = "errored"  #: its time was over


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """A person; `team` is their own workspace, if it is another."""

    id: str
    name: str
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMessage:
    """One message as it stands now. `thread_ts` is its root's, also on a root with replies."""

    channel: str
    ts: str
    text: str = ""
    user: str | None = None  #: a person, or the app's own bot user; None on a customised post
    bot_id: str | None = None
    username: str | None = None
    icon_url: str | None = None
    icon_emoji: str | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    files: tuple[Json, ...] = ()
    metadata: Json | None = None
    client_msg_id: str | None = None
    edits: int = 0  #: how often it was changed
    edited_ts: str | None = None  #: set where Slack shows "(edited)"
    edited_by: str | None = None
    deleted: bool = False
    streaming_state: StreamState | None = None
    stream_ends_at: datetime | None = None

    @property
    def is_reply(self) -> bool:
        """Whether it belongs to another message's thread."""
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedStatus:
    """One call of assistant.threads.setStatus."""

    channel: str
    thread_ts: str
    status: str
    at: datetime
    loading_messages: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel, or a direct conversation with the app (`person` is then its other side)."""

    id: str
    name: str
    kind: ChannelKind
    bot_is_member: bool = True
    archived: bool = False
    person: str | None = None
    shared: bool = False  #: with another organisation
    messages: dict[str, SimulatedMessage] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)  #: replies' ts by their root's
    last_micros: int = 0


class Workspace:
    """The state; `announce` is called with the `event` of each thing that the app can see."""

    def __init__(self, *, team: str, clock: Clock, ids: Ids, organisation: str = "") -> None:
        self.team = team
        self.organisation = organisation  #: to which the workspace belongs, if to any
        self.clock = clock
        self.ids = ids
        self.bot_user_id = self.new_id("U")
        self.bot_id = self.new_id("B")
        self.app_id = self.new_id("A")
        self.channels: dict[str, Channel] = {}
        self.users: dict[str, SimulatedUser] = {}
        self.statuses: list[SimulatedStatus] = []
        self.shown_statuses: dict[tuple[str, str], SimulatedStatus] = {}
        self.ephemerals: list[SimulatedMessage] = []
        #: Each text that a message has shown, in order, by its channel and ts.
        self.texts: dict[tuple[str, str], list[str]] = {}
        #: The events whose subscription was taken back; all others are told.
        self.unsubscribed: set[str] = set()
        self.announce: Callable[[Json], None] = lambda _: None

    def new_id(self, prefix: str) -> str:
        """An id in Slack's manner: a letter and capitals."""
        return prefix + self.ids.new().upper()

    def add_channel(self, name: str, kind: ChannelKind, *, member: bool) -> Channel:
        """A new channel."""
        channel = Channel(id=self.new_id("C"), name=name, kind=kind, bot_is_member=member)
        self.channels[channel.id] = channel
        return channel

    def add_user(self, name: str, team: str = "") -> SimulatedUser:
        """A new person, perhaps of another workspace."""
        user = SimulatedUser(self.new_id("U"), name, team)
        self.users[user.id] = user
        return user

    def direct_channel(self, user: str) -> Channel:
        """The direct conversation of `user` with the app, opened if it is not yet."""
        for channel in self.channels.values():
            if channel.person == user:
                return channel
        kind = ChannelKind.DIRECT
        channel = Channel(id=self.new_id("D"), name=user, kind=kind, person=self.users[user].id)
        self.channels[channel.id] = channel
        return channel

    def next_ts(self, channel: Channel) -> str:
        """Now, as seconds and microseconds; strictly later than any before in the channel."""
        micros = round(self.clock.now().timestamp() * 1_000_000)
        channel.last_micros = max(micros, channel.last_micros + 1)
        return f"{channel.last_micros // 1_000_000}.{channel.last_micros % 1_000_000:06d}"

    def post(self, message: SimulatedMessage) -> SimulatedMessage:
        """Store a new message and announce it."""
        channel = self.channels[message.channel]
        channel.messages[message.ts] = message
        self.texts[channel.id, message.ts] = [message.text]
        if message.is_reply and message.thread_ts:
            channel.threads.setdefault(message.thread_ts, []).append(message.ts)
        self._tell(channel, self.message_event(message))
        if self._mentions_bot(message):
            self._tell(channel, self._mention_event(message))
        return message

    def change(
        self, old: SimulatedMessage, new: SimulatedMessage, *, told: bool = True
    ) -> SimulatedMessage:
        """Replace a message and, unless it is not to be `told`, announce the change."""
        channel = self.channels[old.channel]
        channel.messages[old.ts] = new
        if old.text != new.text:
            self.texts[old.channel, old.ts].append(new.text)
        if not told:
            return new
        changed = {"message": self.wire(new), "previous_message": self.wire(old)}
        self._tell(channel, self._hidden(channel, "message_changed", changed))
        if self._mentions_bot(new) and new.edited_ts:
            self._tell(channel, self._mention_event(new))
        return new

    def flows(self, message: SimulatedMessage) -> bool:
        """Whether a message is being streamed; a stream whose time is over ends here."""
        ends_at = message.stream_ends_at
        if message.streaming_state is not StreamState.IN_PROGRESS or ends_at is None:
            return False
        if self.clock.now() < ends_at:
            return True
        self.change(message, replace(message, streaming_state=StreamState.ERRORED))
        return False

    def remove(self, message: SimulatedMessage) -> None:
        """Delete a message. A root that has replies leaves a tombstone, as in Slack."""
        channel = self.channels[message.channel]
        gone = replace(message, deleted=True)
        channel.messages[message.ts] = gone
        before = self.wire(message)
        if self.replies(channel, message.ts):
            changed = {"message": self.wire(gone), "previous_message": before}
            self._tell(channel, self._hidden(channel, "message_changed", changed))
        else:
            deleted = {"deleted_ts": message.ts, "previous_message": before}
            self._tell(channel, self._hidden(channel, "message_deleted", deleted))

    def replies(self, channel: Channel, root: str) -> list[SimulatedMessage]:
        """The live replies of a thread, oldest first."""
        said = (channel.messages[ts] for ts in channel.threads.get(root, ()))
        return [message for message in said if not message.deleted]

    def status(self, channel: str, thread_ts: str) -> str:
        """The status that people see in the thread at this moment, or nothing."""
        shown = self.shown_statuses.get((channel, thread_ts))
        if shown is None or self.clock.now() - shown.at >= STATUS_LIFE:
            return ""
        return shown.status

    def wire(self, message: SimulatedMessage, *, with_metadata: bool = True) -> Json:
        """A message as Slack writes it in answers, history and events."""
        if message.deleted:
            return self._tombstone(message)
        said: Json = {"type": "message", "ts": message.ts, "text": message.text, "team": self.team}
        said |= {key: value for key, value in self._optional(message).items() if value}
        said |= self._home(message)
        if message.bot_id == self.bot_id:
            said["app_id"] = self.app_id
        if message.edited_ts:
            said["edited"] = {"user": message.edited_by, "ts": message.edited_ts}
        if with_metadata and message.metadata is not None:
            said["metadata"] = message.metadata
        return said | self._thread_fields(message)

    def message_event(self, message: SimulatedMessage) -> Json:
        """The `event` of a new message."""
        channel = self.channels[message.channel]
        place = {"channel": channel.id, "channel_type": channel.kind.value, "event_ts": message.ts}
        event = self.wire(message) | place
        # A new message is announced before anybody can have replied to it.
        for name in ("reply_count", "reply_users_count", "latest_reply", "reply_users"):
            event.pop(name, None)
        return event

    def channel_event(self, kind: str, channel: str, **more: object) -> None:
        """Announce something that happened to a channel."""
        at = self.next_ts(self.channels[channel])
        self.announce({"type": kind, "channel": channel, "event_ts": at, **more})

    def _tell(self, channel: Channel, event: Json) -> None:
        """An app sees only the channels that it is a member of."""
        if channel.bot_is_member:
            self.announce(event)

    def _mention_event(self, message: SimulatedMessage) -> Json:
        event = self.message_event(message) | {"type": "app_mention"}
        if message.edited_ts:
            event["event_ts"] = message.edited_ts
        del event["channel_type"]
        return event

    def _mentions_bot(self, message: SimulatedMessage) -> bool:
        """Slack sends no app_mention in direct conversations, nor for the app's own posts."""
        direct = self.channels[message.channel].kind is ChannelKind.DIRECT
        mention = f"<@{self.bot_user_id}"
        return mention in message.text and not direct and message.bot_id != self.bot_id

    def _hidden(self, channel: Channel, subtype: str, more: Json) -> Json:
        at = self.next_ts(channel)
        place = {"channel": channel.id, "channel_type": channel.kind.value}
        hidden = {"type": "message", "subtype": subtype, "hidden": True, "ts": at, "event_ts": at}
        return hidden | place | more

    def _optional(self, message: SimulatedMessage) -> Json:
        icons = {"image_48": message.icon_url, "emoji": message.icon_emoji}
        return {
            "user": message.user,
            "bot_id": message.bot_id,
            "username": message.username,
            "icons": {name: value for name, value in icons.items() if value},
            "subtype": message.subtype,
            "client_msg_id": message.client_msg_id,
            "blocks": list(message.blocks),
            "attachments": list(message.attachments),
            "files": list(message.files),
            "streaming_state": message.streaming_state,
        }

    def _home(self, message: SimulatedMessage) -> Json:
        """What is said of an author from another organisation."""
        user = self.users.get(message.user or "")
        if user is None or not user.team:
            return {}
        profile = {"display_name": user.name, "real_name": user.name, "name": user.name.lower()}
        teams = {"team": user.team, "user_team": user.team, "source_team": user.team}
        return {**teams, "user_profile": {**profile, "team": user.team}}

    def _thread_fields(self, message: SimulatedMessage) -> Json:
        channel = self.channels[message.channel]
        if message.is_reply:
            root = channel.messages.get(message.thread_ts or "")
            parent = {"parent_user_id": root.user} if root and root.user else {}
            return {"thread_ts": message.thread_ts, **parent}
        replies = self.replies(channel, message.ts)
        if not replies:
            return {}
        people = sorted({reply.user or reply.bot_id or "" for reply in replies})
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": people,
            "reply_users_count": len(people),
            "latest_reply": replies[-1].ts,
        }

    def _tombstone(self, message: SimulatedMessage) -> Json:
        shown = {"type": "message", "subtype": "tombstone", "hidden": True, "user": "USLACKBOT"}
        words = {"ts": message.ts, "text": "This message was deleted.", "thread_ts": message.ts}
        return shown | words | self._thread_fields(message)
