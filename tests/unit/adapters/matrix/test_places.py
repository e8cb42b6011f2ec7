"""Where things are, and how people are called there."""

import pytest

from adapters.matrix.places import Room
from adapters.matrix.rooms import after, before

ROOM = Room("!r", {"@ann:e.example": "Ann", "@ben:e.example": "Ben", "@cy:e.example": ""})


def member(user: str, now: dict[str, str], **unsigned: object) -> dict[str, object]:
    return {"type": "m.room.member", "state_key": user, "content": now, "unsigned": unsigned}


def test_people_are_called_as_they_want() -> None:
    assert ROOM.name_of("@ann:e.example") == "Ann"
    assert ROOM.name_of("@cy:e.example") is None
    assert ROOM.name_of("@nobody:e.example") is None


@pytest.mark.parametrize("name", ["Ann", "ann", "\uff21nn"])
def test_who_takes_anothers_name_does_not_pass_for_them(name: str) -> None:
    forged = after(ROOM, member("@eve:e.example", {"membership": "join", "displayname": name}))

    assert forged.name_of("@eve:e.example") is None
    assert forged.name_of("@ann:e.example") is None
    assert forged.name_of("@ben:e.example") == "Ben"


def test_a_room_before_people_came_left_and_were_named() -> None:
    joined = {"membership": "join"}
    named = joined | {"displayname": "Annie"}
    events = [
        member("@dan:e.example", {"membership": "leave"}, prev_content=joined, replaces_state="$1"),
        member("@ben:e.example", joined),
        member("@ann:e.example", joined, prev_content=named, replaces_state="$2"),
        member("@cy:e.example", joined, replaces_state="$3"),
    ]

    assert before(ROOM, events).members == {
        "@dan:e.example": "",
        "@ann:e.example": "Annie",
        "@cy:e.example": "",
    }
