"""Is the connection still there? Said once when it is lost and once when it is back.

The SDK renews its connection by itself, every few hours and after a loss. Two things it does not:
it tries a failed address again for ever, though each is good for one use; and it may stop trying.
"""

from datetime import timedelta
from typing import Protocol

from bridge.plugin import Host

#: How often we look.
LOOK = timedelta(seconds=2)

# A renewal takes a moment and is not worth a word.
_LOOKS_TO_LOSE = 2
_LOOKS_TO_RENEW = 15


class Link(Protocol):
    """What is watched."""

    async def connected(self) -> bool:
        """Whether there is a connection that answers."""
        ...

    def forget_ticket(self) -> None:
        """Do not try the last address again."""
        ...

    async def renew(self) -> None:
        """Connect anew if nobody is at it. Never raises."""
        ...


async def watch(link: Link, host: Host) -> None:
    """Look after `link`, for ever."""
    away, lost = 0, False
    while True:
        await host.clock.sleep(LOOK)
        if await link.connected():
            if lost:
                host.report(connected=True, detail="connected again")
            away, lost = 0, False
            continue
        away += 1
        link.forget_ticket()
        if away == _LOOKS_TO_LOSE:
            lost = True
            host.report(connected=False, detail="the connection to Slack is lost")
        if away % _LOOKS_TO_RENEW == 0:
            await link.renew()
