"""What a terminal shows of a Slack message."""

from typing import Any

import pytest

from bridge.simulators.demo_view import buttons, lines
from bridge.simulators.slack_workspace import SimulatedMessage

Json = dict[str, Any]
NAMES = {"UANN": "Ann", "UBOT": "bot", "C2": "orders"}


def message(*blocks: Json, text: str = "", **more: object) -> SimulatedMessage:
    given: Json = {"user": "UBOT", **more}
    return SimulatedMessage(channel="C1", ts="1.000001", text=text, blocks=blocks, **given)


def section(text: str, **more: object) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str, **more: object) -> Json:
    return {
        "type": "button",
        "action_id": text,
        "text": {"type": "plain_text", "text": text},
        **more,
    }


def test_a_person_is_shown_by_name_and_so_is_whom_they_mention() -> None:
    typed = {"type": "rich_text", "elements": []}
    said = message(typed, text="<@UBOT> hello <@UANN>", user="UANN")
    assert lines(said, NAMES) == ["Ann: @bot hello @Ann"]


def test_an_author_of_the_apps_choosing_goes_first() -> None:
    assert lines(message(section("Hi"), username="Sam", user=None), NAMES) == ["Sam: Hi"]


def test_somebody_unknown_is_somebody() -> None:
    assert lines(message(section("Hi"), user=None), NAMES) == ["somebody: Hi"]


def test_buttons_stand_in_brackets_below_the_text() -> None:
    offer = message(section("Which?"), {"type": "actions", "elements": [button("A"), button("B")]})
    assert lines(offer, NAMES) == ["bot: Which?", "    [A] [B]"]
    assert buttons(offer) == ["A", "B"]


def test_a_button_that_leads_away_has_an_arrow_and_is_no_answer() -> None:
    linked = message(section("Parcel", accessory=button("Track", url="https://demo.example")))
    assert lines(linked, NAMES) == ["bot: Parcel [Track ↗]"]
    assert buttons(linked) == []


def test_a_menu_shows_the_lines_that_can_be_chosen() -> None:
    lines_of_it = [{"text": {"type": "plain_text", "text": word}} for word in ("A", "B")]
    menu = {
        "type": "static_select",
        "action_id": "pick",
        "placeholder": {"type": "plain_text", "text": "Choose"},
        "options": lines_of_it,
    }
    offer = message(section("Which?"), {"type": "actions", "elements": [menu]})
    assert lines(offer, NAMES) == ["bot: Which?", "    Choose ▾ [A] [B]"]
    assert buttons(offer) == ["A", "B"]


def test_the_caller_may_write_buttons_differently() -> None:
    offer = message({"type": "actions", "elements": [button("A")]})
    assert lines(offer, NAMES, lambda m, b: f"({m.ts} {b['action_id']})") == ["bot: (1.000001 A)"]


@pytest.mark.parametrize(
    ("wire", "shown"),
    [
        (
            "<https://demo.example/?a=1&amp;b=2|our shop>",
            "our shop (https://demo.example/?a=1&b=2)",
        ),
        ("<https://demo.example>", "https://demo.example"),
        ("<#C1|help>", "#help"),
        ("<#C2>", "#orders"),
        ("<#C3>", "#C3"),
        ("<https://acme.slack.com/archives/C1/p1?cid=C1|Conversation>", "Conversation ↗"),
        ("<@UNOBODY>", "@UNOBODY"),
        ("<!channel>", "@channel"),
        ("<!subteam^S1>", "@S1"),
        ("since <!date^1772366700^{time}|12:05 UTC>.", "since 12:05 UTC."),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_the_wire_form_is_shown_as_slack_shows_it(wire: str, shown: str) -> None:
    assert lines(message(section(wire)), NAMES) == [f"bot: {shown}"]


def test_what_would_steer_the_terminal_is_left_out() -> None:
    assert lines(message(section("a\x1b[2Jb\u200bc\rd")), NAMES) == ["bot: a[2Jbcd"]


def test_other_blocks_are_shown_or_at_least_named() -> None:
    shown = lines(
        message(
            {"type": "header", "text": {"type": "plain_text", "text": "Title"}},
            {"type": "divider"},
            {"type": "markdown", "text": "a\n\nb"},
            {"type": "image", "image_url": "https://demo.example/p.png", "alt_text": "a parcel"},
            section("", accessory={"type": "image", "alt_text": "a map"}),
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "one"}]},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
            {"type": "actions", "elements": [{"type": "datepicker"}]},
            {"type": "video"},
        ),
        NAMES,
    )
    assert shown == [
        "bot: Title",
        "    ───",
        "    a",
        "",
        "    b",
        "    (picture: a parcel)",
        "     (picture: a map)",
        "    one",
        "    small",
        "    (datepicker)",
        "    (video)",
    ]


def test_a_message_without_blocks_is_its_text_and_one_without_both_is_empty() -> None:
    assert lines(message(text="plain"), NAMES) == ["bot: plain"]
    assert lines(message(), NAMES) == ["bot: "]


def test_a_deleted_message_says_so() -> None:
    assert lines(message(text="gone", deleted=True), NAMES) == ["bot: (deleted)"]
