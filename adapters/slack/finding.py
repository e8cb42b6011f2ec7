"""Did a post of ours arrive? Its thread, or its channel, read back and searched for our mark."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from adapters.slack import ids
from adapters.slack.workspaces import Workspace
from bridge.model.delivery import Outbound, Receipt

# Slack's clock and ours may differ, by a step of the wall clock even much: a post of ours is
# recognised by its mark, and its time only spares us the older part of a long thread.
_CLOCKS_APART = timedelta(hours=2)
_PAGE = 200
_MOST_PAGES = 50

#: One page of messages, from a cursor on.
_Pages = Callable[[str | None], Awaitable[dict[str, Any]]]


async def look(
    workspace: Workspace, outbound: Outbound, channel: str, root: str, since: datetime
) -> Receipt | None:
    """The receipt of `outbound` if `channel` shows it now, in the thread of `root` if there is one.

    Raises:
        Refusal: it cannot be looked up.
    """
    pages = _pages(workspace, channel, root, since - _CLOCKS_APART)
    async for message in _messages(pages):
        ours = _ours(workspace, message) and _carries(message, outbound)
        if ours and ids.is_ts(message.get("ts")):
            return ids.Spot(channel, message["ts"]).receipt
    return None


def _pages(workspace: Workspace, channel: str, root: str, oldest: datetime) -> _Pages:
    """How the pages are asked for where a post would stand."""
    calls = workspace.calls
    bounds: dict[str, Any] = {
        "oldest": f"{oldest.timestamp():.6f}",
        "include_all_metadata": True,
        "limit": _PAGE,
    }
    if not root:
        history = calls.web.conversations_history
        return lambda cursor: calls.ask(history, channel=channel, cursor=cursor, **bounds)
    replies = calls.web.conversations_replies
    return lambda cursor: calls.ask(replies, channel=channel, ts=root, cursor=cursor, **bounds)


async def _messages(pages: _Pages) -> AsyncIterator[dict[str, Any]]:
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        found = await pages(cursor)
        for message in found.get("messages") or []:
            if isinstance(message, dict):
                yield message
        cursor = (found.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return


def _ours(workspace: Workspace, message: dict[str, Any]) -> bool:
    bot = workspace.bot
    by_bot = bool(bot.bot) and message.get("bot_id") == bot.bot
    return by_bot or message.get("user") == bot.user


def _carries(message: dict[str, Any], outbound: Outbound) -> bool:
    """Whether a message bears the mark of this delivery, in its metadata or on its first block."""
    metadata = message.get("metadata")
    if isinstance(metadata, dict) and metadata.get("event_type") == ids.EVENT_TYPE:
        payload = metadata.get("event_payload")
        return isinstance(payload, dict) and payload.get("delivery") == outbound.id
    blocks = message.get("blocks")
    marked = ids.mark(outbound.id)
    return isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("block_id") == marked for block in blocks
    )
