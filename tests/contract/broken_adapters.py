"""Adapters that each break one rule: the sample plug-in, or Slack's, with one thing done wrong."""
# ruff: noqa: ANN401 - they stand for any plug-in, host or stand-in

import asyncio
import html
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from polyai_bridge_pinboard import PLUGIN, stand_in
from polyai_bridge_pinboard.adapter import Pinboard, prove
from polyai_bridge_pinboard.calls import Calls, Settings
from polyai_bridge_pinboard.events import inbound_of

from adapters.slack import PLUGIN as SLACK
from adapters.slack.client import SlackClient
from adapters.slack.stand_in import stand_in as slack_stand_in
from bridge.errors import (
    CredentialsRefused,
    DatabaseFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Clicked, Deleted, Edited, Inbound
from bridge.model.messages import AgentReply
from bridge.plugin import Accepted, Adapter, Grade, Host, Plugin, text_of
from bridge.testing.stand_in import Fault, Seen, StandIn, Uttered

#: The sample as it should be.
GOOD = PLUGIN


class Reader(Pinboard):
    """A board that asks itself what an event means and what becomes of it."""

    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        return inbound_of(event)

    async def store(self, inbound: Inbound) -> None:
        await self._host.accept(inbound)

    async def _read(self, after: str) -> str:
        feed = await self._calls.ask("/feed", wait=20, after=after)
        for event in feed["events"]:
            if inbound := self.inbound(event):
                await self.store(inbound)
        await self._host.memory.remember("feed", feed["last"])
        return str(feed["last"])


def pinboard(
    kind: Callable[[Calls, Host], Pinboard], *, leaks: bool = False, refuses: bool = True
) -> Any:  # of any settings
    @asynccontextmanager
    async def connect(settings: Settings, host: Host) -> AsyncIterator[Pinboard]:
        await (prove if refuses else unrefusing)(settings, host.http)
        board = kind(Calls(settings, host.http), host)
        if leaks:
            board.left = asyncio.create_task(asyncio.Event().wait())  # type: ignore[attr-defined]
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(board.listen())
            yield board
            listening.cancel()

    return replace(PLUGIN, connect=connect, prove=prove if refuses else unrefusing)


async def unrefusing(settings: Settings, http: aiohttp.ClientSession) -> str:
    try:
        return await prove(settings, http)
    except CredentialsRefused as error:
        raise Unreachable(str(error)) from error


# -- settings, intake ---------------------------------------------------------------------------


class LenientSettings(Settings, frozen=True, extra="ignore"):
    pass


class AcksWhatIsNotStored(Reader):
    async def store(self, inbound: Inbound) -> None:
        with suppress(DatabaseFailed):
            await self._host.accept(inbound)


class NamesByWords(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        names = (event["id"], event["text"])
        return inbound and msgspec.structs.replace(inbound, identities=names)


class HearsItself(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        return inbound_of({**event, "bot": False})


class CountsItsStarts(Reader):
    """Its keys hold how often it was connected."""

    starts = 0

    def __init__(self, calls: Calls, host: Host) -> None:
        super().__init__(calls, host)
        CountsItsStarts.starts += 1
        self._start = self.starts

    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        key = ThreadKey(f"{self._start}|{event['thread']}")
        return inbound and msgspec.structs.replace(inbound, thread=key)

    async def deliver(self, outbound: Outbound) -> Receipt:
        return await super().deliver(self._on_board(outbound))

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        return await super().find(self._on_board(outbound), since=since)

    def _on_board(self, outbound: Outbound) -> Outbound:
        thread = ThreadKey(outbound.thread.partition("|")[2])
        return msgspec.structs.replace(outbound, thread=thread)


class SortsByBareNumbers(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        return inbound and msgspec.structs.replace(inbound, order=str(int(event["id"])))


class NamesByProcess(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        if inbound is None:
            return None
        mine = f"{os.getpid()} {{}}".format
        body = inbound.body
        if isinstance(body, Edited | Deleted):
            body = msgspec.structs.replace(body, original=mine(body.original))
        names = tuple(mine(each) for each in inbound.identities)
        return msgspec.structs.replace(inbound, identities=names, body=body)


class NamesTheCorrection(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        return inbound_of({**event, "pin": event["id"]})


# -- posts and their failures --------------------------------------------------------------------


def showing(outbound: Outbound, text: str) -> Outbound:
    assert isinstance(outbound.content, AgentReply)
    content = msgspec.structs.replace(outbound.content, text=text)
    return msgspec.structs.replace(outbound, content=content)


class EscapesForNobody(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        return await super().deliver(showing(outbound, html.escape(text_of(outbound.content))))


class CutsShort(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        return await super().deliver(showing(outbound, text_of(outbound.content)[:900]))


class NeverGivesUp(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        try:
            return await super().deliver(outbound)
        except Rejected as error:
            raise Unreachable(str(error)) from error


class AsksAtOnce(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        try:
            return await super().deliver(outbound)
        except RetryLater as error:
            raise RetryLater(str(error), after=timedelta()) from error


class IsTooSure(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        try:
            return await super().deliver(outbound)
        except MaybeDelivered as error:
            raise Unreachable(str(error)) from error


class DoubtsEverything(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        try:
            return await super().deliver(outbound)
        except Unreachable as error:
            raise MaybeDelivered(str(error)) from error


class CannotBeLeft(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        try:
            return await super().deliver(outbound)
        except asyncio.CancelledError:
            await asyncio.Event().wait()
            raise


class NeverFinds(Pinboard):
    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        return None


class AddsToIt(Pinboard):
    """Each change shows what was changed before too."""

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        shown = vars(self).setdefault("shown", [])
        shown.append(text_of(outbound.content))
        await super().revise(showing(outbound, " ".join(shown)), receipt)


# -- what only Slack's adapter can ----------------------------------------------------------------


class CountsFromOne:
    """A host to which another place is told than was pressed."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    async def accept(self, inbound: Inbound) -> Accepted:
        body = inbound.body
        if isinstance(body, Clicked):
            body = msgspec.structs.replace(body, index=body.index + 1)
        return await self._host.accept(msgspec.structs.replace(inbound, body=body))


class NeverGrows:
    """Slack's client without one of its verbs."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        for verb in ("deliver", "find", "revise", "signal", "turn"):
            setattr(self, verb, getattr(client, verb))

    async def grow(self, outbound: Outbound, receipt: Receipt) -> None:
        raise NotImplementedError


def slack(
    host_of: Callable[[Any], Any] = lambda host: host,
    adapter_of: Callable[[Any], Any] = lambda adapter: adapter,
) -> Plugin[Any]:
    @asynccontextmanager
    async def connect(settings: Any, host: Host) -> AsyncIterator[Adapter]:
        async with SLACK.connect(settings, host_of(host)) as adapter:
            yield adapter_of(adapter)

    # Few enough to be shown as buttons.
    claims = msgspec.structs.replace(SLACK.capabilities, suggestion_limit=5)
    return replace(SLACK, connect=connect, capabilities=claims)


def claiming(**claims: Any) -> Any:
    return replace(PLUGIN, capabilities=msgspec.structs.replace(PLUGIN.capabilities, **claims))


GOOD_SLACK = slack()

TAKES_ANY_KEY: Any = replace(pinboard(Pinboard), settings=LenientSettings)
ACKS_WHAT_IS_NOT_STORED = pinboard(AcksWhatIsNotStored)
NAMES_BY_WORDS = pinboard(NamesByWords)
HEARS_ITSELF = pinboard(HearsItself)
COUNTS_ITS_STARTS = pinboard(CountsItsStarts)
ESCAPES_FOR_NOBODY = pinboard(EscapesForNobody)
CUTS_SHORT = pinboard(CutsShort)
LEAVES_A_TASK = pinboard(Pinboard, leaks=True)
SORTS_BY_BARE_NUMBERS = pinboard(SortsByBareNumbers)
NEVER_GIVES_UP = pinboard(NeverGivesUp)
ASKS_AT_ONCE = pinboard(AsksAtOnce)
IS_TOO_SURE = pinboard(IsTooSure)
DOUBTS_EVERYTHING = pinboard(DoubtsEverything)
CANNOT_BE_LEFT = pinboard(CannotBeLeft)
TAKES_A_REFUSAL_FOR_AN_OUTAGE = pinboard(Pinboard, refuses=False)
NAMES_BY_PROCESS = pinboard(NamesByProcess)
HIDES_ITS_EDITS = claiming(edits=Grade.NONE)
SHOWS_NO_PICTURES = claiming(pictures=Grade.FULL)
COUNTS_FROM_ONE = slack(host_of=CountsFromOne)
ADDS_TO_IT = pinboard(AddsToIt)
NEVER_GROWS = slack(adapter_of=NeverGrows)
NEVER_FINDS = pinboard(NeverFinds)
NAMES_THE_CORRECTION = pinboard(NamesTheCorrection)

#: Which rule each of them breaks, and no other.
BROKEN: Mapping[str, str] = {
    "settings": "TAKES_ANY_KEY",
    "accept-before-ack": "ACKS_WHAT_IS_NOT_STORED",
    "redelivery": "NAMES_BY_WORDS",
    "own-messages": "HEARS_ITSELF",
    "thread-key": "COUNTS_ITS_STARTS",
    "unicode": "ESCAPES_FOR_NOBODY",
    "length": "CUTS_SHORT",
    "clean-exit": "LEAVES_A_TASK",
    "order": "SORTS_BY_BARE_NUMBERS",
    "refusal": "NEVER_GIVES_UP",
    "rate-limit": "ASKS_AT_ONCE",
    "lost-answer": "IS_TOO_SURE",
    "unreachable": "DOUBTS_EVERYTHING",
    "silence": "CANNOT_BE_LEFT",
    "credentials": "TAKES_A_REFUSAL_FOR_AN_OUTAGE",
    "crash-and-resume": "NAMES_BY_PROCESS",
    "claims-agree": "HIDES_ITS_EDITS",
    "declared-is-proven": "SHOWS_NO_PICTURES",
    "suggestions": "COUNTS_FROM_ONE",
    "revise-twice": "ADDS_TO_IT",
    "growing": "NEVER_GROWS",
    "find": "NEVER_FINDS",
    "corrections": "NAMES_THE_CORRECTION",
}
#: Those made of Slack's adapter.
OF_SLACK = {"COUNTS_FROM_ONE", "NEVER_GROWS", "GOOD_SLACK"}


# -- stand-ins that are of no use -----------------------------------------------------------------


class Spoilt:
    """The sample's stand-in with one sense missing."""

    def __init__(self, played: StandIn) -> None:
        self._played = played

    def __getattr__(self, name: str) -> Any:
        return getattr(self._played, name)


class Blind(Spoilt):
    """Sees nothing that is posted."""

    async def seen(self, thread: str) -> list[Seen]:
        return []


class Mute(Spoilt):
    """Its people say nothing."""

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        return Uttered(thread=thread or "t", id="000000001")

    async def taken(self, uttered: Uttered) -> bool | None:
        return True

    async def repeat(self, uttered: Uttered) -> None:
        pass


class Harmless(Spoilt):
    """Nothing goes wrong there, whatever it is asked for."""

    async def fail(self, fault: Fault) -> None:
        pass

    async def leave(self) -> None:
        pass

    async def return_(self) -> None:
        pass

    @property
    def wrong_settings(self) -> Mapping[str, Any]:
        table: Mapping[str, Any] = self._played.settings
        return table


class Modest:
    """Can do no more than every stand-in can."""

    def __init__(self, played: StandIn) -> None:
        for verb in ("settings", "reach", "say", "taken", "repeat", "seen"):
            setattr(self, verb, getattr(played, verb))


def spoilt(kind: Callable[[StandIn], Any]) -> Any:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        async with stand_in.stand_in() as played:
            yield kind(played)

    return opened


BLIND, MUTE, HARMLESS, MODEST = map(spoilt, (Blind, Mute, Harmless, Modest))
SLACK_STAND_IN = slack_stand_in
STAND_IN = stand_in.stand_in
