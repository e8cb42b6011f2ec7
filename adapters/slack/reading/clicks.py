"""Which button was pressed? A `block_actions` payload as an `Inbound`, or None if it is not ours.

Pure. What a button carries is all that may be relied on: it stays in its thread for ever, through
restarts and through newer versions of the bridge. A message that one person alone is shown is in no
history, and the Home tab is in no channel: there the button names the thread. In a shared channel
the click names the clicker's own workspace; ours is in the button's value
(docs.slack.dev/reference/interaction-payloads).
"""

import msgspec

from adapters.slack import ids
from adapters.slack.reading.arrivals import arrival
from adapters.slack.reading.words import asked
from bridge.model.ids import DeliveryId
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    Inbound,
    InboundBody,
    RetryAsked,
    StartAsked,
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
    type: str | None = None
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


def in_list(payload: object) -> bool:
    """Whether a button was pressed in a list of conversations, away from its thread."""
    if not isinstance(payload, dict) or "actions" not in payload:
        return False  # so it is nearly always
    try:
        values = (action.carried for action in msgspec.convert(payload, _Click).actions)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return any(value and value.thread and not value.delivery for value in values)


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
    control = ids.control_of(action)
    match control:
        case None:
            chosen = delivery and ids.is_suggestion(action)
            return Clicked(delivery, value.index, value.mark) if chosen else None
        case Control.RETRY:
            return RetryAsked(delivery) if delivery else None
        case Control.CANCEL:
            return CancelAsked(delivery) if delivery else None
        case Control.START:
            return StartAsked(delivery or None)
        case _:
            return asked(control)


def _clicked(
    click: _Click, action: _Action, value: ids.ButtonValue, body: InboundBody
) -> Inbound | None:
    user, spot = click.user.id, _spot(click)
    thread = value.place or _thread(click, value.team)
    if thread is None or not spot or not ids.is_user(user):
        return None
    return arrival(
        thread,
        (f"click:{value.team}:{spot}:{user}:{action.action_ts}",),
        ts=action.action_ts,
        person=user,
        body=body,
        opens=isinstance(body, StartAsked | RetryAsked),
    )


def _spot(click: _Click) -> str:
    """Where the button stands: in a message, or in the person's Home tab; "" if nowhere."""
    if click.container is not None and click.container.type == "view":
        return "home"
    channel, posted = _channel(click), _posted(click)
    return f"{channel}:{posted}" if ids.is_place(channel) and ids.is_ts(posted) else ""


def _thread(click: _Click, team: str) -> ids.SlackThread | None:
    """The thread that the button's message is of; one without a thread begins its own."""
    channel = _channel(click)
    message, container = click.message or _Message(), click.container or _Container()
    root = message.thread_ts or container.thread_ts or _posted(click)
    if not (root and ids.is_place(channel) and ids.is_ts(root)):
        return None
    return ids.SlackThread(team, channel, root)


def _channel(click: _Click) -> str:
    named = click.channel.id if click.channel else ""
    return named or (click.container.channel_id if click.container else None) or ""


def _posted(click: _Click) -> str:
    message, container = click.message or _Message(), click.container or _Container()
    return message.ts or container.message_ts or ""
