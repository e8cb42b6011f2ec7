"""What is a play made of? The cast, what they said, and what can be seen of it on both sides."""

import asyncio
import re
from dataclasses import dataclass, field

from bridge.simulators import polyai_frames as frames
from bridge.simulators.demo_stage import Stage
from bridge.simulators.demo_steps import Steps
from bridge.simulators.polyai_session import SimulatedSession
from bridge.simulators.slack_workspace import SimulatedMessage

_UNSEEN = "\u200b"
#: How the agent is told who speaks, once there are several.
_SPEAKER = re.compile(r"^(Ann|Ben): ")


@dataclass(slots=True)
class Play:
    """The play so far. `ours` are the threads by name, `said` what was said in each of them."""

    stage: Stage
    steps: Steps
    channel: str
    ann: str
    ben: str
    ours: dict[str, tuple[str, str]] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    alone: int = 0  #: how many words to one person were looked at already

    # What people do

    async def mention(self, person: str, name: str, text: str) -> None:
        """Somebody calls the bot at the top of the channel, which opens the thread `name`."""
        ts = await self.stage.slack.say(self.channel, person, self.call(text))
        self.ours[name], self.said[name] = (self.channel, ts), [text]

    async def write_directly(self, person: str, name: str, text: str) -> None:
        """Somebody writes to the bot itself, which opens the thread `name`."""
        ts = await self.stage.slack.direct_message(person, text)
        self.ours[name], self.said[name] = (self.stage.slack.direct_channel(person), ts), [text]

    async def reply(self, person: str, name: str, text: str) -> str:
        """Somebody writes in a thread for the agent; the message's ts."""
        self.said[name].append(text)
        return await self.steer(person, name, text)

    async def steer(self, person: str, name: str, text: str) -> str:
        """Somebody writes in a thread what is not for the agent; the message's ts."""
        channel, root = self.ours[name]
        return await self.stage.slack.say(channel, person, text, thread_ts=root)

    async def click(self, message: SimulatedMessage, text: str, *who: str) -> bool:
        """All of them press the button at once; whether Slack was satisfied with every click."""
        press = self.stage.slack.click
        clicks = [press(message.channel, message.ts, person, text=text) for person in who]
        return all(result.acked for result in await asyncio.gather(*clicks))

    def call(self, text: str) -> str:
        """A text that mentions the bot."""
        return f"<@{self.stage.slack.bot_user_id}> {text}"

    # What Slack shows

    def told(self, name: str) -> list[SimulatedMessage]:
        """What the bridge shows in a thread now."""
        messages = self.stage.slack.messages(*self.ours[name])
        return [m for m in messages if m.bot_id == self.stage.slack.bot_id and not m.deleted]

    def find(self, name: str, words: str) -> SimulatedMessage | None:
        """The first message of the bridge's with these words."""
        return next((m for m in self.told(name) if words in _plain(m.text)), None)

    def count(self, name: str, words: str) -> int:
        """How many messages of the bridge's have these words."""
        return sum(words in _plain(m.text) for m in self.told(name))

    def texts(self, message: SimulatedMessage) -> list[str]:
        """Each text that a message has shown, in order."""
        return [_plain(t) for t in self.stage.slack.texts(message.channel, message.ts)]

    def new_alone(self) -> list[SimulatedMessage]:
        """What was shown to one person alone and was not looked at before."""
        return self.stage.slack.ephemerals[self.alone :]

    async def see_alone(self, what: str, person: str, words: str) -> SimulatedMessage:
        """See one new message to this person, with these words, that nobody else was shown.

        Raises:
            NotSeen: there is none, or there is more.
        """
        first, *more = await self.steps.wait(what, self.new_alone)
        fits = first.user == person and words in first.text
        self.steps.check(what, fits and not more)
        self.alone += 1
        return first

    # What PolyAI heard

    @property
    def sessions(self) -> list[SimulatedSession]:
        """PolyAI's sessions, the oldest first."""
        return list(self.stage.polyai.sessions.values())

    def heard(self, session: int = 0) -> list[str]:
        """What PolyAI accepted in a session, in order, without who said it."""
        return [_SPEAKER.sub("", text) for text in self.heard_as(session)]

    def heard_as(self, session: int = 0) -> list[str]:
        """The same, word for word."""
        return [message.text for message in self.sessions[session].accepted]

    def replies(self) -> int:
        """How many messages the agent and the live agent sent, a streamed one counted once."""
        return sum(_replies(session) for session in self.sessions)


def _plain(text: str) -> str:
    return text.replace(_UNSEEN, "")


def _replies(session: SimulatedSession) -> int:
    journal = session.journal
    streamed = {f.payload["message_id"] for f in journal if f.type == frames.CHUNK}
    whole = (frames.MESSAGE, frames.LIVE_MESSAGE)
    return len(streamed) + sum(frame.type in whole for frame in journal)
