"""How are threads shown on a terminal? Each message once, and again when it has changed.

A│ Ann: @bot Where is my order?     a new message in thread A
A✎ bot: …                           the same message, changed in place
B (direct)│ bot: …                  thread B is of a direct conversation
A, to Ann alone│ bot: …             nobody else sees it
Ann's Home│ …                       the app's Home tab
"""

import string
from dataclasses import replace
from itertools import takewhile
from typing import TextIO

from bridge.simulators.demo_view import Label, lines, plain_label
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_workspace import SimulatedMessage

_Place = tuple[str, str]

HOME = "home"  #: in place of a channel: a person's Home tab
_SHORT = 3  # lines that are rather repeated
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
                thread = self._thread(channel, root.ts)
                for message in self._slack.messages(channel, root.ts):
                    self._show(thread, message)
        for message in self._slack.ephemerals:
            self._show_alone(message)
        for person in self._slack.users.values():
            if (view := self._slack.home(person.id)) is not None:
                home = SimulatedMessage(channel=HOME, ts=person.id, blocks=tuple(view["blocks"]))
                whose = "your" if person.id == self._typist else f"{person.name}'s"
                self._show(f"{whose} Home", replace(home, user=self._slack.bot_user_id))

    def _thread(self, channel: str, root: str) -> str:
        letter = self._threads.setdefault((channel, root), _letter(len(self._threads)))
        return f"{letter} (direct)" if channel.startswith(_DIRECT) else letter

    def _show_alone(self, message: SimulatedMessage) -> None:
        person = self._slack.users[message.user or ""]
        where = f"#{self._slack.channels[message.channel]}"
        if message.thread_ts:
            where = self._thread(message.channel, message.thread_ts)
        shown = replace(message, user=self._slack.bot_user_id)
        self._show(f"{where}, to {person.name} alone", shown)

    def _show(self, thread: str, message: SimulatedMessage) -> None:
        place, names = (message.channel, message.ts), self._names()
        now, before = lines(message, names, self._label), self._shown.get(place)
        if now == before:
            return
        self._shown[place] = now
        if before is None and self._typist is not None and message.user == self._typist:
            return
        for line in now if before is None else _changed(before, now):
            self.write(f"  {thread}{'│' if before is None else '✎'} {line}")

    def _names(self) -> dict[str, str]:
        people = {user.id: user.name for user in self._slack.users.values()}
        return {self._slack.bot_user_id: "bot", **people, **self._slack.channels}


def _changed(before: list[str], now: list[str]) -> list[str]:
    """The lines of a message that has changed, from where it has; of words that grew, the new."""
    author, _, _ = now[0].partition(": ")
    if now[0] != before[0]:
        grown = now[0].startswith(before[0])
        words = f"{author}: … {now[0][_new_words(before[0], now[0]) :].lstrip()}"
        return [words, *now[1:]] if grown else now
    same = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, now, strict=False))
    )
    return now if same < _SHORT else [f"{author}: …", *now[min(same, len(now) - 1) :]]


def _new_words(before: str, now: str) -> int:
    """Where the new words of a grown line begin: a word that was cut short counts as new."""
    if now[len(before) : len(before) + 1].isalnum() and before[-1:].isalnum():
        return before.rfind(" ") + 1
    return len(before)


def _letter(index: int) -> str:
    turn, place = divmod(index, len(string.ascii_uppercase))
    return string.ascii_uppercase[place] + (str(turn + 1) if turn else "")
