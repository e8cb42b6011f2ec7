"""The demo as people run it: a process, on a pipe or in a terminal, that leaves nothing behind."""

import asyncio
import codecs
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.demo import scripted_play, told
from bridge.simulators.demo_screen import Screen
from bridge.simulators.demo_stage import staged
from bridge.simulators.slack import SlackSimulator

pytestmark = pytest.mark.integration

PATIENCE = 40.0

#: The bridge's promises that `make demo` must show, as they are told.
STEPS = (
    "it is connected to Slack",
    "the agent's greeting is in the thread",
    "so is its answer",
    "its suggestions are buttons",
    "the channel itself stays quiet",
    "Slack has an acknowledgement of both clicks",
    "the buttons gave way to what was chosen and by whom",
    "one message reached the agent",
    "(Ann|Ben) was second, and alone is told so",
    "with the answer comes a card: a link, a picture and a button",
    r"\*\*bold\*\* is bold",
    "a list in a list is indented",
    "a table has columns",
    "the suggestions are too many for buttons: a menu",
    "the menu gave way to her choice",
    "one message in the channel grows, by changes",
    "so does one in Ben's messages",
    "there it flows, as Slack's own stream",
    "kill -9: the bridge is dead",
    "PolyAI says the end while nobody listens, and Ben writes",
    "the bridge starts again",
    "Ann's message is finished",
    "so is Ben's",
    "what Ben wrote meanwhile is answered",
    r"in A it is one message, which grew \d+ times",
    r"in B it is one message, which grew \d+ times",
    r"in the same session with the same token, carried on from cursor \d+",
    "with no second greeting",
    "the agent is told who speaks",
    "the agent is told the correction",
    "each thread has a session of its own, and nothing is mixed",
    "the pause was kept, and what was refused came once",
    "Ann alone is told how things stand",
    "with buttons for the rest",
    "he alone is told",
    "it lists Ben's conversations, for him alone",
    "so does his Home tab",
    "the thread and the agent saw nothing of it",
    "the thread says that it has ended",
    "the list is shorter",
    "she waits in a queue",
    "and may give up waiting",
    "the wait is over, and so is its button",
    r"her place in the queue was one message, changed in place \d times",
    "the thread's status says that Sam is typing",
    "under Sam's own name",
    "the end is said",
    "with a button to start again",
    "she alone is told, politely",
    "nothing else comes of it",
    "a new session begins",
    "with its own greeting",
    "a word ends this one, too",
    "SIGTERM: it drained and ended with exit code 0",
    "the agent heard every line once, in order",
    r"the threads show each of the agent's \d+ messages once",
    "PolyAI was told nothing that it forbids",
    "Slack was never called too often",
)

#: What people see in the threads.
LINES = (
    r"A│ Ann: @bot Where is my order\?",
    r"A│     \[1234\] \[I do not have it\]",
    r"A✎     ✓ \*1234\* — chosen by @(Ann|Ben)",
    r"A│         ◦ for bread",
    r"A│     Choose an answer ▾ \[Aprons\] .*",
    r"B \(direct\)✎ bot: … Part 2 .*",
    r"C│ Ben: @bot What are your opening hours\?",
    r"A, to Ann alone│ bot: You have been talking to Ava since .*",
    r"#help, to Ben alone│ bot: Your open conversations: 3\.",
    r"Ben's Home✎     \*Your open conversations: 2\*",
    r"A✎ bot: .* You are number 1 in the queue\..*",
    r"A│ Sam: Hi, this is Sam\. .*",
    r"A│     \[Start again\]",
)


