"""Are shortcuts, commands and visits to the Home tab read, and nothing else taken for them?"""

from typing import Any

import msgspec
import pytest

from adapters.slack import ids
from adapters.slack.from_slack import from_slack, team_of
from adapters.slack.identity import BotIdentity
from adapters.slack.reading.interactions import (
    SHORTCUT,
    Asker,
    Command,
    HomeTab,
    asker_of,
    awaits_answer,
    only_opens,
    read_command,
    read_home,
    read_shortcut,
    shortcut_team,
)
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import StatusAsked

TS, CHOSEN = "1772366400.000100", "1772366500.5"
URL = "https://hooks.slack.com/actions/T1/1/secret"
BOT = BotIdentity(team="T1", user="UBOT")


def chosen(**fields: object) -> dict[str, Any]:
    payload = {
        "type": "message_action",
        "callback_id": SHORTCUT,
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "message_ts": TS,
        "message": {"ts": "1772366460.000200", "thread_ts": TS},
        "action_ts": CHOSEN,
        "response_url": URL,
    }
    return payload | fields


def typed(**fields: object) -> dict[str, Any]:
    form = {"team_id": "T1", "channel_id": "C1", "user_id": "U1", "trigger_id": "1.2.3"}
    return {**form, "command": "/agent", "text": "end", **fields}


def opened(**fields: object) -> dict[str, Any]:
    event = {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home", **fields}
    return {"type": "event_callback", "team_id": "T1", "event": event}


def pressed_at_home(**view: object) -> dict[str, Any]:
    action = {"action_id": "polyai_end", "action_ts": CHOSEN}
    return {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "container": {"type": "view", "view_id": "V1"},
        "view": {"type": "home", "team_id": "T1", **view},
        "actions": [action],
    }


def test_the_shortcut_asks_what_is_going_on_in_the_messages_thread() -> None:
    inbound = read_shortcut(chosen())
    assert inbound is not None
    assert (inbound.body, inbound.opens) == (StatusAsked(), False)
    assert inbound.thread == ThreadKey(f"T1:C1:{TS}")
    assert inbound.identities == (f"shortcut:T1:C1:{TS}:U1:{CHOSEN}",)
    assert inbound.person.id == "U1"
    assert from_slack(chosen(), BOT) == inbound
    assert team_of(chosen()) == shortcut_team(chosen()) == "T1"


def test_a_message_without_a_thread_is_its_own() -> None:
    inbound = read_shortcut(chosen(message={"ts": TS}))
    assert inbound is not None
    assert inbound.thread == ThreadKey(f"T1:C1:{TS}")


@pytest.mark.parametrize(
    "payload",
    [
        chosen(callback_id="another"),
        chosen(action_ts="soon"),
        chosen(user={"id": "me"}),
        chosen(team=None),
        chosen(message={"ts": "x"}, message_ts="x"),
    ],
)
def test_another_shortcut_or_an_odd_one_means_nothing(payload: dict[str, Any]) -> None:
    assert read_shortcut(payload) is None


def test_a_shortcut_of_another_shape_is_not_read() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_shortcut({"type": "message_action", "user": "U1"})
    assert from_slack({"type": "message_action", "user": "U1"}, BOT) is None
    assert team_of({"type": "message_action", "user": "U1"}) == ""


def test_a_command_is_read() -> None:
    assert read_command(typed()) == Command(
        text="end", team="T1", channel="C1", person=PersonId("U1"), trigger="1.2.3"
    )


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        chosen(),
        opened(),
        typed(command="agent"),
        typed(command=7),
        typed(team_id=""),
        typed(user_id="me"),
        typed(channel_id="#help"),
        typed(text=["\ud800"]),
    ],
)
def test_nothing_else_is_a_command(payload: object) -> None:
    assert read_command(payload) is None


def test_a_visit_to_the_home_tab_is_read_and_so_is_a_press_there() -> None:
    tab = HomeTab(team="T1", person=PersonId("U1"))
    assert read_home(opened()) == tab
    assert read_home(pressed_at_home()) == tab
    assert read_home(pressed_at_home(team_id=None)) == tab


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        opened(tab="messages"),
        opened(type="app_mention"),
        opened(user="me"),
        opened(user=7),
        chosen(),
        pressed_at_home() | {"container": {"type": "message"}},
        pressed_at_home() | {"user": {}},
    ],
)
def test_nothing_else_is_a_visit(payload: object) -> None:
    assert read_home(payload) is None


def test_whoever_waits_is_found_piece_by_piece() -> None:
    asker = Asker(team="T1", channel="C1", person="U1", root=TS, response_url=URL)
    assert asker_of(chosen()) == asker
    assert asker_of({"user": {"team_id": "T9"}, "container": {"channel_id": "C2"}}) == Asker(
        team="T9", channel="C2", person="", root="", response_url=""
    )
    odd = {"user": [], "message": {"thread_ts": "x"}, "response_url": 7}
    assert asker_of(odd) == Asker(team="", channel="", person="", root="", response_url="")


def test_a_button_that_only_opens_an_address_is_waited_for_by_nobody() -> None:
    def press(*actions: object) -> dict[str, Any]:
        return {"type": "block_actions", "actions": list(actions)}

    opens, ends = {"action_id": ids.open_action(3)}, {"action_id": "polyai_end"}
    assert only_opens(press(opens))
    assert not only_opens(press(opens, ends))
    assert not only_opens(press())
    assert not only_opens({"type": "block_actions"})
    assert not awaits_answer(press(opens))
    assert awaits_answer(press(ends))
    assert awaits_answer(press("odd"))
    assert awaits_answer(chosen())
    assert not awaits_answer(chosen(callback_id="another"))
    assert not awaits_answer(opened())
