"""What an event of a room says to us."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.matrix.places import Account, Place, Room, place_of
from adapters.matrix.reading import Change, Press, Words, read
from adapters.matrix.rendering import MARK

ME = Account("@poly:e.example", "Poly")
MANY = Room("!r", {"@poly:e.example": "Poly", "@ann:e.example": "Ann", "@ben:e.example": ""})
TWO = Room("!d", {"@poly:e.example": "Poly", "@ann:e.example": "Ann"})
MENTION = {"m.mentions": {"user_ids": ["@poly:e.example"]}}
THREAD = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$root"}}


def event(
    content: dict[str, Any], kind: str = "m.room.message", **further: object
) -> dict[str, Any]:
    return {
        "type": kind,
        "event_id": "$e",
        "sender": "@ann:e.example",
        "origin_server_ts": 1_700_000_000_000,
        "content": content,
    } | further


def text(body: str, **further: object) -> dict[str, Any]:
    return event({"msgtype": "m.text", "body": body} | further)


def said(told: dict[str, Any], room: Room = TWO) -> Words | Change | Press | None:
    found = read(told, room, ME)
    return None if found is None else found.what


def test_a_mention_at_the_top_of_a_room_opens_a_thread_under_it() -> None:
    assert said(text("Poly: hi", **MENTION), MANY) == Words(Place("!r", "$e"), "hi", opens=True)


def test_what_is_said_at_the_top_of_a_room_to_others_is_not_for_us() -> None:
    assert said(text("lunch?", **{"m.mentions": {}}), MANY) is None
    assert said(text("I asked Poly", **{"m.mentions": {}}), MANY) is None


def test_in_a_thread_anything_is_heard_and_only_a_mention_opens() -> None:
    place = Place("!r", "$root")

    assert said(text("yes", **THREAD), MANY) == Words(place, "yes", opens=False)
    assert said(text("Poly, yes", **THREAD, **MENTION), MANY) == Words(place, "yes", opens=True)


def test_a_room_for_two_is_one_thread_but_for_its_threads() -> None:
    assert said(text("hi")) == Words(Place("!d"), "hi", opens=True)
    assert said(text("hi", **THREAD)) == Words(Place("!d", "$root"), "hi", opens=True)


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("Poly: hi", True),
        ("hi poly", True),
        ("@poly:e.example hi", True),
        ("polygons", False),
        ("hi", False),
    ],
)
def test_clients_that_list_no_mentions_name_us_in_the_words(body: str, *, calls: bool) -> None:
    assert (said(text(body), MANY) is not None) is calls


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Poly: hi", "hi"),
        ("@Poly hi", "hi"),
        ("poly, hi", "hi"),
        ("@poly:e.example: hi", "hi"),
        ("Poly", ""),
        ("Polygons, hi", "Polygons, hi"),
        ("hi Poly", "hi Poly"),
        ("> <@ben:e.example> a\n> b\n\nhi", "> <@ben:e.example> a\n> b\n\nhi"),
    ],
)
def test_our_name_at_the_beginning_is_a_call_and_no_word(body: str, words: str) -> None:
    assert said(text(body)) == Words(Place("!d"), words, opens=True)


def test_what_older_clients_quote_of_the_message_replied_to_is_left_out() -> None:
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}}
    body = "> <@poly:e.example> When?\n> Or how?\n\nTomorrow\n> not a quote"

    assert said(text(body, **reply)) == Words(Place("!d"), "Tomorrow\n> not a quote", opens=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"msgtype": "m.emote", "body": "waves"}, "*waves*"),
        ({"msgtype": "m.image", "body": "cat.png"}, "[picture: cat.png]"),
        (
            {"msgtype": "m.file", "body": "my order", "filename": "a.pdf"},
            "my order\n[file: a.pdf]",
        ),
        ({"msgtype": "m.audio", "body": "voice"}, "[recording: voice]"),
        ({"msgtype": "m.location", "body": "at home", "geo_uri": "geo:1,2"}, "at home"),
    ],
)
def test_what_is_no_text_is_told_in_words(content: dict[str, Any], words: str) -> None:
    assert said(event(content)) == Words(Place("!d"), words, opens=True)


@pytest.mark.parametrize(
    "told",
    [
        event({"msgtype": "m.notice", "body": "beep"}),
        event({"msgtype": "m.text", "body": "mine"}, sender="@poly:e.example"),
        event({}),
        event({"msgtype": "m.text", "body": 5}),
        event({"membership": "join"}, "m.room.member", state_key="@x:e"),
        event({"algorithm": "m.megolm.v1.aes-sha2"}, "m.room.encrypted"),
        event({"m.relates_to": {"event_id": "$a", "key": "👍"}}, "m.reaction"),
        event({"m.relates_to": {"event_id": "$a", "key": "0️⃣"}}, "m.reaction"),
        event({"m.relates_to": {"key": "1️⃣"}}, "m.reaction"),
        event({}, "m.room.redaction"),
        {},
    ],
)
def test_what_says_nothing_to_us_is_nothing(told: dict[str, Any]) -> None:
    assert read(told, TWO, ME) is None


def test_an_edit_changes_the_words_of_its_original() -> None:
    new = {"msgtype": "m.text", "body": "Poly: to Rome"}
    relation = {"rel_type": "m.replace", "event_id": "$o"}
    edit = text("* to Rome", **{"m.new_content": new, "m.relates_to": relation})

    assert said(edit, MANY) == Change("$o", "to Rome")


def test_a_redaction_names_what_it_takes_back_in_any_version_of_a_room() -> None:
    assert said(event({}, "m.room.redaction", redacts="$o")) == Change("$o", None)
    assert said(event({"redacts": "$o"}, "m.room.redaction")) == Change("$o", None)


@pytest.mark.parametrize("key", ["2️⃣", "2⃣"])
def test_a_keycap_presses_the_suggestion_of_its_number(key: str) -> None:
    relation = {"rel_type": "m.annotation", "event_id": "$a", "key": key}

    assert said(event({"m.relates_to": relation}, "m.reaction")) == Press("$a", 1)


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        (1_700_000_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (-5, datetime(1970, 1, 1, tzinfo=UTC)),
        ("soon", datetime(1970, 1, 1, tzinfo=UTC)),
        (10**30, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_whatever_a_server_claims_is_some_instant(sent: object, at: datetime) -> None:
    told = read(text("hi") | {"origin_server_ts": sent}, TWO, ME)

    assert told is not None
    assert told.at == at


@pytest.mark.parametrize("place", [Place("!r:e.example"), Place("!r:e.example", "$root")])
def test_a_place_is_known_again_by_its_key(place: Place) -> None:
    assert place_of(place.key) == place


FIELDS = st.sampled_from(
    [
        "msgtype",
        "body",
        "m.relates_to",
        "rel_type",
        "event_id",
        "key",
        "m.new_content",
        "m.mentions",
        "user_ids",
        "redacts",
        "m.in_reply_to",
        "filename",
        "content",
        "sender",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=20,
)


@given(
    st.sampled_from(["m.room.message", "m.room.redaction", "m.reaction"]),
    st.dictionaries(FIELDS, JSON, max_size=6),
    st.sampled_from(["m.text", "m.image", "m.emote", None]),
)
def test_no_event_whatever_breaks_the_reading(
    kind: str, content: dict[str, Any], msgtype: str | None
) -> None:
    content |= {"msgtype": msgtype} if msgtype else {}
    for room in (TWO, MANY):
        read(event(content, kind), room, ME)
        read(event(content, kind) | content, room, ME)


def test_what_another_bridge_says_is_not_heard_lest_two_answer_each_other_for_ever() -> None:
    new = {"msgtype": "m.text", "body": "new", MARK: "c.1"}
    edit = {"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}}

    assert said(text("How can I help?", **{MARK: "c.1"})) is None
    assert said(text("* new", **edit)) is None


@pytest.mark.parametrize(
    "identity", ["", "root", "..", "$", "$a b", "$a\nb", "$a\0", "$" + "x" * 255, "$a\ud800"]
)
def test_what_can_be_no_event_is_no_place_nor_asked_for(identity: str) -> None:
    new = {"msgtype": "m.text", "body": "new"}
    edit = {"rel_type": "m.replace", "event_id": identity}
    cap = {"rel_type": "m.annotation", "event_id": identity, "key": "1\ufe0f\u20e3"}
    thread = {"rel_type": "m.thread", "event_id": identity}

    assert said(text("x", **{"m.relates_to": thread}), MANY) is None
    assert said(text("* new", **{"m.new_content": new, "m.relates_to": edit})) is None
    assert said(event({"m.relates_to": cap}, "m.reaction")) is None
    assert said(event({}, "m.room.redaction", redacts=identity)) is None
    assert read(text("x") | {"event_id": identity}, TWO, ME) is None
