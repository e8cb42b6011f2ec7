"""How does Teams show what can be pressed and seen? Adaptive Cards, version 1.5. Pure.

adaptivecards.io/explorer, and learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/
cards/cards-reference: Teams takes 1.5, fetches pictures by https only, and shows six actions of a
set side by side.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adapters.teams import presses
from adapters.teams.markdown import safe_url, written
from bridge.model.delivery import Outbound
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    CallAction,
    Control,
    Suggestion,
)

CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"
#: The most suggestions of one message: two rows.
SUGGESTIONS = 12
#: The longest label of a button, what is shown of a choice, and of one that a label cuts: code
#: points.
LABEL, WORDS, LINE = 80, 100, 300
_ROW = 6

Element = dict[str, Any]

_CONTROLS = {
    Control.START: "Start again",
    Control.RETRY: "Try again",
    Control.CANCEL: "Cancel waiting",
    Control.END: "End the conversation",
    Control.PERSON: "Talk to a person",
    Control.STATUS: "What is going on?",
}


def card(body: list[Element]) -> Element:
    """The card with these elements."""
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": body,
    }


def marked(text: str) -> Element:
    """The agent's words."""
    return {"type": "TextBlock", "text": written(text), "wrap": True}


def plain(text: str) -> Element:
    """Words that no Markdown is read in."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text}]}


def offers(suggestions: Sequence[Suggestion], outbound: Outbound) -> Iterator[Element]:
    """What can be chosen; what a label would cut stands above in full."""
    these = suggestions[:SUGGESTIONS]
    for each in these:
        if len(line(each.text, LINE)) > LABEL:
            yield plain(f"• {line(each.text, LINE)}")
    buttons = [
        _submit(each.text, presses.choice(outbound.id, at, each.mark, line(each.text, WORDS)))
        for at, each in enumerate(these)
    ]
    yield from _rows(buttons)


def controls(these: Iterable[Control], outbound: Outbound) -> Iterator[Element]:
    """What can be done with the conversation."""
    labels = [(each, _CONTROLS[each]) for each in these]
    yield from _rows(
        [_submit(label, presses.wish(outbound.id, each, label)) for each, label in labels]
    )


def beside(reply: AgentReply, room: int) -> Iterator[Element]:
    """Pictures, links and numbers, in `room` bytes; how many have none is told."""
    left = [*map(_attached, reply.attachments), *map(_called, reply.call_actions)]
    while left and (room := room - size(left[0])) >= 0:
        yield left.pop(0)
    if left:
        yield plain(f"(There are {len(left)} more links or pictures than can be shown here.)")


def line(text: str, longest: int) -> str:
    """`text` in one line of at most `longest` code points."""
    one = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return one if len(one) <= longest else one[: longest - 1] + "…"


def size(value: object) -> int:
    """How large Teams counts it: JSON in UTF-16, bytes."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-16-le", "replace"))


def _attached(attachment: Attachment) -> Element:
    url, title = safe_url(attachment.url), line(attachment.title, LINE)
    if url is None:
        return plain(" ".join(filter(None, [title, line(attachment.url or "", LINE)])))
    if attachment.kind is AttachmentKind.IMAGE:
        return {"type": "Image", "url": url, "altText": title or "Picture"}
    label = line(attachment.action_text or attachment.title or url, LABEL)
    opens = {"type": "ActionSet", "actions": [_opening(label, url)]}
    preview = safe_url(attachment.preview_url)
    shown: list[Element] = [plain(title)] if title and title != label else []
    if preview:
        shown.append({"type": "Image", "url": preview, "altText": title or "Preview"})
    return {"type": "Container", "items": [*shown, opens]} if shown else opens


def _called(call: CallAction) -> Element:
    return plain(line(f"{call.title} {call.number}", LINE))


def _opening(label: str, url: str) -> Element:
    return {"type": "Action.OpenUrl", "title": label, "url": url}


def _submit(label: str, data: dict[str, Any]) -> Element:
    return {"type": "Action.Submit", "title": line(label, LABEL), "data": data}


def _rows(buttons: list[Element]) -> Iterator[Element]:
    for at in range(0, len(buttons), _ROW):
        yield {"type": "ActionSet", "actions": buttons[at : at + _ROW]}
