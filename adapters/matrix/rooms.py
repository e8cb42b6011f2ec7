"""Who is where? What is known of each room, asked for once and kept up by what the sync tells."""

from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls
from adapters.matrix.places import Room
from adapters.matrix.reading import Event
from bridge.errors import Rejected


class Rooms:
    """The rooms that something happened in since we connected."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: dict[str, Room] = {}

    async def of(self, identity: str) -> Room | None:
        """What is known of a room; None if we are not in it. Raises like `Calls.ask`."""
        if identity not in self._known:
            try:
                self._known[identity] = await self._asked(identity)
            except Rejected:
                return None
        return self._known[identity]

    def knows(self, identity: str) -> bool:
        """Whether it was asked for before."""
        return identity in self._known

    def note(self, identity: str, event: Event) -> None:
        """Something happened in a room: if it is known, who is there and how may have changed."""
        if identity in self._known:
            self._known[identity] = after(self._known[identity], event)

    def forget(self, identity: str) -> None:
        """We are not in it any more."""
        self._known.pop(identity, None)

    def shared_with(self, user: str) -> bool:
        """Whether somebody is in one of the rooms that something happened in."""
        return any(user in room.members for room in self._known.values())

    async def joined(self) -> set[str]:
        """The rooms we are in at this moment. Raises like `Calls.ask`."""
        answer = await self._calls.ask(endpoints.joined())
        listed = answer.get("joined_rooms")
        return {str(each) for each in listed} if isinstance(listed, list) else set()

    async def _asked(self, identity: str) -> Room:
        answer = await self._calls.ask(endpoints.members(identity))
        joined = answer.get("joined")
        listed = joined if isinstance(joined, dict) else {}
        members = {user: _named(told) for user, told in listed.items()}
        return Room(identity, members, await self._is_encrypted(identity))

    async def _is_encrypted(self, identity: str) -> bool:
        try:
            await self._calls.ask(endpoints.encryption(identity))
        except Rejected:  # 404: it has no such state
            return False
        return True


def after(room: Room, event: Event) -> Room:
    """The room when that has happened in it."""
    if "state_key" not in event:
        return room
    match event.get("type"):
        case "m.room.encryption":
            return msgspec.structs.replace(room, encrypted=True)
        case "m.room.member":
            members = _moved(room.members, str(event["state_key"]), event.get("content"))
            return msgspec.structs.replace(room, members=members)
    return room


def before(room: Room, events: Sequence[Event]) -> Room:
    """The room before all of that happened: who is there now need not have been there then."""
    members = room.members
    for event in reversed(events):
        if event.get("type") != "m.room.member" or "state_key" not in event:
            continue
        unsigned = event.get("unsigned")
        told = unsigned if isinstance(unsigned, dict) else {}
        # Where something was replaced, and nobody says what, they are left as they are.
        if "prev_content" in told or "replaces_state" not in told:
            members = _moved(members, str(event["state_key"]), told.get("prev_content"))
    return msgspec.structs.replace(room, members=members)


def _moved(members: dict[str, str], user: str, content: object) -> dict[str, str]:
    """Who is there after somebody came, went or took another name."""
    told = content if isinstance(content, dict) else {}
    if told.get("membership") == "join":
        return members | {user: _named(told)}
    return {name: shown for name, shown in members.items() if name != user}


def _named(told: object) -> str:
    """A display name as it stands in a profile (`display_name`) or a membership (`displayname`)."""
    fields: dict[str, Any] = told if isinstance(told, dict) else {}
    name = fields.get("displayname", fields.get("display_name"))
    return name.strip() if isinstance(name, str) else ""
