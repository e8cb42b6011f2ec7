"""What is the bridge told of an event? Where it stands is looked up if it does not say itself."""

from collections import OrderedDict
from datetime import datetime
from typing import Any

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls
from adapters.matrix.places import Account, Place, Room, place_of
from adapters.matrix.reading import Event, Press, Told, Words, place_in
from adapters.matrix.rendering import delivery_in
from bridge.errors import Rejected
from bridge.model.ids import PersonId
from bridge.model.inbound import Clicked, Deleted, Edited, Inbound, InboundBody, Said, ThreadGone
from bridge.model.messages import Person
from bridge.plugin import Host

#: How many messages are remembered by where they stand and who wrote them.
_MOST = 10_000


class Arrivals:
    """Makes inbounds of what was told."""

    def __init__(self, calls: Calls, host: Host, me: Account) -> None:
        self._calls = calls
        self._host = host
        self._me = me
        self._origins: OrderedDict[str, tuple[Place, str]] = OrderedDict()

    async def inbounds(self, told: Told, room: Room, order: str) -> list[Inbound]:
        """What the bridge is told; nothing, if nobody knows what it is about.

        Raises like `Calls.ask`, and DatabaseFailed.
        """
        what = told.what
        if isinstance(what, Words):
            self._note(told.id, what.place, told.sender)
            said = Said(what.text)
            return [self._inbound(told, room, order, what.place, said, told.id, opens=what.opens)]
        if isinstance(what, Press):
            return await self._clicked(told, what, room, order)
        if what.text is None:
            places = await self._places_of(what.original, room)
            return [self._about(told, room, order, p, Deleted(what.original)) for p in places]
        origin = await self._origin(what.original, room)
        if origin is None or origin[1] != told.sender:
            return []  # nobody may put words into another's mouth
        return [self._about(told, room, order, origin[0], Edited(what.original, what.text))]

    async def gone(self, room: str, cause: str, order: str, at: datetime) -> list[Inbound]:
        """We are not in `room` any more: each of its threads is over."""
        nobody = Person(PersonId(self._me.user))
        return [
            Inbound(
                thread=place.key,
                identities=(f"{cause} {place.key}",),
                order=order,
                person=nobody,
                at=at,
                body=ThreadGone(),
                place=room,
                account=self._me.server,
            )
            for place in await self._open_in(room)
        ]

    async def _clicked(self, told: Told, press: Press, room: Room, order: str) -> list[Inbound]:
        event = await self._event(room.id, press.target)
        delivery = delivery_in(event.get("content"))
        if delivery is None or event.get("sender") != self._me.user:
            return []
        place = place_in(event.get("content"), press.target, room)
        return [self._about(told, room, order, place, Clicked(delivery, press.index))]

    async def _origin(self, original: str, room: Room) -> tuple[Place, str] | None:
        """Where a message stands and who wrote it."""
        if original not in self._origins:
            event = await self._event(room.id, original)
            sender = event.get("sender")
            if not isinstance(sender, str) or not event.get("content"):
                return None  # unknown, or taken back since: then nobody can tell where it stood
            self._note(original, place_in(event.get("content"), original, room), sender)
        return self._origins[original]

    async def _places_of(self, original: str, room: Room) -> list[Place]:
        """Where a message stood that was taken back: the server has forgotten in which thread.

        If nobody remembers, every open thread of the room is told; all but one do not know it.
        """
        if original in self._origins:
            return [self._origins[original][0]]
        event = await self._event(room.id, original)
        if event.get("type") == "m.reaction" or event.get("sender") == self._me.user:
            return []  # a reaction that is taken back, or ours: of neither was anything told
        return await self._open_in(room.id)

    async def _open_in(self, room: str) -> list[Place]:
        places = [place_of(key) for key in await self._host.open_threads(room)]
        return [place for place in places if place.room == room]

    async def _event(self, room: str, identity: str) -> Event:
        """The event as the server has it; empty if we may not see it."""
        try:
            return await self._calls.ask(endpoints.event(room, identity))
        except Rejected:
            return {}

    def _note(self, identity: str, place: Place, sender: str) -> None:
        self._origins[identity] = (place, sender)
        while len(self._origins) > _MOST:
            self._origins.popitem(last=False)

    def _about(
        self, told: Told, room: Room, order: str, place: Place, body: InboundBody
    ) -> Inbound:
        """About an earlier message, perhaps in one of several places."""
        return self._inbound(told, room, order, place, body, f"{told.id} {place.root}")

    def _inbound(
        self,
        told: Told,
        room: Room,
        order: str,
        place: Place,
        body: InboundBody,
        identity: str,
        **further: Any,  # noqa: ANN401 - `opens`, checked where the value is made
    ) -> Inbound:
        return Inbound(
            thread=place.key,
            identities=(identity,),
            order=order,
            person=Person(PersonId(told.sender), room.name_of(told.sender)),
            at=min(told.at, self._host.clock.now()),  # a server may claim any time
            body=body,
            place=room.id,
            account=self._me.server,
            **further,
        )
