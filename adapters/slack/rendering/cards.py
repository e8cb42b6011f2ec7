"""How does Slack show what comes beside a text? Pictures, links as cards, numbers to call."""

from collections.abc import Iterator, Sequence
from itertools import count

from adapters.slack import ids, limits
from adapters.slack.rendering import markup
from adapters.slack.rendering.blocks import Block, actions, button, image, picture, section
from bridge.model.messages import Attachment, AttachmentKind, CallAction


def attachments(these: Sequence[Attachment], *, pictures: bool) -> Iterator[Block]:
    """Pictures as pictures, links as cards; what is too many stays readable as a list of links.

    Without `pictures` Slack fetches none: they are links as well.
    """
    room = {True: limits.PICTURES if pictures else 0, False: limits.CARDS}
    numbers = count(1)
    rest: list[str] = []
    for attachment in these:
        url = markup.web_url(attachment.url) if attachment.kind is AttachmentKind.IMAGE else None
        if room[bool(url)] and linked(attachment):
            room[bool(url)] -= 1
            if url:
                yield _picture(attachment, url)
            else:
                yield from _card(attachment, next(numbers), pictures=pictures)
        elif line := linked(attachment):
            rest.append(line)
    if rest:
        yield section("\n".join(rest))


def linked(attachment: Attachment) -> str:
    """The attachment as a line: a link, or its title alone where the address will not do."""
    url = markup.safe_url(attachment.url)
    if url:
        return markup.link(url, attachment.title)
    return markup.escape(markup.label(attachment.title, limits.LABEL))


def linked_words(attachment: Attachment) -> str:
    """The same for a notification, with the address spelled out."""
    title, url = markup.label(attachment.title, limits.LABEL), markup.safe_url(attachment.url)
    return markup.escape(f"{title} ({url})" if title and url else title or url or "")


def calls(these: Sequence[CallAction]) -> Iterator[Block]:
    """`title number`, dialled at a touch where it is a telephone number at all."""
    lines = []
    for call in these:
        url, shown = markup.dial(call.number), markup.escape(call_words(call))
        lines.append(f"<{url}|{shown}>" if url else shown)
    if text := "\n".join(line for line in lines if line):
        yield section(text)


def call_words(call: CallAction) -> str:
    """What is called, in words."""
    return markup.label(f"{call.title} {call.number}", limits.LABEL)


def _picture(attachment: Attachment, url: str) -> Block:
    title = markup.label(attachment.title, limits.ALT_TEXT)
    return picture(url, title or "Picture", title)


def _card(attachment: Attachment, number: int, *, pictures: bool) -> Iterator[Block]:
    """Its title as a link, with a picture and a button; only one of them has room beside it."""
    url, preview = markup.web_url(attachment.url), markup.web_url(attachment.preview_url)
    alt = markup.label(attachment.title, limits.ALT_TEXT) or "Preview"
    shown = image(preview, alt) if preview and pictures else None
    words = markup.label(attachment.action_text, limits.BUTTON_TEXT)
    opens = button(words, ids.open_action(number), url=url) if url and words else None
    yield section(linked(attachment), shown or opens)
    if shown and opens:
        yield actions([opens])
