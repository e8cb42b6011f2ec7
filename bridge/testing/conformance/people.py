"""Who is on the other side? The people of a platform, as its stand-in plays them.

What people say and what is posted bears a word that was never used before, by which it is known
again, whatever else the platform shows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bridge.clock import RandomIds
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.testing.conformance.lending import Intake
from bridge.testing.conformance.patience import Patience, eventually
from bridge.testing.conformance.verdicts import Broken, Inapplicable, Unproven
from bridge.testing.stand_in import Failing, Fault, Lacking, Seen, StandIn, Uttered

_SeenT = TypeVar("_SeenT")
_Can = TypeVar("_Can")


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A thread that a person opened: the platform's name of it, and the adapter's key."""

    thread: str
    key: ThreadKey
    uttered: Uttered
    opening: Inbound


class People:
    """What they say, what of it was brought, and what they see."""

    def __init__(self, stand_in: StandIn, intake: Intake, patience: Patience) -> None:
        self.stand_in = stand_in
        self.intake = intake
        self.patience = patience
        self.ids = RandomIds()

    def word(self) -> str:
        """A word never used before, safe in any markup."""
        return f"w{self.ids.new()}"

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """Let a person say it, without waiting for what the adapter makes of it."""
        return await self._played(self.stand_in.say(text, thread=thread, person=person), "say")

    async def talk(self) -> Talk:
        """A new thread, which a person opened and the adapter brought."""
        word = self.word()
        uttered = await self.say(f"hello {word}")
        opening = await self.heard(word)
        return Talk(thread=uttered.thread, key=opening.thread, uttered=uttered, opening=opening)

    async def heard(self, word: str) -> Inbound:
        """What was stored of those words, once it is.

        Raises:
            Broken: it is not brought in time.
        """
        found = await self.perhaps_heard(word, within=self.patience.event)
        if found is None:
            raise Broken(
                "what a person says is brought to `host.accept`",
                seen=f"it was not within {self.patience.event:g} s; "
                f"brought were {len(self.intake.brought)} things in all",
                remedy="see that what the platform tells becomes a `Said` with its words",
            )
        return found

    async def perhaps_heard(self, word: str, *, within: float | None = None) -> Inbound | None:
        """The same; None if it is not brought soon."""

        async def look() -> Inbound | None:
            return next((each for each in self.intake.stored if _says(each, word)), None)

        return await eventually(look, within or self.patience.quiet, self.patience)

    def brought(self, word: str) -> list[Inbound]:
        """Every time the adapter brought those words, stored or not."""
        return [each for each in self.intake.brought if _says(each, word)]

    async def seen(self, thread: str, word: str = "") -> list[Seen]:
        """What the adapter posted there that bears the word."""
        messages = await self._played(self.stand_in.seen(thread), "seen")
        return [each for each in messages if each.ours and word in each.text]

    async def shown(self, thread: str, word: str) -> Seen:
        """The one message with the word; raises Broken if none or another is to be seen."""

        async def look() -> list[Seen] | None:
            return await self.seen(thread, word) or None

        messages = await eventually(look, self.patience.event, self.patience) or []
        if len(messages) != 1:
            raise Broken(
                "what is delivered stands in its thread once",
                seen=f"it stands there {len(messages)} times",
                remedy="post each delivery as one message in the thread of its key",
            )
        return messages[0]

    async def never(
        self, look: Callable[[], Awaitable[_SeenT | None]], *, within: float | None = None
    ) -> _SeenT | None:
        """What should not be seen, if it is seen while we watch."""
        return await eventually(look, within or self.patience.quiet, self.patience)

    async def unposted(self, thread: str, word: str, when: str) -> None:
        """Raises Broken if the word stands there after all."""

        async def look() -> list[Seen] | None:
            return await self.seen(thread, word) or None

        if await self.never(look):
            raise Broken(
                f"nothing is posted {when}",
                seen="it stands in the thread",
                remedy="raise what is true: after this error the bridge would post it again",
            )

    # -- what the stand-in can -------------------------------------------------

    def able(self, kind: type[_Can], otherwise: str) -> _Can:
        """The stand-in as one that can do more; raises Unproven if it cannot."""
        if not isinstance(self.stand_in, kind):
            raise Unproven(f"the stand-in {otherwise}: it is not `{kind.__name__}`")
        return self.stand_in

    def faulty(self, fault: Fault) -> Failing:
        """The stand-in with that fault; raises Unproven if it can do none, Inapplicable if
        its platform has no such fault."""
        failing = self.able(Failing, "cannot let anything go wrong")  # type: ignore[type-abstract]
        if fault not in failing.faults:
            raise Inapplicable(f"its stand-in says that the platform never does so: {fault}")
        return failing

    def heed(self, rule: str) -> None:
        """Raises Inapplicable if the stand-in says that the rule means nothing there."""
        if reason := self.lacking(rule):
            raise Inapplicable(reason)

    def lacking(self, rule: str) -> str:
        """Why the stand-in says that the rule means nothing there; empty if it does not."""
        return self.stand_in.lacks.get(rule, "") if isinstance(self.stand_in, Lacking) else ""

    async def _played(self, verb: Awaitable[_SeenT], name: str) -> _SeenT:
        try:
            async with asyncio.timeout(self.patience.event) as limit:
                return await verb
        except TimeoutError:
            if not limit.expired():
                raise
            raise Unproven(f"the stand-in's `{name}` took too long") from None


def _says(inbound: Inbound, word: str) -> bool:
    return isinstance(inbound.body, Said) and word in inbound.body.text
