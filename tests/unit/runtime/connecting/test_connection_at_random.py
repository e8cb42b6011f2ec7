"""Frames overtake one another or never come, steps are slow: each is followed once, in order."""

import random
from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.model.ids import ConversationId
from bridge.runtime.deciding import Mail
from bridge.testing.clock import FakeClock
from tests.unit.runtime.connecting.test_connection import CrowdedDesk, Far, served

#: Seconds that a step takes, and that a crowded thread holds the reader up.
_STEPS = (0, 0, 0.01, 0.5, 2)
_CROWDED = (0,) * 18 + (0.5, 3)


class Slow(CrowdedDesk):
    """Mail is taken in its order; how long that takes is drawn."""

    def __init__(self, clock: FakeClock, chance: random.Random) -> None:
        super().__init__(clock)
        self._chance = chance

    async def tell(self, _conversation: ConversationId, *mail: Mail) -> None:
        await self._takes(mail, _STEPS)

    async def hear(self, _conversation: ConversationId, *mail: Mail) -> None:
        await self._takes(mail, _CROWDED)

    async def _takes(self, mail: tuple[Mail, ...], drawn: tuple[float, ...]) -> None:
        self.told += [one.event for one in mail]
        await self._clock.sleep(timedelta(seconds=self._chance.choice(drawn)))


def jumbled(chance: random.Random) -> list[int]:
    """Numbers of frames in the order in which they come: near ones swapped, some left out."""
    numbers = list(range(1, chance.randrange(20, 80)))
    for _ in range(chance.randrange(8)):
        one = chance.randrange(len(numbers) - 3)
        other = one + chance.randrange(1, 3)
        numbers[one], numbers[other] = numbers[other], numbers[one]
    return [number for number in numbers if chance.random() > 0.03]


@pytest.mark.parametrize("seed", range(40, 60))
async def test_whatever_comes_is_followed_once_and_in_order(seed: int) -> None:
    chance, clock = random.Random(seed), FakeClock()  # noqa: S311 - one that can be drawn again
    desk, far, coming = Slow(clock, chance), Far(), jumbled(chance)
    async with served(clock, desk, far):
        for number in coming:
            far.say(number)
            if chance.random() < 0.3:
                await clock.advance(timedelta(seconds=chance.choice((0.01, 0.1, 0.2))))
        for _ in range(12):
            await clock.advance(timedelta(seconds=5))
            far.say()

    assert desk.numbers == sorted(coming)
    assert sum(isinstance(event, e.SocketReady) for event in desk.told) == 1
