"""Is it still there? Tells a connection that is quiet from one that is dead, at little cost.

While what comes proves that the other side lives, nothing is asked. After a while without any such
sign it is asked something harmless; where no answer comes in time, it is away, and is asked on
until it answers. Both together stay well below the 15 seconds within which a trouble is to be told.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from bridge.clock import Clock
from bridge.errors import BridgeError, Unreachable

#: After so long without a sign of life it is asked; and as often while it is away.
EVERY: Final = timedelta(seconds=5)
#: So long an answer may take.
PATIENCE: Final = timedelta(seconds=5)
#: A connection that broke is no outage: it is asked once more after this.
_ONCE_MORE: Final = timedelta(seconds=1)
#: What a gateway answers for a service that is away (RFC 9110, 15.6).
_AWAY: Final = frozenset({502, 503, 504})


class Canary:
    """Watches one thing far away. `watch` is its task; nothing happens without it."""

    def __init__(
        self,
        clock: Clock,
        ask: Callable[[], Awaitable[object]],
        tell: Callable[[str | None], None],
        *,
        every: timedelta = EVERY,
        patience: timedelta = PATIENCE,
    ) -> None:
        """`ask` returns once there was an answer, and raises if there certainly is none. It may
        take `patience`, by the loop's own time: whoever is far away knows no other.

        `tell` is told of every change: why it is away, or None when it is back.
        """
        self._clock = clock
        self._ask = ask
        self._tell = tell
        self._every = every
        self._patience = patience
        self._felt_at = clock.now()
        self._silence = f"no answer within {patience.total_seconds():g} s"
        self._broke = False  #: it was asked, and failed at once; perhaps by chance
        self.trouble: str | None = None

    def alive(self) -> None:
        """There was a sign of life."""
        self._felt_at = self._clock.now()
        self._broke = False
        self._say(None)

    async def watch(self) -> None:
        """Watch for ever."""
        due = self._felt_at + self._every
        while True:
            await self._clock.sleep(due - self._clock.now())
            due = self._felt_at + self._every
            if self._clock.now() >= due:
                due = await self._asked()

    async def _asked(self) -> datetime:
        """Ask once; when to look again."""
        trouble = await self._answer()
        if trouble is None:
            self.alive()
            return self._felt_at + self._every
        if self._broke or self.trouble or trouble == self._silence:
            self._say(trouble)
            return self._clock.now() + self._every
        self._broke = True
        return self._clock.now() + _ONCE_MORE

    async def _answer(self) -> str | None:
        """None if there was one, else why there was none."""
        limit = asyncio.timeout(self._patience.total_seconds())
        try:
            async with limit:
                await self._ask()
        except BridgeError as error:
            return error.message
        # Whatever it is, it is no answer; its own words may be anything.
        except Exception as error:
            return self._silence if limit.expired() else type(error).__name__
        return None

    def _say(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._tell(trouble)


class Reach:
    """Asks a web service whether it is there: any answer of its own will do, also a refusal.

    It says who we are to nobody, and changes nothing (HEAD, RFC 9110, 9.2.1). A gateway's word that
    the service is away counts only where the service has answered before: some places never do.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str, *, name: str) -> None:
        """`name` is how the service is called where it is told that it is away."""
        self._http = http
        self._url = url
        self._name = name
        self._answered = False

    async def __call__(self) -> None:
        """Ask once.

        Raises:
            Unreachable: there is no answer, and why.
        """
        try:
            async with self._http.head(self._url, allow_redirects=False) as answer:
                status = answer.status
        except aiohttp.ClientConnectorDNSError:
            raise Unreachable(f"{self._name} cannot be reached: its name is not known") from None
        except aiohttp.ClientSSLError:
            raise Unreachable(f"{self._name} cannot be reached: its TLS is not trusted") from None
        except aiohttp.ClientConnectorError as error:
            number = error.os_error.errno
            why = os.strerror(number).lower() if number else "no connection"
            raise Unreachable(f"{self._name} cannot be reached: {why}") from None
        except (aiohttp.ClientError, OSError) as error:
            told = type(error).__name__
            raise Unreachable(f"{self._name} cannot be reached: {told}") from None
        if status in _AWAY and self._answered:
            raise Unreachable(f"{self._name} is away: a gateway answers {status} for it")
        self._answered = self._answered or status not in _AWAY
