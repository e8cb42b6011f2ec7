"""How do we post, look, change and signal? The connected adapter over Slack's Web API.

`chat.postMessage` has no idempotency key: nothing here repeats a post that may have arrived. Every
post carries its delivery's id, and `find` reads the thread back.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from adapters.slack import ids, limits
from adapters.slack.echoes import Echo, Echoes
from adapters.slack.finding import Place, Readings
from adapters.slack.ids import SlackThread
from adapters.slack.marks import delivery_of
from adapters.slack.people.names import People
from adapters.slack.posting import (
    change,
    channel_of,
    compare,
    judged,
    post,
    posted,
    private,
    show,
    spot_of,
    take_back,
    thread_of,
    whisper,
)
from adapters.slack.rendering import markup
from adapters.slack.streams import Streams
from adapters.slack.twins import Twins
from adapters.slack.web.answers import AWAY, LACKING, Refusal
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.clock import Clock
from bridge.errors import BridgeError, MaybeDelivered
from bridge.model.delivery import Outbound, Receipt, Urgency
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.messages import AgentReply
from bridge.plugin import Signal, SignalKind

#: Refusals of a status that say no more than that there is none to be shown there.
_UNSIGNALLED = LACKING | AWAY | {"invalid_thread_ts", "missing_scope", "reserved_username"}

#: So long we wait for the echo before we read, where posts of ours come back.
_ECHO_WAIT = timedelta(seconds=3)


class SlackClient:
    """The adapter's verbs, in one workspace."""

    def __init__(
        self,
        workspaces: Workspaces,
        clock: Clock,
        in_doubt_wait: timedelta,
        streams: Streams | None = None,
        twins: Twins | None = None,
    ) -> None:
        self._workspaces = workspaces
        self._clock = clock
        self._in_doubt_wait = in_doubt_wait
        self._people = People(workspaces, clock)
        self._streams = streams or Streams(clock)
        self._readings = Readings(clock)
        self._echoes = Echoes(clock)
        self._twins = twins or Twins(workspaces)
        #: Told of each post that everybody in its channel sees: the channel and the ts.
        self.posted: Callable[[str, str], None] = lambda _channel, _ts: None

    async def close(self) -> None:
        """Leave no task behind."""
        await self._twins.close()

    async def turn(self, outbound: Outbound, *, revising: bool = False) -> None:
        """Take the turn of the call that comes first; at once where the call will say why not."""
        try:
            thread = thread_of(outbound.thread)
            calls = (await self._workspaces.of(thread.team)).calls
            await calls.turn(
                _first_call(outbound, thread, revising=revising),
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
        thread = thread_of(outbound.thread)
        workspace = await self._workspaces.of(thread.team)
        if private(outbound, thread):
            return await whisper(workspace, outbound, thread)
        if (begun := await self._streams.begin(workspace, outbound, thread)) is not None:
            return begun.receipt
        answer = await show(
            workspace,
            outbound,
            lambda it: post(workspace, outbound, thread.channel, thread.root, it),
            posting=True,
        )
        spot = posted(thread.channel, answer)
        message = answer.get("message")
        if isinstance(message, dict) and message.get("thread_ts") != thread.root:
            await take_back(workspace, spot)
        compare(workspace, outbound, message)
        self.posted(spot.channel, spot.ts)
        spot = self._first(thread.team, outbound, Echo(spot, thread.root))
        self._streams.posted(outbound, spot)
        return spot.receipt

    def came_back(self, team: str, channel: str, message: Mapping[str, Any]) -> None:
        """A message of ours came as an event; if it is a second copy, it goes."""
        delivery = delivery_of(message)
        first = self._echoes.heard(channel, message)
        if first is not None and delivery is not None:
            copy = ids.Spot(channel, message["ts"])
            self._twins.remove(team, copy, delivery, beside=first.spot)

    def _first(self, team: str, outbound: Outbound, posted: Echo) -> ids.Spot:
        """Where it stands: there, or where a copy came back from before; then this one goes."""
        first = self._echoes.stands(outbound.id, posted)
        if first is None:
            return posted.spot
        self._twins.remove(team, posted.spot, outbound.id, beside=first.spot)
        return first.spot

    async def announce(self, outbound: Outbound) -> Receipt:
        """Post `outbound` at the top of its channel, with a link to its thread."""
        workspace = await self._workspaces.of(thread_of(outbound.thread).team)
        channel = channel_of(outbound.place)
        answer = await show(
            workspace,
            outbound,
            lambda it: post(workspace, outbound, channel, None, it),
            posting=True,
        )
        spot = posted(channel, answer)
        return self._first(workspace.team, outbound, Echo(spot, "")).receipt

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """The receipt of `outbound` if its thread shows it, or its channel if it has a place.

        Its echo settles it without a call. Not finding it counts only in a reading that began when
        Slack had had time to show it: `in_doubt_wait` after `since`. MaybeDelivered where nobody
        can tell: what one person alone was to see is in no history and comes back to nobody.
        """
        thread = thread_of(outbound.thread)
        if private(outbound, thread):
            raise MaybeDelivered("nobody can see whether only they saw it")
        workspace = await self._workspaces.of(thread.team)
        channel = channel_of(outbound.place) if outbound.place else thread.channel
        place = Place(thread.team, channel, "" if outbound.place else thread.root)
        settled = since + self._in_doubt_wait
        soon = _ECHO_WAIT if self._echo_is_due(outbound, channel) else timedelta()
        spot = await self._echoed(workspace, outbound, place, min(soon, self._left(settled)))
        if spot is None:
            spot = await self._look(workspace, outbound, place, since, since)
        if spot is None and self._left(settled):
            spot = await self._echoed(workspace, outbound, place, self._left(settled))
            spot = spot or await self._look(workspace, outbound, place, since, settled)
        return spot.receipt if spot else None

    def hears(self, channel: str) -> bool:
        """Whether posts of ours come back from there."""
        return self._echoes.hears(channel)

    def _echo_is_due(self, outbound: Outbound, channel: str) -> bool:
        """Whether its echo can be expected: a stream's would bear no mark."""
        content = outbound.content
        flows = isinstance(content, AgentReply) and content.unfinished
        return self._echoes.hears(channel) and not flows

    def _left(self, until: datetime) -> timedelta:
        return max(timedelta(), until - self._clock.now())

    async def _echoed(
        self, workspace: Workspace, outbound: Outbound, place: Place, most: timedelta
    ) -> ids.Spot | None:
        """Where it stands, as soon as it comes back. What landed in the open is taken back."""
        echo = await self._echoes.wait(place.channel, outbound.id, most)
        if echo is not None and echo.root != place.root:
            async with judged(workspace, outbound, posting=False):
                await take_back(workspace, echo.spot)
        return echo.spot if echo else None

    async def _look(
        self,
        workspace: Workspace,
        outbound: Outbound,
        place: Place,
        since: datetime,
        begun: datetime,
    ) -> ids.Spot | None:
        """Look once. What landed in the open channel, as its thread is gone, is taken back."""
        async with judged(workspace, outbound, posting=False):
            try:
                return await self._seen(workspace, outbound, place, since, begun)
            except Refusal as refusal:
                if refusal.code != "thread_not_found":
                    raise
                above = replace(place, root="")
                stray = await self._seen(workspace, outbound, above, since, begun)
                if stray is None:
                    raise
                await take_back(workspace, stray)

    async def _seen(
        self,
        workspace: Workspace,
        outbound: Outbound,
        place: Place,
        since: datetime,
        begun: datetime,
    ) -> ids.Spot | None:
        reading = await self._readings.of(workspace, place, outbound.id, since=since, begun=begun)
        spots = reading.spots(place, outbound, since, self._streams.spots)
        if not spots:
            return None
        # An echo may have told of one of them meanwhile, or tell later: the same one stays.
        known = self._echoes.stands(outbound.id, Echo(spots[0], place.root))
        first = known.spot if known else spots[0]
        for twin in spots:
            if twin != first:
                self._twins.remove(place.team, twin, outbound.id, beside=first)
        return first

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Make the message at `receipt` show `outbound`; its author stays as posted."""
        spot, thread = spot_of(receipt), thread_of(outbound.thread)
        workspace = await self._workspaces.of(thread.team)
        async with self._streams.ending(workspace, outbound, spot) as stopped:
            message = stopped.get("message")
            if isinstance(message, dict) and message.get("thread_ts") != thread.root:
                await take_back(workspace, spot)
            await change(workspace, outbound, spot)

    async def grow(self, outbound: Outbound, receipt: Receipt) -> None:
        """Show more of the unfinished message at `receipt`, or leave it to the next growth."""
        spot = spot_of(receipt)
        workspace = await self._workspaces.of(thread_of(outbound.thread).team)
        growth = msgspec.structs.replace(outbound, urgency=Urgency.GROWTH)
        await self._streams.grow(workspace, growth, spot, lambda: change(workspace, growth, spot))

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        """Show or clear a status below the thread; Slack clears it with the next reply."""
        place = thread_of(thread)
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


def _first_call(outbound: Outbound, thread: SlackThread, *, revising: bool) -> str:
    """The method by which it will be shown, or changed."""
    if revising:
        return "chat.update"
    return "chat.postEphemeral" if private(outbound, thread) else "chat.postMessage"


def _status(signal: Signal) -> str:
    match signal.kind:
        case SignalKind.CLEAR:
            return ""
        case SignalKind.TYPING:
            name = markup.label(signal.name or "", limits.USERNAME)
            return f"{name} is typing…".lstrip()
        case SignalKind.THINKING:
            return "is thinking…"
