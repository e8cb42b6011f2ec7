"""What is played of answers that grow? Two at once, each in its way, and a death in between.

The agent goes on telling until the growth was seen, and ends while the bridge is dead: nothing here
depends on how fast a machine is.
"""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from bridge.simulators.demo_agent import TERMS_END, terms
from bridge.simulators.demo_play import Play
from bridge.simulators.polyai_session import SimulatedSession
from bridge.simulators.slack_workspace import SimulatedMessage, StreamState

_MESSAGE = "terms"  # PolyAI's id of the message that grows
_PIECE = timedelta(milliseconds=400)
_GROWN = 3  # texts that one message has shown
_APPEND = "chat.appendStream"


async def streams(play: Play) -> None:
    """Two answers grow, the bridge is killed, both are finished in the same two messages."""
    play.steps.scene("Two long answers grow, and kill -9 comes between")
    await asyncio.gather(
        play.reply(play.ann, "A", "What are your terms?"),
        play.write_directly(play.ben, "B", "Please read me the terms."),
    )
    await play.steps.wait("both ask", lambda: len(play.sessions) == 2 and _asked(play))
    await play.steps.wait("Ben is greeted", lambda: play.find("B", "I am Ava"))
    telling = _Telling(play, play.sessions[:2])
    grows = "one message in the channel grows, by changes"
    first = await play.steps.see(grows, lambda: telling.grown("A"))
    second = await play.steps.see("so does one in Ben's messages", lambda: telling.grown("B"))
    flows = {c.arguments.get("channel") for c in play.stage.slack.calls if c.method == _APPEND}
    play.steps.check("there it flows, as Slack's own stream", flows == {second.channel})
    await _die(play, telling)
    await _live_again(play, telling.whole)
    for name, message in (("A", first), ("B", second)):
        _grew_to_its_end(play, name, message, telling.whole)
    _same_session(play)


def _asked(play: Play) -> bool:
    return all("terms" in "".join(play.heard(session)[-1:]) for session in (0, 1))


@dataclass(slots=True)
class _Telling:
    """The agent, who says piece after piece until enough of it was seen."""

    play: Play
    to: list[SimulatedSession]
    said: str = ""
    _pieces: Iterator[str] = field(default_factory=terms)
    _next_at: datetime | None = None

    def grown(self, name: str) -> SimulatedMessage | None:
        """The message in the thread once it has grown; until then, the agent goes on."""
        now = self.play.stage.clock.now()
        if self._next_at is None or now >= self._next_at:
            self._next_at = now + _PIECE
            self._say(next(self._pieces, ""))
        message = self.play.find(name, "Part 1 of our terms")
        grown = message is not None and len(self.play.texts(message)) >= _GROWN
        return message if grown else None

    def finish(self) -> None:
        """The agent says the last of it."""
        self._say(TERMS_END, last=True)

    @property
    def whole(self) -> str:
        """What is to be read in the end, without its marks."""
        return self.said.replace("*", "")

    def _say(self, text: str, *, last: bool = False) -> None:
        self.said += text
        for session in self.to:
            chunk = {"text": text, "is_complete": last}
            self.play.stage.polyai.stream_chunks(session.id, [chunk], message_id=_MESSAGE)


async def _die(play: Play, telling: _Telling) -> None:
    check = play.steps.check
    check("kill -9: the bridge is dead", await play.stage.bridge.kill() == -signal.SIGKILL)
    telling.finish()
    await play.reply(play.ben, "B", "Are you open on Saturday?")
    nobody = not any(_finished(play, name, telling.whole) for name in ("A", "B"))
    check("PolyAI says the end while nobody listens, and Ben writes", nobody)


async def _live_again(play: Play, whole: str) -> None:
    see = play.steps.see
    await play.stage.bridge.start()
    await see("the bridge starts again", lambda: play.stage.slack.sockets)
    await see("Ann's message is finished", partial(_finished, play, "A", whole))
    await see("so is Ben's", partial(_finished, play, "B", whole))
    await see("what Ben wrote meanwhile is answered", lambda: play.find("B", "Saturday?"))


def _finished(play: Play, name: str, whole: str) -> bool:
    """Whether the message that grew has its end, looks as it was meant, and flows no more."""
    message = play.find(name, whole)
    if message is None or message.streaming_state is StreamState.IN_PROGRESS:
        return False
    return [b["type"] for b in message.blocks] == ["section"] and "*nothing*" in str(message.blocks)


def _grew_to_its_end(play: Play, name: str, message: SimulatedMessage, whole: str) -> None:
    texts = [text.strip() for text in play.texts(message)]
    longer = all(later.startswith(earlier) for earlier, later in pairwise(texts))
    once = play.count(name, "Part 1 of our terms") == 1 and texts[-1] == whole
    play.steps.check(
        f"in {name} it is one message, which grew {len(texts) - 1} times", longer and once
    )


def _same_session(play: Play) -> None:
    """The simulator admits a handshake with the session's own token only, so each one proves it."""
    session, check = play.sessions[0], play.steps.check
    cursors = [int(cursor or 0) for cursor in session.handshakes]
    check(
        f"in the same session with the same token, carried on from cursor {cursors[-1]}",
        len(play.sessions) == 2 and len(cursors) > 1 and cursors[-1] > 0,
    )
    greeted = play.count("A", "I am Ava")
    check("with no second greeting", (session.joins, session.greetings, greeted) == (1, 1, 1))
