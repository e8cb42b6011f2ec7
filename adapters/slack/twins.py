"""What if a post stands there twice? The copy that appears later is removed, and that is told.

So it can be only after a doubt: we judged a post absent and sent it again, and Slack showed the
first one late. The copy that we knew first stays, as its receipt is what later changes go by; after
a restart only the bridge knows which that is. It is told before and after, so that a kill in
between leaves the copy on record.
"""

import asyncio
import contextlib

from adapters.slack import ids
from adapters.slack.logs import LOG
from adapters.slack.web.answers import Refusal
from adapters.slack.workspaces import Workspaces
from bridge.errors import BridgeError, DatabaseFailed
from bridge.model.delivery import Urgency
from bridge.model.ids import DeliveryId
from bridge.plugin import Host

_GONE = "message_not_found"


class Twins:
    """Removes second copies, in nobody's way. To be closed: it may still be removing one."""

    def __init__(self, workspaces: Workspaces, host: Host | None = None) -> None:
        """What is removed is told to `host`."""
        self._workspaces = workspaces
        self._host = host
        self._removing: dict[ids.Spot, asyncio.Task[None]] = {}

    def remove(self, team: str, spot: ids.Spot, delivery: DeliveryId, *, beside: ids.Spot) -> None:
        """Begin to remove the copy at `spot`, once; or, if the bridge keeps it, that `beside`."""
        if spot not in self._removing:
            work = self._remove(team, spot, delivery, beside)
            task = asyncio.create_task(work, name="slack-twin")
            self._removing[spot] = task
            task.add_done_callback(lambda _: self._removing.pop(spot, None))

    async def close(self) -> None:
        """Leave no task behind."""
        tasks = list(self._removing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _remove(
        self, team: str, spot: ids.Spot, delivery: DeliveryId, beside: ids.Spot
    ) -> None:
        if not await self._note(delivery, spot, removed=False):
            spot = beside
            await self._note(delivery, spot, removed=False)
        about = {"delivery": delivery, "channel": spot.channel, "ts": spot.ts}
        try:
            calls = (await self._workspaces.of(team)).calls
            await calls.ask(
                calls.web.chat_delete, urgency=Urgency.NEWS, channel=spot.channel, ts=spot.ts
            )
        except (Refusal, BridgeError) as error:
            if not (isinstance(error, Refusal) and error.code == _GONE):
                LOG.error("slack.twin_left", extra=about | {"reason": str(error)})
                return
        else:
            LOG.warning("slack.twin_removed", extra=about)
        await self._note(delivery, spot, removed=True)

    async def _note(self, delivery: DeliveryId, spot: ids.Spot, *, removed: bool) -> bool:
        """Have it on record; a database that fails keeps no copy standing. Whether it may go."""
        if self._host is not None:
            with contextlib.suppress(DatabaseFailed):
                return await self._host.doubled(delivery, spot.receipt, removed=removed)
        return True
