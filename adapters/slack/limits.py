"""How much does Slack take? Its limits in one table, and a reading of a message against them.

Sources: docs.slack.dev/reference/block-kit and docs.slack.dev/reference/methods/chat.postMessage;
the same numbers stand in `slack_sdk.models.blocks`. Lengths are in code points.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BLOCKS = 50
BLOCK_ID = 255
SECTION_TEXT = 3000
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
ACTION_ID = 255
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
OPTIONS = 100
OPTION_VALUE = 150
PLACEHOLDER = 150
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
HEADER_TEXT = 150
#: A Home tab takes more than a message.
VIEW_BLOCKS = 100
URL = 3000
ALT_TEXT = 2000
IMAGE_TITLE = 2000
USERNAME = 80

#: chat.update refuses `text` beyond 4,000; the rest is left to Slack's own counting.
FALLBACK_TEXT = 3900
#: All that may flow into one stream, which Slack closes at about 12,000 characters.
STREAM_TEXT = 9000
#: The longest source text of one delivery; what it becomes fits `SECTIONS` sections.
SOURCE_TEXT = 3000
#: Of the 50 blocks, those that may hold text, pictures and links; the rest is for the controls.
SECTIONS = 24
PICTURES = 8
CARDS = 6  #: two blocks each
#: A label or name inside a line; no limit of Slack's, but more would not be read.
LABEL = 300


def violations(text: str, blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every limit that a message with this fallback text and these blocks breaks."""
    found = []
    if not 0 < len(text) <= FALLBACK_TEXT:
        found.append("fallback text")
    if not 0 < len(blocks) <= BLOCKS:
        found.append("number of blocks")
    return found + _blocks(blocks)


def view_violations(view: Mapping[str, Any]) -> list[str]:
    """Every limit that a view for the Home tab breaks."""
    found = []
    if view["type"] != "home":
        found.append(f"unknown view {view['type']}")
    if not 0 < len(view["blocks"]) <= VIEW_BLOCKS:
        found.append("number of blocks")
    return found + _blocks(view["blocks"])


def _blocks(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the blocks; an action id need differ only from those in its block."""
    found = [wrong for block in blocks for wrong in _block(block)]
    named = [list(_values(block, "action_id")) for block in blocks]
    if any(len(ids) != len(set(ids)) for ids in named):
        found.append("action_id twice")
    blocks_named = [value for block in blocks for value in _values(block, "block_id")]
    if len(blocks_named) != len(set(blocks_named)):
        found.append("block_id twice")
    return found


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    if len(block.get("block_id", "")) > BLOCK_ID:
        yield "block_id"
    match block["type"]:
        case "section":
            yield from _sized(block["text"]["text"], SECTION_TEXT, "section text")
            yield from _element(block.get("accessory", {}))
        case "context":
            yield from _counted(block["elements"], CONTEXT_ELEMENTS, "context elements")
            for element in block["elements"]:
                yield from _sized(element["text"], SECTION_TEXT, "context text")
        case "actions":
            yield from _counted(block["elements"], ACTIONS_ELEMENTS, "actions elements")
            for element in block["elements"]:
                yield from _element(element)
        case "image":
            yield from _element(block)
            yield from _sized(block.get("title", {}).get("text", "-"), IMAGE_TITLE, "image title")
        case "header":
            yield from _sized(block["text"]["text"], HEADER_TEXT, "header text")
        case "divider":
            pass
        case other:
            yield f"unknown block {other}"


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    match element.get("type"):
        case "button":
            yield from _sized(element["text"]["text"], BUTTON_TEXT, "button text")
            yield from _sized(element["action_id"], ACTION_ID, "action_id")
            yield from _sized(element.get("value", "-"), BUTTON_VALUE, "button value")
            yield from _sized(element.get("url", "-"), URL, "button url")
            yield from _confirm(element.get("confirm"))
        case "static_select":
            yield from _sized(element["action_id"], ACTION_ID, "action_id")
            yield from _sized(element["placeholder"]["text"], PLACEHOLDER, "placeholder")
            yield from _counted(element["options"], OPTIONS, "options")
            for option in element["options"]:
                yield from _sized(option["text"]["text"], BUTTON_TEXT, "option text")
                yield from _sized(option["value"], OPTION_VALUE, "option value")
        case "image":
            yield from _sized(element["image_url"], URL, "image url")
            yield from _sized(element["alt_text"], ALT_TEXT, "alt text")


def _confirm(dialog: Mapping[str, Any] | None) -> Iterator[str]:
    """The dialog that asks once more, where there is one."""
    if dialog is not None:
        yield from _sized(dialog["title"]["text"], CONFIRM_TITLE, "confirm title")
        yield from _sized(dialog["text"]["text"], CONFIRM_TEXT, "confirm text")
        yield from _sized(dialog["confirm"]["text"], CONFIRM_BUTTON, "confirm button")
        yield from _sized(dialog["deny"]["text"], CONFIRM_BUTTON, "deny button")


def _sized(text: str, limit: int, name: str) -> Iterator[str]:
    if not 0 < len(text) <= limit:
        yield f"{name}: {len(text)} of {limit}"


def _counted(items: Sequence[object], limit: int, name: str) -> Iterator[str]:
    if not 0 < len(items) <= limit:
        yield f"{name}: {len(items)} of {limit}"


def _values(tree: object, key: str) -> Iterator[str]:
    """Every value of `key`, however deep."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from _values(value, key)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _values(value, key)
