"""How does an unfinished message grow? As a stream of Slack's own, or by changing what was posted.

A stream (chat.startStream, appendStream, stopStream) flows smoothly and only ever adds words. It
dies about five minutes after its start and at about 12,000 characters; while it lives, chat.update
is refused (`streaming_state_conflict`); in channels only its recipient sees it flow. So the first
words and what may safely follow them flow (`flowing`), and the end is always a change of the same
message to what it is meant to look like, whether its stream was stopped by us, by a person, by its
age, or by nobody: a restart forgets which messages flow, and asks Slack.

What grows is a whisper. A growth that comes too early, or that Slack has no room for, is left out.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.slack import ids, limits
from adapters.slack.rendering.flowing import alike, flowing
from adapters.slack.settings.stream_settings import StreamSettings
from adapters.slack.to_slack import to_slack
from adapters.slack.web.answers import Refusal
from adapters.slack.workspaces import Workspace
from bridge.clock import Clock
from bridge.errors import MaybeDelivered, RetryLater, Unreachable
from bridge.model.delivery import Outbound, Urgency
from bridge.model.messages import AgentReply, AuthorKind

Answer = dict[str, Any]
#: One change of a message that was posted.
Change = Callable[[], Awaitable[Answer]]

#: We stop a stream before Slack does (slack.md, section 4): at four of its five minutes.
ROLL_OVER: Final = timedelta(minutes=4)
_FLOWS = "streaming_state_conflict"
_STOPPED = "stopped_by_user"
#: There is no stream any more.
_OVER: Final = frozenset({"message_not_in_streaming_state", _STOPPED})
_MOST: Final = 10_000


@dataclass(slots=True)
class _Growing:
    """An unfinished message, as this process knows it."""

    begun_at: datetime
    changed_at: datetime
    flown: str = ""  #: what its stream holds
    flows: bool = False  #: whether its stream is open, as far as we know
    full: bool = False  #: nothing more may be appended
    quiet: bool = False  #: a person stopped it: it grows no more
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


class Streams:
    """Every message that grows."""

    def __init__(self, clock: Clock, settings: StreamSettings | None = None) -> None:
        self._clock = clock
        self._settings = settings or StreamSettings()
        self._growing: OrderedDict[ids.Spot, _Growing] = OrderedDict()
        self._ended: OrderedDict[ids.Spot, None] = OrderedDict()

    @property
    def spots(self) -> Container[ids.Spot]:
        """Where the messages stand that grow."""
        return self._growing.keys()

    async def begin(
        self, workspace: Workspace, outbound: Outbound, thread: ids.SlackThread
    ) -> ids.Spot | None:
        """Start a stream with the first words, if it shall flow and may; None: post it instead.

        Raises:
            MaybeDelivered, Unreachable: as for any post.
        """
        recipient = self._recipient(workspace, outbound, thread)
        if recipient is None:
            return None
        words = flowing(outbound.content.text) if isinstance(outbound.content, AgentReply) else ""
        # By its words a stream is found again, so it must begin with some.
        if not alike(words, words) or len(words) > limits.STREAM_TEXT:
            return None
        begun_at = self._clock.now()
        try:
            answer = await workspace.calls.ask(
                workspace.calls.web.chat_startStream,
                urgency=Urgency.GROWTH,  # rather a plain post now than a stream later
                channel=thread.channel,
                thread_ts=thread.root,
                markdown_text=words,
                **recipient,
            )
        except RetryLater:
            return None
        except Refusal as refusal:
            meaning = refusal.meaning(posting=True)
            if isinstance(meaning, MaybeDelivered | Unreachable):
                raise meaning from None
            return None
        if not ids.is_ts(answer.get("ts")):
            raise MaybeDelivered("Slack's answer to the start of a stream names no message")
        spot = ids.Spot(thread.channel, str(answer["ts"]))
        now = self._clock.now()
        _keep(self._growing, spot, _Growing(begun_at, now, flown=words, flows=True))
        return spot

    def posted(self, outbound: Outbound, spot: ids.Spot) -> None:
        """An unfinished message was posted, which will grow by changes."""
        if _unfinished(outbound):
            now = self._clock.now()
            _keep(self._growing, spot, _Growing(now, now))

    async def grow(
        self, workspace: Workspace, outbound: Outbound, spot: ids.Spot, change: Change
    ) -> None:
        """Show what there is now, by words that flow or by `change`; or leave it out.

        Raises:
            BridgeError: it was left out.
        """
        if spot in self._ended:
            return  # it would show less than the end
        now, pace = self._clock.now(), self._settings.stream_pace
        if spot not in self._growing:  # of a former run, or found: its stream is not known
            _keep(self._growing, spot, _Growing(now, now - pace))
        growing = self._growing[spot]
        if growing.quiet or growing.busy.locked() or now - growing.changed_at < pace:
            return
        async with growing.busy:
            growing.changed_at = now
            try:
                if growing.flows:
                    await self._flow(workspace, outbound, spot, growing)
                if not growing.flows and not growing.quiet:
                    await change()
            except Refusal as refusal:
                raise refusal.meaning(posting=False) from None

    @asynccontextmanager
    async def ending(
        self, workspace: Workspace, outbound: Outbound, spot: ids.Spot
    ) -> AsyncIterator[Answer]:
        """Within, no growth is under way and no stream that we know of is open: change it for good.

        Gives Slack's answer to the end of the stream, or nothing if there was none. Raises like
        `revise`, and can be entered again.
        """
        now = self._clock.now()
        growing = self._growing.get(spot) or _Growing(now, now)
        async with growing.busy:
            answer: Answer = {}
            if growing.flows:
                try:
                    answer = await stop(workspace, outbound, spot)
                except Refusal as refusal:
                    raise refusal.meaning(posting=False) from None
                growing.flows = False
            yield answer
            if not _unfinished(outbound):
                self._growing.pop(spot, None)
                _keep(self._ended, spot, None)

    async def _flow(
        self, workspace: Workspace, outbound: Outbound, spot: ids.Spot, growing: _Growing
    ) -> None:
        """Append the new words. Whatever keeps more of them from flowing ends the stream."""
        content = outbound.content
        words = flowing(content.text) if isinstance(content, AgentReply) else growing.flown
        old = self._clock.now() - growing.begun_at >= ROLL_OVER
        if old or growing.full or len(words) > limits.STREAM_TEXT:
            await stop(workspace, outbound, spot, urgency=Urgency.GROWTH)
            growing.flows = False
            return
        if not words.startswith(growing.flown) or words == growing.flown:
            return  # it reads otherwise by now: the end will show it
        # Until we know that they arrived, as after a lost answer or a cancellation, no others may
        # follow: they would stand in a gap, or twice.
        growing.full = True
        try:
            await workspace.calls.ask(
                workspace.calls.web.chat_appendStream,
                urgency=Urgency.GROWTH,
                channel=spot.channel,
                ts=spot.ts,
                markdown_text=words[len(growing.flown) :],
            )
        except RetryLater:
            growing.full = False
            raise
        except Refusal as refusal:
            growing.full = not refusal.too_many
            growing.flows = refusal.code not in _OVER
            growing.quiet = refusal.code == _STOPPED
            if growing.flows:
                raise
        else:
            growing.full, growing.flown = False, words

    def _recipient(
        self, workspace: Workspace, outbound: Outbound, thread: ids.SlackThread
    ) -> dict[str, str] | None:
        """Whom a stream flows to, as Slack wants it; None if this message is not to flow."""
        content = outbound.content
        if not _unfinished(outbound) or self._settings.streaming in {"off", "edit"}:
            return None
        if isinstance(content, AgentReply) and content.author.kind is not AuthorKind.AGENT:
            return None
        if thread.direct:
            return {}
        asker = workspace.askers.of(outbound.thread)
        if self._settings.streaming == "auto" or asker is None:
            return None
        # Of a shared channel's guests the workspace is not known here: Slack refuses those.
        return {"recipient_user_id": asker, "recipient_team_id": thread.team}


async def changed(
    workspace: Workspace, outbound: Outbound, spot: ids.Spot, change: Change
) -> Answer:
    """The answer to `change`, after ending a stream that stood in its way.

    Raises:
        Refusal: it cannot be changed.
    """
    try:
        return await change()
    except Refusal as refusal:
        if refusal.code != _FLOWS:
            raise
    await stop(workspace, outbound, spot)
    return await change()


async def stop(
    workspace: Workspace,
    outbound: Outbound,
    spot: ids.Spot,
    *,
    urgency: Urgency | None = None,
) -> Answer:
    """End a stream and put the delivery's mark on its message; nothing if there is none any more.

    Raises:
        Refusal: nobody knows whether it is over.
    """
    try:
        return await workspace.calls.ask(
            workspace.calls.web.chat_stopStream,
            urgency=outbound.urgency if urgency is None else urgency,
            channel=spot.channel,
            ts=spot.ts,
            metadata=to_slack(outbound).metadata,
        )
    except Refusal as refusal:
        if refusal.code in _OVER:
            return {}
        raise


def _unfinished(outbound: Outbound) -> bool:
    return isinstance(outbound.content, AgentReply) and outbound.content.unfinished


def _keep(kept: "OrderedDict[Any, Any]", key: object, value: object) -> None:
    """Keep it as the newest, and no more than can be of use."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _MOST:
        kept.popitem(last=False)
