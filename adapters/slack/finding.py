"""Did a post of ours arrive? Its thread, or its channel, read back and searched for our mark."""

from collections.abc import AsyncIterator, Awaitable, Callable, Container
from datetime import datetime, timedelta
from typing import Any

from adapters.slack import ids
from adapters.slack.rendering.flowing import alike, flowing
from adapters.slack.workspaces import Workspace
from bridge.model.delivery import Outbound, Receipt
from bridge.model.messages import AgentReply

# Slack's clock and ours may differ, by a step of the wall clock even much: a post of ours is
# recognised by its mark, and its time only spares us the older part of a long thread.
_CLOCKS_APART = timedelta(hours=2)
# A stream bears no mark until it ends, so its time must do; it cannot live for longer than this.
_STREAM_LIFE = timedelta(minutes=5)
_PAGE = 200
_MOST_PAGES = 50

#: One page of messages, from a cursor on.
_Pages = Callable[[str | None], Awaitable[dict[str, Any]]]


async def look(
    workspace: Workspace,
    outbound: Outbound,
    channel: str,
    root: str,
    since: datetime,
    growing: Container[ids.Spot] = (),
) -> Receipt | None:
    """The receipt of `outbound` if `channel` shows it now, in the thread of `root` if there is one.

    It is known by its mark. What began as a stream has none yet (chat.startStream takes neither
    metadata nor blocks): it is the newest message of ours in the thread, as deliveries of one
    thread are serial; begins with the same words; is not older than the attempt, but for what our
    clocks may differ; and is none of the `growing`, whose receipts are known.

    Raises:
        Refusal: it cannot be looked up.
    """
    pages = _pages(workspace, channel, root, since - _CLOCKS_APART)
    newest: dict[str, Any] = {}
    async for message in _messages(pages):
        if not _ours(workspace, message) or not ids.is_ts(message.get("ts")):
            continue
        if _carries(message, outbound):
            return ids.Spot(channel, message["ts"]).receipt
        if not newest or ids.order_of(message["ts"]) > ids.order_of(newest["ts"]):
            newest = message
    if root and newest and _began(newest, outbound, since):
        spot = ids.Spot(channel, newest["ts"])
        return spot.receipt if spot not in growing else None
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


def _began(message: dict[str, Any], outbound: Outbound, since: datetime) -> bool:
    """Whether a message that bears no mark can be the stream that this delivery began."""
    content, text = outbound.content, message.get("text")
    if not (isinstance(content, AgentReply) and content.unfinished):
        return False  # what is whole is never streamed
    if not isinstance(text, str) or _marked(message):
        return False
    late = ids.instant_of(message["ts"]) >= since - _STREAM_LIFE
    return late and alike(text, flowing(content.text))


def _marked(message: dict[str, Any]) -> bool:
    """Whether a message bears the mark of any delivery."""
    metadata, blocks = message.get("metadata"), message.get("blocks")
    kind = metadata.get("event_type") if isinstance(metadata, dict) else None
    named = [b.get("block_id") for b in blocks if isinstance(b, dict)] if blocks else []
    return kind == ids.EVENT_TYPE or any(ids.is_mark(name) for name in named)


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
