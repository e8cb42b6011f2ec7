"""How are threads shown on a terminal? Each message once, and again when it has changed.

A│ Ann: @bot Where is my order?     a new message in thread A
A✎ bot: …                           the same message, changed in place
B (direct)│ bot: …                  thread B is of a direct conversation
"""

import string
from typing import TextIO

from bridge.simulators.demo_view import Label, lines, plain_label
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_workspace import SimulatedMessage

_Place = tuple[str, str]

_DIRECT = "D"  # how Slack begins the id of a direct conversation


class Screen:
    """Every thread of the workspace, written to `out` as it grows and changes."""

    def __init__(
        self,
        slack: SlackSimulator,
        out: TextIO,
        *,
        label: Label = plain_label,
        typist: str | None = None,
    ) -> None:
        """`typist` is who types at this terminal, where their lines stand already."""
        self._slack = slack
        self._out = out
        self._label = label
        self._typist = typist
        self._threads: dict[_Place, str] = {}
        self._shown: dict[_Place, list[str]] = {}

    def write(self, line: str = "") -> None:
        """A line of the demo's own."""
        self._out.write(f"{line}\n")
        self._out.flush()

    def refresh(self) -> None:
        """Show what is new and what has changed."""
        for channel in self._slack.channels:
            for root in self._slack.messages(channel):
                letter = self._threads.setdefault((channel, root.ts), _letter(len(self._threads)))
                thread = f"{letter} (direct)" if channel.startswith(_DIRECT) else letter
                for message in self._slack.messages(channel, root.ts):
                    self._show(thread, message)

    def _show(self, thread: str, message: SimulatedMessage) -> None:
        place, names = (message.channel, message.ts), self._names()
        now, before = lines(message, names, self._label), self._shown.get(place)
        if now == before:
            return
        self._shown[place] = now
        if before is None and self._typist is not None and message.user == self._typist:
            return
        for line in now:
            self.write(f"  {thread}{'│' if before is None else '✎'} {line}")

    def _names(self) -> dict[str, str]:
        people = {user.id: user.name for user in self._slack.users.values()}
        return {self._slack.bot_user_id: "bot", **people}


def _letter(index: int) -> str:
    turn, place = divmod(index, len(string.ascii_uppercase))
    return string.ascii_uppercase[place] + (str(turn + 1) if turn else "")
