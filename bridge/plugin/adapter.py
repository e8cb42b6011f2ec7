"""What an adapter is, what it is lent, and what is forbidden when.

An adapter connects one platform account to the bridge. It has one required verb, `deliver`; each
further protocol below is optional and found by its method.

- Before `Plugin.connect` is entered: no network, no task. A plug-in is imported to be listed, too.
- When something comes in: no acknowledgement before `Host.accept` has returned, and no cursor that
  passes what was not accepted.
- In a call: no retry, no failure swallowed, no outcome better than what is known.
- When `Plugin.connect` is left: no task behind.
- Always: no other clock than `Host.clock`; no secret, and nobody's words, in an error or a report.
- It may be killed between any two lines, and a stranger's runs in a process of its own: what must
  not be lost is in `Host.memory`, or on the platform.

docs/adapters.md is the guide, with an adapter in under 100 lines.
"""

import enum
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar, runtime_checkable

import aiohttp
from aiohttp import web
from pydantic import BaseModel

from bridge.clock import Clock
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import AdapterName, AgentName, DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Inbound
from bridge.model.pointer import Pointer
from bridge.model.signal import Signal
from bridge.model.value import Value
from bridge.plugin.capabilities import Capabilities

#: Raised when a plug-in written for the older API could no longer work. Additions have defaults.
API_VERSION = 1

SettingsT = TypeVar("SettingsT", bound=BaseModel)


class Accepted(enum.StrEnum):
    """What became of an inbound; in every case the platform may now be told that we have it."""

    NEW = "new"
    KNOWN = "known"  #: the same thing told twice
    IGNORED = "ignored"  #: it belongs to no conversation and opens none


class Adapter(Protocol):
    """A connected adapter, called for several threads at once, and for each one after the other."""

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Show `outbound` in its thread as a new message and say where it landed.

        Mark it with `outbound.id` where the platform allows. Never retry inside, never swallow a
        failure, never split one delivery into several messages. Whatever else it raises counts as
        MaybeDelivered: a connection that broke, and a status of 500, prove nothing.

        Raises:
            RetryLater: certainly nothing was posted; try after its time.
            Unreachable: certainly nothing was posted; the platform is away.
            Rejected: certainly nothing was posted and never will be.
            MaybeDelivered: the outcome is unknown.
            CredentialsRefused: certainly nothing was posted; a person must act.
        """
        ...


@runtime_checkable
class Finder(Protocol):
    """Can tell after the fact whether a delivery arrived."""

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """The receipt of `outbound` if it was posted at or after `since`, else None.

        Must go by what the platform shows or tells of itself, not by what was meant to be sent.
        None means certainly absent: the delivery will be posted again. If it stands there twice,
        the newer copy is to be removed and the host told (`Host.doubled`). Raises like `deliver`
        when it cannot look, and

            RetryLater: it is too early to tell.
            MaybeDelivered: nobody can tell, now or later. It is held in doubt and reported.
        """
        ...


@runtime_checkable
class Reviser(Protocol):
    """Can change what an earlier delivery shows. Doing it twice must equal doing it once.

    For it is done again until it certainly succeeded, also after a crash.
    """

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Make the message at `receipt` show `outbound.content`. Raises like `deliver`."""
        ...


@runtime_checkable
class Grower(Protocol):
    """Can show an unfinished message growing. It must be a `Reviser` too, which ends it."""

    async def grow(self, outbound: Outbound, receipt: Receipt) -> None:
        """Let the unfinished message at `receipt` show what there is of it now.

        Best effort, and never for longer than a moment: what it leaves out comes with the next
        growth or with the end. Whatever it raises is noted and forgotten.
        """
        ...


@runtime_checkable
class Queuer(Protocol):
    """Lets only so much through at a time, the urgent first and no place starving another."""

    async def turn(self, outbound: Outbound, *, revising: bool = False) -> None:
        """Return when `outbound` may be sent at once; called before its attempt is written down.

        So what waits is not in doubt after a crash. The turn is taken, and lapses if unused.
        """
        ...


@runtime_checkable
class Namer(Protocol):
    """Knows people's names."""

    async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
        """How people call `person`, or None if nobody says. May ask the platform; never raises.

        Waited for with little patience, and asked again another time.
        """
        ...


@runtime_checkable
class Announcer(Protocol):
    """Can post at the top of another place of its platform, to call helpers to a thread.

    An adapter that can must also find there what it announced, if it is a `Finder`.
    """

    async def announce(self, outbound: Outbound) -> Receipt:
        """Post `outbound.content` at the top of `outbound.place`, with a way to `outbound.thread`.

        Bound by the same rules as `deliver`, and raises like it.
        """
        ...


@runtime_checkable
class Signaller(Protocol):
    """Can show passing signs of life."""

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        """Show it, best effort. Whatever it raises is noted and forgotten."""
        ...


@runtime_checkable
class Rememberer(Protocol):
    """Knows what of its memory is about somebody, so that they can be forgotten.

    Not needed for keys that name the person, nor for values that are their id.
    """

    async def remembered_of(self, person: PersonId) -> list[str]:
        """The keys of its memory that are about `person`; the host deletes them.

        What it knows of them beside its memory is to be forgotten here. Asked again, it says the
        same: the host may have been killed meanwhile.
        """
        ...


