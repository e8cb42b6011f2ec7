"""How is a thread read back? Its messages since an instant, each as the event that never came.

Works with as little as one call a minute and 15 messages a page, which is what Slack leaves to apps
that are distributed outside its Marketplace (docs.slack.dev/changelog, 2025-05-29).
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from adapters.slack import ids
from adapters.slack.web.answers import Refusal
from adapters.slack.web.calls import Method
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.clock import Clock
from bridge.errors import BridgeError, CredentialsRefused, Rejected, RetryLater
from bridge.model.delivery import Urgency

Json = dict[str, Any]

_PAGE = 200
_AGAIN = timedelta(seconds=10)


class History:
    """Reads threads and direct conversations, however long Slack makes it wait.

    Each verb raises Rejected or CredentialsRefused if it cannot be read.
    """

    def __init__(self, workspaces: Workspaces, clock: Clock) -> None:
        self._workspaces = workspaces
        self._clock = clock

    async def thread(self, thread: ids.SlackThread, since: datetime) -> AsyncIterator[list[Json]]:
        """The replies since then, oldest first, page by page. The root is never among them."""
        workspace = await self._workspace(thread.team)
        replies = workspace.calls.web.conversations_replies
        bounds: Json = {"channel": thread.channel, "ts": thread.root, **_bounds(since)}
        async for page in self._pages(workspace, replies, bounds):
            # The root heads every page; whatever opened the thread is known.
            said = (message for message in page if message.get("ts") != thread.root)
            yield [_event(message, thread) for message in said]

    async def direct(self, thread: ids.SlackThread, since: datetime) -> list[Json]:
        """What was said at the top of the thread's direct conversation since then, oldest first."""
        workspace = await self._workspace(thread.team)
        history = workspace.calls.web.conversations_history
        bounds: Json = {"channel": thread.channel, **_bounds(since)}
        found: list[Json] = []
        async for page in self._pages(workspace, history, bounds):
            found += (_event(message, thread) for message in page)
        return found[::-1]  # Slack tells the newest first

    async def _pages(
        self, workspace: Workspace, method: Method, arguments: Json
    ) -> AsyncIterator[list[Json]]:
        cursor: str | None = None
        while True:
            answer = await self._answer(workspace, method, {**arguments, "cursor": cursor})
            messages = answer.get("messages")
            yield [m for m in messages if isinstance(m, dict)] if messages else []
            onward = answer.get("response_metadata")
            cursor = onward.get("next_cursor") if isinstance(onward, dict) else None
            if not cursor:
                return

    async def _answer(self, workspace: Workspace, method: Method, arguments: Json) -> Json:
        while True:
            try:
                return await workspace.calls.ask(method, urgency=Urgency.NEWS, **arguments)
            except Refusal as refusal:
                trouble = refusal.meaning(posting=False, place=arguments["channel"])
            except RetryLater as later:
                trouble = later
            await self._wait(trouble)

    async def _workspace(self, team: str) -> Workspace:
        while True:
            try:
                return await self._workspaces.of(team)
            except BridgeError as error:
                trouble = error
            await self._wait(trouble)

    async def _wait(self, trouble: BridgeError) -> None:
        """Let a trouble pass; raises one that will not."""
        if isinstance(trouble, Rejected | CredentialsRefused):
            raise trouble
        await self._clock.sleep(trouble.after if isinstance(trouble, RetryLater) else _AGAIN)


def replies_since(payload: Json, since: datetime) -> bool:
    """Whether the message has replies, the latest of them since then."""
    latest = payload["event"].get("latest_reply")
    return ids.is_ts(latest) and ids.instant_of(latest) > since


def _bounds(since: datetime) -> Json:
    return {"oldest": f"{since.timestamp():.6f}", "limit": _PAGE}


def _event(message: Json, thread: ids.SlackThread) -> Json:
    """The payload with which Slack would have told us of this message."""
    where = {"channel": thread.channel, "channel_type": "im" if thread.direct else "channel"}
    return {
        "type": "event_callback",
        "team_id": thread.team,
        "authorizations": [{"team_id": thread.team}],
        "event": {**message, "type": "message", **where},
    }
