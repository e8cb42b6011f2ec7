"""How do we post, look, change and signal? The connected adapter over Slack's Web API.

`chat.postMessage` has no idempotency key: nothing here repeats a post that may have arrived. Every
post carries its delivery's id, and `find` reads the thread back.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

from adapters.slack import ids, limits, markup
from adapters.slack.answers import Refusal
from adapters.slack.finding import look
from adapters.slack.logs import LOG
from adapters.slack.to_slack import Features, SlackMessage, to_slack
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.clock import Clock
from bridge.errors import MaybeDelivered, Rejected, ThreadClosed
from bridge.model.delivery import Outbound, Receipt, Urgency
from bridge.model.ids import ThreadKey
from bridge.plugin import Signal, SignalKind

#: Refusals of what Slack was to fetch or lay out; a plainer message may still do.
_LAYOUT = {"invalid_attachments", "invalid_blocks", "invalid_blocks_format"}
_NAMES = {"invalid_username", "reserved_username"}
_CUSTOMIZE = "chat:write.customize"


class SlackClient:
    """The adapter's verbs, in one workspace."""

    def __init__(self, workspaces: Workspaces, clock: Clock, in_doubt_wait: timedelta) -> None:
        self._workspaces = workspaces
        self._clock = clock
        self._in_doubt_wait = in_doubt_wait

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Post `outbound` in its thread, as one message."""
        thread = _thread(outbound.thread)
        workspace = await self._workspaces.of(thread.team)
        answer = await _show(
            workspace,
            outbound,
            lambda it: _post(workspace, outbound, thread.channel, thread.root, it),
            posting=True,
        )
        spot = _posted(thread.channel, answer)
        message = answer.get("message")
        if isinstance(message, dict) and message.get("thread_ts") != thread.root:
            await _take_back(workspace, spot)
        _compare(workspace, outbound, message)
        return spot.receipt

    async def announce(self, outbound: Outbound) -> Receipt:
        """Post `outbound` at the top of its channel, with a link to its thread."""
        workspace = await self._workspaces.of(_thread(outbound.thread).team)
        channel = _channel(outbound.place)
        answer = await _show(
            workspace,
            outbound,
            lambda it: _post(workspace, outbound, channel, None, it),
            posting=True,
        )
        return _posted(channel, answer).receipt

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """The receipt of `outbound` if its thread shows it, or its channel if it has a place.

        Not finding it counts only once Slack has had time to show it: `in_doubt_wait` after
        `since`.
        """
        thread = _thread(outbound.thread)
        workspace = await self._workspaces.of(thread.team)
        channel = _channel(outbound.place) if outbound.place else thread.channel
        root = "" if outbound.place else thread.root
        found = await look(workspace, outbound, channel, root, since)
        remaining = since + self._in_doubt_wait - self._clock.now()
        if found is None and remaining > timedelta(0):
            await self._clock.sleep(remaining)
            found = await look(workspace, outbound, channel, root, since)
        return found

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Make the message at `receipt` show `outbound`; its author stays as posted."""
        try:
            spot = ids.Spot.parse(receipt)
        except ValueError as error:
            raise Rejected(str(error)) from error
        workspace = await self._workspaces.of(_thread(outbound.thread).team)
        await _show(
            workspace, outbound, lambda it: _update(workspace, outbound, spot, it), posting=False
        )

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        """Show or clear a status below the thread; Slack clears it with the next reply."""
        place = _thread(thread)
        calls = (await self._workspaces.of(place.team)).calls
        try:
            await calls.ask(
                calls.web.assistant_threads_setStatus,
                urgency=Urgency.SIGNAL,
                channel_id=place.channel,
                thread_ts=place.root,
                status=_status(signal),
            )
        except Refusal as refusal:
            raise refusal.meaning(posting=False) from None


async def _show(
    workspace: Workspace,
    outbound: Outbound,
    send: Callable[[SlackMessage], Awaitable[dict[str, Any]]],
    *,
    posting: bool,
) -> dict[str, Any]:
    """Send `outbound`; if Slack refuses a part that can be spared, without it."""
    features = workspace.features
    while True:
        message = to_slack(outbound, features)
        try:
            return await send(message)
        except Refusal as refusal:
            plainer = _plainer(workspace, refusal, message, features)
            if plainer is None:
                raise refusal.meaning(posting=posting, place=outbound.place) from None
            features = plainer


def _plainer(
    workspace: Workspace, refusal: Refusal, message: SlackMessage, features: Features
) -> Features | None:
    """The features without the one that was refused, or None if that was not the reason."""
    if message.username and refusal.code in _NAMES:
        return replace(features, authorship=False)
    unscoped = refusal.code == "missing_scope" and refusal.needed in {"", _CUSTOMIZE}
    if message.username and unscoped:
        _speak_as_app(workspace)
        return replace(features, authorship=False)
    if message.pictured and refusal.code in _LAYOUT:
        return replace(features, pictures=False)
    return None


def _compare(workspace: Workspace, outbound: Outbound, shown: object) -> None:
    """Notice where Slack, without the scope, ignores a name in silence."""
    asked_for = to_slack(outbound, workspace.features).username
    if asked_for and isinstance(shown, dict) and not shown.get("username"):
        _speak_as_app(workspace)


def _speak_as_app(workspace: Workspace) -> None:
    """From now on names stand in the text: the scope for authorship is missing."""
    LOG.warning("slack.names_not_permitted", extra={"needed": _CUSTOMIZE})
    workspace.features = replace(workspace.features, authorship=False)


def _post(
    workspace: Workspace, outbound: Outbound, channel: str, root: str | None, it: SlackMessage
) -> Awaitable[dict[str, Any]]:
    return workspace.calls.ask(
        workspace.calls.web.chat_postMessage,
        urgency=outbound.urgency,
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


def _update(
    workspace: Workspace, outbound: Outbound, spot: ids.Spot, it: SlackMessage
) -> Awaitable[dict[str, Any]]:
    # Unlike a post, an update makes links and mentions of plain text unless told not to.
    return workspace.calls.ask(
        workspace.calls.web.chat_update,
        urgency=outbound.urgency,
        channel=spot.channel,
        ts=spot.ts,
        text=it.text,
        blocks=it.blocks,
        metadata=it.metadata,
        link_names=False,
        parse="none",
    )


async def _take_back(workspace: Workspace, spot: ids.Spot) -> NoReturn:
    """Delete a reply that landed in the open channel, as it does when its root is deleted."""
    calls = workspace.calls
    try:
        await calls.ask(calls.web.chat_delete, channel=spot.channel, ts=spot.ts)
    except Refusal as refusal:
        LOG.warning("slack.stray_left", extra={"reason": str(refusal)})
        raise ThreadClosed(
            "the thread is gone, and Slack put the reply into the channel itself",
            remedy=f"delete it by hand: Slack did not let us ({refusal})",
        ) from None
    raise ThreadClosed("the thread is gone: its first message was deleted")


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
