"""Which conversations does a person have? A list with buttons, for a command and the Home tab."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from adapters.slack import ids
from adapters.slack.rendering import markup
from adapters.slack.rendering.blocks import Block, Element, actions, button, section
from adapters.slack.rendering.controls import control_button
from bridge.model.messages import Control
from bridge.plugin import Glimpse
from bridge.plugin.text import plain_moment

#: More than these nobody looks through; two blocks each.
MOST: Final = 20
#: The agent of whoever configured but one.
_ONLY_AGENT: Final = "default"


def of_workspace(glimpses: Iterable[Glimpse], team: str) -> list[Glimpse]:
    """Those in threads of one workspace: people may be in several under one id."""
    return [glimpse for glimpse in glimpses if ids.SlackThread.parse(glimpse.thread).team == team]


def conversations(glimpses: Sequence[Glimpse], address: str) -> list[Block]:
    """A paragraph and buttons for each; `address` is that of the workspace, for links into it."""
    blocks: list[Block] = []
    for number, glimpse in enumerate(glimpses[:MOST]):
        blocks += [section(line(glimpse, address)), _buttons(glimpse, address, number)]
    return blocks


def line(glimpse: Glimpse, address: str) -> str:
    """One conversation in words."""
    thread = ids.SlackThread.parse(glimpse.thread)
    where = "our direct messages" if thread.direct else f"<#{thread.channel}>"
    said = [f"In {where}, since {moment(glimpse.opened_at)}"]
    if (url := way_to(thread, address)) is not None:
        said = [f"{markup.link(url, 'Conversation')} in {where}, since {moment(glimpse.opened_at)}"]
    if glimpse.agent != _ONLY_AGENT:
        said.append(f"agent {markup.escape(glimpse.agent)}")
    if glimpse.with_person:
        said.append("a person is there or on the way")
    return " · ".join(said)


def way_to(thread: ids.SlackThread, address: str) -> str | None:
    """The address of the thread, if that of the workspace is known."""
    home = markup.web_url(address)
    return f"{home.rstrip('/')}/{thread.path}" if home else None


def moment(instant: datetime) -> str:
    """An instant in each reader's own time (docs.slack.dev, "Date formatting")."""
    fallback = f"{instant:%Y-%m-%d} {plain_moment(instant)}"
    return f"<!date^{int(instant.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"


def _buttons(glimpse: Glimpse, address: str, number: int) -> Block:
    thread = ids.SlackThread.parse(glimpse.thread)
    value = ids.ButtonValue(team=thread.team, thread=glimpse.thread)
    shown: list[Element] = []
    if (url := way_to(thread, address)) is not None:
        shown.append(button("Open", ids.open_action(number), url=url))
    shown.append(control_button(Control.END, value))
    if not glimpse.with_person:
        shown.append(control_button(Control.PERSON, value))
    return actions(shown)
