"""How does the app write? chat.* and assistant.threads.setStatus, with what they refuse.

Sources: docs.slack.dev, reference/methods of each. What Slack leaves open (the metadata limit)
is on the strict side and says so.
"""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.simulators.slack_arguments import Arguments, Refusal
from bridge.simulators.slack_blocks import MARKDOWN, markdown_length, problems
from bridge.simulators.slack_workspace import (
    Channel,
    ChannelKind,
    SimulatedMessage,
    SimulatedStatus,
    Workspace,
)

Json = dict[str, Any]

POST_TEXT = 40_000
UPDATE_TEXT = 4_000
#: Slack has a limit but does not publish it; this is ours.
METADATA_BYTES = 8_000
LOADING_MESSAGES = 10
RESERVED_NAMES = frozenset(("slackbot", "everyone", "channel", "here"))
#: Messages of Slack itself carry no thread (cannot_reply_to_message).
SYSTEM_SUBTYPES = frozenset(
    ("channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name")
)
_TS = re.compile(r"\d{1,12}\.\d{6}")


@dataclass(slots=True)
class Access:
    """What the app may do at this moment."""

    scopes: set[str]
    #: The error with which the bot token is refused (account_inactive, token_revoked …), if it is.
    refused: str = ""
    #: Without chat:write.customize a name is refused, or, with this, ignored. Slack does both.
    ignores_names: bool = False
    #: Distributed outside the Marketplace: reads little at a time.
    distributed: bool = False


@dataclass(frozen=True, slots=True)
class _Content:
    text: str
    blocks: tuple[Json, ...]
    attachments: tuple[Json, ...]


@dataclass(slots=True)
class Chat:
    """The writing methods; `posts` and `updates` record what they did."""

    workspace: Workspace
    access: Access
    posts: list[SimulatedMessage] = field(default_factory=list)
    updates: list[SimulatedMessage] = field(default_factory=list)

    def post(self, args: Arguments) -> Json:
        """chat.postMessage."""
        channel = writable(self.workspace, args.need("channel"))
        content = self._content(args, most=POST_TEXT)
        message = SimulatedMessage(
            channel=channel.id,
            ts="",
            text=content.text,
            blocks=content.blocks,
            attachments=content.attachments,
            metadata=metadata_of(args),
            thread_ts=thread_root(channel, args.text("thread_ts")),
            **self.author_of(args),
        )
        if message.thread_ts and args.flag("reply_broadcast"):
            message = replace(message, subtype="thread_broadcast")
        message = self.workspace.post(replace(message, ts=self.workspace.next_ts(channel)))
        self.posts.append(message)
        self.workspace.shown_statuses.pop((channel.id, message.thread_ts or message.ts), None)
        return {"channel": channel.id, "ts": message.ts, "message": self.answered(message)}

    def update(self, args: Arguments) -> Json:
        """chat.update: text without blocks takes the blocks away; metadata stays if not given."""
        channel = writable(self.workspace, args.need("channel"))
        old = self.own(channel, args.need("ts"), refusal="cant_update_message")
        if self.workspace.flows(old):
            raise Refusal("streaming_state_conflict")
        old = channel.messages[old.ts]  # a stream whose time was over has just ended
        content = self._content(args, most=UPDATE_TEXT)
        new = replace(
            old,
            text=content.text,
            blocks=content.blocks,
            attachments=content.attachments,
            metadata=metadata_of(args) if args.given("metadata") else old.metadata,
            edits=old.edits + 1,
        )
        if not content.blocks:
            at = self.workspace.next_ts(channel)
            new = replace(new, edited_ts=at, edited_by=self.workspace.bot_user_id)
        self.updates.append(self.workspace.change(old, new))
        answered = self.answered(new)
        return {"channel": channel.id, "ts": new.ts, "text": new.text, "message": answered}

    def delete(self, args: Arguments) -> Json:
        """chat.delete."""
        channel = writable(self.workspace, args.need("channel"))
        message = self.own(channel, args.need("ts"), refusal="cant_delete_message")
        self.workspace.remove(message)
        return {"channel": channel.id, "ts": message.ts}

    def post_ephemeral(self, args: Arguments) -> Json:
        """chat.postEphemeral: seen by one person, kept in no history."""
        channel = writable(self.workspace, args.need("channel"))
        user = args.need("user")
        if user not in self.workspace.users or channel.person not in {None, user}:
            raise Refusal("user_not_in_channel")
        content = self._content(args, most=POST_TEXT)
        ts = self.workspace.next_ts(channel)
        shown = SimulatedMessage(
            channel=channel.id,
            ts=ts,
            user=user,
            bot_id=self.workspace.bot_id,
            text=content.text,
            blocks=content.blocks,
            thread_ts=args.text("thread_ts"),
        )
        self.workspace.ephemerals.append(shown)
        return {"message_ts": ts}

    def set_status(self, args: Arguments) -> Json:
        """assistant.threads.setStatus: an empty status clears it."""
        channel = writable(self.workspace, args.need("channel_id"))
        root = args.need("thread_ts")
        if root not in channel.messages or channel.messages[root].deleted:
            raise Refusal("invalid_thread_ts")
        loading = args.structure("loading_messages", error="invalid_arguments") or []
        if len(loading) > LOADING_MESSAGES:
            raise Refusal("invalid_arguments", "[ERROR] no more than 10 items allowed")
        shown = SimulatedStatus(
            channel=channel.id,
            thread_ts=root,
            status=args.text("status") or "",
            at=self.workspace.clock.now(),
            loading_messages=tuple(loading),
        )
        self.workspace.statuses.append(shown)
        self.workspace.shown_statuses[channel.id, root] = shown
        return {}

    def _content(self, args: Arguments, *, most: int) -> _Content:
        text, markdown = args.text("text") or "", args.text("markdown_text")
        blocks = self.blocks_of(args)
        attachments = args.structure("attachments", error="invalid_attachments") or []
        if markdown is not None and (text or blocks):
            raise Refusal("markdown_text_conflict")
        if not (text.strip() or markdown or blocks or attachments):
            raise Refusal("no_text")
        if len(text) > most or len(markdown or "") > MARKDOWN:
            raise Refusal("msg_too_long")
        return _Content(markdown or text, blocks, tuple(attachments))

    def blocks_of(self, args: Arguments) -> tuple[Json, ...]:
        """The blocks given, each with an id."""
        blocks = args.structure("blocks", error="invalid_blocks_format") or []
        found = problems(blocks)
        if found:
            raise Refusal("invalid_blocks", *found)
        if markdown_length(blocks) > MARKDOWN:
            raise Refusal("msg_blocks_too_long")
        return self.named(blocks)

    def named(self, blocks: list[Json]) -> tuple[Json, ...]:
        """The blocks, each with an id, as Slack keeps them."""
        return tuple(self._named(block) for block in blocks)

    def _named(self, block: Json) -> Json:
        """Slack gives every block and every element an id of its own where the app gave none."""
        block = {"block_id": self.workspace.ids.new(), **block}
        if block["type"] in {"actions", "context_actions"}:
            block["elements"] = [
                {"action_id": self.workspace.ids.new(), **element} for element in block["elements"]
            ]
        return block

    def author_of(self, args: Arguments) -> dict[str, Any]:
        """The app itself, or the name it takes with chat:write.customize."""
        bot = {"bot_id": self.workspace.bot_id}
        asked = {name: args.text(name) for name in ("username", "icon_url", "icon_emoji")}
        asked = {name: value for name, value in asked.items() if value}
        if asked and "chat:write.customize" not in self.access.scopes:
            if not self.access.ignores_names:
                raise missing_scope("chat:write.customize", self.access)
            asked = {}
        if (asked.get("username") or "").lower() in RESERVED_NAMES:
            raise Refusal("reserved_username")
        if "username" in asked:
            return {**bot, **asked, "subtype": "bot_message"}
        return {**bot, **asked, "user": self.workspace.bot_user_id}

    def answered(self, message: SimulatedMessage) -> Json:
        """A message as an answer shows it."""
        profile = {"id": self.workspace.bot_id, "app_id": self.workspace.app_id, "name": "bridge"}
        return {**self.workspace.wire(message), "bot_profile": profile}

    def own(self, channel: Channel, ts: str, *, refusal: str) -> SimulatedMessage:
        """A message of the app's, else `refusal`."""
        message = channel.messages.get(ts)
        if message is None or message.deleted:
            raise Refusal("message_not_found")
        if message.bot_id != self.workspace.bot_id:
            raise Refusal(refusal)
        return message


