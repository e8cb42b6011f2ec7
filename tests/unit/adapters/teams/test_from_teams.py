"""What becomes of an activity? Samples as Teams and its emulator send them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.teams.from_teams import Unreadable, activity_of, inbound_of
from bridge.model.inbound import Clicked, Deleted, Edited, Inbound, Said
from bridge.testing.clock import NOON

BOT = {"id": "28:app", "name": "Agent"}
MENTION = {"type": "mention", "mentioned": BOT, "text": "<at>Agent</at>"}
CHANNEL = {"id": "19:c@thread.tacv2;messageid=17", "conversationType": "channel"}


def read(**parts: Any) -> Inbound | None:  # noqa: ANN401 - fields of an activity
    sample = {
        "type": "message",
        "id": "1529526049208",
        "timestamp": "2026-11-21T10:00:00.5Z",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "channelId": "msteams",
        "from": {"id": "29:ada", "name": "Ada"},
        "conversation": {"id": "a:1", "conversationType": "personal", "tenantId": "t"},
        "recipient": BOT,
        "text": "hello",
    }
    return inbound_of(activity_of(json.dumps(sample | parts).encode()), NOON)


def said(**parts: Any) -> str:  # noqa: ANN401 - fields of an activity
    inbound = read(**parts)
    assert inbound is not None
    assert isinstance(inbound.body, Said)
    return inbound.body.text


def test_a_message_has_a_name_an_instant_and_an_author() -> None:
    inbound = read()

    assert inbound is not None
    assert inbound.identities == ("a:1/1529526049208",)
    assert inbound.at == datetime(2026, 11, 21, 10, 0, 0, 500_000, UTC)
    assert inbound.order == "2026-11-21T10:00:00.500000 1529526049208"
    assert (inbound.thread, inbound.place, inbound.account) == ("a:1", "a:1", "t")
    assert (inbound.person.id, inbound.person.name) == ("29:ada", "Ada")
    assert inbound.opens


def test_a_thread_of_a_channel_stands_in_its_channel() -> None:
    inbound = read(conversation=CHANNEL)

    assert inbound is not None
    assert inbound.thread == "19:c@thread.tacv2;messageid=17"
    assert inbound.place == "19:c@thread.tacv2"


@pytest.mark.parametrize(("entities", "opens"), [([MENTION], True), ([], False)])
def test_in_a_channel_only_a_mention_opens(entities: list[object], opens: bool) -> None:
    inbound = read(conversation=CHANNEL, entities=entities)

    assert inbound is not None
    assert inbound.opens is opens


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<at>Agent</at> hi", "hi"),
        ("hi <at>Agent</at>", "hi"),
        ("<at>Agent</at>", ""),
        ("<at>Agent</at> ask <at>Bob</at> too", "ask Bob too"),
        ("a &lt; b &amp;amp; c &gt; d", "a < b &amp; c > d"),
        ("&lt;at&gt;Agent&lt;/at&gt;", "<at>Agent</at>"),
        ("first\n\n  second", "first\n\n  second"),
        ("half \ud83d of one", "half ? of one"),
    ],
)
def test_words_are_read_as_they_were_written(text: str, plain: str) -> None:
    assert said(text=text, entities=[MENTION]) == plain


def test_a_name_without_tags_is_no_reason_to_eat_a_word() -> None:
    named = {**MENTION, "text": "Agent"}

    assert said(text="the Agent said: ask @Agent", entities=[named]) == "the Agent said: ask @Agent"


@pytest.mark.parametrize("value", [{}, "", [], None])
def test_an_empty_value_beside_it_costs_nobody_their_words(value: object) -> None:
    assert said(value=value) == "hello"


def test_somebody_who_only_mentions_the_bot_calls_it() -> None:
    assert said(text="<at>Agent</at>", entities=[MENTION], conversation=CHANNEL) == ""
    assert read(text="", conversation=CHANNEL) is None


@pytest.mark.parametrize(
    "value",
    [
        {"polyai_bridge": {"delivery": "c.1", "index": 2, "mark": "m"}},
        {"msteams": {"value": {"polyai_bridge": {"delivery": "c.1", "index": 2, "mark": "m"}}}},
        {"action": {"data": {"polyai_bridge": {"delivery": "c.1", "index": 2, "mark": "m"}}}},
        '{"polyai_bridge": {"delivery": "c.1", "index": 2, "mark": "m"}}',
    ],
)
@pytest.mark.parametrize("kind", ["message", "invoke"])
def test_a_press_is_known_wherever_a_client_puts_its_data(kind: str, value: object) -> None:
    inbound = read(type=kind, value=value, text="Yes")

    assert inbound is not None
    assert inbound.body == Clicked("c.1", 2, "m")  # type: ignore[arg-type]  # as it came
    assert not inbound.opens


@pytest.mark.parametrize(
    "value",
    [
        {"polyai_bridge": {"delivery": "c.1", "index": "2"}},
        {"polyai_bridge": {"delivery": "c.1", "index": True}},
        {"polyai_bridge": {"delivery": "c.1", "index": -1}},
        {"polyai_bridge": {"delivery": "", "index": 1}},
        {"polyai_bridge": {"delivery": "c.1", "control": "explode"}},
        {"polyai_bridge": {"delivery": "c.1", "control": ["start"]}},
        {"someone": "else's"},
        "{broken polyai_bridge",
        7,
    ],
)
def test_what_is_no_button_of_ours_is_nothing(value: object) -> None:
    assert read(value=value) is None


def test_two_edits_at_one_instant_are_two_things() -> None:
    one, two = (read(type="messageUpdate", text=text) for text in ("a", "b"))

    assert one is not None
    assert two is not None
    assert (one.body, two.body) == (
        Edited("a:1/1529526049208", "a"),
        Edited("a:1/1529526049208", "b"),
    )
    assert one.identities != two.identities


def test_a_deletion_names_what_was_said() -> None:
    inbound = read(type="messageDelete", text=None)

    assert inbound is not None
    assert inbound.body == Deleted("a:1/1529526049208")


@pytest.mark.parametrize(
    "parts",
    [
        {"from": BOT},
        {"from": None},
        {"id": None},
        {"type": "typing"},
        {"type": "conversationUpdate"},
    ],
)
def test_what_concerns_no_conversation_is_left_out(parts: dict[str, object]) -> None:
    assert read(**parts) is None


@pytest.mark.parametrize("stamp", [None, "0001-01-01T00:00:00+14:00"])
def test_without_an_instant_of_use_it_is_now(stamp: str | None) -> None:
    inbound = read(timestamp=stamp)

    assert inbound is not None
    assert inbound.at == NOON


def test_oddities_beside_what_is_said_cost_nobody_their_words() -> None:
    odd = [
        {"type": "mention"},
        {"type": "clientInfo", "x": None},
        {"type": "mention", "text": None},
    ]

    assert said(localTimezone=None, attachments=[{"x": 1}], suggestedActions=7, entities=odd) == (
        "hello"
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "message", "channelId": ""}',
        b"",
        b"[]",
        b"{}",
        b"nonsense",
        b'{"type": "message"}',
        b"[" * 9999,
        b'{"type": "message", "conversation": {"id": ".."}}',
        b'{"type": "message", "conversation": {"id": "a\\u001b[2Jb"}}',
        b'{"type": "message", "id": "a\\nb", "conversation": {"id": "a"}}',
    ],
)
def test_what_cannot_be_read_is_said_to_be_so(body: bytes) -> None:
    with pytest.raises(Unreadable):
        activity_of(body)


#: Whatever JSON may hold, the shapes that an activity has among it.
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from([BOT, MENTION]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "type", "mentioned", "polyai_bridge", "value", "index"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
FIELDS = ["type", "id", "timestamp", "serviceUrl", "channelId", "from", "conversation"]
FIELDS += ["recipient", "text", "value", "entities", "channelData", "name"]


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine the models are slow
@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=4))
def test_whatever_comes_is_read_or_said_to_be_unreadable(parts: dict[str, object]) -> None:
    try:
        inbound = read(**parts)
    except Unreadable:
        return
    assert inbound is None or inbound.identities
