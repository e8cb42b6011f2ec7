"""Who plays Matrix for the conformance kit? A real Synapse, with a front that can fail."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from adapters.matrix.stand_in.front import Front
from adapters.matrix.stand_in.people import People
from adapters.matrix.stand_in.synapse import VARIABLE, NotStarted, the_synapse
from bridge.testing.stand_in import Fault, Seen, StandInMissing, Uttered

__all__ = ["MatrixStandIn", "stand_in"]


class MatrixStandIn:
    """A room of the bot and some people; a thread is named by the id of its root."""

    def __init__(self, people: People, front: Front, room: str) -> None:
        self.people = people
        self.room = room
        self._front = front

    @property
    def settings(self) -> Mapping[str, Any]:
        """The bot's token, and the front's address."""
        return {"homeserver": self._front.url, "access_token": self.people.bot.token}

    @property
    def wrong_settings(self) -> Mapping[str, Any]:
        """The same with a token that nobody has."""
        return {**self.settings, "access_token": "nobodys-token"}

    async def reach(self, address: str) -> None:
        """Homeservers never call us."""

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """A person writes in the room; whoever begins a thread mentions the bot."""
        said = await self.people.say(self.room, person, text, thread=thread)
        return Uttered(thread=thread or said, id=said)

    async def taken(self, uttered: Uttered) -> bool | None:
        """Whether a later poll began behind it."""
        return self._front.acknowledged(uttered.id)

    async def repeat(self, uttered: Uttered) -> None:
        """Answer the next poll from a place before it."""
        self._front.repeat(uttered.id)

    async def seen(self, thread: str) -> list[Seen]:
        """The thread as people read it: its root, then its messages, edits applied."""
        shown = await self.people.read(self.room, thread)
        return [
            Seen(id=one.id, text=one.text, ours=one.sender == self.people.bot.user) for one in shown
        ]

    @property
    def faults(self) -> frozenset[Fault]:
        """All of them."""
        return frozenset(Fault)

    async def fail(self, fault: Fault) -> None:
        """The next message of the bot ends so."""
        self._front.fail(fault.value)

    async def leave(self) -> None:
        """The homeserver is away, for the bot alone."""
        await self._front.go()

    async def return_(self) -> None:
        """It is there again."""
        await self._front.come()

    async def correct(self, uttered: Uttered, text: str) -> None:
        """Whoever wrote it changes it."""
        await self.people.correct(self.room, uttered.id, text)

    async def take_back(self, uttered: Uttered) -> None:
        """Whoever wrote it redacts it."""
        await self.people.take_back(self.room, uttered.id)


@asynccontextmanager
async def stand_in() -> AsyncIterator[MatrixStandIn]:
    """A new bot, and a room with it and two people, on the Synapse of this process.

    Raises:
        StandInMissing: there is no Synapse here.
    """
    try:
        synapse = the_synapse()
        async with synapse.session() as http:
            await synapse.ready(http)
            people = await People.with_bot(synapse, http)
            front = Front(http)
            await front.come()
            try:
                yield MatrixStandIn(people, front, await people.room("ada", "ben"))
            finally:
                await front.go()
    except NotStarted as error:
        raise StandInMissing(
            str(error), remedy=f"install matrix-synapse and name its Python in {VARIABLE}"
        ) from None
