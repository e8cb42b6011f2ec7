"""How does a message flow? chat.startStream, appendStream and stopStream, with what they refuse.

Sources: docs.slack.dev, reference/methods of each. What Slack does not publish was measured by
others: a stream lives five minutes from its start, however much is appended, and holds 12,000
characters in all; afterwards the text so far stays, and chat.update is possible again.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from bridge.simulators.slack_arguments import Arguments, Refusal
from bridge.simulators.slack_chat import Chat, metadata_of, thread_root, writable
from bridge.simulators.slack_workspace import (
    STREAM_LIFE,
    Channel,
    ChannelKind,
    SimulatedMessage,
    StreamState,
    Workspace,
)

Json = dict[str, Any]

#: Summed over a whole stream.
STREAM_TEXT = 12_000


@dataclass(slots=True)
class Streams:
    """The three methods. `refused` are the kinds of channel that get no stream, and why."""

    workspace: Workspace
    chat: Chat
    refused: dict[ChannelKind, str] = field(default_factory=dict)

    def start(self, args: Arguments) -> Json:
        """chat.startStream. The answer names the message and does not show it."""
        channel = writable(self.workspace, args.need("channel"))
        if channel.kind in self.refused:
            raise Refusal(self.refused[channel.kind])
        if not args.text("thread_ts"):  # documented as optional, refused where it was tried
            raise Refusal("invalid_thread_ts")
        _need_recipient(channel, args)
        text = _words(args, so_far="")
        message = SimulatedMessage(
            channel=channel.id,
            ts="",
            text=text,
            blocks=self._flowing(text),
            thread_ts=thread_root(channel, args.text("thread_ts")),
            streaming_state=StreamState.IN_PROGRESS,
            stream_ends_at=self.workspace.clock.now() + STREAM_LIFE,
            **self.chat.author_of(args),
        )
        message = replace(message, ts=self.workspace.next_ts(channel))
        self.chat.posts.append(self.workspace.post(message))
        self.workspace.shown_statuses.pop((channel.id, message.thread_ts or message.ts), None)
        return {"channel": channel.id, "ts": message.ts}

    def append(self, args: Arguments) -> Json:
        """chat.appendStream: raises no event."""
        old = self._flowing_message(args)
        text = _words(args, so_far=old.text)
        if text == old.text:
            raise Refusal("no_text")
        self.workspace.change(old, replace(old, text=text, blocks=self._flowing(text)), told=False)
        return {"channel": old.channel, "ts": old.ts}

    def stop(self, args: Arguments) -> Json:
        """chat.stopStream: what blocks it brings stand under the text."""
        old = self._flowing_message(args)
        text = _words(args, so_far=old.text)
        new = replace(
            old,
            text=text,
            blocks=(*self._flowing(text), *self.chat.blocks_of(args)),
            metadata=metadata_of(args) if args.given("metadata") else old.metadata,
            streaming_state=StreamState.COMPLETED,
        )
        self.workspace.change(old, new)
        return {"channel": new.channel, "ts": new.ts, "message": self.chat.answered(new)}

    def stop_for(self, message: SimulatedMessage) -> None:
        """A person ends the stream: what is there stays.

        Raises:
            ValueError: it does not flow.
        """
        if not self.workspace.flows(message):
            raise ValueError("no stream to stop")
        self.workspace.change(message, replace(message, streaming_state=StreamState.STOPPED))

    def _flowing_message(self, args: Arguments) -> SimulatedMessage:
        channel = writable(self.workspace, args.need("channel"))
        message = self.chat.own(channel, args.need("ts"), refusal="message_not_owned_by_app")
        if message.streaming_state is StreamState.STOPPED:
            raise Refusal("stopped_by_user")
        if not self.workspace.flows(message):
            raise Refusal("message_not_in_streaming_state")
        return message

    def _flowing(self, text: str) -> tuple[Json, ...]:
        """As it comes back in history: a block of Slack's own, with an id that nobody chose."""
        block = {"type": "markdown", "block_id": self.workspace.ids.new(), "text": text}
        return (block,) if text else ()


def _need_recipient(channel: Channel, args: Arguments) -> None:
    """Beyond direct messages Slack must be told whom the words flow to."""
    if channel.kind is ChannelKind.DIRECT:
        return
    for name in ("recipient_user_id", "recipient_team_id"):
        if not args.text(name):
            raise Refusal(f"missing_{name}")


def _words(args: Arguments, *, so_far: str) -> str:
    """The whole text with what this call adds."""
    chunks = args.structure("chunks", error="invalid_chunks") or []
    added = args.text("markdown_text") or ""
    if not isinstance(chunks, list) or (chunks and added):
        raise Refusal("invalid_chunks")
    for chunk in chunks:
        if not isinstance(chunk, dict) or chunk.get("type") != "markdown_text":
            raise Refusal("invalid_chunks")
        added += str(chunk.get("text", ""))
    if len(added) > STREAM_TEXT or len(so_far) + len(added) > STREAM_TEXT:
        raise Refusal("msg_too_long")
    return so_far + added
