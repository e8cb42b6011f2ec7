"""How does the daemon hold an adapter that runs in a process of its own?

Like any other: as a context that is connected within it. When the process ends, no longer answers,
or its adapter fails, the context fails; whatever was under way is unanswered, and the process is
killed and reaped before the context is left.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from aiohttp import web

from bridge import log
from bridge.clock import Clock, elapsed
from bridge.config.sources import Given
from bridge.core.rates import Rate, free_in, taken
from bridge.errors import ConfigurationError, Rejected, Unreachable
from bridge.model.delivery import Receipt
from bridge.model.ids import AdapterName, DeliveryId
from bridge.plugin import Adapter, Capabilities, Host, registry
from bridge.runtime.adapters.calling import VERBS, Verb, front
from bridge.runtime.delivering.outcomes import died, hung
from bridge.runtime.isolation import logs, starting, verbs
from bridge.runtime.isolation.line import (
    Answer,
    Hearing,
    Line,
    LineBroken,
    Nonsense,
    NotAsked,
    Spoken,
    TooLong,
    WrongAnswer,
    connected,
)
from bridge.runtime.isolation.ration import Rationed
from bridge.runtime.isolation.requests import answer_of, value_of

#: How long a plug-in may take to be imported, and an adapter to leave.
_IMPORTING: Final = timedelta(seconds=60)
_LEAVING: Final = timedelta(seconds=3)
#: How long a request may take to be answered.
_ANSWERING: Final = timedelta(seconds=60)
#: How often we look whether the process says anything, and how often in vain before it is killed.
_LOOK: Final = timedelta(seconds=1)
_SILENT: Final = 5
#: How often an adapter may report how its connection stands, and the longest detail and receipt, in
#: code points.
_REPORTS: Final = Rate(count=100, per=timedelta(seconds=10))
_LONGEST_DETAIL: Final = 500
_LONGEST_RECEIPT: Final = 10_000

_SPOKEN: Final = {verb.name: verbs.spoken(verb) for verb in VERBS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One adapter to be held so."""

    name: AdapterName
    type_name: str
    where: str  #: the key of its type, for refusals
    given: Given
    host: Host
    clock: Clock
    learn: Callable[[Capabilities], None]  #: told what it can show, each time it is connected

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Adapter]:
        """The adapter, connected; the same in every way as one that runs in the daemon.

        Raises:
            ConfigurationError: its plug-in cannot be used, or not with these settings.
            Unreachable: its process ended, or no longer answered.
            Exception: whatever the adapter raised, if it is foreign by its name alone.
        """
        child = await starting.start()
        try:
            line = await connected(child.sock, answers=self._answers(), hears={})
            line.hears = self._hears(line)
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(_listen(line, child))
                await self._prepare(line, child)
                watching = tasks.create_task(self._watch(line))
                adapter = await _asked(line, child, verbs.CONNECT)
                self._learn(adapter.capabilities)
                leaving = asyncio.Event()
                staying = tasks.create_task(_stay(line, child, leaving))
                with log.loudness.followed(partial(line.say, verbs.LOUDNESS)):
                    yield front(adapter.methods, partial(_call, line))
                leaving.set()
                line.say(verbs.LEAVE)
                await asyncio.wait((staying,), timeout=_LEAVING.total_seconds())
                for task in (staying, watching, listening):
                    task.cancel()
        finally:
            await child.kill()

    def _learn(self, claims: Capabilities) -> None:
        problem = registry.unsound(claims)
        if problem:
            raise ConfigurationError(f'{self.where}: the plug-in "{self.type_name}" {problem}')
        self.learn(claims)

    async def _prepare(self, line: Line, child: starting.Child) -> None:
        adapter = verbs.Adapter(
            name=self.name,
            type_name=self.type_name,
            where=self.where,
            settings=verbs.Settings.of(self.given),
            log_levels=log.loudness.levels,
            now=self.clock.now(),
            elapsed=elapsed(),
        )
        try:
            async with asyncio.timeout(_IMPORTING.total_seconds()):
                await _asked(line, child, verbs.PREPARE, adapter)
        except TimeoutError:
            raise Unreachable("its plug-in took too long to be imported") from None

    async def _watch(self, line: Line) -> None:
        """Raises Unreachable when the process says nothing any more, though it is asked to.

        Looks are counted, not seconds: while we are held up ourselves, nobody is to blame.
        """
        silent = 0
        while silent <= _SILENT:
            before = line.frames
            await self.clock.sleep(_LOOK)
            if line.frames != before or line.stalled:
                silent = 0
            else:
                silent += 1
                line.say(verbs.PING)
        raise Unreachable("its process no longer answered, and was killed")

    def _answers(self) -> dict[str, Answer]:
        host, memory, rationed = self.host, self.host.memory, Rationed(self.host.memory)
        told: list[Answer] = [
            (verbs.ACCEPT, host.accept),
            (verbs.DOUBLED, self._doubled),
            (verbs.OPEN_THREADS, host.open_threads),
            (verbs.CONVERSATIONS_OF, host.conversations_of),
            (verbs.RECALL, memory.recall),
            (verbs.RECALL_ALL, memory.recall_all),
            (verbs.REMEMBER, rationed.remember),
            (verbs.FORGET, rationed.forget),
        ]
        return {answer[0].name: answer for answer in told}

    async def _doubled(self, delivery: DeliveryId, copy: Receipt, removed: bool) -> bool:  # noqa: FBT001 - as it is sent
        return await self.host.doubled(delivery, _bearable(copy), removed=removed)

    def _hears(self, line: Line) -> dict[str, Hearing]:
        host, reported = self.host, Reported(self.host, self.clock)
        told: list[Hearing] = [
            (verbs.PONG, lambda: None),
            (verbs.SERVE, lambda method, path: host.serve(method, path, partial(_request, line))),
            (verbs.REPORT, reported.hear),
            (verbs.LOG, logs.Heard(self.name, self.clock).hear),
        ]
        return {hearing[0].name: hearing for hearing in told}


