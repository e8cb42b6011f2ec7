"""Who tells the operator? One task: it gathers, tells each way, and notes what was told.

An alarm counts as told when one way took it. Letters that nobody could be told of stay untold in
the database, also across a restart; the log says once that no way works.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

import aiohttp
import msgspec

from bridge import log
from bridge.config.alert_settings import AlertSettings
from bridge.errors import DatabaseFailed, Unreachable
from bridge.model.delivery import Outbound, Urgency
from bridge.model.ids import AdapterName, DeliveryId, ThreadKey
from bridge.model.messages import Notice, NoticeKind
from bridge.plugin import Announcer
from bridge.plugin.signing import signed
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.reporting.alarms import Alarm, Troubles
from bridge.runtime.watching.status import Status
from bridge.runtime.world import World
from bridge.store import Store
from bridge.store.redriving import Alerted

_log = log.get("alerts")

#: How often each way is tried for one alarm, before the next is gathered.
TRIES: Final = 3
#: How long no way may be tried again after all failed, at most.
_LONGEST: Final = timedelta(minutes=5)
#: How long one call may take, in seconds.
_PATIENCE: Final = 10.0


class Way(Protocol):
    """One way to tell an alarm."""

    name: str

    async def tell(self, alarm: Alarm) -> None:
        """Tell it; raises whatever is in its way."""
        ...


class Call:
    """A POST with JSON, signed if there is a secret."""

    name = "url"

    def __init__(self, url: str, secret: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._secret = secret
        self._http = http

    async def tell(self, alarm: Alarm) -> None:
        """Post it; anything but 2xx is a failure. Raises without the address, a secret."""
        body = msgspec.json.encode(alarm.document())
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers |= signed(self._secret, body, alarm.at)  # as docs/dead-letters.md says
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        try:
            async with self._http.post(
                self._url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"its address cannot be reached: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise Unreachable(f"its address answered {status}")


class Place:
    """A channel of a platform, by whichever adapter can announce."""

    name = "channel"

    def __init__(
        self, adapter: AdapterName, place: str, adapters: Adapters, store: Store, world: World
    ) -> None:
        self._adapter = adapter
        self._place = place
        self._adapters = adapters
        self._store = store
        self._world = world

    async def tell(self, alarm: Alarm) -> None:
        """Announce it, with a way to the thread of its first letter, or to any one there."""
        adapter: object = self._adapters.now(self._adapter)
        if not isinstance(adapter, Announcer):
            raise Unreachable(f"the adapter {self._adapter} is away, or cannot announce")
        threads = await self._threads(alarm)
        if not threads:
            raise Unreachable(f"the adapter {self._adapter} has no thread to announce from yet")
        await adapter.announce(
            Outbound(
                id=DeliveryId(f"alert.{self._world.ids.new()}"),
                thread=threads[0],
                content=Notice(NoticeKind.ALERT, words=alarm.words()),
                owed_at=alarm.at,
                place=self._place,
                urgency=Urgency.NEWS,
            )
        )

    async def _threads(self, alarm: Alarm) -> list[ThreadKey]:
        """Of the first letter that belongs there, else any: a platform may need to know one."""
        of = [one.conversation for one in alarm.letters if one.adapter == self._adapter]
        return await self._store.letters.threads(self._adapter, of[:1])


class Alerts:
    """Gathers what is worth an alarm, and has it told."""

    def __init__(
        self,
        settings: AlertSettings,
        ways: Sequence[Way],
        store: Store,
        world: World,
        status: Status,
    ) -> None:
        self._every = settings.every
        self._ways = ways
        self._store = store
        self._world = world
        self._status = status
        self._troubles = Troubles(settings.after)
        self._failures = 0

    async def run(self) -> None:
        """For ever; what a former run left untold is told with the first."""
        while self._ways:
            wait = min(self._every * 2**self._failures, max(_LONGEST, self._every))
            await self._world.rest(wait)
            await self.look()

    async def look(self) -> None:
        """Tell what has happened since the last time, if anything has."""
        now = self._world.clock.now()
        self._troubles.look(self._status.troubles, now)
        try:
            letters = tuple(await self._store.letters.unalerted())
            alarm = Alarm(
                at=now,
                letters=letters,
                begun=self._troubles.begun(now),
                ended=self._troubles.ended(),
            )
            if alarm and await self._told(alarm):
                self._troubles.told(alarm)
                ids = tuple(letter.id for letter in letters)
                await self._store.write(Alerted(ids=ids, at=self._world.clock.now()))
        except DatabaseFailed:
            pass  # whoever watches it says so; what is not noted is told again

    async def _told(self, alarm: Alarm) -> bool:
        """Whether any way took it."""
        taken = [await self._tried(way, alarm) for way in self._ways]
        if any(taken):
            if self._failures:
                _log.info("alerts.working")
            self._failures = 0
            return True
        if not self._failures:
            _log.error("alerts.failing", letters=len(alarm.letters), troubles=len(alarm.begun))
        self._failures = min(self._failures + 1, 10)
        return False

    async def _tried(self, way: Way, alarm: Alarm) -> bool:
        for attempt in range(1, TRIES + 1):
            try:
                await way.tell(alarm)
            except Exception as error:
                told = str(error) if isinstance(error, Unreachable) else type(error).__name__
                if attempt == TRIES:
                    _log.warning("alerts.not_told", way=way.name, error=told)
                else:
                    await self._world.pause(attempt)
            else:
                self._status.metrics.alerted("sent")
                return True
        self._status.metrics.alerted("failed")
        return False


def ways_of(
    settings: AlertSettings,
    http: aiohttp.ClientSession,
    adapters: Adapters,
    store: Store,
    world: World,
) -> list[Way]:
    """Those that are configured."""
    ways: list[Way] = []
    if settings.url is not None:
        key = settings.secret.get_secret_value() if settings.secret else ""
        ways.append(Call(settings.url.get_secret_value(), key, http))
    if settings.adapter is not None and settings.channel is not None:
        ways.append(Place(settings.adapter, settings.channel, adapters, store, world))
    return ways
