"""What do people do? They write, edit, delete, press buttons and type commands: the other verbs."""

from dataclasses import replace
from typing import Any

from bridge.simulators.slack_envelopes import ClickResult, Envelopes
from bridge.simulators.slack_payloads import (
    block_actions,
    message_action,
    slash_command,
    typed_blocks,
)
from bridge.simulators.slack_streams import Streams
from bridge.simulators.slack_workspace import Channel, ChannelKind, SimulatedMessage, Workspace

Json = dict[str, Any]


class PeopleVerbs:
    """The people of the workspace; the simulator is one of these."""

    _channels: dict[str, Channel]
    _envelopes: Envelopes
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

    async def click(
        self,
        channel: str,
        ts: str,
        user: str,
        *,
        text: str | None = None,
        action_id: str | None = None,
    ) -> ClickResult:
        """A person presses a button of a message, named by its words or its action id.

        Returns when the app has acked, or could have. A click is never delivered again.

        Raises:
            LookupError: no such message, or no such button on it.
        """
        message = self._message(channel, ts)
        for block, element in _buttons(message):
            if text in (None, element["text"]["text"]) and action_id in (
                None,
                element["action_id"],
            ):
                person = self._workspace.users[user]
                pressed = block_actions(self._workspace, message, person, block, element)
                return await self._interact("interactive", pressed)
        raise LookupError(f"no such button: {text or action_id or 'any'}")

    async def use_shortcut(self, channel: str, ts: str, user: str, callback_id: str) -> ClickResult:
        """A person chooses the app's shortcut from a message's menu."""
        person = self._workspace.users[user]
        message = self._message(channel, ts)
        chosen = message_action(self._workspace, message, person, callback_id)
        return await self._interact("interactive", chosen)

    async def command(self, channel: str, user: str, command: str, text: str = "") -> ClickResult:
        """A person types a slash command; Slack permits none in a thread."""
        place, person = self._channels[channel], self._workspace.users[user]
        typed = slash_command(self._workspace, place, person, command, text)
        return await self._interact("slash_commands", typed, accepts_response=True)

    async def _interact(
        self, kind: str, payload: Json, *, accepts_response: bool = False
    ) -> ClickResult:
        return await self._envelopes.interact(kind, payload, accepts_response=accepts_response)

    def _message(self, channel: str, ts: str) -> SimulatedMessage:
        message = self._channels[channel].messages[ts]
        if message.deleted:
            raise LookupError(ts)
        return message


def _buttons(message: SimulatedMessage) -> list[tuple[str, Json]]:
    """The buttons of a message and the lines of its menus, each with its block's id."""
    return [
        (block["block_id"], pressed)
        for block in message.blocks
        for element in [*block.get("elements", ()), block.get("accessory")]
        for pressed in _pressable(element or {})
    ]


def _pressable(element: Json) -> list[Json]:
    """A button is one thing to press, a menu as many as it has lines."""
    if element.get("type") == "static_select":
        menu = {name: element[name] for name in ("type", "action_id")}
        return [
            {**menu, "text": option["text"], "selected_option": option}
            for option in element["options"]
        ]
    return [element] if element.get("type") == "button" else []
