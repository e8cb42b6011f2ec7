"""Does a plainer message keep its words and one of its marks?"""

from dataclasses import replace

import pytest

from adapters.slack.limits import SECTION_TEXT
from adapters.slack.rendering.plainer import plainly, spared
from adapters.slack.to_slack import Features, SlackMessage
from adapters.slack.web.answers import PLAINER, Refusal

SECTION = {"type": "section", "block_id": "polyai:c1.1"}
WHOLE = SlackMessage(
    text="Hello " * 600,
    blocks=(SECTION,),
    metadata={"event_type": "polyai_bridge_delivery", "event_payload": {"delivery": "c1.1"}},
    username="Anna",
    icon_url="https://pictures.example/anna.png",
)


@pytest.mark.parametrize("code", sorted(PLAINER))
def test_the_words_and_one_mark_are_left(code: str) -> None:
    plain = plainly(Refusal(code), WHOLE)
    assert plain is not None
    assert plain != WHOLE
    assert WHOLE.text.startswith(plain.text.rstrip("…"))
    assert (plain.metadata is None) != (not plain.blocks)
    assert plainly(Refusal("invalid_blocks"), replace(WHOLE, blocks=())) is None


@pytest.mark.parametrize("code", ["msg_too_long", "msg_blocks_too_long"])
def test_what_is_too_long_becomes_shorter(code: str) -> None:
    plain = plainly(Refusal(code), WHOLE)
    assert plain is not None
    assert len(plain.text) <= SECTION_TEXT


def test_nothing_is_made_plainer_for_another_reason() -> None:
    assert plainly(Refusal("is_archived"), WHOLE) is None
    assert spared(Refusal("is_archived"), WHOLE, Features()) is None


@pytest.mark.parametrize(
    ("code", "needed"),
    [("missing_scope", "chat:write.customize"), ("missing_scope", ""), ("reserved_username", "")],
)
def test_a_name_can_be_spared(code: str, needed: str) -> None:
    fewer = spared(Refusal(code, needed=needed), WHOLE, Features())
    assert fewer == replace(Features(), authorship=False)
    assert (
        spared(Refusal(code, needed="chat:write"), replace(WHOLE, username=None), Features())
        is None
    )


def test_a_picture_can_be_spared_once() -> None:
    pictured = replace(WHOLE, blocks=({"type": "image"},))
    fewer = spared(Refusal("invalid_blocks"), pictured, Features())
    assert fewer == replace(Features(), pictures=False)
    assert spared(Refusal("invalid_blocks"), pictured, fewer) is None
