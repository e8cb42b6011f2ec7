"""A sentence of ours keeps to the length of a message, and to what it offers."""

import msgspec

from bridge.core.notices import in_messages, shortened
from bridge.core.terms import Shows, Terms
from bridge.model.messages import Control, Notice, NoticeKind
from bridge.plugin import notice_text

LONG = Notice(
    NoticeKind.NOT_DELIVERED, {"text": "where is my order? " * 9}, (Control.RETRY,), numbers=(1,)
)
SHORT = Terms(worded=notice_text, text_limit=64, shows=Shows(suggestions=False))
FIXED = msgspec.structs.replace(SHORT, shows=Shows(suggestions=False, edits=False))


def test_what_fits_is_left_alone() -> None:
    notice = Notice(NoticeKind.HANDOFF_FOUND)
    assert in_messages(notice, SHORT) == [notice]
    assert shortened(notice, SHORT) is notice


def test_where_nothing_can_be_changed_a_long_one_is_told_in_parts() -> None:
    told = [notice_text(part) for part in in_messages(LONG, FIXED)]

    assert all(len(text) <= 64 for text in told)
    assert " ".join(told).split() == notice_text(LONG).split()


def test_one_that_may_be_changed_is_cut_for_all_to_see_and_keeps_its_offer() -> None:
    (one,) = in_messages(LONG, SHORT)

    text = notice_text(one)
    assert text.startswith("This message did not reach the agent")
    assert text.endswith("… Reply 1 to send it again.")
    assert len(text) <= 64


def test_what_offers_more_than_fits_beside_its_words_is_told_in_parts() -> None:
    many = Notice(
        NoticeKind.STATUS,
        {"state": "open"},
        (Control.PERSON, Control.START, Control.END),
        numbers=(1, 2, 3),
    )

    told = [notice_text(part) for part in in_messages(many, SHORT)]

    assert len(told) > 1
    assert all(len(text) <= 64 for text in told)
    assert "3. End the conversation" in told[-1]
