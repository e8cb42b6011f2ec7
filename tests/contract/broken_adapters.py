"""Adapters that each break one rule: the sample plug-in, or Slack's, with one thing done wrong."""
# ruff: noqa: ANN401 - they stand for any plug-in, host or stand-in

import asyncio
import html
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import aiohttp
import msgspec
from polyai_bridge_pinboard import PLUGIN, stand_in
from polyai_bridge_pinboard.adapter import Pinboard, prove
from polyai_bridge_pinboard.calls import Calls, Settings
from polyai_bridge_pinboard.events import inbound_of
from pydantic import AfterValidator

from adapters.slack import PLUGIN as SLACK
from adapters.slack.client import SlackClient
from adapters.slack.stand_in import stand_in as slack_stand_in
from bridge.clock import RandomIds
from bridge.errors import (
    CredentialsRefused,
    DatabaseFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import Clicked, Deleted, Edited, Inbound
from bridge.model.messages import AgentReply, Person
from bridge.plugin import Accepted, Adapter, Grade, Host, Plugin, text_of
from bridge.testing.stand_in import Fault, Seen, StandIn, StandInMissing, Uttered

#: The sample as it should be.
GOOD = PLUGIN
#: What nobody cleans up.
LEFT: list[object] = []


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
    kind: Callable[[Calls, Host], Pinboard],
    *,
    leaves: Callable[[], object] = object,
    refuses: bool = True,
) -> Any:  # of any settings
    """The plug-in with another adapter, which `leaves` something behind."""

    @asynccontextmanager
    async def connect(settings: Settings, host: Host) -> AsyncIterator[Pinboard]:
        await (prove if refuses else unrefusing)(settings, host.http)
        board = kind(Calls(settings, host.http), host)
        LEFT.append(leaves())
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


class OpenSettings(Settings, frozen=True):
    token: Annotated[str, AfterValidator(lambda value: Opened(value))]  # type: ignore[assignment]


class Opened(str):
    """A token in clear that can be used where the sealed one was."""

    def get_secret_value(self) -> str:
        return str(self)


class AcksWhatIsNotStored(Reader):
    async def store(self, inbound: Inbound) -> None:
        with suppress(DatabaseFailed):
            await self._host.accept(inbound)


class AcksAtOnce(Reader):
    """Its reading goes on while what it read is being stored."""

    async def store(self, inbound: Inbound) -> None:
        self.storing = asyncio.create_task(self._host.accept(inbound))


class RemembersTooEarly(Reader):
    """Its place in the feed is behind what was not stored yet."""

    async def _read(self, after: str) -> str:
        feed = await self._calls.ask("/feed", wait=20, after=after)
        await self._host.memory.remember("feed", feed["last"])
        for event in feed["events"]:
            if inbound := self.inbound(event):
                await self.store(inbound)
        return str(feed["last"])


class GivesUpReading(Reader):
    """What could not be stored it never asks for again, nor says that it has it."""

    async def store(self, inbound: Inbound) -> None:
        try:
            await self._host.accept(inbound)
        except DatabaseFailed:
            await asyncio.Event().wait()


