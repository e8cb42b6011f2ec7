"""How do we post, look, change and signal? The connected adapter over Slack's Web API.

`chat.postMessage` has no idempotency key: nothing here repeats a post that may have arrived. Every
post carries its delivery's id, and `find` reads the thread back.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

import msgspec

from adapters.slack import ids, limits
from adapters.slack.finding import look
from adapters.slack.logs import LOG
from adapters.slack.people.names import People
from adapters.slack.rendering import markup
from adapters.slack.rendering.plainer import CUSTOMIZE, plainly, spared, unscoped
from adapters.slack.streams import Streams, changed
from adapters.slack.to_slack import SlackMessage, to_slack
from adapters.slack.web.answers import AWAY, LACKING, Refusal
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.clock import Clock
from bridge.errors import BridgeError, MaybeDelivered, Rejected, ThreadClosed
from bridge.model.delivery import Outbound, Receipt, Urgency
from bridge.model.ids import PersonId, ThreadKey
from bridge.plugin import Signal, SignalKind

#: Refusals of a status that say no more than that there is none to be shown there.
_UNSIGNALLED = LACKING | AWAY | {"invalid_thread_ts", "missing_scope", "reserved_username"}


class SlackClient:
    """The adapter's verbs, in one workspace."""

    def __init__(
        self,
        workspaces: Workspaces,
        clock: Clock,
        in_doubt_wait: timedelta,
        streams: Streams | None = None,
    ) -> None:
        self._workspaces = workspaces
        self._clock = clock
        self._in_doubt_wait = in_doubt_wait
        self._people = People(workspaces, clock)
        self._streams = streams or Streams(clock)
        #: Told of each post that everybody in its channel sees: the channel and the ts.
        self.posted: Callable[[str, str], None] = lambda _channel, _ts: None

    async def turn(self, outbound: Outbound, *, revising: bool = False) -> None:
        """Take the turn of the call that comes first; at once where the call will say why not."""
        try:
            thread = _thread(outbound.thread)
            calls = (await self._workspaces.of(thread.team)).calls
            await calls.turn(
                _first_call(outbound, revising=revising),
                owed=outbound.id,
                urgency=outbound.urgency,
                channel=outbound.place or thread.channel,
            )
        except BridgeError:
            return

    async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
        """How people call `person`, or None if nobody says."""
        return await self._people.name_of(person, thread)

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Post `outbound` in its thread, as one message; of an unfinished one the beginning."""
        thread = _thread(outbound.thread)
        workspace = await self._workspaces.of(thread.team)
        if _private(outbound, thread):
            return await _whisper(workspace, outbound, thread)
        if (begun := await self._streams.begin(workspace, outbound, thread)) is not None:
            return begun.receipt
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
        self._streams.posted(outbound, spot)
        self.posted(spot.channel, spot.ts)
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
        `since`. What one person alone was to see is in no history: Rejected.
        """
        thread = _thread(outbound.thread)
        if _private(outbound, thread):
            raise Rejected("nobody can see whether only they saw it")
        workspace = await self._workspaces.of(thread.team)
        channel = _channel(outbound.place) if outbound.place else thread.channel
        root = "" if outbound.place else thread.root
        async with _judged(workspace, outbound, posting=False):
            found = await self._look(workspace, outbound, channel, root, since)
        remaining = since + self._in_doubt_wait - self._clock.now()
        if found is None and remaining > timedelta(0):
            await self._clock.sleep(remaining)
            async with _judged(workspace, outbound, posting=False):
                found = await self._look(workspace, outbound, channel, root, since)
        return found

    async def _look(
        self, workspace: Workspace, outbound: Outbound, channel: str, root: str, since: datetime
    ) -> Receipt | None:
        """Look once. What landed in the open channel, as its thread is gone, is taken back."""
        try:
            return await look(workspace, outbound, channel, root, since, self._streams.spots)
        except Refusal as refusal:
            if refusal.code != "thread_not_found":
                raise
            stray = await look(workspace, outbound, channel, "", since)
            if stray is None:
                raise
            await _take_back(workspace, _spot(stray))

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Make the message at `receipt` show `outbound`; its author stays as posted."""
        spot, thread = _spot(receipt), _thread(outbound.thread)
        workspace = await self._workspaces.of(thread.team)
        async with self._streams.ending(workspace, outbound, spot) as stopped:
            message = stopped.get("message")
            if isinstance(message, dict) and message.get("thread_ts") != thread.root:
                await _take_back(workspace, spot)
            await _change(workspace, outbound, spot)

    async def grow(self, outbound: Outbound, receipt: Receipt) -> None:
        """Show more of the unfinished message at `receipt`, or leave it to the next growth."""
        spot = _spot(receipt)
        workspace = await self._workspaces.of(_thread(outbound.thread).team)
        growth = msgspec.structs.replace(outbound, urgency=Urgency.GROWTH)
        await self._streams.grow(workspace, growth, spot, lambda: _change(workspace, growth, spot))

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
            if refusal.code not in _UNSIGNALLED:
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
    message = to_slack(outbound, features)
    plain = False
    async with _judged(workspace, outbound, posting=posting):
        while True:
            try:
                return await send(message)
            except Refusal as refusal:
                if message.username and unscoped(refusal):
                    _speak_as_app(workspace)
                if not plain and (fewer := spared(refusal, message, features)) is not None:
                    features, message = fewer, to_slack(outbound, fewer)
                elif not plain and (words := plainly(refusal, message)) is not None:
                    LOG.warning("slack.shown_plainly", extra={"reason": refusal.code})
                    plain, message = True, words
                else:
                    raise


@asynccontextmanager
async def _judged(
    workspace: Workspace, outbound: Outbound, *, posting: bool
) -> AsyncIterator[None]:
    """A refusal becomes what the runtime should make of it."""
    try:
        yield
    except Refusal as refusal:
        private = outbound.only_for is not None
        if refusal.code in AWAY and not outbound.place:
            thread = _thread(outbound.thread)
            raise await workspace.absences.meaning(refusal, thread) from None
        raise refusal.meaning(posting=posting, place=outbound.place, only_for=private) from None


def _first_call(outbound: Outbound, *, revising: bool) -> str:
    """The method by which it will be shown, or changed."""
    if revising:
        return "chat.update"
    return "chat.postEphemeral" if outbound.only_for else "chat.postMessage"


def _compare(workspace: Workspace, outbound: Outbound, shown: object) -> None:
    """Notice where Slack, without the scope, ignores a name in silence."""
    asked_for = to_slack(outbound, workspace.features).username
    if asked_for and isinstance(shown, dict) and not shown.get("username"):
        _speak_as_app(workspace)


def _speak_as_app(workspace: Workspace) -> None:
    """From now on names stand in the text: the scope for authorship is missing."""
    LOG.warning("slack.names_not_permitted", extra={"needed": CUSTOMIZE})
    workspace.features = replace(workspace.features, authorship=False)


def _post(
    workspace: Workspace, outbound: Outbound, channel: str, root: str | None, it: SlackMessage
) -> Awaitable[dict[str, Any]]:
    return workspace.calls.ask(
        workspace.calls.web.chat_postMessage,
        urgency=outbound.urgency,
        owed=outbound.id,
        channel=channel,
        thread_ts=root,
        text=it.text,
        blocks=it.blocks or None,
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
        owed=outbound.id,
        channel=spot.channel,
        ts=spot.ts,
        text=it.text,
        blocks=it.blocks or None,
        metadata=it.metadata,
        link_names=False,
        parse="none",
    )


async def _change(workspace: Workspace, outbound: Outbound, spot: ids.Spot) -> dict[str, Any]:
    """Change a message of ours, though it be one that still flows."""
    return await _show(
        workspace,
        outbound,
        lambda it: changed(
            workspace, outbound, spot, lambda: _update(workspace, outbound, spot, it)
        ),
        posting=False,
    )


async def _whisper(workspace: Workspace, outbound: Outbound, thread: ids.SlackThread) -> Receipt:
    """Show it to one person of the thread alone. It is in no history, and cannot be changed."""
    person = outbound.only_for
    if not ids.is_user(person):
        raise Rejected("this is for one person alone, who is none of Slack's")
    answer = await _show(
        workspace,
        outbound,
        lambda it: workspace.calls.ask(
            workspace.calls.web.chat_postEphemeral,
            urgency=outbound.urgency,
            owed=outbound.id,
            channel=thread.channel,
            thread_ts=thread.root,  # without it, it would stand below the channel's own messages
            user=person,
            text=it.text,
            blocks=it.blocks or None,
            username=it.username,
            icon_url=it.icon_url,
            link_names=False,
            parse="none",
        ),
        posting=True,
    )
    return _posted(thread.channel, {"ts": answer.get("message_ts")}).receipt


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


def _private(outbound: Outbound, thread: ids.SlackThread) -> bool:
    """Whether it is for one person of several; a direct message has no others."""
    return outbound.only_for is not None and not thread.direct


def _spot(receipt: Receipt) -> ids.Spot:
    try:
        return ids.Spot.parse(receipt)
    except ValueError as error:
        raise Rejected(str(error)) from error


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
