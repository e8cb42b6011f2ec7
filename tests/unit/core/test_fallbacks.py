"""What a platform does not show stands in the words of the text."""

import msgspec
import pytest

from bridge.core.fallbacks import in_words
from bridge.core.terms import Shows
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Author,
    AuthorKind,
    CallAction,
    Suggestion,
)

AGENT = Author(AuthorKind.AGENT, "Poly")
JO = Author(AuthorKind.LIVE_AGENT, "Jo")
NOTHING = Shows(**dict.fromkeys(Shows.__struct_fields__, False))
MAP = Attachment(AttachmentKind.IMAGE, "https://a.example/map.png", "Map")
PAGE = Attachment(AttachmentKind.LINK, "https://a.example", "A *page*", "https://a.example/p.png")
FULL = AgentReply(
    AGENT,
    "**Hi!**",
    attachments=(MAP, PAGE),
    suggestions=(Suggestion("Yes\nplease"), Suggestion("No_w_")),
    call_actions=(CallAction("Ring us", "+44 1"),),
)


def test_a_platform_that_shows_everything_is_given_everything_as_it_came() -> None:
    assert in_words(FULL, Shows()) == FULL


def test_where_nothing_is_shown_everything_is_said() -> None:
    told = in_words(FULL, NOTHING)

    assert told == AgentReply(AGENT, told.text)
    assert told.text.splitlines() == [
        "Hi!",
        "Map (https://a.example/map.png)",
        "A *page* (https://a.example)",
        "Ring us: +44 1",
        "Reply with a number:",
        "1. Yes please",
        "2. No_w_",
    ]


def test_beside_a_formatted_text_what_is_added_cannot_break_it() -> None:
    told = in_words(FULL, msgspec.structs.replace(NOTHING, formatting=True))

    assert told.text.split("\n\n") == [
        "**Hi!**",
        "[Map](<https://a.example/map.png>)",
        r"[A \*page\*](<https://a.example>)",
        "Ring us: +44 1",
        "Reply with a number:\n1. Yes please\n2. No\\_w\\_",
    ]


def test_a_picture_becomes_a_link_where_links_are_shown() -> None:
    told = in_words(FULL, Shows(pictures=False))

    link = Attachment(AttachmentKind.LINK, "https://a.example/map.png", "Map")
    assert told.attachments == (link, msgspec.structs.replace(PAGE, preview_url=None))
    assert told.text == FULL.text


def test_pictures_are_shown_where_links_are_not() -> None:
    told = in_words(FULL, Shows(attachments=False))

    assert told.attachments == (MAP,)
    assert "(<https://a.example>)" in told.text
    assert told.call_actions == ()


@pytest.mark.parametrize(
    ("author", "said"),
    [(JO, "Jo: hi"), (AGENT, "hi"), (Author(AuthorKind.LIVE_AGENT), "hi")],
)
def test_a_live_agent_is_named_where_nothing_else_says_who_speaks(
    author: Author, said: str
) -> None:
    assert in_words(AgentReply(author, "hi"), NOTHING).text == said
    assert in_words(AgentReply(author, "hi"), Shows()).text == "hi"


@pytest.mark.parametrize("block", ["1. Open\n2. Click", "- a\n- b", "```\ncode\n```", "> so"])
def test_a_name_stands_apart_from_what_has_to_begin_a_line(block: str) -> None:
    formatted = msgspec.structs.replace(NOTHING, formatting=True)
    assert in_words(AgentReply(JO, block), formatted).text == f"Jo:\n\n{block}"
    assert in_words(AgentReply(JO, "**Hi**"), formatted).text == "Jo: **Hi**"


def test_what_has_neither_words_nor_address_is_no_line() -> None:
    bare = AgentReply(AGENT, "hi", attachments=(Attachment(AttachmentKind.OTHER),))

    assert in_words(bare, NOTHING).text == "hi"