def readable(workspace: Workspace, named: str) -> Channel:
    """The channel, if the app may read it; named by its id or, for a direct one, its person's."""
    if named in workspace.users:
        return workspace.direct_channel(named)
    channel = workspace.channels.get(named)
    hidden = channel is not None and channel.kind is not ChannelKind.PUBLIC
    if channel is None or (hidden and not channel.bot_is_member):
        raise Refusal("channel_not_found")
    if not channel.bot_is_member:
        raise Refusal("not_in_channel")
    return channel


def writable(workspace: Workspace, named: str) -> Channel:
    """The channel, if the app may write there."""
    channel = readable(workspace, named)
    if channel.archived:
        raise Refusal("is_archived")
    return channel


def thread_root(channel: Channel, thread_ts: str | None) -> str | None:
    """The thread that a post joins.

    A root that is gone, or never was, is no error: the post lands in the open channel and its
    answer has no thread_ts (slack-go#1571 and others, a known trap).
    """
    if not thread_ts:
        return None
    if not _TS.fullmatch(thread_ts):
        raise Refusal("invalid_thread_ts")
    root = channel.messages.get(thread_ts)
    if root is None or root.deleted:
        return None
    if root.is_reply or root.subtype in SYSTEM_SUBTYPES:
        raise Refusal("cannot_reply_to_message")
    return root.ts


def missing_scope(scope: str, access: Access) -> Refusal:
    """What Slack says when a scope was not granted."""
    return Refusal("missing_scope", needed=scope, provided=",".join(sorted(access.scopes)))


def metadata_of(args: Arguments) -> Json | None:
    """The metadata given, if any."""
    metadata = args.structure("metadata", error="invalid_metadata_format")
    if not metadata:
        return None
    if not isinstance(metadata, dict):
        raise Refusal("invalid_metadata_format")
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not (isinstance(kind, str) and kind and isinstance(payload, dict) and _is_flat(payload)):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES:
        raise Refusal("metadata_too_large")
    return {"event_type": kind, "event_payload": payload}


def _is_flat(payload: Json) -> bool:
    """Text, numbers and truth values only (docs.slack.dev, messaging/message-metadata)."""
    return all(isinstance(value, str | int | float | bool) for value in payload.values())
