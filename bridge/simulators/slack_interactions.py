"""What do people do with the app beside writing? They press, choose, type commands, look at Home.

An interaction is delivered once and never again. Most carry a `response_url`, at which the app can
answer later: five times within thirty minutes (docs.slack.dev, "Handling user interaction"). What
one person alone is shown stands in no history; a press on it names no message, only where it stood.
"""

from dataclasses import dataclass, replace
from typing import Any

from bridge.simulators.slack_envelopes import ClickResult, Envelopes
from bridge.simulators.slack_payloads import (
    block_actions,
    home_opened,
    message_action,
    slash_command,
    view_actions,
)
from bridge.simulators.slack_responses import Responses
from bridge.simulators.slack_views import Views
from bridge.simulators.slack_workspace import (
    Channel,
    SimulatedMessage,
    SimulatedUser,
    Workspace,
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Pressed:
    """A button, or a menu with the line that was chosen, and the id of its block."""

    block: str
    element: Json


class InteractionVerbs:
    """What people press, choose, type and open; the simulator is one of these."""

    _channels: dict[str, Channel]
    _envelopes: Envelopes
    _responses: Responses
    _views: Views
    _workspace: Workspace

    async def click(
        self,
        channel: str,
        ts: str,
        user: str,
        *,
        text: str | None = None,
        action_id: str | None = None,
        index: int = 0,
    ) -> ClickResult:
        """A person presses a button of a message, named by its words or its action id.

        Of several such buttons it is the one at `index`. A message may be one that they alone are
        shown. If the button asks once more, they say yes. Returns when the app has acked, or could
        have. A click is never delivered again.

        Raises:
            LookupError: no such message, or no such button on it.
        """
        message, shown_to_one = self._seen(channel, ts, user)
        pressed = _find(message.blocks, text, action_id, index)
        person = self._workspace.users[user]
        payload = block_actions(self._workspace, message, person, pressed.block, pressed.element)
        if shown_to_one:
            payload = _without_message(payload)
        return await self._interact("interactive", payload | self._response(channel, person))

    async def use_shortcut(self, channel: str, ts: str, user: str, callback_id: str) -> ClickResult:
        """A person chooses the app's shortcut from a message's menu."""
        person = self._workspace.users[user]
        message = self._standing(channel, ts)
        chosen = message_action(self._workspace, message, person, callback_id)
        return await self._interact("interactive", chosen | self._response(channel, person))

    async def command(self, channel: str, user: str, command: str, text: str = "") -> ClickResult:
        """A person types a slash command; Slack permits none in a thread.

        What the app answers with its ack is shown to them alone, if Slack takes it: else they see
        that the app failed, as if it had not acked.
        """
        place, person = self._channels[channel], self._workspace.users[user]
        typed = slash_command(self._workspace, place, person, command, text)
        typed |= self._response(channel, person)
        result = await self._interact("slash_commands", typed, accepts_response=True)
        if not result.response:
            return result
        refused = self._responses.show(result.response, place, person)
        return replace(result, acked=not refused, problems=tuple(refused))

    async def open_home(self, user: str) -> None:
        """A person opens the app's Home tab. What they see is in `home`, once it is published."""
        opened = home_opened(self._workspace, self._workspace.users[user], self.home(user))
        self._workspace.announce(opened)

    async def press_home(
        self, user: str, *, text: str | None = None, action_id: str | None = None, index: int = 0
    ) -> ClickResult:
        """A person presses a button in their Home tab; `index` as in `click`.

        Raises:
            LookupError: nothing is published for them, or no such button.
        """
        view = self.home(user)
        if view is None:
            raise LookupError(f"no Home tab of {user}")
        pressed = _find(tuple(view["blocks"]), text, action_id, index)
        person = self._workspace.users[user]
        payload = view_actions(self._workspace, view, person, pressed.block, pressed.element)
        return await self._interact("interactive", payload)

    def close_responses(self) -> None:
        """Every response_url, of now and of later, is over: the app must find another way."""
        self._responses.closed = True

    def home(self, user: str) -> Json | None:
        """The Home tab that a person sees at this moment; None if none was ever published."""
        return self._views.homes.get(user)

    async def _interact(
        self, kind: str, payload: Json, *, accepts_response: bool = False
    ) -> ClickResult:
        return await self._envelopes.interact(kind, payload, accepts_response=accepts_response)

    def _response(self, channel: str, person: SimulatedUser) -> Json:
        return {"response_url": self._responses.address(self._channels[channel], person)}

    def _seen(self, channel: str, ts: str, user: str) -> tuple[SimulatedMessage, bool]:
        """The message, and whether it is shown to `user` alone."""
        for shown in self._workspace.ephemerals:
            if (shown.channel, shown.ts, shown.user) == (channel, ts, user):
                return shown, True
        return self._standing(channel, ts), False

    def _standing(self, channel: str, ts: str) -> SimulatedMessage:
        message = self._channels[channel].messages[ts]
        if message.deleted:
            raise LookupError(ts)
        return message


def _find(
    blocks: tuple[Json, ...], text: str | None, action_id: str | None, index: int
) -> _Pressed:
    fitting = [
        pressed
        for pressed in _buttons(blocks)
        if text in (None, pressed.element["text"]["text"])
        and action_id in (None, pressed.element["action_id"])
    ]
    if not 0 <= index < len(fitting):
        raise LookupError(f"no such button: {text or action_id or 'any'}")
    return fitting[index]


def _buttons(blocks: tuple[Json, ...]) -> list[_Pressed]:
    """The buttons and the lines of menus, each with its block's id."""
    return [
        _Pressed(block["block_id"], pressable)
        for block in blocks
        for element in [*block.get("elements", ()), block.get("accessory")]
        for pressable in _pressable(element or {})
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


def _without_message(payload: Json) -> Json:
    """A press on what one person is shown: no message, and nothing is said of a thread."""
    container = {**payload["container"], "is_ephemeral": True}
    container.pop("thread_ts", None)
    less = {name: value for name, value in payload.items() if name != "message"}
    return {**less, "container": container}
