"""Are the blocks that we build what the SDK's models of them would have built?"""

import json
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    ImageBlock,
    ImageElement,
    MarkdownTextObject,
    Option,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.blocks import Block as Model

from adapters.slack.rendering import blocks

RECORDED = Path(__file__).parents[4] / "snapshots"
URL = "https://pictures.example/a.png"


def words(text: str) -> MarkdownTextObject:
    return MarkdownTextObject(text=text, verbatim=True)


def plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=text, emoji=False)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (blocks.section("a *b*"), SectionBlock(text=words("a *b*"))),
        (
            blocks.section("a", blocks.image(URL, "b")),
            SectionBlock(text=words("a"), accessory=ImageElement(image_url=URL, alt_text="b")),
        ),
        (blocks.context("a"), ContextBlock(elements=[words("a")])),
        (blocks.header("a"), HeaderBlock(text=plain("a"))),
        (blocks.divider(), DividerBlock()),
        (blocks.picture(URL, "b"), ImageBlock(image_url=URL, alt_text="b")),
        (
            blocks.picture(URL, "b", "c"),
            ImageBlock(image_url=URL, alt_text="b", title=plain("c")),
        ),
        (
            blocks.actions([blocks.button("a", "b"), blocks.button("", "c", value="d", url=URL)]),
            ActionsBlock(
                elements=[
                    ButtonElement(text=plain("a"), action_id="b"),
                    ButtonElement(text=plain("…"), action_id="c", value="d", url=URL),
                ]
            ),
        ),
        (
            blocks.actions([blocks.menu("a", "b", [("c", "d")])]),
            ActionsBlock(
                elements=[
                    StaticSelectElement(
                        placeholder=plain("a"),
                        action_id="b",
                        options=[Option(text=plain("c"), value="d")],
                    )
                ]
            ),
        ),
        (
            blocks.question("a", "b", yes="c", no="d"),
            ConfirmObject(
                title=plain("a"),
                text=words("b"),
                confirm=plain("c"),
                deny=plain("d"),
                style="danger",
            ),
        ),
    ],
)
def test_each_is_what_the_sdks_model_of_it_gives(ours: dict[str, Any], theirs: Model) -> None:
    assert ours == theirs.to_dict()


@pytest.mark.parametrize("path", sorted(RECORDED.rglob("*.json")), ids=lambda path: path.stem)
def test_the_sdks_models_take_whatever_is_recorded(path: Path) -> None:
    for block in json.loads(path.read_text()).get("blocks", ()):
        model = Model.parse(block)
        assert model is not None
        assert model.to_dict() == block
