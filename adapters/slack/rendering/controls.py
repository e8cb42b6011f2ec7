"""How does Slack offer what one can do with a conversation? A button for each control."""

from collections.abc import Sequence

from adapters.slack import ids
from adapters.slack.rendering.blocks import Block, Element, actions, button, question
from bridge.model.delivery import Outbound
from bridge.model.messages import Control

_LABELS = {
    Control.START: "Start again",
    Control.RETRY: "Try again",
    Control.CANCEL: "Cancel waiting",
    Control.END: "End the conversation",
    Control.PERSON: "Talk to a person",
    Control.STATUS: "What is going on?",
}


def controls(outbound: Outbound, offered: Sequence[Control]) -> Block:
    """The controls that the notice `outbound` offers.

    What one person alone is shown is in no history, and Slack may not say in which thread it stood:
    its buttons name the thread.
    """
    team = ids.SlackThread.parse(outbound.thread).team
    value = ids.ButtonValue(outbound.id, team)
    if outbound.only_for:
        value = ids.ButtonValue(outbound.id, team, thread=outbound.thread)
    return actions([control_button(control, value) for control in offered])


def control_button(control: Control, value: ids.ButtonValue) -> Element:
    """One control; what cannot be undone asks once more."""
    shown = button(_LABELS[control], ids.control_action(control), value=ids.encode_button(value))
    return {**shown, "confirm": _END} if control is Control.END else shown


_END = question(
    "End the conversation?",
    "The agent forgets what was said in it. This cannot be undone.",
    yes="End it",
    no="Go on",
)
