"""Sealed events, opened and answered."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from adapters.matrix.encryption.events import answering, opened_event

ROOM = "!room:example.org"
THREAD = {"rel_type": "m.thread", "event_id": "$root"}


def event(further: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    content = {"ciphertext": "…", **further}
    return {"type": "m.room.encrypted", "event_id": "$a", "sender": "@a:b", "content": content}


def told(content: Mapping[str, Any], room: str = ROOM) -> bytes:
    return json.dumps({"room_id": room, "type": "m.room.message", "content": content}).encode()


def test_what_was_sealed_takes_the_place_of_the_ciphertext() -> None:
    opened = opened_event(ROOM, event(), told({"body": "hello"}))

    assert opened == event() | {"type": "m.room.message", "content": {"body": "hello"}}


def test_how_it_relates_is_told_in_the_clear_alone() -> None:
    hidden = told({"m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}})

    assert opened_event(ROOM, event(), hidden)["content"] == {}
    clear = opened_event(ROOM, event({"m.relates_to": THREAD}), hidden)
    assert clear["content"] == {"m.relates_to": THREAD}


def test_what_was_sealed_for_another_room_or_makes_no_sense_says_nothing() -> None:
    assert opened_event(ROOM, event(), told({"body": "yes"}, "!other:example.org")) == {}
    assert opened_event(ROOM, event(), b"\xff nonsense") == {}
    assert opened_event(ROOM, event(), b"[]") == {}


def test_an_answer_stands_where_the_event_does() -> None:
    reply = {"m.in_reply_to": {"event_id": "$a"}}

    assert answering(event()) == reply
    assert answering(event({"m.relates_to": THREAD})) == {**THREAD, **reply}
