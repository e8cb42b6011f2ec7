"""How does somebody at a terminal try it? A small chat: lines are said, numbers press buttons."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from bridge.simulators.demo_screen import HOME, Screen
from bridge.simulators.demo_stage import Stage
from bridge.simulators.demo_steer import SHORTCUT
from bridge.simulators.demo_steps import Steps
from bridge.simulators.demo_view import plain_label, pressable
from bridge.simulators.slack_envelopes import ClickResult
from bridge.simulators.slack_workspace import SimulatedMessage

Json = dict[str, Any]
#: Lines as they are typed; None when there will be no more.
Typed = asyncio.Queue[str | None]

_BUTTON_DIGITS = 2  # of a number that can only be meant for a button
_LOOK = 0.05
_WORDS = frozenset(("status", "person", "restart", "end"))
_NO_THREAD = "(you are in no thread yet: say something first)"
HELP = """\
You are in the Slack channel #help. Type a line to say it; the first one mentions the bot.
  a number      press the button with this number, or choose the line of a menu
  /new [text]   open another thread; without a text with a bare mention, as a greeting's buttons
                are gone once you have said something
  /dm [text]    write to the bot directly
  /status /person /restart /end   in the thread: a mention and one word; @status … does the same
  /shortcut     "What is going on?" in the menu of the thread's first message
  /agent [text] the slash command         /home    open the app's Home tab
  /kill         kill -9 the bridge        /start   start it again
  /quit         leave                     /help    this
Buttons belong to the newest message of a thread, and a bare number chooses one.
Try: opening hours · where is my order? · what do you sell? · what are your terms? (it grows; then
/kill, /start) · ask the warehouse · talk to a person (then: that is all)"""


@contextmanager
def typed_lines(descriptor: int) -> Iterator[Typed]:
    """The lines of a terminal. No thread: one that waits for a line could not be ended."""
    typed: Typed = asyncio.Queue()
    pending = bytearray()

    def read() -> None:
        piece = os.read(descriptor, 4096)
        pending.extend(piece)
        *whole, rest = bytes(pending).split(b"\n")
        pending[:] = rest
        for line in whole:
            typed.put_nowait(line.decode(errors="replace"))
        if not piece:
            loop.remove_reader(descriptor)
            typed.put_nowait(None)

    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, read)
    try:
        yield typed
    finally:
        loop.remove_reader(descriptor)


async def chat(stage: Stage, out: TextIO, typed: Typed) -> None:
    """Until the person leaves.

    Raises:
        NotSeen: the bridge does not start.
    """
    channel, you = stage.slack.add_channel("help"), stage.slack.add_user("you")
    buttons = _Buttons()
    screen = Screen(stage.slack, out, label=buttons.label, typist=you)
    steps = Steps(screen, stage.clock, ended=stage.bridge.ended)
    screen.write("A real bridge between a simulated Slack workspace and a simulated PolyAI agent.")
    await stage.bridge.start()
    await steps.see("it is connected to Slack", lambda: stage.slack.sockets)
    screen.write(f"\n{HELP}\n")
    await _Chat(stage, screen, buttons, you, home=channel, channel=channel).run(typed)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a button is: the `index`th of its message with this action and these words."""

    channel: str
    ts: str
    action: str
    words: str
    index: int


class _Buttons:
    """The buttons on the screen, by number. A number is given once."""

    def __init__(self) -> None:
        self._places: list[_Place] = []

    def label(self, message: SimulatedMessage, button: Json) -> str:
        """The button with its number; one that only opens an address has none."""
        if "url" in button:
            return plain_label(message, button)
        action, words = button["action_id"], button["text"]["text"]
        same = [
            other
            for other in pressable(message)
            if (other["action_id"], other["text"]["text"]) == (action, words)
        ]
        index = next((at for at, other in enumerate(same) if other is button), 0)
        place = _Place(message.channel, message.ts, action, words, index)
        if place not in self._places:
            self._places.append(place)
        return f"[{self._places.index(place) + 1}: {words}]"

    def place(self, line: str) -> _Place | None:
        """The button whose number was typed."""
        number = int(line) if line.isdecimal() and len(line) < 5 else 0
        return self._places[number - 1] if 0 < number <= len(self._places) else None


