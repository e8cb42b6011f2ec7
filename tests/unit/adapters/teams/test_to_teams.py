"""What does Teams show of a delivery, and does it always take it?"""

import json
from typing import Any

import pytest
from microsoft_agents.activity import Activity

from adapters.teams import PLUGIN, cards, to_teams
from adapters.teams.presses import pressed
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import CancelAsked, EndAsked, PersonAsked, RetryAsked, StatusAsked
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Author,
    AuthorKind,
    CallAction,
    Choice,
    Content,
    Control,
    Notice,
    NoticeKind,
    Person,
    Suggestion,
)
from bridge.testing.clock import NOON

AGENT = Author(AuthorKind.AGENT)


def shown(content: Content) -> dict[str, Any]:
    name, thread = DeliveryId("c.1"), ThreadKey("a:1")
    return to_teams.shown(Outbound(id=name, thread=thread, content=content, owed_at=NOON))


def elements(content: Content) -> list[dict[str, Any]]:
    said = shown(content)
    (attached,) = said["attachments"]
    assert "text" not in said  # Teams would make two messages of it
    assert attached["contentType"] == "application/vnd.microsoft.card.adaptive"
    body: list[dict[str, Any]] = attached["content"]["body"]
    return body


def test_words_alone_are_a_text_in_markdown() -> None:
    assert shown(AgentReply(AGENT, "**a** &lt; <b>b</b>")) == {
        "type": "message",
        "text": "**a** &lt; **b**",
        "textFormat": "markdown",
    }


def test_a_notice_alone_is_plain() -> None:
    said = shown(Notice(NoticeKind.AGENT_PROBLEM, {"message": "*no* <at>markup</at>"}))

    assert said["textFormat"] == "plain"
    assert said["text"] == "*no* <at>markup</at>"


def test_suggestions_come_in_rows_of_six_and_long_ones_stand_above_in_full() -> None:
    offered = tuple(Suggestion(f"{n} {'x' * (90 if n == 2 else 1)}") for n in range(8))

    words, cut, *rows = elements(AgentReply(AGENT, "Which?", suggestions=offered))

    assert words == {"type": "TextBlock", "text": "Which?", "wrap": True}
    assert cut == cards.plain(f"• 2 {'x' * 90}")
    assert [len(row["actions"]) for row in rows] == [6, 2]
    button = rows[1]["actions"][1]
    assert button["title"] == "7 x"
    assert button["data"]["msteams"]["displayText"] == "7 x"
    assert button["data"]["polyai_bridge"] == {
        "delivery": "c.1",
        "index": 7,
        "mark": offered[7].mark,
    }


def test_every_control_comes_back_as_its_wish() -> None:
    notice = Notice(NoticeKind.STATUS, controls=tuple(Control))
    _, row = elements(notice)

    wishes = [pressed(button["data"]) for button in row["actions"]]

    owed = DeliveryId("c.1")
    assert wishes[1:] == [
        RetryAsked(owed), CancelAsked(owed), EndAsked(), PersonAsked(), StatusAsked(),
    ]  # fmt: skip


def test_what_was_chosen_stands_in_place_of_the_buttons() -> None:
    by = Person(PersonId("29:ada"))
    body = elements(AgentReply(AGENT, "Which?", chosen=Choice("This", by)))

    assert body[-1] == cards.plain("✓ This")


def test_links_that_are_not_safe_are_words() -> None:
    kinds = AttachmentKind
    body = elements(
        AgentReply(
            AGENT,
            "see",
            attachments=(
                Attachment(kinds.LINK, "javascript:alert(1)", "Click"),
                Attachment(kinds.IMAGE, "http://plain.example/a.png", "Plain"),
                Attachment(kinds.LINK, "https://user:pass@host.example/", "Password"),
            ),
            call_actions=(CallAction("Call us", "+44 1"),),
        )
    )

    assert body[1:] == [
        cards.plain("Click javascript:alert(1)"),
        cards.plain("Plain http://plain.example/a.png"),
        cards.plain("Password https://user:pass@host.example/"),
        cards.plain("Call us +44 1"),
    ]


def test_a_link_has_its_title_its_preview_and_its_button() -> None:
    link = Attachment(
        AttachmentKind.LINK, "https://a.example/", "A", "https://a.example/p.png", "Open"
    )

    _, container = elements(AgentReply(AGENT, "see", attachments=(link,)))

    assert [item["type"] for item in container["items"]] == ["RichTextBlock", "Image", "ActionSet"]
    assert container["items"][2]["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open", "url": "https://a.example/"}
    ]


@pytest.mark.parametrize(
    "filling", ["x", "<", "&lt;", '"', "\\", "\n", "🧪", "a\n", "<li>", "<a>", "&"]
)
def test_the_largest_delivery_is_taken_whatever_it_is_made_of(filling: str) -> None:
    limit = PLUGIN.capabilities.text_limit
    text = (filling * limit)[:limit]
    full = AgentReply(
        AGENT,
        text,
        suggestions=tuple(Suggestion((f"{n}{filling}" * 4000)[:4000]) for n in range(30)),
        attachments=tuple(
            Attachment(AttachmentKind.LINK, f"https://a.example/{'p' * 1900}", text, None, text)
            for _ in range(50)
        ),
        call_actions=(CallAction(text, text),) * 20,
    )

    said = shown(full)

    assert cards.size(said) <= to_teams.ACTIVITY
    assert sum(each["type"] == "ActionSet" for each in said["attachments"][0]["content"]["body"])
    Activity.model_validate(json.loads(json.dumps(said)))


def test_what_has_no_room_is_told() -> None:
    link = Attachment(AttachmentKind.LINK, f"https://a.example/{'p' * 1900}", "A")
    body = elements(AgentReply(AGENT, "see", attachments=(link,) * 50))

    told = body[-1]["inlines"][0]["text"]
    assert (
        told == f"(There are {50 - len(body) + 2} more links or pictures than can be shown here.)"
    )


def test_the_claims_are_the_limits() -> None:
    assert PLUGIN.capabilities.text_limit == to_teams.TEXT
    assert PLUGIN.capabilities.suggestion_limit == cards.SUGGESTIONS


def test_nothing_at_all_is_still_an_activity() -> None:
    assert elements(AgentReply(AGENT, " ")) == [cards.plain("…")]
