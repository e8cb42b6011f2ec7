"""What did Slack tell us? An event or a click as an `Inbound`, or None if it is not for us.

Pure, and never raises: what Slack sends is outside our control, and a payload that cannot be read
must neither stop the connection nor be sent again and again. What a payload means is read next
door, by its kind; here it is decided which kind it is, and whether its author is let in.
"""

from typing import Any

import msgspec

from adapters.slack.identity import BotIdentity
from adapters.slack.reading import clicks, interactions
from adapters.slack.reading.admission import OPEN, Admission, AnswerTo, interactive_caller
from adapters.slack.reading.callbacks import Callback
from adapters.slack.reading.messages import Reader
from adapters.slack.reading.words import NO_WORDS, Words
from bridge.model.inbound import Inbound


def team_of(payload: object) -> str:
    """The workspace whose installation `payload` was sent to; "" where it does not say.

    In a shared channel that is not the sender's own; a click says it in the button's value.
    """
    if not isinstance(payload, dict):
        return ""
    try:
        if payload.get("type") == "block_actions":
            return clicks.team_of(payload)
        if interactions.is_shortcut(payload):
            return interactions.shortcut_team(payload)
        return msgspec.convert(payload, Callback).team
    except (msgspec.ValidationError, UnicodeEncodeError):
        return ""


def from_slack(
    payload: object, bot: BotIdentity, words: Words = NO_WORDS, rules: Admission = OPEN
) -> Inbound | None:
    """What `payload`, an event, a click or a shortcut, means for us; None if it means nothing.

    After a mention `words` are wishes, and not for the agent. Whom the `rules` refuse means
    nothing at all.
    """
    if not isinstance(payload, dict):
        return None
    try:
        if payload.get("type") == "block_actions":
            return _let_in(clicks.read(payload), payload, rules)
        if interactions.is_shortcut(payload):
            return _let_in(interactions.read_shortcut(payload), payload, rules)
        if isinstance(payload.get("event"), dict):
            return Reader(msgspec.convert(payload, Callback), bot, rules, words).read()
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None  # the latter where half a character stands in place of something else
    return None


def _let_in(inbound: Inbound | None, payload: dict[str, Any], rules: Admission) -> Inbound | None:
    """What somebody pressed or chose, if they may."""
    if inbound is None:
        return None
    caller = interactive_caller(
        payload, person=inbound.person.id, channel=inbound.place, workspace=inbound.account
    )
    if not rules.admits(caller):
        return None
    return msgspec.structs.replace(inbound, starter_only=rules.answer_to is AnswerTo.STARTER)
