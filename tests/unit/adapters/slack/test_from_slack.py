"""Is each payload taken for what it is?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.slack import ids
from adapters.slack.from_slack import from_slack
from adapters.slack.identity import BotIdentity
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    Inbound,
    InboundBody,
    RetryAsked,
    Said,
    StartAsked,
)
from bridge.model.messages import Control, Person

BOT = BotIdentity(team="T1", user="UBOT", bot="BBOT")
TS = "1772366400.000100"
LATER = "1772366460.000200"


def event(**fields: object) -> dict[str, Any]:
    said = {"type": "message", "user": "U1", "channel": "C1", "channel_type": "channel", "ts": TS}
    return {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event": {**said, "text": "<@UBOT> hi", "client_msg_id": "7f-1", **fields},
        "event_id": "Ev1",
        "authorizations": [{"team_id": "T1", "is_bot": True}],
    }


def click(action: str = "", value: str = "", **fields: object) -> dict[str, Any]:
    pressed = {
        "action_id": action or ids.suggestion_action(1),
        "type": "button",
        "value": value or ids.encode_button(ids.ButtonValue("c1.3", "T1", 1)),
        "action_ts": "1772366500.5",
    }
    return {
        "type": "block_actions",
        "team": {"id": "T9"},
        "user": {"id": "U1", "username": "ann"},
        "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": LATER, "thread_ts": TS},
        "message": {"ts": LATER, "thread_ts": TS},
        "actions": [pressed],
        **fields,
    }


def body(payload: object) -> str | None:
    inbound = from_slack(payload, BOT)
    if inbound is None:
        return None
    assert isinstance(inbound.body, Said)
    return inbound.body.text


def test_a_mention_becomes_an_inbound_that_opens() -> None:
    assert from_slack(event(), BOT) == Inbound(
        thread=ThreadKey(f"T1:C1:{TS}"),
        identities=(f"message:T1:C1:{TS}", "client:T1:C1:7f-1"),
        order="001772366400.000100",
        person=Person(PersonId("U1")),
        at=datetime(2026, 3, 1, 12, 0, 0, 100, tzinfo=UTC),
        body=Said("hi"),
        opens=True,
        place="C1",
        account="T1",
    )


def test_both_events_of_a_mention_are_equal() -> None:
    mention = event(type="app_mention")
    del mention["event"]["channel_type"]
    mention["event_id"] = "Ev2"
    assert from_slack(mention, BOT) == from_slack(event(), BOT)


def test_a_reply_belongs_to_its_root_and_opens_nothing() -> None:
    inbound = from_slack(event(ts=LATER, thread_ts=TS, text="yes"), BOT)
    assert inbound is not None
    assert (inbound.thread, inbound.opens) == (f"T1:C1:{TS}", False)


def test_a_mention_within_a_thread_opens_there() -> None:
    inbound = from_slack(event(ts=LATER, thread_ts=TS), BOT)
    assert inbound is not None
    assert (inbound.thread, inbound.opens) == (f"T1:C1:{TS}", True)


def test_a_direct_message_opens() -> None:
    inbound = from_slack(event(channel="D1", channel_type="im", text="hello"), BOT)
    assert inbound is not None
    assert (inbound.body, inbound.opens) == (Said("hello"), True)


def test_a_channels_own_talk_is_nobodys() -> None:
    assert from_slack(event(text="hello all"), BOT) is None


def test_a_bare_call_is_said_with_no_words() -> None:
    assert body(event(text="<@UBOT>")) == ""


def test_an_empty_reply_is_nothing() -> None:
    assert from_slack(event(ts=LATER, thread_ts=TS, text=" "), BOT) is None
    assert from_slack(event(ts=LATER, thread_ts=TS, text=None), BOT) is None


@pytest.mark.parametrize("subtype", [None, "", "file_share", "thread_broadcast"])
def test_what_people_write_is_heard(subtype: str | None) -> None:
    assert body(event(subtype=subtype)) == "hi"


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "UBOT"},
        {"bot_id": "BBOT", "subtype": "bot_message", "user": None},
        {"bot_id": "BBOT"},
        {"bot_id": "BOTHER"},
        {"app_id": "A1"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed", "hidden": True},
        {"subtype": "message_deleted", "hidden": True},
        {"subtype": "message_replied", "hidden": True},
        {"subtype": "channel_join"},
        {"subtype": "channel_topic"},
        {"subtype": "pinned_item"},
        {"hidden": True},
        {"user": "USLACKBOT"},
        {"user": "USLACK"},
        {"user": None},
        {"user": "U1> <!here"},
        {"type": "app_mention", "edited": {"user": "U1", "ts": LATER}},
        {"type": "reaction_added"},
        {"channel": "C1:x"},
        {"channel": None},
        {"ts": "now"},
        {"thread_ts": "then"},
        {"text": 7},
    ],
)
def test_what_is_not_for_us_is_none(fields: dict[str, Any]) -> None:
    assert from_slack(event(**fields), BOT) is None


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "text",
        {},
        {"type": "event_callback"},
        {"event": []},
        {"type": "app_rate_limited", "team_id": "T1"},
        {"type": "view_submission"},
        {"type": "block_actions"},
        {"command": "/end", "text": ""},
    ],
)
def test_other_payloads_are_none(payload: object) -> None:
    assert from_slack(payload, BOT) is None


def test_somebody_elses_app_id_is_no_reason() -> None:
    assert body(event(app_id="A2")) == "hi"


def test_the_installation_names_the_workspace() -> None:
    shared = event() | {"team_id": "T2", "authorizations": [{"team_id": "T1"}]}
    inbound = from_slack(shared, BOT)
    assert inbound is not None
    assert inbound.thread.startswith("T1:")


@pytest.mark.parametrize("authorizations", [None, [], [{"team_id": None}]])
def test_without_one_the_payloads_own_workspace_counts(authorizations: object) -> None:
    inbound = from_slack(event() | {"authorizations": authorizations}, BOT)
    assert inbound is not None
    assert inbound.thread.startswith("T1:")


def test_no_workspace_at_all_is_none() -> None:
    assert from_slack(event() | {"authorizations": [], "team_id": None}, BOT) is None


@pytest.mark.parametrize("given", [None, 7, "", "a b", "x" * 65])
def test_an_odd_client_id_is_left_out(given: object) -> None:
    inbound = from_slack(event(client_msg_id=given), BOT)
    assert inbound is not None
    assert inbound.identities == (f"message:T1:C1:{TS}",)


def test_files_are_named_line_by_line() -> None:
    files = [
        {
            "name": "plan.pdf",
            "pretty_type": "PDF",
            "size": 12_345,
            "permalink": "https://simulated.slack.com/files/U1/F1/plan.pdf",
        },
        {"title": "two\nlines", "mimetype": "image/png", "size": 3_400_000},
        {"size": 12, "permalink": "javascript:x"},
        {"mode": "tombstone", "name": "gone"},
        "what?",
    ]
    assert body(event(text="<@UBOT> see", files=files)) == (
        "see\n"
        "[file: plan.pdf, PDF, 12 kB, https://simulated.slack.com/files/U1/F1/plan.pdf]\n"
        "[file: two lines, image/png, 3 MB]\n"
        "[file: unnamed, 12 bytes]"
    )


def test_a_file_alone_is_a_reply() -> None:
    assert body(event(text="", ts=LATER, thread_ts=TS, files=[{"name": "a.txt"}])) == (
        "[file: a.txt]"
    )


def test_odd_files_do_not_lose_the_words() -> None:
    assert body(event(files={"name": "a"})) == "hi"


def test_a_line_of_a_menu_is_chosen_as_a_button_is() -> None:
    (pressed,) = click()["actions"]
    value = {"value": pressed.pop("value")}
    line = {"text": {"type": "plain_text", "text": "Two"}, **value}
    menu = {**pressed, "type": "static_select", "selected_option": line}
    assert from_slack({**click(), "actions": [menu]}, BOT) == from_slack(click(), BOT)


def test_a_click_names_the_suggestion() -> None:
    assert from_slack(click(), BOT) == Inbound(
        thread=ThreadKey(f"T1:C1:{TS}"),
        identities=(f"click:T1:C1:{LATER}:U1:1772366500.5",),
        order="001772366500.500000",
        person=Person(PersonId("U1")),
        at=datetime(2026, 3, 1, 12, 1, 40, 500_000, tzinfo=UTC),
        body=Clicked(DeliveryId("c1.3"), 1),
        opens=False,
        place="C1",
        account="T1",
    )


@pytest.mark.parametrize(
    ("control", "body", "opens"),
    [
        (Control.START, StartAsked(DeliveryId("c1.3")), True),
        (Control.RETRY, RetryAsked(DeliveryId("c1.3")), True),
        (Control.CANCEL, CancelAsked(DeliveryId("c1.3")), False),
    ],
)
def test_a_control_asks_for_what_its_notice_offered(
    control: Control, body: InboundBody, *, opens: bool
) -> None:
    inbound = from_slack(click(ids.control_action(control)), BOT)
    assert inbound is not None
    assert (inbound.body, inbound.opens) == (body, opens)
    assert inbound.thread == f"T1:C1:{TS}"


@pytest.mark.parametrize(
    ("fields", "root"),
    [
        ({"message": {"ts": LATER}}, TS),
        ({"message": {"ts": LATER}, "container": {"message_ts": LATER}}, LATER),
        ({"container": None}, TS),
    ],
)
def test_a_clicks_thread_is_found_wherever_it_stands(fields: dict[str, Any], root: str) -> None:
    inbound = from_slack(click(**fields), BOT)
    assert inbound is not None
    assert inbound.thread == f"T1:C1:{root}"


def test_a_click_without_its_message_is_placed_by_the_container() -> None:
    container = {"message_ts": LATER, "channel_id": "C1", "thread_ts": TS}
    inbound = from_slack(click(message=None, channel=None, container=container), BOT)
    assert inbound == from_slack(click(), BOT)


@pytest.mark.parametrize(
    "payload",
    [
        click("somebody_elses"),
        click(ids.open_action(1)),
        click(value="{}"),
        click(user={"id": "B1"}),
        click(actions=[]),
        click(actions=[{"action_id": ids.suggestion_action(1)}]),
        click(channel={"id": "?"}),
        click(message=None, container=None),
    ],
)
def test_a_click_that_is_not_ours_is_none(payload: dict[str, Any]) -> None:
    assert from_slack(payload, BOT) is None
