"""Who takes part? Many people, each in a thread of their own, and an agent that numbers its words.

What a person says begins with `q`, thread and number; what the agent says with `a` and a number.
So each can be found again wherever it went: once, twice or not at all.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import AVA_PICTURE, SAM_ID, Act, Emit, End, Party, Pause, Say
from tests.conformance.stage import ConformanceStage, buttons

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
        return Say(f"a{number} heard {text}", offers, streamed=streamed)

    def _say(self, words: str, *, streamed: bool = False, agent_id: str | None = None) -> Say:
        return Say(f"a{next(self._numbers)} {words}", streamed=streamed, agent_id=agent_id)


@dataclass
class Person:
    """One thread, and all that was said and pressed in it."""

    number: int
    stage: ConformanceStage
    chance: random.Random
    act_every: float  #: seconds, on average
    thread: str = ""
    said: list[str] = field(default_factory=list)
    pressed: Counter[str] = field(default_factory=Counter)

    async def live(self, until: float) -> None:
        """Come at some time, and write and press now and then."""
        await asyncio.sleep(self.chance.uniform(0, until / 12))
        self.thread = await self.stage.mention(self._words("hello"))
        while True:
            pause = self.chance.expovariate(1 / self.act_every)
            await asyncio.sleep(min(pause, _LONGEST.total_seconds()))
            if self.stage.now >= until:
                return
            await self._act()

    async def _act(self) -> None:
        die = self.chance.random()
        if die < 0.2:
            await self._press()
        elif die < 0.35:
            for _ in range(self.chance.randint(2, 4)):
                await self._say(self._words("quickly"))
        else:
            words = self.chance.choices(["please", "a human", "farewell", "enough"], [80, 6, 6, 8])
            await self._say(self._words(words[0]))

    async def _say(self, text: str) -> None:
        await self.stage.reply(self.thread, text)

    async def _press(self) -> None:
        """Any button that is there: suggestions, or those of the bridge's own notices."""
        offered = [
            (post.ts, words) for post in self.stage.posts(self.thread) for words in buttons(post)
        ]
        if not offered:
            return
        ts, words = self.chance.choice(offered[-4:])
        try:
            stage = self.stage
            result = await stage.slack.click(stage.channel, ts, stage.ann, text=words)
        except LookupError:
            return  # it was taken away while the hand was in the air
        if result.acked:
            self.pressed[words] += 1

    def _words(self, words: str) -> str:
        text = f"q{self.number}.{len(self.said)} {words}"
        self.said.append(text)
        return text
