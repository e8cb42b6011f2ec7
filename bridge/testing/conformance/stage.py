"""What does a rule work with? One adapter between a lent host and a fresh stand-in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

from bridge import log
from bridge.clock import SystemClock
from bridge.config import secrets_in
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind, Content
from bridge.plugin import Adapter, Capabilities, Queuer
from bridge.testing.conformance.apart import Apart
from bridge.testing.conformance.child import Order
from bridge.testing.conformance.holding import Held
from bridge.testing.conformance.lending import Intake, LentHost, http_session, reserved
from bridge.testing.conformance.patience import Patience, eventually
from bridge.testing.conformance.people import People, Talk
from bridge.testing.conformance.subject import Subject
from bridge.testing.conformance.verdicts import Broken
from bridge.testing.conformance.wire import Failed
from bridge.testing.stand_in import Seen, StandIn

_SeenT = TypeVar("_SeenT")
_Can = TypeVar("_Can")

AGENT = Author(AuthorKind.AGENT)


class Stage(People):
    """Everything one rule needs; made by `staged`."""

    def __init__(
        self, subject: Subject, stand_in: StandIn, host: LentHost, port: int, patience: Patience
    ) -> None:
        super().__init__(stand_in, host.intake, patience)
        self.subject = subject
        self.host = host
        self.table: dict[str, Any] = dict(stand_in.settings)
        self.settings: Any = subject.settings(self.table)  # of the plug-in's own model
        log.know(secrets_in(self.settings))
        self.port = port
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

    # -- what the bridge does --------------------------------------------------

    def outbound(self, key: ThreadKey, content: str | Content) -> Outbound:
        """Something to be delivered, with an id of its own."""
        self._posts += 1
        said = AgentReply(AGENT, content) if isinstance(content, str) else content
        return Outbound(
            id=DeliveryId(f"{self.ids.new()}.{self._posts}"),
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

    async def _delivered(self, outbound: Outbound) -> Receipt:
        adapter = await self.adapter()
        if isinstance(adapter, Queuer):
            await adapter.turn(outbound)
        return await adapter.deliver(outbound)


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