class NamesByArrival(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        name = RandomIds().new()
        return inbound and msgspec.structs.replace(inbound, identities=(name,))


class NamesByWords(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        names = (event["id"], event["text"])
        return inbound and msgspec.structs.replace(inbound, identities=names)


class NamesByCount(Reader):
    """What is told twice has one name; but each process begins at 1."""

    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        names: dict[str, str] = self.__dict__.setdefault("names", {})
        name = names.setdefault(event["id"], str(len(names) + 1))
        inbound = super().inbound(event)
        return msgspec.structs.replace(inbound, identities=(name,)) if inbound else None


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


class AcksInTheEnd(Reader):
    """It waits for the store, but for no longer than it likes."""

    async def store(self, inbound: Inbound) -> None:
        self.storing = asyncio.create_task(self._host.accept(inbound))
        ended, _ = await asyncio.wait((self.storing,), timeout=2.5)
        if ended:
            await self.storing


class CutsWhatIsHeard(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        return inbound_of({**event, "text": event["text"][:500]} if "text" in event else event)


class KnowsNobody(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        return inbound and msgspec.structs.replace(inbound, person=Person(PersonId("someone")))


class HearsWhoBegan(Reader):
    """Of each thread it hears whoever it heard there first."""

    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        if inbound is None:
            return None
        first = vars(self).setdefault("first", {}).setdefault(inbound.thread, inbound.person.id)
        return inbound if inbound.person.id == first else None


class TellsNoZone(Reader):
    def inbound(self, event: dict[str, Any]) -> Inbound | None:
        inbound = inbound_of(event)
        return inbound and msgspec.structs.replace(inbound, at=inbound.at.replace(tzinfo=None))


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


class PostsEachLine(Pinboard):
    """Where a message is one line, the lines of a text are as many messages."""

    async def deliver(self, outbound: Outbound) -> Receipt:
        lines = [line for line in text_of(outbound.content).split("\n") if line]
        receipts = [await super(PostsEachLine, self).deliver(showing(outbound, x)) for x in lines]
        return receipts[0]


class PostsTheLastLines(PostsEachLine):
    async def deliver(self, outbound: Outbound) -> Receipt:
        _, *rest = text_of(outbound.content).split("\n")
        return await super().deliver(
            showing(outbound, "\n".join(rest) or text_of(outbound.content))
        )


class JoinsLines(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        return await super().deliver(
            showing(outbound, text_of(outbound.content).replace("\n", " "))
        )


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


class PostsAgain(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        try:
            return await super().deliver(outbound)
        except MaybeDelivered:
            return await super().deliver(outbound)


class PostsAgainLater(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        try:
            return await super().deliver(outbound)
        except MaybeDelivered:
            self.late = asyncio.create_task(self._again(outbound))
            raise

    async def _again(self, outbound: Outbound) -> None:
        await asyncio.sleep(0.2)
        await super().deliver(outbound)


class HopesForTheBest(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        try:
            return await super().deliver(outbound)
        except MaybeDelivered:
            return Receipt("somewhere")


class NeverYields(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        threading.Event().wait()
        raise AssertionError("nobody sets it")


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


async def staying() -> None:
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


class Guesses(Pinboard):
    """It goes by what it meant to post, and by the receipts it was given."""

    async def deliver(self, outbound: Outbound) -> Receipt:
        receipts = vars(self).setdefault("receipts", {})
        receipts[outbound.id] = Receipt("probably")
        receipts[outbound.id] = await super().deliver(outbound)
        found: Receipt = receipts[outbound.id]
        return found

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        found: Receipt | None = vars(self).setdefault("receipts", {}).get(outbound.id)
        return found


class GuessesWell(Guesses):
    """Even after a crash."""

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        found = await super().find(outbound, since=since)
        return found or await Pinboard.find(self, outbound, since=since)


class DoublesNowAndThen(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        self.count = vars(self).get("count", 0) + 1
        if self.count == 5:
            await super().deliver(outbound)
        return await super().deliver(outbound)


class DoublesInTheEnd(Pinboard):
    async def deliver(self, outbound: Outbound) -> Receipt:
        receipt = await super().deliver(outbound)
        self.late = asyncio.create_task(self._again(outbound))
        return receipt

    async def _again(self, outbound: Outbound) -> None:
        await asyncio.sleep(0.1)
        with suppress(Exception):
            await super().deliver(outbound)


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


def unchanging(kind: Callable[[Calls, Host], Pinboard]) -> Any:
    """A plug-in that claims no edits."""
    plugin = pinboard(kind)
    return replace(plugin, capabilities=claiming(edits=Grade.NONE).capabilities)


GOOD_SLACK = slack()
#: It is wrong in `claims-agree` alone: a board can change what it shows.
GOOD_IN_LINES = unchanging(PostsEachLine)
POSTS_THE_LAST_LINES = unchanging(PostsTheLastLines)

TAKES_ANY_KEY: Any = replace(pinboard(Pinboard), settings=LenientSettings)
ACKS_WHAT_IS_NOT_STORED = pinboard(AcksWhatIsNotStored)
NAMES_BY_WORDS = pinboard(NamesByWords)
HEARS_ITSELF = pinboard(HearsItself)
COUNTS_ITS_STARTS = pinboard(CountsItsStarts)
ESCAPES_FOR_NOBODY = pinboard(EscapesForNobody)
CUTS_SHORT = pinboard(CutsShort)
CHANGES_ONE_LINE_OF_SEVERAL = pinboard(PostsEachLine)
JOINS_LINES = pinboard(JoinsLines)
LEAVES_A_TASK = pinboard(Pinboard, leaves=lambda: asyncio.create_task(asyncio.Event().wait()))
CANNOT_BE_ENDED = pinboard(Pinboard, leaves=lambda: asyncio.create_task(staying()))
LEAVES_A_SOCKET = pinboard(Pinboard, leaves=socket.socket)
LEAVES_A_THREAD = pinboard(
    Pinboard, leaves=lambda: threading.Thread(target=threading.Event().wait, daemon=True).start()
)
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

KNOWS_NOBODY = pinboard(KnowsNobody)

ACKS_IN_THE_END = pinboard(AcksInTheEnd)
CUTS_WHAT_IS_HEARD = pinboard(CutsWhatIsHeard)
HEARS_WHO_BEGAN = pinboard(HearsWhoBegan)
TELLS_NO_ZONE = pinboard(TellsNoZone)
GUESSES = pinboard(Guesses)
GUESSES_WELL = pinboard(GuessesWell)
DOUBLES_NOW_AND_THEN = pinboard(DoublesNowAndThen)
DOUBLES_IN_THE_END = pinboard(DoublesInTheEnd)
SHOWS_ITS_TOKEN: Any = replace(pinboard(Pinboard), settings=OpenSettings)
ACKS_AT_ONCE = pinboard(AcksAtOnce)
GIVES_UP_READING = pinboard(GivesUpReading)
REMEMBERS_TOO_EARLY = pinboard(RemembersTooEarly)
NAMES_BY_ARRIVAL = pinboard(NamesByArrival)
NAMES_BY_COUNT = pinboard(NamesByCount)
POSTS_AGAIN_LATER = pinboard(PostsAgainLater)
POSTS_AGAIN = pinboard(PostsAgain)
HOPES_FOR_THE_BEST = pinboard(HopesForTheBest)
NEVER_YIELDS = pinboard(NeverYields)
CLAIMS_TOO_LITTLE_TEXT = claiming(text_limit=63)
CLAIMS_SUGGESTIONS_WITHOUT_NUMBER = claiming(suggestions=Grade.FULL)
CLAIMS_WHAT_IT_CANNOT = claiming(signals=Grade.FULL)
SHOWS_NO_AUTHOR = claiming(authorship=Grade.FULL)
SHOWS_NO_LINK = claiming(attachments=Grade.FULL)
SHOWS_MARKS = claiming(formatting=Grade.FULL)

#: More ways to break a rule; what else they break cannot be helped.
MORE: Sequence[tuple[str, str]] = (
    ("settings", "SHOWS_ITS_TOKEN"),
    ("accept-before-ack", "ACKS_AT_ONCE"),
    ("accept-before-ack", "GIVES_UP_READING"),
    ("accept-before-ack", "ACKS_IN_THE_END"),
    ("redelivery", "NAMES_BY_ARRIVAL"),
    ("redelivery", "NAMES_BY_COUNT"),
    ("length", "CUTS_WHAT_IS_HEARD"),
    ("order", "DOUBLES_NOW_AND_THEN"),
    ("order", "DOUBLES_IN_THE_END"),
    ("who-speaks", "HEARS_WHO_BEGAN"),
    ("who-speaks", "TELLS_NO_ZONE"),
    ("find", "GUESSES"),
    ("find", "GUESSES_WELL"),
    ("unicode", "CHANGES_ONE_LINE_OF_SEVERAL"),
    ("unicode", "JOINS_LINES"),
    ("unicode", "POSTS_THE_LAST_LINES"),
    ("clean-exit", "LEAVES_A_SOCKET"),
    ("clean-exit", "LEAVES_A_THREAD"),
    ("lost-answer", "POSTS_AGAIN"),
    ("lost-answer", "POSTS_AGAIN_LATER"),
    ("lost-answer", "HOPES_FOR_THE_BEST"),
    ("crash-and-resume", "ACKS_AT_ONCE"),
    ("crash-and-resume", "REMEMBERS_TOO_EARLY"),
    ("claims-agree", "CLAIMS_TOO_LITTLE_TEXT"),
    ("claims-agree", "CLAIMS_SUGGESTIONS_WITHOUT_NUMBER"),
    ("claims-agree", "CLAIMS_WHAT_IT_CANNOT"),
    ("declared-is-proven", "SHOWS_NO_AUTHOR"),
    ("declared-is-proven", "SHOWS_NO_LINK"),
    ("declared-is-proven", "SHOWS_MARKS"),
)

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
    "who-speaks": "KNOWS_NOBODY",
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


class Excused(Spoilt):
    """Says of two rules that they mean nothing here."""

    @property
    def lacks(self) -> Mapping[str, str]:
        return {"find": "nothing is ever found", "redelivery": "nothing is told twice"}


class Forgetful(Spoilt):
    """Keeps nothing of what is said while the adapter is not there, and says so."""

    away = False

    @property
    def lacks(self) -> Mapping[str, str]:
        return {"crash-and-resume": "it keeps nothing for who is not there"}

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        assert not self.away, "nobody hears it, and it is told to nobody later"
        said: Uttered = await self._played.say(text, thread=thread, person=person)
        return said

    async def leave(self) -> None:
        self.away = True
        await super().__getattr__("leave")()

    async def return_(self) -> None:
        self.away = False
        await super().__getattr__("return_")()


class Falling(Spoilt):
    """Fails whoever looks."""

    async def seen(self, thread: str) -> list[Seen]:
        raise RuntimeError("the screen is dark")


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


def missing() -> Any:
    raise StandInMissing("there is no board here", remedy="buy one")


BLIND, MUTE, HARMLESS, MODEST = map(spoilt, (Blind, Mute, Harmless, Modest))
EXCUSED, FORGETFUL = spoilt(Excused), spoilt(Forgetful)
FALLING, MISSING = spoilt(Falling), missing
SLACK_STAND_IN = slack_stand_in
STAND_IN = stand_in.stand_in
