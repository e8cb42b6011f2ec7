"""What is printed, and what can be typed in answer to it?"""

from bridge.model.delivery import Outbound
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    EndAsked,
    InboundBody,
    PersonAsked,
    RetryAsked,
    StartAsked,
    StatusAsked,
)
from bridge.model.messages import AgentReply, Content, Control
from bridge.plugin import notice_text

_CONTROLS = {
    Control.START: ("/new", "start again"),
    Control.RETRY: ("/retry", "send it again"),
    Control.CANCEL: ("/cancel", "stop waiting"),
    Control.END: ("/end", "end the conversation"),
    Control.PERSON: ("/person", "talk to a person"),
    Control.STATUS: ("/status", "see what is going on"),
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
    if isinstance(outbound.content, AgentReply):
        return {}
    asked: dict[Control, InboundBody] = {
        Control.START: StartAsked(outbound.id),
        Control.RETRY: RetryAsked(outbound.id),
        Control.CANCEL: CancelAsked(outbound.id),
        Control.END: EndAsked(),
        Control.PERSON: PersonAsked(),
        Control.STATUS: StatusAsked(),
    }
    return {_CONTROLS[control][0]: asked[control] for control in outbound.content.controls}


def _lines(content: Content) -> list[str]:
    if not isinstance(content, AgentReply):
        ways = ", ".join("{} to {}".format(*_CONTROLS[each]) for each in content.controls)
        return [f"* {notice_text(content)}{f' (type {ways})' if ways else ''}"]
    lines = [f"{content.author.name or 'agent'}: {content.text}"]
    lines += [f"  {each.title} {each.url or ''}" for each in content.attachments]
    lines += [f"  {each.title}: {each.number}" for each in content.call_actions]
    lines += [f"  {n}) {each.text}" for n, each in enumerate(content.suggestions, 1)]
    return lines
