"""What is played when nobody types? One whole conversation, each step checked as it is shown."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.simulators import polyai_frames as frames
from bridge.simulators.demo_screen import Screen
from bridge.simulators.demo_stage import WAREHOUSE, Stage
from bridge.simulators.demo_steps import NotSeen, Steps
from bridge.simulators.demo_view import buttons
from bridge.simulators.polyai_session import SimulatedSession
from bridge.simulators.slack_workspace import SimulatedMessage

_REPLIES = (frames.MESSAGE, frames.LIVE_MESSAGE)


@dataclass(slots=True)
class Play:
    """The play so far: who is there, and what they said in each thread."""

    stage: Stage
    steps: Steps
    channel: str
    ann: str
    ben: str
    said: dict[str, list[str]] = field(default_factory=dict)

    async def mention(self, person: str, text: str) -> str:
        """Somebody calls the bot at the top of the channel; the new thread."""
        called = f"<@{self.stage.slack.bot_user_id}> {text}"
        thread = await self.stage.slack.say(self.channel, person, called)
        self.said[thread] = [text]
        return thread

    async def reply(self, person: str, thread: str, text: str) -> None:
        """Somebody writes in a thread."""
        self.said[thread].append(text)
        await self.stage.slack.say(self.channel, person, text, thread_ts=thread)

    async def click(self, thread: str, message: SimulatedMessage, text: str, *who: str) -> bool:
        """All of them press the button at once; whether Slack was satisfied with every click."""
        press = self.stage.slack.click
        clicks = [press(self.channel, message.ts, person, text=text) for person in who]
        return all(result.acked for result in await asyncio.gather(*clicks))

    def told(self, thread: str) -> list[SimulatedMessage]:
        """What the bridge shows in a thread now."""
        messages = self.stage.slack.messages(self.channel, thread)
        return [m for m in messages if m.bot_id == self.stage.slack.bot_id]

    def find(self, thread: str, words: str) -> SimulatedMessage | None:
        """The first message of the bridge's with these words."""
        return next((m for m in self.told(thread) if words in m.text), None)

    def count(self, thread: str, words: str) -> int:
        """How many messages of the bridge's have these words."""
        return sum(words in m.text for m in self.told(thread))

    @property
    def first(self) -> str:
        """Ann's thread."""
        return next(iter(self.said))

    @property
    def sessions(self) -> list[SimulatedSession]:
        """PolyAI's sessions, the oldest first: Ann's, then Ben's."""
        return list(self.stage.polyai.sessions.values())

    def heard(self, session: int = 0) -> list[str]:
        """What PolyAI accepted in a session, in order."""
        return [message.text for message in self.sessions[session].accepted]


async def perform(stage: Stage, screen: Screen, steps: Steps) -> None:
    """Play it all.

    Raises:
        NotSeen: a step was not seen.
    """
    slack = stage.slack
    channel, ann, ben = slack.add_channel("help"), slack.add_user("Ann"), slack.add_user("Ben")
    play = Play(stage, steps, channel, ann, ben)
    screen.write("A real bridge between a simulated Slack workspace and a simulated PolyAI agent.")
    screen.write("What people see in the channel #help; A and B are its threads, ✎ is a change.")
    for scene in _SCENES:
        await scene(play)
    screen.write("\nEvery step was seen.")


async def _start(play: Play) -> None:
    play.steps.scene("The bridge starts")
    await play.stage.bridge.start()
    await play.steps.see("it is connected to Slack", lambda: play.stage.slack.sockets)


async def _mention(play: Play) -> None:
    play.steps.scene("Ann mentions the bot in the channel")
    thread = await play.mention(play.ann, "Where is my order?")
    see = play.steps.see
    await see("the agent's greeting is in the thread", lambda: play.find(thread, "I am Ava"))
    answer = await see("so is its answer", lambda: play.find(thread, "order number"))
    play.steps.check("its suggestions are buttons", buttons(answer) == ["1234", "I do not have it"])
    roots = [message.ts for message in play.stage.slack.messages(play.channel)]
    play.steps.check("the channel itself stays quiet", roots == [thread])


async def _click(play: Play) -> None:
    play.steps.scene("Ann and Ben click the same button at once")
    thread = play.first
    offer = play.find(thread, "order number")
    if offer is None:
        raise NotSeen("a message with buttons")
    acked = await play.click(thread, offer, "1234", play.ann, play.ben)
    play.said[thread].append("1234")
    play.steps.check("Slack has an acknowledgement of both clicks", acked)
    await play.steps.see(
        "the buttons gave way to what was chosen and by whom",
        lambda: _chosen(play.find(thread, "order number"), (play.ann, play.ben)),
    )
    await play.steps.wait("one message reaches the agent", lambda: "1234" in play.heard())
    play.steps.check("one message reached the agent", play.heard() == play.said[thread])


def _chosen(message: SimulatedMessage | None, people: tuple[str, ...]) -> bool:
    """Whether a message says, instead of its buttons, which of the people chose."""
    if message is None or buttons(message):
        return False
    shown = [e.get("text", "") for b in message.blocks for e in b.get("elements", ())]
    return any("chosen by" in text and any(p in text for p in people) for text in shown)


async def _stream(play: Play) -> None:
    play.steps.scene("The answer comes from PolyAI as a stream")
    thread = play.first
    await play.steps.wait("the answer is in the thread", lambda: play.find(thread, "Order 1234"))
    journal = play.sessions[0].journal
    chunks = sum(frame.type == frames.CHUNK for frame in journal)
    play.steps.check(f"PolyAI sent it in pieces ({chunks} chunks)", chunks > 2)
    whole = play.count(thread, "arrives tomorrow by noon") == 1
    play.steps.check("the thread shows one whole message", whole and len(play.told(thread)) == 3)


