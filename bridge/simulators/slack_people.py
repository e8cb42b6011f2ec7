"""What do people do? They write, edit and delete; what they press is in `slack_interactions`."""

from dataclasses import replace
from typing import Any

from bridge.simulators.slack_payloads import typed_blocks
from bridge.simulators.slack_streams import Streams
from bridge.simulators.slack_workspace import Channel, ChannelKind, SimulatedMessage, Workspace

Json = dict[str, Any]


class PeopleVerbs:
    """The people of the workspace; the simulator is one of these."""

    _channels: dict[str, Channel]
    _streams: Streams
    _workspace: Workspace

    def add_channel(self, name: str, *, private: bool = False, member: bool = True) -> str:
        """A new channel's id; `member` says whether the app is in it."""
        kind = ChannelKind.PRIVATE if private else ChannelKind.PUBLIC
        return self._workspace.add_channel(name, kind, member=member).id

    def add_user(self, name: str) -> str:
        """A new person's id."""
        return self._workspace.add_user(name).id

    async def say(
        self,
        channel: str,
        user: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: list[Json] | None = None,
        subtype: str | None = None,
    ) -> str:
        """A person writes; the message's ts. A mention of the app makes a second event.

        Raises:
            LookupError: no such channel, person or thread.
            ValueError: the channel is archived.
        """
        place = self._channels[channel]
        if place.archived:
            raise ValueError("nobody can write in an archived channel")
        if thread_ts is not None and thread_ts not in place.messages:
            raise LookupError(thread_ts)
        message = SimulatedMessage(
            channel=channel,
            ts=self._workspace.next_ts(place),
            user=self._workspace.users[user].id,
            text=text,
            blocks=typed_blocks(self._workspace, text),
            thread_ts=thread_ts,
            files=tuple(files or ()),
            subtype=subtype or ("file_share" if files else None),
            client_msg_id=self._workspace.ids.new(),
        )
        return self._workspace.post(message).ts

    async def direct_message(self, user: str, text: str, *, thread_ts: str | None = None) -> str:
        """A person writes to the app itself; the message's ts."""
        return await self.say(self.direct_channel(user), user, text, thread_ts=thread_ts)

    def direct_channel(self, user: str) -> str:
        """The channel of a person's direct conversation with the app."""
        return self._workspace.direct_channel(user).id

    async def say_as_other_bot(
        self, channel: str, text: str, *, thread_ts: str | None = None
    ) -> str:
        """Another app writes; the message's ts."""
        message = SimulatedMessage(
            channel=channel,
            ts=self._workspace.next_ts(self._channels[channel]),
            bot_id=self._workspace.new_id("B"),
            username="another app",
            subtype="bot_message",
            text=text,
            thread_ts=thread_ts,
        )
        return self._workspace.post(message).ts

    async def edit(self, channel: str, ts: str, text: str) -> None:
        """The author changes a message."""
        old = self._message(channel, ts)
        new = replace(
            old,
            text=text,
            blocks=typed_blocks(self._workspace, text),
            edits=old.edits + 1,
            edited_ts=self._workspace.next_ts(self._channels[channel]),
            edited_by=old.user,
        )
        self._workspace.change(old, new)

    async def delete(self, channel: str, ts: str) -> None:
        """Somebody deletes a message, perhaps a thread's root."""
        self._workspace.remove(self._message(channel, ts))

    async def stop_stream(self, channel: str, ts: str) -> None:
        """Somebody stops a message that is being streamed; what it shows stays.

        Raises:
            LookupError: no such message.
            ValueError: it is not being streamed.
        """
        self._streams.stop_for(self._message(channel, ts))

    def _message(self, channel: str, ts: str) -> SimulatedMessage:
        message = self._channels[channel].messages[ts]
        if message.deleted:
            raise LookupError(ts)
        return message
