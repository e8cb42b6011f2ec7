"""What is a message built of? The few blocks we use, each within its limits.

Text objects are `verbatim`: Slack adds no links and mentions of its own to what the agent wrote.
What goes into `section` and `context` is rendered already; a label is taken as it comes.
"""

from slack_sdk.models.blocks import (
    ButtonElement,
    ContextBlock,
    ImageElement,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from adapters.slack import limits
from adapters.slack.rendering import markup


def section(text: str, accessory: ImageElement | ButtonElement | None = None) -> SectionBlock:
    """A paragraph of rendered text, with what stands beside it."""
    fitting = markup.shortened(text, limits.SECTION_TEXT)
    return SectionBlock(text=MarkdownTextObject(text=fitting, verbatim=True), accessory=accessory)


def context(text: str) -> ContextBlock:
    """A remark in small letters."""
    fitting = markup.shortened(text, limits.SECTION_TEXT)
    return ContextBlock(elements=[MarkdownTextObject(text=fitting, verbatim=True)])


def button(
    text: str, action: str, *, value: str | None = None, url: str | None = None
) -> ButtonElement:
    """A button that reads as much of `text` as fits."""
    return ButtonElement(text=label(text), action_id=action, value=value, url=url)


def label(text: str) -> PlainTextObject:
    """The words of a button or of a line in a menu."""
    return plain(markup.label(text, limits.BUTTON_TEXT) or "…")


def plain(text: str) -> PlainTextObject:
    """Words that Slack takes literally."""
    return PlainTextObject(text=text, emoji=False)
