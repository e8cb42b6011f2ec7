"""How does Slack offer the agent's suggestions? As buttons, or as a menu where they are many.

A button holds 75 characters: what is longer stands above in full, so that nobody chooses unread
words. The choice itself is told by delivery, place and mark, never by what a label shows.
"""

from collections.abc import Iterator, Sequence

from adapters.slack import ids, limits
from adapters.slack.rendering import markup
from adapters.slack.rendering.blocks import Block, actions, button, context, menu, section
from bridge.model.delivery import Outbound
from bridge.model.messages import Choice, Suggestion

#: More buttons than these are a wall.
MOST_BUTTONS = 10


def offers(suggestions: Sequence[Suggestion], outbound: Outbound) -> Iterator[Block]:
    """The suggestions of the reply that went out as `outbound`, to be chosen from."""
    these = suggestions[: limits.OPTIONS]
    if cut := [s.text for s in these if len(_line(s.text)) > limits.BUTTON_TEXT]:
        yield section("\n".join(f"• {markup.escape(_line(text))}" for text in cut))
    team = ids.SlackThread.parse(outbound.thread).team
    values = [ids.encode_button(_value(outbound, team, at, s)) for at, s in enumerate(these)]
    offered = [(s.text, value) for s, value in zip(these, values, strict=True)]
    if len(these) <= MOST_BUTTONS:
        yield actions(
            [
                button(text, ids.suggestion_action(at), value=value)
                for at, (text, value) in enumerate(offered)
            ]
        )
    elif these:
        yield actions([menu("Choose an answer", ids.suggestion_action(0), offered)])


def chosen(choice: Choice) -> Block:
    """What became of the suggestions."""
    text = f"✓ *{markup.escape(markup.label(choice.text, limits.LABEL))}*"
    by = f" — chosen by <@{choice.by.id}>" if ids.is_user(choice.by.id) else ""
    return context(text + by)


def _value(outbound: Outbound, team: str, index: int, suggestion: Suggestion) -> ids.ButtonValue:
    return ids.ButtonValue(outbound.id, team, index, suggestion.mark)


def _line(text: str) -> str:
    return " ".join(markup.clean(text).split())
