"""By whose keys may activities be signed? Announced by OpenID metadata, kept, and asked for again.

learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication,
"Connector to Bot", steps 2 and 3: the keys are good for a day; new ones may be announced any time.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import jwt

from adapters.teams.answers import exchanged
from bridge.clock import Clock
from bridge.errors import MaybeDelivered, RetryLater, Unreachable
from bridge.plugin.settings import read_address

#: How long announced keys are good for.
_DAY = timedelta(hours=24)
#: A key that nobody announced has us look again no sooner than this: tokens can be made up at will.
_LOOK_AGAIN = timedelta(minutes=1)
#: The same as long as none are known at all.
_FIRST_AGAIN = timedelta(seconds=5)
#: The most keys that are kept.
_MOST = 100


class Key:
    """A key, and the channels that it may sign for; all if it does not say."""

    def __init__(self, announced: dict[str, Any]) -> None:
        self.public = jwt.PyJWK(announced, algorithm="RS256")
        told = announced.get("endorsements")
        self._channels = frozenset(map(str, told)) if isinstance(told, list) else None

    def signs_for(self, channel: str) -> bool:
        """Whether it may sign what comes from `channel`."""
        return self._channels is None or channel in self._channels


class Keys:
    """The announced keys."""

    def __init__(self, url: str, http: aiohttp.ClientSession, clock: Clock) -> None:
        self._url, self._http, self._clock = url, http, clock
        self._keys: dict[str, Key] = {}
        self._asked: datetime | None = None  # when they were last asked for, with success or not
        self._told: datetime | None = None
        self._asking = asyncio.Lock()

    async def of(self, name: str) -> Key | None:
        """The key called `name`; None if nobody announced it.

        Raises:
            Unreachable: no keys are known that still count, and they cannot be asked for.
        """
        # Whoever makes up names keeps nobody waiting: while keys are asked for, a known one does.
        enough = _DAY if self._asking.locked() else _DAY / 2
        if name in self._keys and not self._older(self._clock.now(), enough):
            return self._keys[name]
        async with self._asking:
            now = self._clock.now()
            if (name not in self._keys or self._older(now, _DAY / 2)) and self._patient(now):
                self._asked = now
                with contextlib.suppress(Unreachable):
                    self._keys, self._told = await self._announced(), now
            if self._older(now, _DAY):
                raise Unreachable("the keys of Teams cannot be asked for at the moment")
            return self._keys.get(name)

    def _older(self, now: datetime, age: timedelta) -> bool:
        return self._told is None or now >= self._told + age

    def _patient(self, now: datetime) -> bool:
        pause = _FIRST_AGAIN if self._told is None else _LOOK_AGAIN
        return self._asked is None or now >= self._asked + pause

    async def _announced(self) -> dict[str, Key]:
        metadata = await self._fetched(self._url)
        try:
            url = read_address(str(metadata.get("jwks_uri") or ""))
        except ValueError as error:
            raise Unreachable(f"the address of the keys of Teams {error}") from None
        told = (await self._fetched(url)).get("keys")
        found = dict(_readable(told if isinstance(told, list) else [])[:_MOST])
        if not found:  # those that are known are good for longer than a mishap of theirs
            raise Unreachable("no keys of Teams are announced")
        return found

    async def _fetched(self, url: str) -> dict[str, Any]:
        try:
            answer = await exchanged(self._http, "GET", url)
        except (MaybeDelivered, RetryLater):
            raise Unreachable("the keys of Teams cannot be asked for") from None
        if not answer.good:
            raise Unreachable(f"the keys of Teams cannot be asked for: {answer.status}")
        return answer.body


def _readable(told: list[Any]) -> list[tuple[str, Key]]:
    """The RSA keys among `told`; whatever else is announced is of no use here."""
    found = []
    for each in told:
        if not (isinstance(each, dict) and each.get("kty") == "RSA" and each.get("kid")):
            continue
        try:
            found.append((str(each["kid"]), Key(each)))
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return found
