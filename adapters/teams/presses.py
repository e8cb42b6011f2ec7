"""What does a button carry, and what was pressed? Read back as it was written, and by nobody else.

Action.Submit gives back its `data`; Teams' `messageBack` in it shows the choice as the person's own
words, and gives back the `value` in it (learn.microsoft.com/microsoftteams/platform/
task-modules-and-cards/cards/cards-actions). Where it then stands differs between clients.
"""

import json
from typing import Any

from bridge.model.ids import DeliveryId
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
from bridge.model.messages import Control

#: The key of what is ours.
_OURS = "polyai_bridge"
#: How deep an answer may hold it.
_DEEPEST = 4

_Data = dict[str, Any]


def choice(delivery: DeliveryId, index: int, mark: str, words: str) -> _Data:
    """The data of a button for a suggestion."""
    return _data({"delivery": delivery, "index": index, "mark": mark}, words)


def wish(delivery: DeliveryId, control: Control, words: str) -> _Data:
    """The data of a button for a control."""
    return _data({"delivery": delivery, "control": control.value}, words)


def pressed(value: object) -> InboundBody | None:
    """What was pressed; None if it is no button of ours."""
    ours = _found(value, _DEEPEST)
    if ours is None:
        return None
    delivery, index, mark = ours.get("delivery"), ours.get("index"), ours.get("mark", "")
    if not isinstance(delivery, str) or not 0 < len(delivery) <= 100:
        return None
    if "control" in ours:
        return _wished(DeliveryId(delivery), ours["control"])
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < 1000:
        return None
    return Clicked(DeliveryId(delivery), index, mark if isinstance(mark, str) else "")


def _wished(delivery: DeliveryId, control: object) -> InboundBody | None:
    wishes: dict[object, InboundBody] = {
        "start": StartAsked(delivery),
        "retry": RetryAsked(delivery),
        "cancel": CancelAsked(delivery),
        "end": EndAsked(),
        "person": PersonAsked(),
        "status": StatusAsked(),
    }
    return wishes.get(control) if isinstance(control, str) else None


def _data(ours: _Data, words: str) -> _Data:
    return {
        _OURS: ours,
        "msteams": {
            "type": "messageBack",
            "displayText": words,
            "text": words,
            "value": {_OURS: ours},
        },
    }


def _found(value: object, depth: int) -> _Data | None:
    """What is ours, wherever a client put it."""
    if isinstance(value, str) and _OURS in value and len(value) < 10_000:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict) or depth == 0:
        return None
    ours = value.get(_OURS)
    if isinstance(ours, dict):
        return ours
    inner = (value.get(key) for key in ("value", "msteams", "action", "data"))
    return next((found for each in inner if (found := _found(each, depth - 1))), None)