@dataclass(slots=True)
class _Chat:
    """Where the person is: `channel`, and a thread of it unless the next line opens one."""

    stage: Stage
    screen: Screen
    buttons: _Buttons
    you: str
    home: str
    channel: str
    thread: str | None = field(default=None)

    async def run(self, typed: Typed) -> None:
        """Show what happens and do what is typed."""
        alive = True
        while True:
            self.screen.refresh()
            if alive and self.stage.bridge.ended():
                self.screen.write(f"({self.stage.bridge.ended()})\n{self.stage.bridge.tail()}")
            alive = self.stage.bridge.running
            try:
                async with asyncio.timeout(_LOOK):
                    line = await typed.get()
            except TimeoutError:
                continue
            if line is None or line.strip() == "/quit":
                return
            await self._obey(line.strip())

    async def _obey(self, line: str) -> None:
        if line.startswith("/"):
            await self._command(line)
        elif line.startswith("@") and line[1:].lower() in _WORDS:
            await self._steer(line[1:].lower())
        elif place := self.buttons.place(line):
            await self._press(place)
        elif line.isdecimal() and len(line) <= _BUTTON_DIGITS:  # a longer one is an order number
            self.screen.write(f"(there is no button {line}; to say a number, add a word)")
        elif line.lower() in {"quit", "exit"}:
            self.screen.write("(to leave: /quit)")
        elif line:
            await self._say(line)

    async def _command(self, line: str) -> None:
        command, _, text = line.partition(" ")
        match command:
            case "/new":
                self.channel, self.thread = self.home, None
                await self._say(text.strip())
                self.screen.write("(this thread is new: you mentioned the bot in the channel)")
            case "/dm":
                self.channel, self.thread = self.stage.slack.direct_channel(self.you), None
                if text:
                    await self._say(text.strip())
                else:
                    self.screen.write("(your next line goes to the bot directly)")
            case "/status" | "/person" | "/restart" | "/end":
                await self._steer(command[1:])
            case "/shortcut":
                await self._use_shortcut()
            case "/agent":
                typed = self.stage.slack.command(self.channel, self.you, command, text.strip())
                self._warn(await typed)
            case "/home":
                await self.stage.slack.open_home(self.you)
            case "/kill":
                await self._kill()
            case "/start":
                await self._start()
            case "/help":
                self.screen.write(HELP)
            case _:
                self.screen.write(f"(there is no {command}; /help shows what there is)")

    async def _kill(self) -> None:
        if not self.stage.bridge.running:
            self.screen.write("(the bridge is dead already; /start starts it)")
            return
        await self.stage.bridge.kill()
        self.screen.write(
            "(the bridge is dead: kill -9; what you write waits in Slack until /start)"
        )

    async def _start(self) -> None:
        if self.stage.bridge.running:
            self.screen.write("(the bridge runs already)")
            return
        await self.stage.bridge.start()
        self.screen.write("(the bridge runs)")

    async def _say(self, line: str) -> None:
        text = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if self.thread is None and self.channel == self.home:
            text = f"<@{self.stage.slack.bot_user_id}> {text}".rstrip()
        ts = await self.stage.slack.say(self.channel, self.you, text, thread_ts=self.thread)
        self.thread = self.thread or ts

    async def _steer(self, word: str) -> None:
        """A mention and one word, in a thread."""
        if self.thread is None:
            self.screen.write(_NO_THREAD)
            return
        text = f"<@{self.stage.slack.bot_user_id}> {word}"
        await self.stage.slack.say(self.channel, self.you, text, thread_ts=self.thread)

    async def _use_shortcut(self) -> None:
        if self.thread is None:
            self.screen.write(_NO_THREAD)
            return
        used = self.stage.slack.use_shortcut(self.channel, self.thread, self.you, SHORTCUT)
        self._warn(await used)

    async def _press(self, place: _Place) -> None:
        press, which = self.stage.slack.click, {"text": place.words, "action_id": place.action}
        try:
            if place.channel == HOME:
                home = self.stage.slack.press_home
                self._warn(await home(self.you, **which, index=place.index))
            else:
                clicked = press(place.channel, place.ts, self.you, **which, index=place.index)
                self._warn(await clicked)
        except LookupError:
            self.screen.write("(that button is gone)")

    def _warn(self, result: ClickResult) -> None:
        if not result.acked:
            self.screen.write("(Slack shows a warning: the app did not answer)")
