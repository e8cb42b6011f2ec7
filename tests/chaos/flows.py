"""Everything people, agents and the bridge do with each other, each from beginning to end.

Each flow is played once while the bridge keeps dying, and says what both sides must then have on
record. A person writes on once Slack knows that we heard, whether we live or not.
"""

import asyncio
import itertools
import re
from collections.abc import Sequence

from adapters.slack.reading.interactions import SHORTCUT
from bridge.simulators.polyai_agent import GREETING, ORDER_QUESTION
from tests.chaos.scene import Scene
from tests.chaos.slack_scene import SlackScene
from tests.chaos.verdict import Compared

HELLO = "Hello, I am Ava"
BEGINNING = "A beginning of some length, which is enough to post. "
_POSITION = re.compile(r"number (\d+) in the queue")
WHOLE = BEGINNING + "Then comes more of it, and more than that, and now the end."


class Flow:
    """One kind of exchange."""

    kind = ""
    moments: tuple[str, ...] = ()  #: those of its own, at which the bridge may die

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.thread = ""

    async def play(self) -> None:
        """Do it all, and return when people have nothing more to do."""
        raise NotImplementedError

    def compared(self) -> list[Compared]:
        """What must be on record now, and what is."""
        raise NotImplementedError

    async def opened(self) -> None:
        """Have a thread in which the agent has answered."""
        self.thread = await self.scene.mention("say ready")
        await self.scene.until(lambda: "ready" in self.told)

    @property
    def told(self) -> list[str]:
        """What the bridge shows in the thread, in order."""
        return self.scene.told(self.thread) if self.thread else []

    def heard(self, *expected: str) -> Compared:
        """What the agent must have accepted."""
        return Compared("heard by the agent", expected, self._heard)

    @property
    def _heard(self) -> list[str]:
        return self.scene.ground.heard()

    def shown(self, *beginnings: str) -> Compared:
        """What the thread must show, each named by how it begins."""
        seen = [_named(text, beginnings) for text in self.told]
        return Compared("shown in the thread", beginnings, seen)


def _named(text: str, beginnings: Sequence[str]) -> str:
    return next((b for b in sorted(beginnings, key=len, reverse=True) if text.startswith(b)), text)


class Mention(Flow):
    """Somebody calls the bot in a channel."""

    kind = "channel mention"

    async def play(self) -> None:
        self.thread = await self.scene.mention("say one")

    def compared(self) -> list[Compared]:
        return [self.heard("say one"), self.shown(HELLO, "one")]


class Reply(Flow):
    """Somebody goes on in the thread."""

    kind = "thread reply"

    async def play(self) -> None:
        self.thread = await self.scene.mention("say one")
        for text in ("say two", "say three", "say four"):
            await self.scene.reply(self.thread, text)

    def compared(self) -> list[Compared]:
        return [
            self.heard("say one", "say two", "say three", "say four"),
            self.shown(HELLO, "one", "two", "three", "four"),
        ]


class Direct(Flow):
    """Somebody writes to the app itself."""

    kind = "direct message"
    scene: SlackScene

    async def play(self) -> None:
        self.thread = await self.scene.direct("say one")
        await self.scene.reply(self.thread, "say two")

    def compared(self) -> list[Compared]:
        return [self.heard("say one", "say two"), self.shown(HELLO, "one", "two")]


class Click(Flow):
    """Somebody presses what the agent suggests."""

    kind = "click"

    async def play(self) -> None:
        self.thread = await self.scene.mention("")
        await self.scene.choose(self.thread, HELLO, "Opening hours")
        await self.scene.until(lambda: len(self.told) == 2)
        await self.scene.reply(self.thread, "my order")
        await self.scene.choose(self.thread, ORDER_QUESTION[:10], "I do not have it")

    def compared(self) -> list[Compared]:
        return [
            self.heard("Opening hours", "my order", "I do not have it"),
            self.shown(HELLO, "We are", ORDER_QUESTION[:10], "You said"),
        ]


class Shortcut(Flow):
    """Somebody asks how things stand by the shortcut, and ends the conversation from there."""

    kind = "shortcut"
    scene: SlackScene

    async def play(self) -> None:
        await self.opened()
        scene, channel = self.scene, self.scene.channel(self.thread)
        while not scene.slack.ephemerals:
            await scene.slack.use_shortcut(channel, self.thread, scene.ann, SHORTCUT)
            await asyncio.sleep(0.3)  # what only one person sees is shown best effort
        await scene.press(channel, scene.slack.ephemerals[0].ts, action_id="polyai_end")

    def compared(self) -> list[Compared]:
        endings = [str(session.ended) for session in self.scene.ground.sessions if session.accepted]
        return [
            self.heard("say ready"),
            self.shown(HELLO, "ready", "The conversation was ended"),
            Compared("sessions ended", ["REASON_USER_END"], endings),
        ]


class Edit(Flow):
    """Somebody changes what they said."""

    kind = "edit"

    async def play(self) -> None:
        await self.opened()
        ts = await self.scene.reply(self.thread, "say old")
        await self.scene.until(lambda: "old" in self.told)
        await self.scene.correct(self.thread, ts, "say new")

    def compared(self) -> list[Compared]:
        heard = ["a correction" if "say new" in t else t for t in self._heard]
        return [
            Compared("heard by the agent", ["say ready", "say old", "a correction"], heard),
            self.shown(HELLO, "ready", "old", "You said"),
        ]


