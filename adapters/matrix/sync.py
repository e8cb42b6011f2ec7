"""How do we hear? One long poll after another, from a place that moves on when all is stored.

The place is the server's token of what we have. It is remembered after everything before it was
accepted, and the next poll that names it is the acknowledgement. `order` of an inbound is its
number among all that were ever accepted, which is remembered together with it.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from adapters.matrix import endpoints
from adapters.matrix.arrivals import Arrivals
from adapters.matrix.calls import Calls, Misunderstood
from adapters.matrix.invitations import Invitations
from adapters.matrix.places import Account, Room
from adapters.matrix.reading import Event, read
from adapters.matrix.rooms import Rooms, after, before
from adapters.matrix.timeline import PAGE, TYPES, at_hand, events_in, whole
from adapters.matrix.troubles import Troubles
from bridge.errors import DatabaseFailed, Rejected, RetryLater, Unreachable
from bridge.model.inbound import Inbound
from bridge.plugin import Host

if TYPE_CHECKING:  # its library may be missing
    from adapters.matrix.encryption.machine import Encryption

_log = logging.getLogger("polyai_bridge.matrix")

_KEY = "sync"
#: How long the server may keep a poll that has nothing to tell.
_POLL = timedelta(seconds=30)
#: The same while a message waits for its key, and somebody perhaps to be told that it never came.
_SHORT_POLL = timedelta(seconds=5)
_NOTHING: dict[str, Any] = {"types": []}
_ROOM = {
    "timeline": {"limit": PAGE, "types": TYPES},
    "state": {"types": ["m.room.member", "m.room.encryption"], "lazy_load_members": True},
    "ephemeral": _NOTHING,
    "account_data": _NOTHING,
}
_FILTER = {"presence": _NOTHING, "account_data": _NOTHING, "room": _ROOM}
#: The first sync of all tells no history, only where we are and where we are called.
_FROM_NOW = {**_FILTER, "room": {**_ROOM, "timeline": {"limit": 1, "types": TYPES}}}
#: More than one answer can tell, with all its gaps.
_LEAP = 10**6
#: From this failure in a row on it is told.
_TOLD = 2
#: So often in a row the server must make nothing of our place.
_REFUSALS = 3
#: After the first failure, doubled with each further one up to the last.
_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=250), timedelta(seconds=30)


class Sync:
    """Everything the account hears, told to the host."""

    def __init__(
        self,
        calls: Calls,
        host: Host,
        me: Account,
        rooms: Rooms,
        invitations: Invitations,
        encryption: "Encryption | None" = None,
    ) -> None:
        self._calls = calls
        self._host = host
        self._me = me
        self._rooms = rooms
        self._invitations = invitations
        self._encryption = encryption
        self._arrivals = Arrivals(calls, host, me)
        self._troubles = Troubles()
        self._since = ""
        self._count = 0
        self._failures = 0
        self._refusals = 0  #: how often in a row the server made nothing of our place
        self._away = asyncio.Event()  #: the server does not answer: what it was asked is lost
        #: Told whenever the server has answered.
        self.heard: Callable[[], None] = lambda: None

    def answers(self, trouble: str | None) -> None:
        """The server does not answer (`trouble`), or does again (None), whatever it was asked."""
        if trouble is None:
            self._away.clear()
            if self._failures < _TOLD:
                self._host.report(connected=True)
        else:
            self._away.set()
            self._host.report(connected=False, detail=trouble)

    async def begin(self) -> None:
        """Go on where the last run ended; the very first begins now, without history.

        Raises like `Calls.ask`, and DatabaseFailed.
        """
        await self._invitations.begin()
        kept = _record(await self._host.memory.recall(_KEY))
        # More than were accepted behind that place before a crash: what they were is told again,
        # but perhaps less of it, as people take things back.
        self._count = int(kept.get("count", 0)) + _LEAP
        # Another account's place is none of ours; but the count goes on, for the order's sake.
        self._since = kept.get("since", "") if kept.get("user") == self._me.user else ""
        if not self._since:
            await self._begin_now()

    async def run(self) -> None:
        """Hear until cancelled.

        Raises:
            CredentialsRefused: the token is no good any more.
        """
        while True:
            try:
                await self._go_on()
            except (RetryLater, Unreachable, Rejected, DatabaseFailed) as error:
                await self._pause(error)
            else:
                self._went_well()

    async def _go_on(self) -> None:
        """Take what comes next; from now, if the server certainly knows our place no longer.

        Only a server that takes a sync from now, and none from there, proves that. Any other
        refusal (a proxy that leads elsewhere, an account with a limit) passes, and loses nothing.
        """
        try:
            batch = await self._poll(self._since, self._longest_poll())
        except Misunderstood as error:
            self._refusals += 1
            if self._refusals < _REFUSALS:
                raise
            await self._begin_now()
            _log.error("matrix.place_refused", extra={"error": error.message})
        else:
            await self._take(batch)
        self._refusals = 0

    async def _begin_now(self) -> None:
        batch = await self._poll("", timedelta())
        await self._invited(batch)
        if self._encryption is None:
            await self._refuse_encrypted(batch)
        else:
            self._encryption.begin_anew()
            await self._encryption.hear(batch, self._invitations.open)
        await self._reached(batch, changed=True)

    async def _refuse_encrypted(self, batch: dict[str, Any]) -> None:
        for room, section in _sections(batch, "join"):
            state = section.get("state")
            listed = events_in(state.get("events") if isinstance(state, dict) else None)
            if any(event.get("type") == "m.room.encryption" for event in listed):
                with suppress(RetryLater, Unreachable):  # then as soon as anybody writes there
                    await self._invitations.refuse(room)

    async def _poll(self, since: str, waits: timedelta) -> dict[str, Any]:
        """What the server tells. A poll that is kept while it does not answer is given up."""
        polling = asyncio.ensure_future(
            self._calls.ask(endpoints.sync(since, waits, _FILTER if since else _FROM_NOW))
        )
        away = asyncio.ensure_future(self._away.wait())
        try:
            await asyncio.wait((polling, away), return_when=asyncio.FIRST_COMPLETED)
            if polling.done():
                return polling.result()
        finally:
            polling.cancel()
            away.cancel()
        raise Unreachable("the homeserver does not answer")

    async def _take(self, batch: dict[str, Any]) -> None:
        """Everything in it; only then have we reached its end."""
        before = self._count
        await self._invited(batch)
        if self._encryption is not None:
            # The keys before what they open.
            await self._encryption.hear(batch, self._invitations.open)
        for room, section in self._troubles.last(_sections(batch, "join")):
            await self._joined(room, section)
        for room, section in _sections(batch, "leave"):
            with self._troubles.held_up(room):
                await self._left(room, section)
        await self._hear_late()
        await self._reached(batch, changed=self._count != before or bool(batch.get("rooms")))

    async def _invited(self, batch: dict[str, Any]) -> None:
        for room, section in _sections(batch, "invite"):
            state = section.get("invite_state")
            listed = events_in(state.get("events") if isinstance(state, dict) else None)
            await self._invitations.hear(room, list(listed))

    async def _joined(self, identity: str, section: Event) -> None:
        happened: tuple[Room, list[Event]] | None = None
        with self._troubles.held_up(identity):
            happened = await self._happened(identity, section)
        if happened is None:
            return
        then, events = happened
        for event in events:
            with self._troubles.held_up(identity, str(event.get("event_id"))[:255]):
                then = after(then, event)
                self._rooms.note(identity, event)
                await self._heard(then, event)
        with self._troubles.held_up(identity):
            room = await self._rooms.of(identity)
            if room is not None and room.encrypted and self._encryption is None:
                await self._invitations.refuse(identity)

    async def _happened(self, identity: str, section: Event) -> tuple[Room, list[Event]] | None:
        """The room as it was, and what happened there since; None if we have left it since."""
        known = self._rooms.knows(identity)
        room = await self._rooms.of(identity)
        if room is None:
            return None  # the next answer says so
        state = section.get("state")
        for event in events_in(state.get("events") if known and isinstance(state, dict) else None):
            self._rooms.note(identity, event)
        events = at_hand(section, self._me.user)
        with self._troubles.held_up(identity, "gap"):
            events = await whole(self._calls, identity, section, self._since, self._me.user)
        return room if known else before(room, events), events

    async def _heard(self, room: Room, event: Event) -> None:
        if event.get("type") != endpoints.SEALED or self._encryption is None:
            await self._told(room, event)
            return
        opened = await self._encryption.opened(room.id, event)
        if opened is None:
            await self._encryption.waiting.add(room.id, event)
        else:
            await self._told(room, opened)

    async def _hear_late(self) -> None:
        """What waited for its key, and has it now; whoever waited too long is told."""
        if self._encryption is None:
            return
        for unread in self._encryption.waiting.all():
            with self._troubles.held_up(unread.room, str(unread.event["event_id"])):
                opened = await self._encryption.opened(unread.room, unread.event)
                room = await self._rooms.of(unread.room)
                if opened is not None:
                    if room is not None:
                        await self._told(room, opened)
                elif self._encryption.waiting.over(unread):
                    await self._encryption.give_up(unread)
                else:
                    continue
                await self._encryption.waiting.drop(unread)

    def _longest_poll(self) -> timedelta:
        waits = self._encryption is not None and self._encryption.waiting
        return _SHORT_POLL if waits else _POLL

    async def _told(self, room: Room, event: Event) -> None:
        told = read(event, room, self._me)
        if told is None:
            return
        for inbound in await self._arrivals.inbounds(told, room, self._order()):
            await self._accept(inbound)

    async def _left(self, identity: str, section: Event) -> None:
        """We left a room, or were made to."""
        self._rooms.forget(identity)
        if self._encryption is not None:
            self._encryption.left(identity)
        timeline = section.get("timeline")
        events = events_in(timeline.get("events") if isinstance(timeline, dict) else None)
        cause = str(events[-1].get("event_id")) if events else self._since
        now = self._host.clock.now()
        for inbound in await self._arrivals.gone(identity, cause, self._order(), now):
            await self._accept(inbound)

    async def _accept(self, inbound: Inbound) -> None:
        await self._host.accept(inbound)
        self._count += 1

    def _order(self) -> str:
        return f"{self._count:016}"

    async def _reached(self, batch: dict[str, Any], *, changed: bool) -> None:
        """All before the end of this answer is stored; idle polls cost no disk."""
        reached = batch.get("next_batch")
        if not isinstance(reached, str) or not reached:
            raise Unreachable("the homeserver's answer to a sync names no place")
        if changed:
            kept = {"user": self._me.user, "since": reached, "count": self._count}
            await self._host.memory.remember(_KEY, json.dumps(kept))
        self._since = reached
        self._troubles.over()

    async def _pause(self, error: RetryLater | Unreachable | DatabaseFailed | Rejected) -> None:
        """Say once that it does not go well, and wait."""
        self._failures += 1
        if self._failures == _TOLD:
            self._host.report(connected=False, detail=error.message)
        if isinstance(error, RetryLater):
            await self._host.clock.sleep(error.after)
            return
        longest = _LONGEST_PAUSE / _PAUSE
        await self._host.clock.sleep(_PAUSE * min(2.0 ** min(self._failures - 1, 20), longest))

    def _went_well(self) -> None:
        if self._failures >= _TOLD:
            self._host.report(connected=True)
        self._failures = 0
        self.heard()


def _record(text: str | None) -> dict[str, Any]:
    try:
        kept = json.loads(text) if text else {}
    except ValueError:
        kept = {}
    return kept if isinstance(kept, dict) else {}


def _sections(batch: dict[str, Any], kind: str) -> list[tuple[str, Event]]:
    """The rooms of one kind in an answer, with what it says of each."""
    rooms = batch.get("rooms")
    listed = rooms.get(kind) if isinstance(rooms, dict) else None
    found = listed if isinstance(listed, dict) else {}
    return [(room, section) for room, section in found.items() if isinstance(section, dict)]
