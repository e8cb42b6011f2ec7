"""Who plays the platform? What an adapter's author gives the conformance kit to drive.

A stand-in is the other side of one adapter: the platform itself, or a real server on loopback that
plays it. The kit sees an adapter only through it, and through the host it lends: a black box.

A package announces it by an entry point in `GROUP`, under the name of its plug-in; it is called
without arguments and gives an async context manager of a `StandIn`.
"""

import enum
from collections.abc import Callable, Mapping, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from bridge.errors import BridgeError

#: Where an installed package announces the stand-in of its plug-in: `name = "module:stand_in"`.
GROUP = "polyai_bridge.stand_ins"


class StandInMissing(BridgeError):
    """The platform cannot be played here: the remedy says what to install."""

    exit_code = 10


class Fault(enum.StrEnum):
    """What becomes of the next thing that the adapter posts; only of that one."""

    RATE_LIMITED = "rate_limited"  #: not posted: too many, try again in a second
    REFUSED = "refused"  #: not posted, and never will be
    LOST_ANSWER = "lost_answer"  #: posted, but the connection breaks before the answer
    LOST_REQUEST = "lost_request"  #: not posted: the connection breaks before anything is done
    SILENT = "silent"  #: not posted, and nothing is answered for as long as the stand-in lives


@dataclass(frozen=True, slots=True, kw_only=True)
class Uttered:
    """What a person said: `id` is the platform's own name of it, `thread` of where it stands."""

    thread: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One message as people see it now."""

    id: str
    text: str
    author: str = ""  #: the name it is shown under, where that is not the bot's own
    suggestions: tuple[str, ...] = ()  #: what can be pressed
    pictures: tuple[str, ...] = ()  #: addresses of pictures that are shown
    ours: bool = True  #: whether the adapter posted it


class StandIn(Protocol):
    """What every stand-in can. Times are the machine's: a stand-in is a real server."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The table `[adapters.<name>]` by which the adapter finds it, secrets included."""
        ...

    async def reach(self, address: str) -> None:
        """From now on what the adapter serves is found at `address`, such as `http://127.0.0.1:1/x`.

        Called once, before the adapter connects. Of no interest to platforms that never call us.
        """
        ...

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """Let a person write `text` for the bot, in `thread` or as the start of a new one."""
        ...

    async def taken(self, uttered: Uttered) -> bool | None:
        """Whether the platform was told that we have it; None if it never asks for that."""
        ...

    async def repeat(self, uttered: Uttered) -> None:
        """Tell the adapter of it once more, as the platform does when in doubt."""
        ...

    async def seen(self, thread: str) -> list[Seen]:
        """What people see in `thread`, the oldest first, what they said themselves included."""
        ...


@runtime_checkable
class Failing(Protocol):
    """Can go wrong when asked to."""

    @property
    def faults(self) -> Set[Fault]:
        """Those that this platform can have."""
        ...

    async def fail(self, fault: Fault) -> None:
        """Let the next post of the adapter end so."""
        ...


@runtime_checkable
class Leaving(Protocol):
    """Can be away."""

    async def leave(self) -> None:
        """Refuse every connection until `return_`; what people say meanwhile is kept for later."""
        ...

    async def return_(self) -> None:
        """Be there again."""
        ...


@runtime_checkable
class Doubting(Protocol):
    """Can refuse to know the adapter."""

    @property
    def wrong_settings(self) -> Mapping[str, Any]:
        """The same table with credentials that this platform refuses."""
        ...


@runtime_checkable
class Pressing(Protocol):
    """Its people can press what is offered."""

    async def press(self, message: Seen, index: int, *, person: str = "ada") -> None:
        """Press the `index`-th suggestion of `message`."""
        ...


@runtime_checkable
class Correcting(Protocol):
    """Its people can change and take back what they said."""

    async def correct(self, uttered: Uttered, text: str) -> None:
        """Let them change it."""
        ...

    async def take_back(self, uttered: Uttered) -> None:
        """Let them delete it."""
        ...


@runtime_checkable
class Lacking(Protocol):
    """Knows of rules that mean nothing on its platform. The report tells which, and why.

    Where nothing is kept for whoever is away, that is `crash-and-resume`.
    """

    @property
    def lacks(self) -> Mapping[str, str]:
        """Why, by the rule's id; rules of the bronze level are tried all the same."""
        ...


#: What an entry point in `GROUP` names. Entering raises StandInMissing where it cannot be played.
Opener = Callable[[], AbstractAsyncContextManager[StandIn]]
