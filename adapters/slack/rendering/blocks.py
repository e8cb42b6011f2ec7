"""What is a message built of? The few blocks we use, each within its limits, as Slack's JSON.

Text objects are `verbatim`: Slack adds no links and mentions of its own to what the agent wrote.
What goes into `section` and `context` is rendered already; a label is taken as it comes. Tests hold
them to the SDK's models of blocks, which take too long to be asked about each message.

Source: docs.slack.dev/reference/block-kit.
"""

from collections.abc import Sequence
from typing import Any

from adapters.slack import limits
from adapters.slack.rendering import markup

#: A block, an element of one, or a text in them.
Block = dict[str, Any]
Element = dict[str, Any]
Text = dict[str, Any]


def section(text: str, accessory: Element | None = None) -> Block:
    """A paragraph of rendered text, with what stands beside it."""
    block: Block = {"type": "section", "text": _rendered(text)}
    return block if accessory is None else {**block, "accessory": accessory}


def context(text: str) -> Block:
    """A remark in small letters."""
    return {"type": "context", "elements": [_rendered(text)]}


def header(text: str) -> Block:
    """A heading, which Slack takes literally."""
    return {"type": "header", "text": plain(text)}


def divider() -> Block:
    """A line between blocks."""
    return {"type": "divider"}


def actions(elements: Sequence[Element]) -> Block:
    """Buttons beside each other, or a menu."""
    return {"type": "actions", "elements": list(elements)}


def picture(url: str, words: str, title: str = "") -> Block:
    """A picture that Slack fetches, and words for whoever does not see it."""
    block = image(url, words)
    return {**block, "title": plain(title)} if title else block


def image(url: str, words: str) -> Element:
    """The same, small, beside a paragraph."""
    return {"type": "image", "image_url": url, "alt_text": words}


def button(text: str, action: str, *, value: str = "", url: str = "") -> Element:
    """A button that reads as much of `text` as fits."""
    element: Element = {"type": "button", "text": label(text), "action_id": action}
    if value:
        element["value"] = value
    if url:
        element["url"] = url
    return element


def menu(asks: str, action: str, options: Sequence[tuple[str, str]]) -> Element:
    """A menu that reads `asks`, with the label and the value of each option."""
    offered = [{"text": label(text), "value": value} for text, value in options]
    return {
        "type": "static_select",
        "placeholder": plain(asks),
        "options": offered,
        "action_id": action,
    }


def question(title: str, text: str, *, yes: str, no: str) -> Element:
    """What is asked once more before something that cannot be undone."""
    return {
        "title": plain(title),
        "text": _rendered(text),
        "confirm": plain(yes),
        "deny": plain(no),
        "style": "danger",
    }


def label(text: str) -> Text:
    """The words of a button or of a line in a menu."""
    return plain(markup.label(text, limits.BUTTON_TEXT) or "…")


def plain(text: str) -> Text:
    """Words that Slack takes literally."""
    return {"type": "plain_text", "text": text, "emoji": False}


def _rendered(text: str) -> Text:
    fitting = markup.shortened(text, limits.SECTION_TEXT)
    return {"type": "mrkdwn", "text": fitting, "verbatim": True}
