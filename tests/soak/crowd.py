"""Who takes part? Many people, each in a thread of their own, and an agent that numbers its words.

What a person says begins with `q`, thread and number; what the agent says with `a` and a number.
So each can be found again wherever it went: once, twice or not at all.
"""

import asyncio
import itertools
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import AVA_PICTURE, SAM_ID, Act, Emit, End, Party, Pause, Say
from tests.conformance.stage import ConformanceStage, buttons

#: What is streamed takes a while, and is seen growing.
_AT_LENGTH = ", and says at some length what is to be said of it, until all of it is said."
_SAM = {"agent": {"id": SAM_ID, "name": "Sam"}}
#: The longest that anybody says nothing: long enough for PolyAI to have forgotten them.
_LONGEST = timedelta(minutes=45)


class CountingAgent:
    """Ava and Sam, who never say the same thing twice."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def greet(self, party: Party) -> Sequence[Act]:
        """Ava comes in."""
        joined = Emit(frames.JOINED, {"agent_name": "Ava", "agent_avatar_url": AVA_PICTURE})
        return [joined, self._say("greets you", streamed=party.streaming)]

    def answer(self, party: Party, text: str) -> Sequence[Act]:
        """One message or two, whole or in pieces; a handoff, or an end, if asked for."""
        if party.live:
            heard = self._say(f"Sam heard {text}", agent_id=SAM_ID)
            left = Emit(frames.LIVE_LEFT, {"agent_id": SAM_ID})
            return [heard, left] if "enough" in text else [heard]
        said: list[Act] = [Emit(frames.THINKING), Pause(), self._reply(party, text)]
        if "human" in text:
            queue = Emit(frames.QUEUE_STATUS, {"position_in_queue": 2})
            said += [Emit(frames.HANDOFF_TRIGGERED), Emit(frames.AGENT_LEFT), queue]
            said += [Pause(timedelta(seconds=5)), Emit(frames.LIVE_JOINED, _SAM)]
            said.append(self._say("is Sam", agent_id=SAM_ID))
        return [*said, End()] if "farewell" in text else said

    def _reply(self, party: Party, text: str) -> Say:
        number = next(self._numbers)
        offers = (f"yes to {number}", f"no to {number}") if number % 5 == 0 else ()
        streamed = party.streaming and number % 2 == 0
        more = _AT_LENGTH if streamed else ""
        return Say(f"a{number} heard {text}{more}", offers, streamed=streamed)

    def _say(self, words: str, *, streamed: bool = False, agent_id: str | None = None) -> Say:
        return Say(f"a{next(self._numbers)} {words}", streamed=streamed, agent_id=agent_id)


def key_of(text: str) -> str:
    """What a person's words begin with, whoever is named before them and whatever follows."""
    found = re.search(r"\bq\d+\.\d+\b", text)
    return found[0] if found else text


@dataclass
class Person:
    """One thread, and all that was said and pressed in it."""

    number: int
    stage: ConformanceStage
    chance: random.Random
    act_every: float  #: seconds, on average
    channel: str
    thread: str = ""
    said: list[str] = field(default_factory=list)
    pressed: Counter[str] = field(default_factory=Counter)
    changed: set[str] = field(default_factory=set)  #: by the words they begin with
    taken_back: set[str] = field(default_factory=set)
    stale: int = 0  #: buttons that two people pressed at once
    closed: bool = False  #: their channel was archived
    _latest: str = ""  #: the ts of what was said last

    async def live(self, until: float) -> None:
        """Come at some time, and write and press now and then."""
        await asyncio.sleep(self.chance.uniform(0, until / 12))
        if self.closed:
            return
        self.thread = await self.stage.mention(self._words("hello"), channel=self.channel)
        while True:
            pause = self.chance.expovariate(1 / self.act_every)
            await asyncio.sleep(min(pause, _LONGEST.total_seconds()))
            if self.stage.now >= until or self.closed:
                return
            await self._act()

    async def _act(self) -> None:
        die = self.chance.random()
        if die < 0.2:
            await self._press(together=die < 0.05)
        elif die < 0.25:
            await self._change_their_mind()
        elif die < 0.35:
            for _ in range(self.chance.randint(2, 4)):
                await self._say(self._words("quickly"))
        else:
            words = self.chance.choices(["please", "a human", "farewell", "enough"], [80, 6, 6, 8])
            await self._say(self._words(words[0]))

    async def _say(self, text: str) -> None:
        if not self.closed:
            channel = self.channel
            self._latest = await self.stage.reply(self.thread, text, channel=channel)

    async def _change_their_mind(self) -> None:
        """Say something, and soon afterwards something else instead, or nothing."""
        text = self._words("perhaps")
        await self._say(text)
        await asyncio.sleep(self.chance.choice([0.0, 0.2, 2.0]))
        if self.closed:
            return
        slack = self.stage.slack
        if self.chance.random() < 0.5:
            self.changed.add(key_of(text))
            await slack.edit(self.channel, self._latest, f"{text}, or not")
        else:
            self.taken_back.add(key_of(text))
            await slack.delete(self.channel, self._latest)

    async def _press(self, *, together: bool) -> None:
        """Any button that is there: suggestions, or those of the bridge's own notices.

        If Ben presses it at the same moment, one of them is too late.
        """
        posts = self.stage.posts(self.thread, channel=self.channel)
        offered = [(post.ts, words) for post in posts for words in buttons(post)]
        if not offered:
            return
        ts, words = self.chance.choice(offered[-4:])
        hands = [self.stage.ann, self.stage.ben] if together else [self.stage.ann]
        acked = await asyncio.gather(*(self._pressed(ts, words, hand) for hand in hands))
        self.stale += sum(acked) > 1
        self.pressed[words] += any(acked)

    async def _pressed(self, ts: str, words: str, hand: str) -> bool:
        try:
            result = await self.stage.slack.click(self.channel, ts, hand, text=words)
        except LookupError:
            return False  # it was taken away while the hand was in the air
        return result.acked

    def _words(self, words: str) -> str:
        text = f"q{self.number}.{len(self.said)} {words}"
        self.said.append(text)
        return text
