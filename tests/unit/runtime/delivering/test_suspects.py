"""Nothing is given up for a death that something else may be to blame for."""

import asyncio
from datetime import timedelta

from bridge.errors import MaybeDelivered, Unreachable
from bridge.model.delivery import Outbound, Receipt
from bridge.plugin import text_of
from bridge.runtime.delivering.outcomes import died, hung
from tests.unit.runtime.house import House, Lively
from tests.unit.runtime.office import Office
from tests.unit.store.given import SLACK, opened, reply


class Mortal(Lively):
    """Its process ends over poison, or when it is told; whatever is under way ends with it."""

    def __init__(self, house: House, *, slow: float = 2.0, hangs: int = 0) -> None:
        super().__init__(house)
        self._slow = timedelta(seconds=slow)
        self._hangs = hangs
        self._death = asyncio.Event()
        self.tries: list[str] = []
        self.gone = False  #: for good: whoever asks it still, however late, finds nobody

    def die(self) -> None:
        self._death.set()
        self._death = asyncio.Event()

    async def deliver(self, outbound: Outbound) -> Receipt:
        if self.gone:
            raise Unreachable("it is gone")
        text, death = text_of(outbound.content), self._death
        self.tries.append(text)
        if text.startswith("poison"):
            self.die()
            raise died(MaybeDelivered)
        if text == "slow":
            ending = asyncio.ensure_future(death.wait())
            posting = asyncio.ensure_future(self.house.clock.sleep(self._slow))
            await asyncio.wait((ending, posting), return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            posting.cancel()
            if death.is_set():
                raise died(MaybeDelivered)
        if self._hangs and self.tries.count(text) > 1:
            self._hangs -= 1
            raise hung(MaybeDelivered)
        return await super().deliver(outbound)


async def test_what_falls_victim_to_one_poison_after_the_other_is_not_given_up(
    office: Office,
) -> None:
    mortal = Mortal(office.house)
    office.connect(mortal)
    await office.owe(await opened(office.house.store, "innocent"), reply("slow"))
    for number in range(4):
        before = mortal.tries.count("slow")
        await office.house.until(lambda: mortal.tries.count("slow") > before or mortal.posted)  # noqa: B023 - now
        await office.owe(await opened(office.house.store, f"p{number}"), reply(f"poison {number}"))
    await office.idle()

    assert [text for _, text in mortal.posted] == ["slow"]
    states = office.house.states()
    assert states.pop("innocent.1") == "sent"
    assert set(states.values()) == {"dead"}


async def test_what_is_under_way_whenever_an_adapter_ends_of_itself_is_not_given_up(
    office: Office,
) -> None:
    """Such as over something it read, which it reads again as soon as it is connected."""

    async def end_soon_after_each_start() -> None:
        for _ in range(8):
            mortal = Mortal(office.house)
            office.connect(mortal)
            await office.house.clock.sleep(timedelta(seconds=1))
            office.adapters.left(SLACK)
            mortal.gone = True
            mortal.die()
            await office.house.clock.sleep(timedelta(seconds=1))
        office.connect(sound)

    sound = Mortal(office.house)
    ending = asyncio.create_task(end_soon_after_each_start())
    await office.owe(await opened(office.house.store), reply("slow"))
    await office.house.until(ending.done)
    await office.idle()

    assert [text for _, text in sound.posted] == ["slow"]
    assert office.house.states() == {"c1.1": "sent"}


async def test_whoever_was_suspect_and_hangs_holds_nobody_else_up(office: Office) -> None:
    mortal = Mortal(office.house, hangs=3)
    office.connect(mortal)
    await office.owe(await opened(office.house.store), reply("slow"))
    await office.house.until(lambda: mortal.tries)
    mortal.die()
    await office.idle()

    assert office.house.states() == {"c1.1": "sent"}
    assert mortal.tries.count("slow") == 5