class Demo:
    """A demo process; all it writes, and whether it left anything."""

    def __init__(self, directory: Path, ends: tuple[int, int], **environment: str) -> None:
        """`ends`: ours and the demo's, of a pipe or of a terminal."""
        self.directory = directory
        self.written = ""
        self._looked_at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ours, theirs = ends
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "demo"],
            stdin=theirs if os.isatty(theirs) else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TMPDIR": str(directory), **environment},
            start_new_session=True,
            preexec_fn=_hears_interrupts,
        )
        os.close(theirs)

    def read_until(self, words: str) -> None:
        """Read until these words come, after those read for before."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.written.find(words, self._looked_at)) < 0:
            assert time.monotonic() < deadline, self.written
            assert self._read(), self.written
        self._looked_at = at + len(words)

    def type_in(self, line: str, *, then: str) -> None:
        """Type a line into its terminal and read until something comes of it."""
        os.write(self._ours, f"{line}\n".encode())
        self.read_until(then)

    def number_of(self, button: str) -> str:
        """What to type to press the newest button with these words."""
        numbers: list[str] = re.findall(rf"\[(\d+): {button}\]", self.written)
        return numbers[-1]

    def end(self) -> int:
        """Wait for its end and see that nothing is left; the exit code."""
        while self._ours >= 0 and self._read():
            pass
        code = self.process.wait(PATIENCE)
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)
        assert list(self.directory.iterdir()) == []
        return code

    def look_away(self) -> None:
        """Close our end."""
        if self._ours >= 0:
            os.close(self._ours)
        self._ours = -1

    def abandon(self) -> None:
        """Whatever became of the test, end what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.look_away()

    def _read(self) -> bool:
        try:
            piece = os.read(self._ours, 4096)
        except OSError:  # how a terminal says on Linux that nobody is there any more
            piece = b""
        self.written += self._decoder.decode(piece)
        return bool(piece)


def _hears_interrupts() -> None:
    """A shell has what it starts in the background ignore them, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo on a pipe."""
    demo = Demo(tmp_path, os.pipe(), DEMO="scripted")
    yield demo
    demo.abandon()


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Demo]:
    """A demo in a terminal."""
    chat = Demo(tmp_path, os.openpty(), DEMO="")
    yield chat
    chat.abandon()


@pytest.mark.timeout(180)
def test_the_scripted_demo_shows_every_step_and_leaves_nothing_behind(demo: Demo) -> None:
    assert demo.end() == 0, demo.written
    told_in_order = iter(re.findall(r"^  ✓ (.*)$", demo.written, re.MULTILINE))
    for step in STEPS:
        assert any(re.fullmatch(step, line) for line in told_in_order), (step, demo.written)
    for line in LINES:
        assert re.search(f"^  {line}$", demo.written, re.MULTILINE), (line, demo.written)
    for thread in ("A", r"B \(direct\)"):
        began = re.findall(rf"^  {thread}│ bot: Part 1 of", demo.written, re.MULTILINE)
        ended = re.findall(rf"^  {thread}✎ bot: … .*small print\.$", demo.written, re.MULTILINE)
        assert (len(began), len(ended)) == (1, 1), demo.written
    assert demo.written.endswith("Every step was seen.\n")
    for never in ("Traceback", "xoxb-", "xapp-", "simulated-connector-token"):
        assert never not in demo.written


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(demo: Demo, number: signal.Signals) -> None:
    demo.read_until("so is its answer")
    demo.process.send_signal(number)
    assert demo.end() == 130
    assert "Traceback" not in demo.written


def test_a_reader_who_leaves_ends_the_demo(demo: Demo) -> None:
    demo.read_until("it is connected to Slack")
    demo.look_away()
    assert demo.end() == 1


def test_in_a_terminal_lines_are_said_and_numbers_press_buttons(chat: Demo) -> None:
    chat.read_until("that is all)")
    chat.type_in("where is my order?", then="[4: 1234] [5: I do not have it]")
    chat.type_in("4", then="arrives *tomorrow* by noon.")
    chat.type_in("1", then="(that button is gone)")
    chat.type_in("77", then="(there is no button 77;")
    chat.type_in("/start", then="(the bridge runs already)")
    chat.type_in("/kill", then="(the bridge is dead: kill -9")
    chat.type_in("/kill", then="(the bridge is dead already")
    chat.type_in("is it heavy?", then="is it heavy?")
    chat.type_in("/start", then="A│ bot: You said: is it heavy?")
    chat.type_in("/dm opening hours", then="B (direct)│ bot: We are *open*:")
    chat.type_in("/dm", then="goes to the bot directly")
    chat.type_in("is it blue?", then="C (direct)│ bot: You said: is it blue?")
    chat.type_in("/new is it round?", then="D│ bot: You said: is it round?")
    chat.type_in("bye", then=": Start again]")
    chat.type_in("/dance", then="(there is no /dance;")
    chat.type_in("/help", then="a bare number chooses one")
    chat.type_in("quit", then="(to leave: /quit)")
    assert "You said: 77" not in chat.written
    assert "You said: quit" not in chat.written
    chat.type_in("/quit", then="/quit")
    assert chat.end() == 0


