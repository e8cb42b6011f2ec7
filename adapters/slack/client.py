"""How do we post, look, change and signal? The connected adapter over Slack's Web API.

`chat.postMessage` has no idempotency key: nothing here repeats a post that may have arrived. Every
post carries its delivery's id, and `find` reads the thread back.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack import ids, limits, markup
from adapters.slack.answers import TIMEOUT, Refusal, asked
from adapters.slack.from_slack import BotIdentity
from adapters.slack.logs import LOG, sdk_log
from adapters.slack.settings import SlackSettings
from adapters.slack.to_slack import Features, SlackMessage, to_slack
from bridge.clock import Clock
from bridge.errors import MaybeDelivered, Rejected
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import ThreadKey
from bridge.plugin import Signal, SignalKind

# Slack's clock and ours may differ, by a step of the wall clock even much: a post of ours is
# recognised by its mark, and its time only spares us the older part of a long thread.
_CLOCKS_APART = timedelta(hours=2)
_PAGE = 200
_MOST_PAGES = 50
#: Refusals of what Slack was to fetch or lay out; a plainer message may still do.
_LAYOUT = {"invalid_attachments", "invalid_blocks", "invalid_blocks_format"}
_NAMES = {"invalid_username", "reserved_username"}
_CUSTOMIZE = "chat:write.customize"

#: One page of messages, from a cursor on.
_Pages = Callable[[str | None], Awaitable[AsyncSlackResponse]]


class SlackClient:
    """The adapter's verbs, in one workspace."""

    def __init__(
        self, web: AsyncWebClient, bot: BotIdentity, clock: Clock, in_doubt_wait: timedelta
    ) -> None:
        self._web = web
        self._bot = bot
        self._clock = clock
        self._in_doubt_wait = in_doubt_wait
        self._features = Features(address=bot.address)

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Post `outbound` in its thread, as one message."""
        thread = _thread(outbound.thread)
        answer = await self._show(
            outbound, lambda it: self._post(thread.channel, thread.root, it), posting=True
        )
        spot = _posted(thread.channel, answer)
        message = answer.get("message")
        if isinstance(message, dict) and message.get("thread_ts") != thread.root:
            await self._take_back(spot)
        self._compare(outbound, message)
        return spot.receipt

    async def announce(self, outbound: Outbound) -> Receipt:
        """Post `outbound` at the top of its channel, with a link to its thread."""
        _thread(outbound.thread)  # it must lead somewhere
        channel = _channel(outbound.place)
        answer = await self._show(outbound, lambda it: self._post(channel, None, it), posting=True)
        return _posted(channel, answer).receipt

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """The receipt of `outbound` if its thread shows it, or its channel if it has a place.

        Not finding it counts only once Slack has had time to show it: `in_doubt_wait` after
        `since`.
        """
        found = await self._look(outbound, since)
        remaining = since + self._in_doubt_wait - self._clock.now()
        if found is None and remaining > timedelta(0):
            await self._clock.sleep(remaining)
            found = await self._look(outbound, since)
        return found

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Make the message at `receipt` show `outbound`; its author stays as posted."""
        try:
            spot = ids.Spot.parse(receipt)
        except ValueError as error:
            raise Rejected(str(error)) from error
        await self._show(outbound, lambda it: self._update(spot, it), posting=False)

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        """Show or clear a status below the thread; Slack clears it with the next reply."""
        place = _thread(thread)
        await self._ask(
            self._web.assistant_threads_setStatus(
                channel_id=place.channel, thread_ts=place.root, status=_status(signal)
            )
        )

    async def _show(
        self,
        outbound: Outbound,
        send: Callable[[SlackMessage], Awaitable[AsyncSlackResponse]],
        *,
        posting: bool,
    ) -> dict[str, Any]:
        """Send `outbound`; if Slack refuses a part that can be spared, without it."""
        features = self._features
        while True:
            message = to_slack(outbound, features)
            try:
                return await asked(send(message))
            except Refusal as refusal:
                plainer = self._plainer(refusal, message, features)
                if plainer is None:
                    raise refusal.meaning(posting=posting, place=outbound.place) from None
                features = plainer

    def _plainer(
        self, refusal: Refusal, message: SlackMessage, features: Features
    ) -> Features | None:
        """The features without the one that was refused, or None if that was not the reason."""
        if message.username and refusal.code in _NAMES:
            return replace(features, authorship=False)
        unscoped = refusal.code == "missing_scope" and refusal.needed in {"", _CUSTOMIZE}
        if message.username and unscoped:
            self._speak_as_app()
            return replace(features, authorship=False)
        if message.pictured and refusal.code in _LAYOUT:
            return replace(features, pictures=False)
        return None

    def _compare(self, outbound: Outbound, shown: object) -> None:
        """Notice where Slack, without the scope, ignores a name in silence."""
        asked_for = to_slack(outbound, self._features).username
        if asked_for and isinstance(shown, dict) and not shown.get("username"):
            self._speak_as_app()

    def _speak_as_app(self) -> None:
        """From now on names stand in the text: the scope for authorship is missing."""
        LOG.warning("slack.names_not_permitted", extra={"needed": _CUSTOMIZE})
        self._features = replace(self._features, authorship=False)

    def _post(
        self, channel: str, root: str | None, it: SlackMessage
    ) -> Awaitable[AsyncSlackResponse]:
        return self._web.chat_postMessage(
            channel=channel,
            thread_ts=root,
            text=it.text,
            blocks=it.blocks,
            metadata=it.metadata,
            username=it.username,
            icon_url=it.icon_url,
            unfurl_links=False,
            unfurl_media=False,
            link_names=False,
            parse="none",
        )

    def _update(self, spot: ids.Spot, it: SlackMessage) -> Awaitable[AsyncSlackResponse]:
        # Unlike a post, an update makes links and mentions of plain text unless told not to.
        return self._web.chat_update(
            channel=spot.channel,
            ts=spot.ts,
            text=it.text,
            blocks=it.blocks,
            metadata=it.metadata,
            link_names=False,
            parse="none",
        )

    async def _take_back(self, spot: ids.Spot) -> NoReturn:
        """Delete a reply that landed in the open channel, as it does when its root is deleted."""
        try:
            await asked(self._web.chat_delete(channel=spot.channel, ts=spot.ts))
        except Refusal as refusal:
            LOG.warning("slack.stray_left", extra={"reason": str(refusal)})
            raise Rejected(
                "the thread is gone, and Slack put the reply into the channel itself",
                remedy=f"delete it by hand: Slack did not let us ({refusal})",
            ) from None
        raise Rejected("the thread is gone: its first message was deleted")

    async def _look(self, outbound: Outbound, since: datetime) -> Receipt | None:
        channel, pages = self._pages(outbound, since - _CLOCKS_APART)
        async for message in self._messages(pages, outbound.place):
            if self._ours(message) and _carries(message, outbound) and ids.is_ts(message.get("ts")):
                return ids.Spot(channel, message["ts"]).receipt
        return None

    def _pages(self, outbound: Outbound, oldest: datetime) -> tuple[str, _Pages]:
        """The channel where `outbound` would stand, and how its pages are asked for."""
        bounds: dict[str, Any] = {
            "oldest": f"{oldest.timestamp():.6f}",
            "include_all_metadata": True,
            "limit": _PAGE,
        }
        if outbound.place:
            channel = _channel(outbound.place)
            return channel, lambda cursor: self._web.conversations_history(
                channel=channel, cursor=cursor, **bounds
            )
        thread = _thread(outbound.thread)
        return thread.channel, lambda cursor: self._web.conversations_replies(
            channel=thread.channel, ts=thread.root, cursor=cursor, **bounds
        )

    async def _messages(self, pages: _Pages, place: str) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            found = await self._ask(pages(cursor), place=place)
            for message in found.get("messages") or []:
                if isinstance(message, dict):
                    yield message
            cursor = (found.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    async def _ask(self, call: Awaitable[AsyncSlackResponse], *, place: str = "") -> dict[str, Any]:
        """One call that may be repeated at will."""
        try:
            return await asked(call)
        except Refusal as refusal:
            raise refusal.meaning(posting=False, place=place) from None

    def _ours(self, message: dict[str, Any]) -> bool:
        by_bot = bool(self._bot.bot) and message.get("bot_id") == self._bot.bot
        return by_bot or message.get("user") == self._bot.user


def web_client(settings: SlackSettings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """The Web API as our bot. No retry handlers: the SDK's own one posts twice on a reset."""
    web = AsyncWebClient(
        token=settings.bot_token.get_secret_value(),
        base_url=settings.api_url,
        timeout=int(TIMEOUT.total_seconds()),
        session=session,
        retry_handlers=[],
        logger=sdk_log(),
    )
    if settings.local:
        web.proxy = None  # the SDK would send even loopback through the environment's proxy
    return web


def _channel(place: str) -> str:
    if ids.is_channel(place):
        return place
    raise Rejected(
        "what is configured as the channel of a handoff is none of Slack's",
        remedy="write the channel's id, such as C0123456789",
    )


def _posted(channel: str, answer: dict[str, Any]) -> ids.Spot:
    ts = answer.get("ts")
    if not ids.is_ts(ts):
        raise MaybeDelivered("Slack's answer to the post names no message")
    return ids.Spot(channel, str(ts))


def _thread(key: ThreadKey) -> ids.SlackThread:
    try:
        return ids.SlackThread.parse(key)
    except ValueError as error:
        raise Rejected(str(error)) from error


def _status(signal: Signal) -> str:
    match signal.kind:
        case SignalKind.CLEAR:
            return ""
        case SignalKind.TYPING:
            name = markup.label(signal.name or "", limits.USERNAME)
            return f"{name} is typing…".lstrip()
        case SignalKind.THINKING:
            return "is thinking…"


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
