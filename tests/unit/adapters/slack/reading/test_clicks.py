"""Is each press taken for what its button asks, wherever the button stood?"""

from typing import Any

import pytest

from adapters.slack import ids
from adapters.slack.reading import clicks
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import (
    CancelAsked,
    EndAsked,
    InboundBody,
    PersonAsked,
    RetryAsked,
    StartAsked,
    StatusAsked,
)
from bridge.model.messages import Control

TS, POSTED, PRESSED = "1772366400.000100", "1772366460.000200", "1772366500.5"
THREAD = f"T1:C1:{TS}"
OFFERED = ids.ButtonValue("c1.3", "T1")
NAMED = ids.ButtonValue("c1.3", "T1", thread=THREAD)
LISTED = ids.ButtonValue(team="T1", thread=THREAD)


def press(control: Control, value: ids.ButtonValue | str, **where: object) -> dict[str, Any]:
    carried = value if isinstance(value, str) else ids.encode_button(value)
    action = {"action_id": ids.control_action(control), "value": carried, "action_ts": PRESSED}
    return {"type": "block_actions", "user": {"id": "U1"}, "actions": [action], **where}


def in_message(**more: object) -> dict[str, Any]:
    container = {"type": "message", "message_ts": POSTED, "channel_id": "C9", "thread_ts": TS}
    return {"channel": {"id": "C1"}, "container": container, **more}


EPHEMERAL = {
    "channel": {"id": "C9"},
    "container": {
        "type": "message",
        "message_ts": POSTED,
        "channel_id": "C9",
        "is_ephemeral": True,
    },
}
HOME = {"container": {"type": "view", "view_id": "V1"}, "view": {"type": "home", "team_id": "T1"}}


@pytest.mark.parametrize(
    ("control", "body", "opens"),
    [
        (Control.START, StartAsked(DeliveryId("c1.3")), True),
        (Control.RETRY, RetryAsked(DeliveryId("c1.3")), True),
        (Control.CANCEL, CancelAsked(DeliveryId("c1.3")), False),
        (Control.END, EndAsked(), False),
        (Control.PERSON, PersonAsked(), False),
        (Control.STATUS, StatusAsked(), False),
    ],
)
def test_a_control_asks_for_what_it_says(control: Control, body: InboundBody, opens: bool) -> None:
    inbound = clicks.read(press(control, OFFERED, **in_message()))
    assert inbound is not None
    assert (inbound.body, inbound.opens) == (body, opens)
    assert inbound.thread == ThreadKey(THREAD)
    assert inbound.identities == (f"click:T1:C1:{POSTED}:U1:{PRESSED}",)


@pytest.mark.parametrize("value", [NAMED, LISTED])
def test_a_button_shown_to_one_person_names_its_thread(value: ids.ButtonValue) -> None:
    inbound = clicks.read(press(Control.END, value, **EPHEMERAL))
    assert inbound is not None
    assert (inbound.thread, inbound.place) == (ThreadKey(THREAD), "C1")
    assert inbound.identities == (f"click:T1:C9:{POSTED}:U1:{PRESSED}",)


def test_a_press_in_the_home_tab_is_named_by_person_and_instant() -> None:
    inbound = clicks.read(press(Control.PERSON, LISTED, **HOME))
    assert inbound is not None
    assert inbound.thread == ThreadKey(THREAD)
    assert inbound.identities == (f"click:T1:home:U1:{PRESSED}",)


@pytest.mark.parametrize("control", [Control.RETRY, Control.CANCEL])
def test_what_is_about_a_notice_means_nothing_without_one(control: Control) -> None:
    assert clicks.read(press(control, LISTED, **EPHEMERAL)) is None


def test_a_new_start_from_a_list_is_one_here_and_now() -> None:
    inbound = clicks.read(press(Control.START, LISTED, **EPHEMERAL))
    assert inbound is not None
    assert inbound.body == StartAsked()


@pytest.mark.parametrize(
    "payload",
    [
        press(Control.END, LISTED),
        press(Control.END, "not ours", **HOME),
        press(Control.END, LISTED, **(HOME | {"user": {"id": "?"}})),
        press(Control.END, OFFERED, **HOME),  # in no thread at all
        press(Control.END, OFFERED, channel={"id": "C1"}),
    ],
)
def test_what_says_neither_who_nor_where_means_nothing(payload: dict[str, Any]) -> None:
    assert clicks.read(payload) is None


def test_a_list_is_told_from_a_notice() -> None:
    assert clicks.in_list(press(Control.END, LISTED, **EPHEMERAL))
    assert not clicks.in_list(press(Control.END, NAMED, **EPHEMERAL))
    assert not clicks.in_list(press(Control.END, OFFERED, **in_message()))
    assert not clicks.in_list({"type": "message_action"})


def test_the_team_is_the_buttons() -> None:
    assert clicks.team_of(press(Control.END, LISTED, **HOME)) == "T1"
    assert clicks.team_of(press(Control.END, "?", **HOME)) == ""
