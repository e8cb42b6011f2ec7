"""What did Teams tell us? An activity becomes an inbound, or is none of our business. Pure.

Activities: learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-
conversations and /bots/how-to/conversations/conversation-messages; read by Microsoft's own models.
"""

import hashlib
import html
import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from microsoft_agents.activity import Activity, Mention

from adapters.teams import presses
from adapters.teams.services import LONGEST, place_of
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import Deleted, Edited, Inbound, InboundBody, Said
from bridge.model.messages import Person

_PERSONAL = "personal"
#: The fields that anything is made of.
_USED = (
    "type",
    "id",
    "timestamp",
    "serviceUrl",
    "channelId",
    "from",
    "conversation",
    "recipient",
    "text",
    "value",
    "entities",
)


def _nothing(_record: logging.LogRecord) -> bool:
    return False


# The SDK writes what it cannot read into the log, people's words included.
logging.getLogger("microsoft_agents.activity.activity").addFilter(_nothing)


class Unreadable(Exception):
    """It is no activity that anything can be made of."""


def activity_of(body: bytes) -> Activity:
    """The activity in a request's body.

    Raises:
        Unreadable: there is none, or it lacks what every activity of Teams has.
    """
    try:
        activity = Activity.model_validate(_used(json.loads(body)))
    except Exception:
        # The SDK raises what it likes: TypeError for an empty channel, a bare Exception elsewhere.
        raise Unreadable from None
    if not _is_name(_conversation(activity)) or not _is_name(_given(activity.id) or "none"):
        raise Unreadable
    return activity


def _is_name(text: str) -> bool:
    """Whether it can be a thread's or a message's; as part of an address, dots lead elsewhere."""
    return 0 < len(text) <= LONGEST and text.isprintable() and text not in {".", ".."}


def _used(told: Any) -> Any:  # noqa: ANN401 - whatever JSON may be
    """What is read of it. The SDK refuses the whole for anything odd, a null included."""
    if not isinstance(told, dict):
        return told
    used = {key: _filled(told[key]) for key in _USED if told.get(key) is not None}
    if isinstance(entities := used.get("entities"), list):
        used["entities"] = [
            each for each in entities if isinstance(each, dict) and each.get("type") == "mention"
        ]
    return used


def _filled(value: Any) -> Any:  # noqa: ANN401 - whatever JSON may be
    """Without what is null, and without half characters, which only JSON's escapes can spell."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _filled(each) for key, each in value.items() if each is not None}
    return [_filled(each) for each in value] if isinstance(value, list) else value


def inbound_of(activity: Activity, now: datetime) -> Inbound | None:
    """What `activity` tells; None if it is nothing that a conversation has to do with."""
    told = _body(activity)
    number = _given(activity.id)
    person = _given(activity.from_property)
    if told is None or not number or person is None or not _given(person.id):
        return None
    recipient = _given(activity.recipient)
    if recipient is not None and recipient.id == person.id:
        return None  # our own
    body, identity = told
    conversation = _conversation(activity)
    at = _instant(activity, now)
    return Inbound(
        thread=ThreadKey(conversation),
        identities=(identity,),
        order=f"{at:%Y-%m-%dT%H:%M:%S.%f} {number}",
        person=Person(PersonId(person.id), _given(person.name)),
        at=at,
        body=body,
        opens=isinstance(body, Said) and _addressed(activity),
        place=place_of(conversation),
        account=_given(activity.conversation.tenant_id) or "",
    )


def _body(activity: Activity) -> tuple[InboundBody, str] | None:
    """What happened, and its name for ever."""
    name = f"{_conversation(activity)}/{_given(activity.id)}"
    match activity.type:
        case "message" | "invoke" if pressed := presses.pressed(activity.value):
            return pressed, name
        case "message" if not _given(activity.value):
            words = words_of(activity)
            # A file or a picture alone is nothing that the agent could be told.
            return (Said(words), name) if words or _addressed(activity) else None
        case "messageUpdate":
            words = words_of(activity)
            # Two edits within one clock tick differ in their words.
            mark = hashlib.sha256(words.encode(errors="replace")).hexdigest()[:16]
            return Edited(name, words), f"{name}/edited/{_stamp(activity)}/{mark}"
        case "messageDelete":
            return Deleted(name), f"{name}/deleted"
        case _:  # typing, members, reactions: nobody has to know
            return None


def words_of(activity: Activity) -> str:
    """What was written, readable: without the bot's own name, entities decoded."""
    text = _given(activity.text) or ""
    for mention in _mentions(activity):
        # A name without its tags may be anybody's word as well.
        text = text.replace(mention, "", 1) if _TAG.match(mention) else text
    # What people type between angle brackets comes as entities, so tags are Teams' own.
    return html.unescape(_TAG.sub("", text)).strip()


#: What Teams wraps names in.
_TAG = re.compile(r"</?at(?: [^<>]*)?>")


def _mentions(activity: Activity) -> list[str]:
    """How the bot itself is called in the text."""
    recipient = _given(activity.recipient)
    found = []
    for entity in _given(activity.entities) or []:
        if not isinstance(entity, Mention) or recipient is None:
            continue
        who = _given(entity.mentioned)
        if who is not None and who.id == recipient.id and _given(entity.text):
            found.append(entity.text)
    return found


def _addressed(activity: Activity) -> bool:
    """Whether it is for the bot: everything is, in a chat with it alone."""
    kind = _given(activity.conversation.conversation_type)
    return kind in {None, _PERSONAL} or bool(_mentions(activity))


def _conversation(activity: Activity) -> str:
    conversation = _given(activity.conversation)
    return conversation.id if conversation is not None else ""


def _instant(activity: Activity, now: datetime) -> datetime:
    stamp: datetime | None = _given(activity.timestamp)
    if stamp is None:
        return now
    try:
        return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    except OverflowError:  # in the year 1, or 9999
        return now


def _stamp(activity: Activity) -> str:
    stamp = _given(activity.timestamp)
    return stamp.isoformat() if stamp is not None else ""


def _given(value: Any) -> Any:  # noqa: ANN401 - the SDK's types deny that fields can be missing
    """The value; the SDK declares most fields as always there, and gives None."""
    return value
