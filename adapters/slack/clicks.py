"""Which button was pressed? A `block_actions` payload as an `Inbound`, or None if it is not ours.

Pure. What a button carries is all that may be relied on: it stays in its thread for ever, through
restarts and through newer versions of the bridge. In a shared channel the click names the clicker's
own workspace; ours is in the button's value (docs.slack.dev/reference/interaction-payloads).
"""

import msgspec

from adapters.slack import ids
from adapters.slack.arrivals import arrival
from bridge.model.ids import DeliveryId
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    EndAsked,
    Inbound,
    InboundBody,
    PersonAsked,
    RetryAsked,
    StartAsked,
    StatusAsked,
)
from bridge.model.messages import Control


class _Named(msgspec.Struct):
    id: str = ""


class _Option(msgspec.Struct):
    value: str | None = None


class _Action(msgspec.Struct):
    action_id: str = ""
    value: str | None = None
    selected_option: _Option | None = None
    action_ts: str = ""

    @property
    def carried(self) -> ids.ButtonValue | None:
        """What the button, or the chosen line of a menu, carries; None if it is not ours."""
        chosen = self.selected_option
        return ids.decode_button((chosen.value if chosen else self.value) or "")


class _Message(msgspec.Struct):
    ts: str | None = None
    thread_ts: str | None = None


class _Container(msgspec.Struct):
    message_ts: str | None = None
    channel_id: str | None = None
    thread_ts: str | None = None


class _Click(msgspec.Struct):
    """What is read of a `block_actions` payload."""

    user: _Named
    actions: list[_Action]
    channel: _Named | None = None
    message: _Message | None = None
    container: _Container | None = None


def team_of(payload: object) -> str:
    """The workspace that the pressed button names; "" if it names none.

    Raises:
        msgspec.ValidationError: the payload cannot be read.
    """
    values = (action.carried for action in msgspec.convert(payload, _Click).actions)
    return next((value.team for value in values if value), "")


def read(payload: object) -> Inbound | None:
    """What the press means for us; None if it means nothing.

    Raises:
        msgspec.ValidationError: the payload cannot be read.
    """
    return _from_click(msgspec.convert(payload, _Click))


def _from_click(click: _Click) -> Inbound | None:
    for action in click.actions:
        value = action.carried
        if value is None or not ids.is_ts(action.action_ts):
            continue
        body = _pressed(action.action_id, value)
        if body is not None:
            return _clicked(click, action, value, body)
    return None


def _pressed(action: str, value: ids.ButtonValue) -> InboundBody | None:
    """What a button of ours asks for. Whether that still has a meaning is not judged here."""
    delivery = DeliveryId(value.delivery)
    match ids.control_of(action):
        case Control.START:
            return StartAsked()
        case Control.RETRY:
            return RetryAsked(delivery)
        case Control.CANCEL:
            return CancelAsked(delivery)
        case Control.END:
            return EndAsked()
        case Control.PERSON:
            return PersonAsked()
        case Control.STATUS:
            return StatusAsked()
        case None:
            clicked = Clicked(delivery, value.index, value.mark)
            return clicked if ids.is_suggestion(action) else None


def _clicked(
    click: _Click, action: _Action, value: ids.ButtonValue, body: InboundBody
) -> Inbound | None:
    message = click.message or _Message()
    container = click.container or _Container()
    channel = (click.channel.id if click.channel else "") or container.channel_id or ""
    posted = message.ts or container.message_ts
    root = message.thread_ts or container.thread_ts or posted
    user = click.user.id
    if not (ids.is_place(channel) and ids.is_ts(posted) and ids.is_ts(root) and ids.is_user(user)):
        return None
    return arrival(
        ids.SlackThread(value.team, channel, root or ""),
        (f"click:{value.team}:{channel}:{posted}:{user}:{action.action_ts}",),
        ts=action.action_ts,
        person=user,
        body=body,
        opens=isinstance(body, StartAsked | RetryAsked),
    )
