"""What is printed, and what can be typed in answer to it?"""

from bridge.model.delivery import Outbound
from bridge.model.inbound import CancelAsked, Clicked, InboundBody, RetryAsked, StartAsked
from bridge.model.messages import AgentReply, Content, Control
from bridge.plugin import notice_text

_CONTROLS = {
    Control.START: ("/new", "start again"),
    Control.RETRY: ("/retry", "send it again"),
    Control.CANCEL: ("/cancel", "stop waiting"),
}


def shown(content: Content) -> str:
    """The lines of `content`. They cannot drive the terminal: control characters are left out."""
    return "".join(c for c in "\n".join(_lines(content)) if c.isprintable() or c == "\n")


def choices(outbound: Outbound) -> dict[str, InboundBody]:
    """The suggestions it offers, by their numbers."""
    if not isinstance(outbound.content, AgentReply):
        return {}
    numbers = range(len(outbound.content.suggestions))
    return {str(number + 1): Clicked(outbound.id, number) for number in numbers}


def commands(outbound: Outbound) -> dict[str, InboundBody]:
    """What else it offers to do, by the word that does it."""
    if isinstance(outbound.content, AgentReply) or outbound.content.control is None:
        return {}
    asked: dict[Control, InboundBody] = {
        Control.START: StartAsked(),
        Control.RETRY: RetryAsked(outbound.id),
        Control.CANCEL: CancelAsked(outbound.id),
    }
    word, _ = _CONTROLS[outbound.content.control]
    return {word: asked[outbound.content.control]}


def _lines(content: Content) -> list[str]:
    if not isinstance(content, AgentReply):
        offer = ""
        if content.control is not None:
            word, does = _CONTROLS[content.control]
            offer = f" (type {word} to {does})"
        return [f"* {notice_text(content)}{offer}"]
    lines = [f"{content.author.name or 'agent'}: {content.text}"]
    lines += [f"  {each.title} {each.url or ''}" for each in content.attachments]
    lines += [f"  {each.title}: {each.number}" for each in content.call_actions]
    lines += [f"  {n}) {each.text}" for n, each in enumerate(content.suggestions, 1)]
    return lines
