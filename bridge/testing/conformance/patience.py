"""How long is what waited for? Every time limit of the kit, in one place and passed in."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

_Seen = TypeVar("_Seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits in seconds. They are generous: only what is broken takes as long."""

    rule: float = 120.0  #: a whole rule, its stand-in's start included
    event: float = 20.0  #: what must happen
    leave: float = 10.0  #: leaving, or giving up when told to
    quiet: float = 0.6  #: so long is watched for what must not happen
    undecided: float = 4.0  #: so long is nothing decided: longer than some wait for an answer
    moment: float = 0.5  #: a call that nobody answers is left after this
    look: float = 0.02  #: between two looks
    again: float = 0.2  #: before an adapter that fell is connected again
    clearing: float = 10.0  #: for cleaning up after a rule whose time is over


async def eventually(
    look: Callable[[], Awaitable[_Seen | None]], within: float, patience: Patience
) -> _Seen | None:
    """What `look` sees as soon as it is not None; None if it never is `within` these seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    # The other side is a black box, and has nothing that could be awaited.
    while (seen := await look()) is None and loop.time() < until:  # noqa: ASYNC110 - see above
        await asyncio.sleep(patience.look)
    return seen
