"""When may a call go? One gate for each method of each workspace, which obeys Slack's pauses.

A pause (429 with Retry-After) holds its method in the whole workspace, also where only one channel
may have been meant: Slack does not say which, our own pace in a channel is already below its floor,
and a call made in a pause can prolong it. It is noted, so that a restart does not break it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.slack.logs import LOG
from adapters.slack.web.buckets import Bucket, allowed, allowed_in_channel
from adapters.slack.web.lanes import Lanes, Waiting, is_whisper
from adapters.slack.web.notes import Notes
from bridge.clock import Clock
from bridge.errors import RetryLater
from bridge.model.delivery import Urgency
from bridge.plugin import Host

#: How long a passing sign of life or a growth may wait; then the next one says more.
WHISPER: Final = timedelta(seconds=2)
#: A turn that was taken and not used lapses: in time for its call to count as made when it goes.
LAPSE: Final = timedelta(seconds=10)

_MOST_TURNS: Final = 1000
_MOST_WAITING: Final = 10_000
_MOST_CHANNELS: Final = 1000
_CROWDED: Final = timedelta(seconds=30)
#: A growth by one of these says everything again; by any other, only what is new.
_WHOLE: Final = frozenset({"chat.update"})
_PREFIX: Final = "pause:"
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Governor:
    """The gates of every workspace. `governing` makes one."""

    def __init__(self, clock: Clock, notes: Notes) -> None:
        self.clock = clock
        self.notes = notes
        self._tasks: set[asyncio.Task[None]] = set()
        self._workspaces: dict[str, Turns] = {}

    def of(self, team: str) -> "Turns":
        """Those of one workspace: the same, however often it is connected anew."""
        return self._workspaces.setdefault(team, Turns(team, self.clock, self.notes, self._tasks))

    async def recall(self) -> None:
        """Obey the pauses that an earlier run was asked for."""
        for key, text in (await self.notes.read(_PREFIX)).items():
            team, _, method = key.removeprefix(_PREFIX).partition(":")
            pause, now = _pause(text), self.clock.now()
            if pause is None or pause[1] <= now:
                self.notes.erase(key)
            else:  # the clock may have been set back since: not longer than was asked for
                asked, until = pause
                self.of(team).hold(method, min(until, now + (until - asked)))

    async def close(self) -> None:
        """Leave no task behind, nobody waiting, and no note unwritten."""
        for turns in self._workspaces.values():
            turns.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.notes.close()


@asynccontextmanager
async def governing(host: Host) -> AsyncIterator[Governor]:
    """A governor that remembers, for as long as the block lasts."""
    governor = Governor(host.clock, Notes(host.memory))
    await governor.recall()
    try:
        yield governor
    finally:
        await governor.close()


class Turns:
    """The gates of one workspace, and the turns that are taken and not used yet."""

    def __init__(
        self, team: str, clock: Clock, notes: Notes, tasks: "set[asyncio.Task[None]]"
    ) -> None:
        self.clock = clock
        self._team = team
        self.notes = notes
        self._tasks = tasks
        self.closed = False
        self._gates: dict[str, _Gate] = {}
        self._taken: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    async def wait(self, method: str, channel: str, urgency: Urgency, *, about: str = "") -> None:
        """Return when a call of `method` may go; it counts as made.

        A newer call about the same message takes the place of a growth that waits.

        Raises:
            RetryLater: it is only a whisper and cannot go soon, or too many wait.
        """
        self._overtake(method, urgency, about)
        await self._gate(method).wait(channel, urgency, about)

    async def take(self, owed: str, method: str, channel: str, urgency: Urgency) -> None:
        """Wait for the turn of what is owed, to be used by a call that follows soon."""
        if (owed, method) in self._unlapsed() and not self._gate(method).held:
            return
        await self.wait(method, channel, urgency)
        self._taken.pop((owed, method), None)  # the oldest stays the first
        self._taken[owed, method] = self.clock.now() + LAPSE
        while len(self._taken) > _MOST_TURNS:
            self._taken.popitem(last=False)

    def use(self, owed: str, method: str, *, about: str = "") -> bool:
        """Whether a turn was taken for what is owed; it is used up.

        Raises:
            RetryLater: there was one, but Slack has asked for a pause since. Whoever has taken a
                turn has also written down an attempt, which should not stay in doubt for so long.
        """
        if self._unlapsed().pop((owed, method), None) is None:
            return False
        self._overtake(method, Urgency.ANSWER, about)
        if held := self._gate(method).held:
            raise RetryLater(f"Slack asked to wait with {method}", after=held)
        return True

    def close(self) -> None:
        """Let nobody through any more: who waits, and whoever still comes, is turned away."""
        self.closed = True
        for gate in self._gates.values():
            gate.close()

    def pause(self, method: str, after: timedelta) -> None:
        """Obey Slack: none of `method` for so long."""
        now = self.clock.now()
        until = now + after
        if not self._gate(method).held:
            LOG.warning(
                "slack.slowed_down",
                extra={"team": self._team, "method": method, "seconds": after.total_seconds()},
            )
        self.hold(method, until)
        self.notes.write(self._key(method), f"{now.isoformat()} {until.isoformat()}")

    def hold(self, method: str, until: datetime) -> None:
        """Let none of `method` go before `until`."""
        self._gate(method).hold(until)

    def _overtake(self, method: str, urgency: Urgency, about: str) -> None:
        """An end of a message outdates its growths; so does a growth that says all of it."""
        gates = self._gates.values() if urgency is not Urgency.GROWTH else [self._gate(method)]
        if about and (urgency is not Urgency.GROWTH or method in _WHOLE):
            for gate in gates:
                gate.overtake(about)

    def _unlapsed(self) -> OrderedDict[tuple[str, str], datetime]:
        now = self.clock.now()
        while self._taken and next(iter(self._taken.values())) <= now:
            self._taken.popitem(last=False)
        return self._taken

    def _gate(self, method: str) -> "_Gate":
        if method not in self._gates:
            self._gates[method] = _Gate(method, self)
        return self._gates[method]

    def over(self, method: str) -> None:
        """A pause has passed."""
        self.notes.erase(self._key(method))

    def start(self, alarm: "asyncio.Task[None]") -> None:
        """Own a task until it ends."""
        self._tasks.add(alarm)
        alarm.add_done_callback(self._tasks.discard)

    def _key(self, method: str) -> str:
        return f"{_PREFIX}{self._team}:{method}"


class _Gate:
    """One method: whoever waits for it is let through as its buckets allow."""

    def __init__(self, method: str, turns: Turns) -> None:
        self._method = method
        self._turns = turns
        self._clock = turns.clock
        self._shared = Bucket(allowed(method), self._clock.now())
        self._channels: dict[str, Bucket] = {}
        self._lanes = Lanes()
        self._until: datetime | None = None
        self._alarm: tuple[datetime, asyncio.Task[None]] | None = None

    @property
    def held(self) -> timedelta:
        """How long a pause still lasts; nothing if there is none."""
        if self._until is None:
            return timedelta()
        return max(timedelta(), self._until - self._clock.now())

    async def wait(self, channel: str, urgency: Urgency, about: str) -> None:
        """Return when it is the caller's turn."""
        now = self._clock.now()
        if self._is_open(channel, urgency, now):
            self._take(channel, now)
            return
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        one = Waiting(urgency=urgency, since=now, told=told, channel=channel, about=about)
        self._refuse_hopeless(one, now)
        self._lanes.add(one)
        try:
            # Thousands may come at once: while nobody may go, nobody looks through all who wait.
            if (due := self._due(one)) <= now:
                self._serve()
            else:
                self._set_alarm(due)
            await told
        finally:
            # An alarm that rings too soon does no harm.
            if self._lanes.remove(one) and not len(self._lanes) and self._alarm is not None:
                self._alarm[1].cancel()
                self._alarm = None

    def _is_open(self, channel: str, urgency: Urgency, now: datetime) -> bool:
        """Whether nobody waits and nothing stands in the way: so it is nearly always."""
        if self._turns.closed or self._until is not None or len(self._lanes):
            return False
        return self._free_at(channel, urgency) <= now

    def close(self) -> None:
        """Turn away everybody who waits."""
        for urgency in Urgency:
            for one in self._lanes.of(urgency):
                self._turn_away(one, timedelta())

    def overtake(self, about: str) -> None:
        """A growth of this message that still waits is out of date."""
        for one in self._lanes.of(Urgency.GROWTH):
            if one.about == about:
                self._turn_away(one, timedelta())

    def hold(self, until: datetime) -> None:
        """Let nobody through before `until`."""
        self._until = max(until, self._until or until)
        self._shared.hold(until)
        self._serve()

    def _refuse_hopeless(self, one: Waiting, now: datetime) -> None:
        """Raise RetryLater where there is no sense in waiting."""
        if self._turns.closed:
            raise RetryLater("the adapter is leaving", after=timedelta())
        if len(self._lanes) >= _MOST_WAITING:
            raise RetryLater(f"too many calls of {self._method} wait", after=_CROWDED)
        if one.whisper:
            one.until = now + WHISPER
            if (free_at := self._free_at(one.channel, one.urgency)) > one.until:
                raise RetryLater(f"no room for {self._method} now", after=free_at - now)

    def _serve(self) -> None:
        """Let through whoever may go at this instant; see to it that the next is thought of."""
        now = self._clock.now()
        if self._until is not None and self._until <= now:
            self._until = None
            self._turns.over(self._method)
        for urgency in (Urgency.SIGNAL, Urgency.GROWTH):
            for one in self._lanes.of(urgency):
                if one.until is not None and one.until <= now:
                    self._turn_away(one, WHISPER)
        while following := self._lanes.next(
            now, lambda one: self._free_at(one.channel, one.urgency) <= now
        ):
            if not following.told.done():
                self._take(following.channel, now)
                following.told.set_result(None)
        if (due := min(map(self._due, self._lanes.heads()), default=None)) is not None:
            self._set_alarm(due)

    def _turn_away(self, one: Waiting, after: timedelta) -> None:
        self._lanes.remove(one)
        if not one.told.done():
            one.told.set_exception(RetryLater(f"no room for {self._method} in time", after=after))

    def _free_at(self, channel: str, urgency: Urgency) -> datetime:
        """When the buckets would let such a call through, were nobody before it."""
        spare = self._shared.spare if is_whisper(urgency) else 0
        free_at = self._shared.free_at(leaving=spare)
        bucket = self._channels.get(channel)
        return max(free_at, bucket.free_at()) if bucket else free_at

    def _take(self, channel: str, now: datetime) -> None:
        self._shared.take(now)
        allowance = allowed_in_channel(self._method) if channel else None
        if allowance is not None:
            if len(self._channels) >= _MOST_CHANNELS:
                self._channels = {c: b for c, b in self._channels.items() if not b.full(now)}
            if (bucket := self._channels.get(channel)) is None:
                bucket = self._channels[channel] = Bucket(allowance, now)
            bucket.take(now)

    def _due(self, one: Waiting) -> datetime:
        """When it may go, or is to be turned away."""
        return min(self._free_at(one.channel, one.urgency), one.until or _NEVER)

    def _set_alarm(self, due: datetime) -> None:
        """Look again at `due`, if not before."""
        if self._alarm is not None:
            if self._alarm[0] <= due:
                return
            self._alarm[1].cancel()
        alarm = asyncio.create_task(self._ring(due - self._clock.now()), name="slack-gate")
        self._turns.start(alarm)
        self._alarm = (due, alarm)

    async def _ring(self, wait: timedelta) -> None:
        await self._clock.sleep(wait)
        self._alarm = None
        self._serve()


def _pause(text: str) -> tuple[datetime, datetime] | None:
    """When a pause was asked for, and until when."""
    try:
        asked, until = map(datetime.fromisoformat, text.split())
    except ValueError:
        return None
    return (asked, until) if asked.tzinfo and until.tzinfo else None