class TakenBack(Flow):
    """Somebody takes back what they said."""

    kind = "taking back"

    async def play(self) -> None:
        await self.opened()
        ts = await self.scene.reply(self.thread, "say old")
        await self.scene.until(lambda: "old" in self.told)
        await self.scene.take_back(self.thread, ts)

    def compared(self) -> list[Compared]:
        return [
            self.heard("say ready", "say old", "I take back my message: say old"),
            self.shown(HELLO, "ready", "old", "You said"),
        ]


class AgentMessage(Flow):
    """The agent speaks of its own accord."""

    kind = "agent message"

    async def play(self) -> None:
        await self.opened()
        for number in range(1, 5):
            self.scene.polyai.agent_says(None, f"news {number}")
            await asyncio.sleep(0.1)

    def compared(self) -> list[Compared]:
        news = [f"news {number}" for number in range(1, 5)]
        return [self.heard("say ready"), self.shown(HELLO, "ready", *news)]


class Streamed(Flow):
    """The agent's words come piece by piece, and grow in the channel."""

    kind = "stream"
    moments: tuple[str, ...] = ("before the first chunk", "between chunks", "before the last chunk")

    async def play(self) -> None:
        await self.opened()
        await self.scene.moment(self.moments[0])
        await self._hears(BEGINNING)
        await self._is_seen()
        await self._hears("Then comes more of it, ")
        await self.scene.moment(self.moments[1])
        await self._hears("and more than that, ")
        await self.scene.moment(self.moments[2])
        await self._hears("and now the end.", last=True)

    async def _hears(self, text: str, *, last: bool = False) -> None:
        self.scene.polyai.stream_chunks(None, [{"text": text, "is_complete": last}])
        await asyncio.sleep(0.1)

    async def _is_seen(self) -> None:
        if self.scene.grows:
            await self.scene.until(lambda: len(self.told) > 2)

    def compared(self) -> list[Compared]:
        unfinished = self.scene.unfinished(self.thread) if self.thread else []
        return [
            self.heard("say ready"),
            Compared("shown in the thread", [GREETING, "ready", WHOLE], self.told),
            Compared("left unfinished", [], unfinished),
        ]


class NativeStream(Streamed):
    """The same in a direct message, as a stream of Slack's own."""

    kind = "stream in a direct message"
    moments = (*Streamed.moments, "while Slack's stream is open")
    scene: SlackScene

    async def opened(self) -> None:
        self.thread = await self.scene.direct("say ready")
        await self.scene.until(lambda: "ready" in self.told)

    async def _is_seen(self) -> None:
        await super()._is_seen()
        await self.scene.moment(self.moments[3])


class Handoff(Flow):
    """The agent hands over to a person; the queue is shown, and changed, in one message."""

    kind = "handoff"
    moments = ("while a person is there",)

    async def play(self) -> None:
        self.thread = await self.scene.mention("talk to a person")
        await self.scene.until(lambda: any(text.startswith("Sam: Hi") for text in self.told))
        await self.scene.moment(self.moments[0])
        await self.scene.reply(self.thread, "is it you?")

    def compared(self) -> list[Compared]:
        beginnings = ("The wait for a person is over", "Sam has joined", "Sam: Hi", "Sam: I see")
        heard = ["a person is asked for" if "a person" in t else t for t in self._heard]
        return [
            Compared("heard by the agent", ["a person is asked for", "is it you?"], heard),
            Compared("queue", sorted(set(self._queue), reverse=True), self._queue),
            self.shown(HELLO, "I will find", *beginnings),
        ]

    @property
    def _queue(self) -> list[str]:
        """The positions that were shown, each as it changed."""
        texts = self.scene.versions(self.thread) if self.thread else []
        places = [found[1] for text in texts if (found := _POSITION.search(text))]
        return [place for place, _ in itertools.groupby(places)]


class End(Flow):
    """The agent ends the session, and somebody writes on."""

    kind = "session end"

    async def play(self) -> None:
        await self.opened()
        await self.scene.reply(self.thread, "bye")
        await self.scene.until(lambda: any("has ended" in text for text in self.told))
        await self.scene.reply(self.thread, "say again")

    def compared(self) -> list[Compared]:
        told = ["an end" if "has ended" in text else text for text in self.told]
        greeted = [str(s.greetings) for s in self.scene.ground.sessions if s.joins]
        return [
            self.heard("say ready", "bye", "say again"),
            Compared("greetings", ["1", "1"], greeted),
            Compared(
                "shown in the thread",
                [HELLO, "ready", "Goodbye", "an end", HELLO, "again"],
                [_named(text, (HELLO, "Goodbye")) for text in told],
            ),
        ]


FLOWS: tuple[type[Flow], ...] = (
    Mention,
    Reply,
    Direct,
    Click,
    Shortcut,
    Edit,
    TakenBack,
    AgentMessage,
    Streamed,
    NativeStream,
    Handoff,
    End,
)
#: Those that a platform has where one can only write, and change or take back what one wrote.
PLAIN_FLOWS: tuple[type[Flow], ...] = (
    Mention,
    Reply,
    Click,
    Edit,
    TakenBack,
    AgentMessage,
    Streamed,
    Handoff,
    End,
)
