"""Do we hear everything? What comes, what comes back, and what came while nobody listened.

By whatever way Slack reaches us: tell `listening` at once when we can be reached and every few
seconds for as long as we can, let each payload pass `before` first, and call `posted` after a post.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from adapters.slack.doors.backfill import Backfill
from adapters.slack.doors.canary import Canary, Suspicion
from adapters.slack.doors.heard import Heard
from adapters.slack.doors.missed import History
from adapters.slack.from_slack import team_of
from adapters.slack.logs import LOG
from adapters.slack.marks import ours
from adapters.slack.workspaces import Workspaces
from bridge.model.inbound import Inbound
from bridge.plugin import Host

#: How long the last note may take.
_FAREWELL = timedelta(seconds=1)
#: What our own posts come as; the latter, where they bear another's name.
_POSTED = {None, "", "bot_message"}


class Hearing:
    """The canary and the backfill of one adapter. `read` says what a payload means for us."""

    def __init__(
        self,
        host: Host,
        workspaces: Workspaces,
        read: Callable[[object], Inbound | None],
        *,
        backfill: bool = True,
    ) -> None:
        self._clock = host.clock
        self._workspaces = workspaces
        self._heard = Heard(host.memory, host.clock)
        history = History(workspaces, host.clock)
        self._backfill = Backfill(host, history, read, self._heard) if backfill else None
        self._canary = Canary()
        #: Why the Web API cannot be reached, if it cannot: nothing can be said then.
        self.speechless: str | None = None
        #: Told of each post of ours that comes back: its workspace, its channel and the message.
        self.came_back: Callable[[str, str, Mapping[str, Any]], None] = lambda *_: None

    @property
    def deaf(self) -> bool:
        """Whether our own posts do not come back, although the connections were renewed."""
        return self._canary.deaf

    async def recall(self) -> None:
        """Take up until when the process before us heard everything. Raises DatabaseFailed."""
        if self._backfill is not None:
            await self._heard.recall()

    def listening(self) -> None:
        """We can be reached: now, or still."""
        since = self._heard.listening()
        if since is not None and self._backfill is not None:
            self._backfill.begin(since)

    async def before(self, payload: object) -> None:
        """To be awaited before a payload is taken: what was said earlier goes first."""
        self._notice(payload)
        if self._backfill is not None:
            await self._backfill.before(payload)

    def posted(self, channel: str, ts: str) -> None:
        """We posted there, where everybody sees it."""
        self._canary.posted(channel, ts, self._clock.now())

    def excuse(self) -> None:
        """Echoes that are awaited now may have gone astray for a reason that is known."""
        self._canary.excuse()

    def judge(self) -> Suspicion:
        """Whether there is news of our being deaf; what is doubtful then is fetched."""
        suspicion = self._canary.judge(self._clock.now())
        if suspicion is Suspicion.DEAF:
            LOG.warning("slack.deaf")
            since = self._heard.doubt(self._canary.proved_at or self._clock.now())
            if since is not None and self._backfill is not None:
                self._backfill.begin(since)
        return suspicion

    async def remember(self, *, at_once: bool = False) -> None:
        """Keep for the next start until when everything was heard."""
        if self._backfill is not None:
            await self._heard.remember(at_once=at_once)

    async def leave(self) -> None:
        """No task stays behind."""
        if self._backfill is not None:
            await self._backfill.leave()
        # A note that is lost costs a few reads after the next start; nobody waits for it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL.total_seconds()):
                await self.remember(at_once=True)

    def _notice(self, payload: object) -> None:
        """A post of ours that came back."""
        event = payload.get("event") if isinstance(payload, dict) else None
        if not isinstance(event, dict) or event.get("type") != "message":
            return
        workspace = self._workspaces.known(team_of(payload))
        if workspace is None or event.get("subtype") not in _POSTED:
            return
        channel, ts = event.get("channel"), event.get("ts")
        if not (ours(workspace.bot, event) and isinstance(channel, str) and isinstance(ts, str)):
            return
        self.came_back(workspace.team, channel, event)
        if self._canary.came_back(channel, ts, self._clock.now()):
            LOG.info("slack.hears_again")