class Reported:
    """What an adapter reports of its connection, in bearable words and not more often than that."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._full_at: datetime | None = None

    def hear(self, connected: bool, detail: str) -> None:  # noqa: FBT001 - as it is sent
        """Raises ValueError if that is too often: then its process is ended."""
        now = self._clock.now()
        if free_in(self._full_at, _REPORTS, now):
            raise ValueError("it reports too often")
        self._full_at = taken(self._full_at, _REPORTS, now)
        self._host.report(connected=connected, detail=detail[:_LONGEST_DETAIL])


def _bearable(receipt: Receipt) -> Receipt:
    if len(receipt.reference) > _LONGEST_RECEIPT:
        raise WrongAnswer
    return receipt


async def _listen(line: Line, child: starting.Child) -> None:
    try:
        await line.listen()
    except Nonsense:
        raise Unreachable("its process said what makes no sense, and was killed") from None
    except LineBroken:
        raise Unreachable(await child.why()) from None


async def _asked(line: Line, child: starting.Child, spoken: Spoken, *arguments: object) -> Any:  # noqa: ANN401 - see `Line.ask`
    try:
        return await line.ask(spoken, *arguments)
    except LineBroken:
        raise Unreachable(await child.why()) from None


async def _stay(line: Line, child: starting.Child, leaving: asyncio.Event) -> None:
    """Until the adapter has left; raises what made it leave, if nobody asked it to."""
    await _asked(line, child, verbs.STAY)
    if not leaving.is_set():
        raise Unreachable("its process was told to leave")


async def _call(line: Line, verb: Verb[Any], *arguments: object) -> object:
    """Ask the adapter in its process, for as long as the verb is worth waiting for."""
    patience = verb.patience.total_seconds() if verb.patience else None
    try:
        async with asyncio.timeout(patience):
            answer = await line.ask(_SPOKEN[verb.name], *arguments)
            return _bearable(answer) if isinstance(answer, Receipt) else answer
    except NotAsked:
        raise Unreachable("its process is gone") from None
    except LineBroken:
        raise died(verb.unanswered) from None
    except TimeoutError:
        raise hung(verb.unanswered) from None
    except TooLong:
        raise Rejected("it is longer than can be handed to the adapter's process") from None


async def _request(line: Line, request: web.Request) -> web.StreamResponse:
    try:
        async with asyncio.timeout(_ANSWERING.total_seconds()):
            return answer_of(await line.ask(verbs.REQUEST, await value_of(request)))
    except (LineBroken, TimeoutError):
        raise web.HTTPServiceUnavailable from None
    except TooLong:
        raise web.HTTPRequestEntityTooLarge(0, 0) from None