def test_in_a_terminal_a_bare_mention_keeps_the_buttons_of_the_greeting(chat: Demo) -> None:
    chat.read_until("that is all)")
    chat.type_in("/new", then="[2: Opening hours] [3: Talk to a person]")
    chat.type_in("2", then="A│ bot: We are *open*:")
    chat.type_in("/quit", then="/quit")
    assert chat.end() == 0


def test_in_a_terminal_a_conversation_is_steered(chat: Demo) -> None:
    chat.read_until("that is all)")
    chat.type_in("/status", then="(you are in no thread yet")
    chat.type_in("what do you sell?", then=": Tea towels]")
    chat.type_in(chat.number_of("Tea towels"), then="A│ bot: You said: Tea towels")
    chat.type_in("@status", then="A, to you alone│ bot: You have been talking to Ava")
    chat.read_until(": End the conversation]")
    chat.type_in("/agent", then="#help, to you alone│ bot: Your open conversations: 1.")
    chat.type_in("/shortcut", then="A, to you alone│ bot: You have been talking to Ava")
    chat.type_in("/home", then="your Home│     *Your open conversations: 1*")
    chat.type_in("/end", then="A│ bot: The conversation was ended, as asked.")
    chat.type_in("what are your terms?", then="A✎ bot: … Part 2 ")
    chat.type_in("/kill", then="(the bridge is dead: kill -9")
    chat.type_in("/start", then="A✎ bot: … Part ")
    chat.type_in("/quit", then="/quit")
    assert chat.end() == 0


async def test_a_missed_step_is_told_with_the_end_of_the_log(tmp_path: Path) -> None:
    out = io.StringIO()
    async with staged(tmp_path, SystemClock()) as stage:
        (tmp_path / "bridge.toml").write_text("[agents.default]\n")
        assert await told(stage, out, scripted_play(stage, out)) == 1
    written = out.getvalue()
    assert "✗ expected: it is connected to Slack" in written
    assert "the bridge has ended by itself with exit code 10" in written
    log = written.partition("The bridge's log ends:")[2]
    assert "base_url" in log


async def test_a_screen_shows_each_message_once_and_again_when_it_changed() -> None:
    out = io.StringIO()
    async with SlackSimulator(clock=SystemClock(), ids=RandomIds()) as slack:
        channel, ann, ben = slack.add_channel("help"), slack.add_user("Ann"), slack.add_user("Ben")
        screen = Screen(slack, out, typist=ben)
        first = await slack.say(channel, ann, "one")
        await slack.say(channel, ann, "two")
        await slack.say(channel, ben, "typed here", thread_ts=first)
        screen.refresh()
        await asyncio.sleep(0)
        await slack.edit(channel, first, "three")
        screen.refresh()
        screen.refresh()
    assert out.getvalue().splitlines() == ["  A│ Ann: one", "  B│ Ann: two", "  A✎ Ann: three"]


async def test_a_screen_tells_who_alone_sees_something_and_what_is_new_in_a_change() -> None:
    out = io.StringIO()
    async with SlackSimulator(clock=SystemClock(), ids=RandomIds()) as slack:
        channel, ann = slack.add_channel("help"), slack.add_user("Ann")
        screen = Screen(slack, out)
        thread = await slack.say(channel, ann, "one\ntwo\nthree\nfour")
        screen.refresh()
        await slack.edit(channel, thread, "one\ntwo\nthree\nfive")
        screen.refresh()
        await slack.edit(channel, thread, "one more\ntwo")
        screen.refresh()
        shown = {"channel": channel, "user": ann, "text": "psst", "thread_ts": thread}
        await _call(slack, "chat.postEphemeral", shown)
        await slack.edit(channel, thread, "one moreover\ntwo")
        home = {"type": "home", "blocks": [{"type": "divider"}]}
        await _call(slack, "views.publish", {"user_id": ann, "view": home})
        screen.refresh()
    assert out.getvalue().splitlines() == [
        "  A│ Ann: one",
        "  A│     two",
        "  A│     three",
        "  A│     four",
        "  A✎ Ann: …",
        "  A✎     five",
        "  A✎ Ann: … more",
        "  A✎     two",
        "  A✎ Ann: … moreover",
        "  A✎     two",
        "  A, to Ann alone│ bot: psst",
        "  Ann's Home│ bot: ───",
    ]


async def _call(slack: SlackSimulator, method: str, arguments: Mapping[str, object]) -> None:
    headers = {"Authorization": "Bearer xoxb-simulated"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{slack.api_url}{method}", json=arguments) as answer,
    ):
        assert (await answer.json())["ok"]
