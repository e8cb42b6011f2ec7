"""What does the slash command do? It lists a person's conversations, ends one, or explains.

Slack permits no commands in threads (docs.slack.dev, "Implementing slash commands"). The answer
goes in the acknowledgement, so it cannot be lost on its own; what is asked for is stored before.
"""

import enum
import json
from collections.abc import Sequence
from typing import Any, Final

from adapters.slack import ids, limits
from adapters.slack.identity import BotIdentity
from adapters.slack.logs import LOG
from adapters.slack.reading.arrivals import arrival
from adapters.slack.reading.interactions import Command
from adapters.slack.reading.words import Words, folded
from adapters.slack.rendering import markup
from adapters.slack.rendering.blocks import Block, section
from adapters.slack.rendering.guidance import how_to
from adapters.slack.rendering.listing import MOST, conversations, line, of_workspace
from adapters.slack.workspaces import Workspace
from bridge.errors import DatabaseFailed
from bridge.model.inbound import EndAsked, Inbound
from bridge.model.messages import Control
from bridge.plugin import Accepted, Glimpse, Host

NOT_NOW: Final = "That cannot be done just now. Please try again in a moment."


class Wanted(enum.Enum):
    """What a command wants."""

    LIST = enum.auto()
    END = enum.auto()
    HELP = enum.auto()


_WANTED = {"": Wanted.LIST, "status": Wanted.LIST, "help": Wanted.HELP, "end": Wanted.END}
_MEANT = {Control.STATUS: Wanted.LIST, Control.END: Wanted.END}


def wanted(text: str, words: Words) -> Wanted:
    """What the text after the command wants; the words that steer threads do here too."""
    word = folded(text)
    meant = words.get(word)
    return _WANTED.get(word) or (_MEANT.get(meant) if meant else None) or Wanted.HELP


async def answer(
    command: Command, workspace: Workspace, host: Host, words: Words, *, name: str
) -> str:
    """Do what `command` wants; the body of the acknowledgement. `name` is the command's own."""
    want = wanted(command.text, words)
    if want is Wanted.HELP:
        return _body(how_to(workspace.bot.user, words, name))
    try:
        found = await host.conversations_of(command.person)
        mine = of_workspace(found, command.team)
        if want is Wanted.END and len(mine) == 1:
            return _body(await _end(command, mine[0], workspace, host))
    except DatabaseFailed:
        LOG.warning("slack.command_not_served", extra={"trigger": command.trigger})
        return _body(NOT_NOW)
    return listed(mine, workspace.bot, asking=want is Wanted.END)


async def _end(command: Command, glimpse: Glimpse, workspace: Workspace, host: Host) -> str:
    accepted = await host.accept(ending(command, glimpse, ids.ts_of(host.clock.now())))
    shown = line(glimpse, workspace.bot.address)
    if accepted is Accepted.IGNORED:
        return f"This one is over already: {shown}"
    return f"This one is being ended: {shown}"


def ending(command: Command, glimpse: Glimpse, ts: str) -> Inbound:
    """The end of a conversation, asked for by command at `ts`: Slack gives commands no time."""
    named = command.trigger or ts
    return arrival(
        ids.SlackThread.parse(glimpse.thread),
        (f"command:{command.team}:{command.person}:{named}",),
        ts=ts,
        person=command.person,
        body=EndAsked(),
        opens=False,
    )


def listed(glimpses: Sequence[Glimpse], bot: BotIdentity, *, asking: bool = False) -> str:
    """A person's conversations, with buttons; `asking` which of them is to end."""
    if not glimpses:
        start = f"Mention <@{bot.user}> in a message to begin one."
        return _body(f"You have no open conversation. {start}")
    few = f" The latest {MOST} are:" if len(glimpses) > MOST else ""
    head = "Which one should end?" if asking else f"Your open conversations: {len(glimpses)}."
    return _body(head + few, conversations(glimpses, bot.address))


def _body(text: str, blocks: Sequence[Block] = ()) -> str:
    body: dict[str, Any] = {
        "response_type": "ephemeral",
        "text": markup.shortened(text, limits.FALLBACK_TEXT),
    }
    if blocks:
        body["blocks"] = [section(text), *blocks]
    return json.dumps(body)