async def _second_thread(play: Play) -> None:
    play.steps.scene("Ben opens a second thread while Ann goes on in hers")
    first = play.first
    second, _ = await asyncio.gather(
        play.mention(play.ben, "What are your opening hours?"),
        play.reply(play.ann, first, "Is it gift-wrapped?"),
    )
    see = play.steps.see
    await see("Ben has his answer", lambda: play.find(second, "Monday to Friday"))
    await see("Ann has hers", lambda: play.find(first, "You said: Is it gift-wrapped?"))
    apart = play.heard(0) == play.said[first] and play.heard(1) == play.said[second]
    play.steps.check("each thread has a session of its own, and nothing is mixed", apart)


async def _kill(play: Play) -> None:
    play.steps.scene("kill -9 between a question and its answer")
    bridge, see, wait = play.stage.bridge, play.steps.see, play.steps.wait
    first, second = play.said
    question = "Could you ask the warehouse about it?"
    await play.reply(play.ann, first, question)
    await see("PolyAI has the question", lambda: question in play.heard())
    code = await bridge.kill()
    play.steps.check("the bridge is killed", code == -signal.SIGKILL)
    await play.reply(play.ben, second, "Are you open on Saturday?")
    await see("PolyAI answers while nobody listens", lambda: _published(play.sessions[0]))
    play.steps.check("and the thread does not have it yet", play.find(first, WAREHOUSE) is None)
    await bridge.start()
    await wait("the bridge is back", lambda: play.stage.slack.sockets)
    await see(
        "the bridge starts again, and the answer is there", lambda: play.find(first, WAREHOUSE)
    )
    await see(
        "so is the answer to what Ben wrote meanwhile", lambda: play.find(second, "Saturday?")
    )
    _same_session(play, first)


def _published(session: SimulatedSession) -> bool:
    return any(frame.payload.get("text") == WAREHOUSE for frame in session.journal)


def _same_session(play: Play, thread: str) -> None:
    """The simulator admits a handshake with the session's own token only, so each one proves it."""
    session, check = play.sessions[0], play.steps.check
    cursors = [int(cursor or 0) for cursor in session.handshakes]
    check(
        f"in the same session with the same token, carried on from cursor {cursors[-1]}",
        len(play.sessions) == 2 and len(cursors) > 1 and cursors[-1] > 0,
    )
    greeted = play.count(thread, "I am Ava")
    once = (session.joins, session.greetings, greeted) == (1, 1, 1)
    check("with no second greeting", once and play.count(thread, WAREHOUSE) == 1)


async def _handoff(play: Play) -> None:
    play.steps.scene("Ann asks for a person")
    thread, see = play.first, play.steps.see
    await play.reply(play.ann, thread, "Can I talk to a person?")
    waiting = await see("she waits in a queue", lambda: play.find(thread, "Connecting you"))
    await see("Sam joins", lambda: play.find(thread, "Sam has joined"))
    hello = await see("Sam speaks", lambda: play.find(thread, "this is Sam"))
    changes = [m.text for m in play.stage.slack.updates if m.ts == waiting.ts]
    play.steps.check(
        f"her place in the queue was one message, changed in place {len(changes)} times",
        len(changes) > 1 and play.count(thread, "Connecting you") == 0,
    )
    play.steps.check("and promises no place any more", "is over" in changes[-1])
    play.steps.check("Sam's words carry Sam's name", hello.username == "Sam")


async def _end(play: Play) -> None:
    play.steps.scene("The conversation ends and another begins")
    thread, see = play.first, play.steps.see
    await play.reply(play.ann, thread, "That is all, thank you!")
    await see("Sam says goodbye", lambda: play.find(thread, "Take care!"))
    end = await see("the end is said", lambda: play.find(thread, "has ended"))
    play.steps.check("with a button to start again", buttons(end) == ["Start again"])
    acked = await play.click(thread, end, "Start again", play.ann)
    play.steps.check("Ann clicks it", acked)
    await see("a new session begins", lambda: len(play.sessions) == 3)
    await see("with its own greeting", lambda: play.count(thread, "I am Ava") == 2)


async def _account(play: Play) -> None:
    """After the end nothing can come late: now the records must agree."""
    play.steps.scene("The bridge stops, and the records are compared")
    bridge, slack, check = play.stage.bridge, play.stage.slack, play.steps.check
    check("SIGTERM: it drained and ended with exit code 0", await bridge.stop() == 0)
    first, second = play.said
    heard = play.heard(0) == play.said[first] and play.heard(1) == play.said[second]
    check("the agent heard every line once, in order", heard and not play.heard(2))
    replies = sum(_replies(session) for session in play.sessions)
    shown = sum(message.blocks[0]["type"] != "context" for message in slack.posts)
    check(f"the threads show each of the agent's {replies} messages once", shown == replies)
    check("PolyAI was told nothing that it forbids", not play.stage.polyai.violations)


def _replies(session: SimulatedSession) -> int:
    """How many messages the agent and the live agent sent, a streamed one counted once."""
    journal = session.journal
    streamed = {f.payload["message_id"] for f in journal if f.type == frames.CHUNK}
    return len(streamed) + sum(frame.type in _REPLIES for frame in journal)


_SCENES: tuple[Callable[[Play], Awaitable[None]], ...] = (
    _start,
    _mention,
    _click,
    _stream,
    _second_thread,
    _kill,
    _handoff,
    _end,
    _account,
)
