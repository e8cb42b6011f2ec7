"""What does a rule work with? One adapter between a lent host and a fresh stand-in.

What people say and what is posted bears a word that was never used before, by which it is known
again, whatever else the platform shows.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from bridge import log
from bridge.clock import RandomIds, SystemClock
from bridge.config import secrets_in
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.model.messages import AgentReply, Author, AuthorKind, Content
from bridge.plugin import Adapter, Capabilities, Queuer
from bridge.testing.conformance.apart import Apart
from bridge.testing.conformance.child import Order
from bridge.testing.conformance.holding import Held
from bridge.testing.conformance.lending import Intake, LentHost, http_session, reserved
from bridge.testing.conformance.patience import Patience, eventually
from bridge.testing.conformance.subject import Subject
from bridge.testing.conformance.verdicts import Broken, Inapplicable, Unproven
from bridge.testing.conformance.wire import Failed
from bridge.testing.stand_in import Failing, Fault, Lacking, Seen, StandIn, Uttered

_SeenT = TypeVar("_SeenT")
_Can = TypeVar("_Can")

AGENT = Author(AuthorKind.AGENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A thread that a person opened: the platform's name of it, and the adapter's key."""

    thread: str
    key: ThreadKey
    uttered: Uttered
    opening: Inbound


class Stage:
    """Everything one rule needs; made by `staged`."""

    def __init__(
        self, subject: Subject, stand_in: StandIn, host: LentHost, port: int, patience: Patience
    ) -> None:
        self.subject = subject
        self.stand_in = stand_in
        self.host = host
        self.intake: Intake = host.intake
        self.patience = patience
        self.table: dict[str, Any] = dict(stand_in.settings)
        self.settings: Any = subject.settings(self.table)  # of the plug-in's own model
        log.know(secrets_in(self.settings))
        self.port = port
        self._ids = RandomIds()
        self._held: list[Held] = []
        self._posts = 0

    @property
    def capabilities(self) -> Capabilities:
        """What the plug-in claims with these settings."""
        plugin = self.subject.plugin
        return plugin.tuned(self.settings, plugin.capabilities)

    # -- the adapter -----------------------------------------------------------

    async def connect(self) -> Adapter:
        """Connect the adapter; raises Broken if that does not succeed."""
        held = Held(self.subject, self.settings, self.host, self.port, self.patience)
        self._held.append(held)
        try:
            return await held.adapter()
        except Broken:
            raise
        # Whatever foreign code raises is what was seen of it.
        except Exception as error:
            raise _unconnected(told(error)) from error

    async def adapter(self) -> Adapter:
        """The adapter that is connected now, or again after a fall."""
        return await self._held[-1].adapter()

    @property
    def fallen(self) -> bool:
        """Whether the adapter has fallen and is not connected again."""
        return self._held[-1].fallen

    async def leave(self) -> None:
        """Let it leave; raises Broken if it does not."""
        await self._held.pop().leave()

    async def restart(self) -> None:
        """Let it leave and connect it again; what it remembers stays."""
        await self.leave()
        await self.connect()

    async def drop(self) -> None:
        """Be rid of it in the end."""
        for held in self._held:
            await held.drop()

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Apart]:
        """The adapter in a process of its own, connected; raises Broken if it does not connect."""
        apart = Apart(self.intake)
        async with apart.running():
            await self.enter(apart)
            yield apart

    async def enter(self, apart: Apart) -> None:
        """Connect the adapter in that process; raises Broken if it does not connect."""
        order = Order(
            type=self.subject.type_name,
            plugin=self.subject.plugin_at.value,
            stand_in=self.subject.stand_in_at.value,
            settings=self.table,
            port=self.port,
            patience=self.patience,
        )
        try:
            await apart.enter(order)
        except Failed as failed:
            raise _unconnected(f"in a process of its own: {failed}") from None

    # -- what people do --------------------------------------------------------

    def word(self) -> str:
        """A word never used before, safe in any markup."""
        return f"w{self._ids.new()}"

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """Let a person say it, without waiting for what the adapter makes of it."""
        return await self._played(self.stand_in.say(text, thread=thread, person=person), "say")

    async def talk(self) -> Talk:
        """A new thread, which a person opened and the adapter brought."""
        word = self.word()
        uttered = await self.say(f"hello {word}")
        opening = await self.heard(word)
        return Talk(thread=uttered.thread, key=opening.thread, uttered=uttered, opening=opening)

    async def heard(self, word: str, *, times: int = 1) -> Inbound:
        """What was stored of those words, once it is (the last of so many times).

        Raises:
            Broken: it is not brought in time.
        """
        found = await self.perhaps_heard(word, times=times, within=self.patience.event)
        if found is None:
            raise Broken(
                "what a person says is brought to `host.accept`",
                seen=f"it was not within {self.patience.event:g} s; "
                f"brought were {len(self.intake.brought)} things in all",
                remedy="see that what the platform tells becomes a `Said` with its words",
            )
        return found

    async def perhaps_heard(
        self, word: str, *, times: int = 1, within: float | None = None
    ) -> Inbound | None:
        """The same; None if it is not brought soon."""

        async def look() -> Inbound | None:
            told = [each for each in self.intake.stored if _says(each, word)]
            return told[times - 1] if len(told) >= times else None

        return await eventually(look, within or self.patience.quiet, self.patience)

    def brought(self, word: str) -> list[Inbound]:
        """Every time the adapter brought those words, stored or not."""
        return [each for each in self.intake.brought if _says(each, word)]

    # -- what people see -------------------------------------------------------

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

    async def never(self, look: Callable[[], Awaitable[_SeenT | None]]) -> _SeenT | None:
        """What should not be seen, if it is seen while we watch."""
        return await eventually(look, self.patience.quiet, self.patience)

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

    # -- what the bridge does --------------------------------------------------

    def outbound(self, key: ThreadKey, content: str | Content) -> Outbound:
        """Something to be delivered, with an id of its own."""
        self._posts += 1
        said = AgentReply(AGENT, content) if isinstance(content, str) else content
        return Outbound(
            id=DeliveryId(f"{self._ids.new()}.{self._posts}"),
            thread=key,
            content=said,
            owed_at=self.host.clock.now(),
        )

    async def attempt(self, outbound: Outbound) -> Receipt | Exception:
        """Deliver it: the receipt, or what was raised.

        Raises:
            Broken: it takes too long.
        """
        try:
            return await self.bounded(self._delivered(outbound), "deliver")
        except Broken:
            raise
        # Whatever foreign code raises is what the rule wants to see.
        except Exception as error:
            return error

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Deliver what nothing stands in the way of; raises Broken if it fails."""
        outcome = await self.attempt(outbound)
        if isinstance(outcome, Exception):
            raise Broken(
                "what can be posted is posted, and a receipt returned",
                seen=f"`deliver` raised {told(outcome)}",
                remedy="see why: nothing was made to go wrong",
            ) from outcome
        return outcome

    async def post(self, talk: Talk, text: str = "") -> tuple[Outbound, Receipt, Seen]:
        """Something delivered to the thread and seen there; it bears a new word."""
        word = self.word()
        outbound = self.outbound(talk.key, f"{word} {text}".strip())
        receipt = await self.deliver(outbound)
        return outbound, receipt, await self.shown(talk.thread, word)

    async def until_posted(self, outbound: Outbound) -> Receipt:
        """Deliver it as the bridge would, again and again while nothing was certainly posted."""
        until = self.patience.event

        async def again() -> Receipt | None:
            outcome = await self.attempt(outbound)
            return outcome if isinstance(outcome, Receipt) else None

        receipt = await eventually(again, until, self.patience)
        if receipt is None:
            raise Broken(
                "once the trouble is over, the same delivery is posted",
                seen=f"it was not within {until:g} s",
                remedy="do not remember troubles for longer than they last",
            )
        return receipt

    async def bounded(self, verb: Awaitable[_SeenT], name: str) -> _SeenT:
        """What one of the adapter's verbs returns; raises Broken if that takes too long."""
        try:
            async with asyncio.timeout(self.patience.event) as limit:
                return await verb
        except TimeoutError:
            if not limit.expired():
                raise
            raise Broken(
                f"`{name}` ends",
                seen=f"it had not after {self.patience.event:g} s",
                remedy="give each call of the platform a time limit, and raise what is known then",
            ) from None

    async def pause(self, duration: timedelta) -> None:
        """Wait for as long as the adapter asked for."""
        await SystemClock().sleep(duration)

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
        if isinstance(self.stand_in, Lacking) and rule in self.stand_in.lacks:
            raise Inapplicable(self.stand_in.lacks[rule])

    async def _delivered(self, outbound: Outbound) -> Receipt:
        adapter = await self.adapter()
        if isinstance(adapter, Queuer):
            await adapter.turn(outbound)
        return await adapter.deliver(outbound)

    async def _played(self, verb: Awaitable[_SeenT], name: str) -> _SeenT:
        try:
            async with asyncio.timeout(self.patience.event) as limit:
                return await verb
        except TimeoutError:
            if not limit.expired():
                raise
            raise Unproven(f"the stand-in's `{name}` took too long") from None


@asynccontextmanager
async def staged(subject: Subject, patience: Patience) -> AsyncIterator[Stage]:
    """A stage with everything fresh; the adapter is not connected yet."""
    async with AsyncExitStack() as stack:
        stand_in = await stack.enter_async_context(subject.stand_in())
        port = stack.enter_context(reserved())
        http = await stack.enter_async_context(http_session())
        host = LentHost(subject.name, Intake(), http)
        await stand_in.reach(f"http://127.0.0.1:{port}/{subject.name}")
        stage = Stage(subject, stand_in, host, port, patience)
        try:
            yield stage
        finally:
            stage.intake.gate.set()
            with suppress(Broken):
                await stage.drop()


def told(error: BaseException) -> str:
    """An error by its name and its words; only our own are known to hold no secret."""
    return f"{type(error).__name__}({str(error)!r})" if str(error) else type(error).__name__


def _unconnected(seen: str) -> Broken:
    return Broken(
        "the adapter connects to its stand-in",
        seen=seen,
        remedy="see why its context cannot be entered with the stand-in's settings",
    )


def _says(inbound: Inbound, word: str) -> bool:
    return isinstance(inbound.body, Said) and word in inbound.body.text
