"""What the homeserver gets for a delivery."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.matrix.rendering import TEXT_LIMIT, content_of, delivery_in, edit_of
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind, Content, Notice, NoticeKind
from bridge.testing.clock import NOON

#: What one event may have (client-server API, "Size limits"), without what servers add.
ROOM = 65_536 - 5_000
AGENT = Author(AuthorKind.AGENT, "Ava")


def outbound(what: str | Content, thread: str = "!room $root") -> Outbound:
    content = AgentReply(AGENT, what) if isinstance(what, str) else what
    return Outbound(id=DeliveryId("c.1"), thread=ThreadKey(thread), content=content, owed_at=NOON)


def size(content: dict[str, object]) -> int:
    return len(json.dumps(content, ensure_ascii=False).encode())


def test_a_message_stands_in_its_thread_and_bears_its_mark() -> None:
    content = content_of(outbound("Hello"))

    assert (content["msgtype"], content["body"]) == ("m.text", "Hello")
    assert content["m.relates_to"]["rel_type"] == "m.thread"
    assert content["m.relates_to"]["event_id"] == "$root"
    assert delivery_in(content) == "c.1"


def test_in_a_room_for_two_it_stands_at_the_top() -> None:
    assert "m.relates_to" not in content_of(outbound("Hello", "!room"))


def test_nobody_is_called_by_what_an_agent_says() -> None:
    assert content_of(outbound("Hello @room, @ann:e.example"))["m.mentions"] == {}


def test_the_bridge_s_own_words_are_a_notice_and_never_markup() -> None:
    notice = Notice(NoticeKind.HANDOFF_JOINED, {"name": "**Sam** <b>x</b>"})
    content = content_of(outbound(notice))

    assert content["msgtype"] == "m.notice"
    assert content["body"] == "**Sam** <b>x</b> has joined the conversation."
    assert "formatted_body" not in content


def test_an_edit_repeats_a_little_for_clients_that_do_not_know_edits() -> None:
    edit = edit_of(outbound("**now** " + "x" * 500), Receipt("$old"))

    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$old"}
    assert edit["m.new_content"]["body"].startswith("now xxx")
    assert "formatted_body" in edit["m.new_content"]
    assert delivery_in(edit["m.new_content"]) == "c.1"
    assert delivery_in(edit) is None  # or it would be taken for a second copy
    assert edit["body"].startswith("* now xxx")
    assert len(edit["body"]) == 202


@pytest.mark.thorough
@pytest.mark.parametrize(
    "unit", ["😀", "&", '"', "\\", "|a|\n|-|\n|", "> > a\n\n", "- a\n", "\n#\n"]
)
def test_the_longest_text_fits_into_an_event_whatever_it_is_of(unit: str) -> None:
    text = (unit * TEXT_LIMIT)[:TEXT_LIMIT]

    assert size(content_of(outbound(text))) < ROOM
    assert size(edit_of(outbound(text), Receipt("$old"))) < ROOM


@given(st.text(st.characters(), min_size=1, max_size=50))
def test_any_text_has_a_body_that_a_server_takes(text: str) -> None:
    notice = Notice(NoticeKind.HANDOFF_JOINED, {"name": text})
    for content in (content_of(outbound(text)), content_of(outbound(notice))):
        json.dumps(content, ensure_ascii=False).encode()
        assert content["body"]


@pytest.mark.parametrize("content", [None, [], {}, {"ai.polyai.bridge.delivery": 1}, "x"])
def test_what_bears_no_mark_is_no_delivery(content: object) -> None:
    assert delivery_in(content) is None