class Memory(Protocol):
    """What an adapter remembers beyond a restart: text by key, of this adapter alone.

    Each verb is durable when it returns, and raises DatabaseFailed if it could not be done. A place
    in a feed is remembered after everything before it was accepted, never before: what comes again
    is known by its identities, what was skipped is lost.
    """

    async def recall(self, key: str) -> str | None:
        """What was remembered under `key`; None if nothing was, or it cannot be unsealed."""
        ...

    async def recall_all(self, prefix: str) -> dict[str, str]:
        """Everything under keys that begin with `prefix`, except what cannot be unsealed."""
        ...

    async def remember(self, key: str, text: str, *, secret: bool = False) -> None:
        """Keep `text` in place of what was there; sealed at rest if it is `secret`."""
        ...

    async def forget(self, key: str) -> None:
        """Keep nothing under `key`."""
        ...


class Glimpse(Value, frozen=True, kw_only=True):
    """What an adapter may know of a conversation: enough for a line in a list."""

    thread: ThreadKey
    agent: AgentName
    opened_at: datetime
    touched_at: datetime
    with_person: bool = False  #: a live agent is there, or awaited


#: Serves one request on the bridge's HTTP listener.
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Host(Protocol):
    """What the bridge lends an adapter for as long as it is connected."""

    @property
    def name(self) -> AdapterName:
        """The configured name of this adapter instance."""
        ...

    @property
    def clock(self) -> Clock:
        """The only clock an adapter may read."""
        ...

    @property
    def http(self) -> aiohttp.ClientSession:
        """A shared session; do not close it."""
        ...

    async def accept(self, inbound: Inbound) -> Accepted:
        """Store `inbound` durably. Acknowledge to the platform only after this returns.

        Whatever it returns, acknowledge then. Bring what your own bot said never, and what happened
        before it first, where you can choose: of one thread, `Inbound.order` says what that is.

        Raises:
            DatabaseFailed: it is not stored; do not acknowledge, let the platform repeat it.
        """
        ...

    async def doubled(self, delivery: DeliveryId, copy: Receipt, *, removed: bool = False) -> bool:
        """A second copy of `delivery` was seen at `copy`, or is `removed`: kept for the operator.

        False if that is the one by which later changes go: then it is the other that is to go.

        Raises:
            DatabaseFailed: it is not on record.
        """
        ...

    @property
    def memory(self) -> Memory:
        """What the adapter remembers beyond a restart."""
        ...

    async def open_threads(self, prefix: str = "") -> list[ThreadKey]:
        """The threads of this adapter's open conversations whose keys begin with `prefix`.

        Raises:
            DatabaseFailed: they cannot be read.
        """
        ...

    async def conversations_of(self, person: PersonId) -> list[Glimpse]:
        """The open conversations in which `person` said something, the last touched first.

        Raises:
            DatabaseFailed: they cannot be read.
        """
        ...

    def serve(self, method: str, path: str, handler: Handler) -> None:
        """Answer `method` at `/<name of the adapter><path>` with `handler` while connected.

        Its body was read, and is at most 1 MiB. Nobody has checked who sends it: do that first.
        What the handler raises is answered with a 500, so that the platform tells it again.

        Raises:
            ValueError: nothing can be served there, or something is.
        """
        ...

    def report(self, *, connected: bool, detail: str = "") -> None:
        """Say how the connection stands. Call it when that changes, not more often."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Plugin(Generic[SettingsT]):
    """What an entry point in the group `polyai_bridge.adapters` names."""

    #: The version of this API that it was written for: a number, never our own constant.
    api_version: int
    #: The plug-in's own settings, validated before anything else; unknown keys must be refused.
    settings: type[SettingsT]
    capabilities: Capabilities
    #: Entering connects or raises; leaving leaves no task behind. No network before entering. What
    #: fails in a task fails the context: then it is entered anew, after a pause that grows.
    connect: Callable[[SettingsT, Host], AbstractAsyncContextManager[Adapter]]
    #: Proves the credentials without starting to serve; one line that says as whom, and
    #: further lines for what was found besides.
    #: Raises CredentialsRefused or Unreachable.
    prove: Callable[[SettingsT, aiohttp.ClientSession], Awaitable[str]]
    #: What these settings make of `capabilities`, where they change them.
    tuned: Callable[[SettingsT, Capabilities], Capabilities] = lambda _, capabilities: capabilities
    #: Texts it can print for its settings and its name, each by the word that asks for it on the
    #: command line. They are asked for before it can run: secrets that are missing are empty then.
    documents: Mapping[str, Callable[[SettingsT, AdapterName], str]] = field(default_factory=dict)
    #: Whether it will remember secrets with these settings: then there must be a key for them.
    keeps_secrets: Callable[[SettingsT], bool] = lambda _: False
    #: What a link to a message of this platform points at, as people copy one to ask what became
    #: of it; None if it is none of this platform's. From the link alone: nothing runs then.
    pointed: Callable[[str], Pointer | None] = lambda _: None
