"""What did somebody tell us? An event of a room in, what it says to us out; pure, never raises.

Events are anybody's: each field is looked at before it is believed.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.matrix.places import Account, Place, Room
from adapters.matrix.rendering import delivery_in
from bridge.model.value import Value

Event = Mapping[str, Any]

#: The keycaps people react with: a digit, perhaps a variation selector, and the cap.
_KEYCAP = re.compile("([1-9])\ufe0f?\u20e3")
_MEDIA = {"m.image": "picture", "m.file": "file", "m.audio": "recording", "m.video": "video"}
#: What can be an event's id, and in how many characters: a sigil, and nothing that does not show.
_IDENTITY, _LONGEST = re.compile(r"\$[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+"), 255
#: The last instant that every platform's calendar knows, in milliseconds.
_LAST = 253_402_300_799_000


class Words(Value, frozen=True):
    """Somebody said something in a place; it opens if it was said to us."""

    place: Place
    text: str
    opens: bool


class Change(Value, frozen=True):
    """Words of an earlier event now read so; with None they were taken back."""

    original: str
    text: str | None


class Press(Value, frozen=True):
    """Somebody put the keycap of a suggestion, counted from 0, on an event."""

    target: str
    index: int


class Told(Value, frozen=True, kw_only=True):
    """What an event says, whose it is, and when they sent it."""

    id: str
    sender: str
    at: datetime
    what: Words | Change | Press


def read(event: Event, room: Room, me: Account) -> Told | None:
    """What `event` says to us in `room`; None if that is nothing."""
    identity, sender = _identity(event.get("event_id")), event.get("sender")
    if not identity or not isinstance(sender, str) or sender == me.user:
        return None
    if "state_key" in event:
        return None
    what = _what(event, identity, room, me)
    if what is None:
        return None
    return Told(id=identity, sender=sender, at=_instant(event), what=what)


def _what(event: Event, identity: str, room: Room, me: Account) -> Words | Change | Press | None:
    content = _mapping(event.get("content"))
    match event.get("type"):
        case "m.room.message":
            return _said(content, identity, room, me)
        case "m.room.redaction":
            # Up to room version 10 beside the content, from 11 on in it.
            redacted = _identity(event.get("redacts", content.get("redacts")))
            return Change(redacted, None) if redacted else None
        case "m.reaction":
            return _pressed(_mapping(content.get("m.relates_to")))
    return None


def place_in(content: object, identity: str, room: Room) -> Place:
    """Where an event stands: in its thread, else at the top; a room for two is one thread."""
    relation = _mapping(_mapping(content).get("m.relates_to"))
    root = _identity(relation.get("event_id"))
    if relation.get("rel_type") == "m.thread" and root:
        return Place(room.id, root)
    return Place(room.id, "" if room.direct else identity)


def _said(
    content: Mapping[str, Any], identity: str, room: Room, me: Account
) -> Words | Change | None:
    relation = _mapping(content.get("m.relates_to"))
    if relation.get("rel_type") == "m.replace":
        return _changed(content, relation, me)
    text = _text(content, me)
    if text is None or delivery_in(content) is not None:
        return None  # another bridge's words: two in one room would answer each other for ever
    opens = room.direct or _calls(content, me)
    place = place_in(content, identity, room)
    if place.root == identity and not opens:
        return None  # at the top of a room, and not for us
    return Words(place, text, opens)


def _changed(content: Mapping[str, Any], relation: Mapping[str, Any], me: Account) -> Change | None:
    new = _mapping(content.get("m.new_content"))
    text = None if delivery_in(new) is not None else _text(new, me)
    original = _identity(relation.get("event_id"))
    return Change(original, text) if original and text is not None else None


def _pressed(relation: Mapping[str, Any]) -> Press | None:
    target, key = _identity(relation.get("event_id")), relation.get("key")
    cap = _KEYCAP.fullmatch(key) if isinstance(key, str) else None
    return Press(target, int(cap[1]) - 1) if cap and target else None


def _text(content: Mapping[str, Any], me: Account) -> str | None:
    """The words of a message; None for what is none, such as a bot's notice."""
    kind, body = content.get("msgtype"), content.get("body")
    if not isinstance(body, str) or not isinstance(kind, str):
        return None
    if kind in _MEDIA:
        return _media(_MEDIA[kind], content, body)
    words = _without_call(_without_quote(content, body), me).strip()
    match kind:
        case "m.text" | "m.location":
            return words
        case "m.emote":
            return f"*{words}*"
    return None


def _media(kind: str, content: Mapping[str, Any], body: str) -> str:
    """A line for what we cannot pass on; with a file name of its own, the body is a caption."""
    name = content.get("filename")
    if isinstance(name, str) and name and name != body:
        return f"{body}\n[{kind}: {name}]"
    return f"[{kind}: {body}]"


def _without_quote(content: Mapping[str, Any], body: str) -> str:
    """What older clients repeat of the message they reply to is not theirs ("> <@ann:…> …")."""
    reply = _mapping(_mapping(content.get("m.relates_to")).get("m.in_reply_to"))
    if not reply or not body.startswith("> <"):
        return body
    lines = body.split("\n")
    while lines and lines[0].startswith(">"):
        lines.pop(0)
    return "\n".join(lines).removeprefix("\n")


def _without_call(text: str, me: Account) -> str:
    """The words without our name at their beginning; they may be none."""
    for name in sorted(_names(me), key=len, reverse=True):
        begun = re.match(rf"\s*@?{re.escape(name)}(?![\w.:-]*\w)\s*[:,]?", text, re.IGNORECASE)
        if begun:
            return text[begun.end() :]
    return text


def _calls(content: Mapping[str, Any], me: Account) -> bool:
    """Whether it mentions us: by its list of mentions, if its client writes one (since 1.7)."""
    mentions = content.get("m.mentions")
    if isinstance(mentions, dict):
        users = mentions.get("user_ids")
        return isinstance(users, list) and me.user in users
    body = _without_quote(content, str(content.get("body")))
    return any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", body, re.IGNORECASE) for name in _names(me)
    )


def _identity(value: object) -> str:
    """An event's id, which stands in keys and paths; empty for what can be none.

    Whoever sends over federation names any event they like (appendices, "Event IDs").
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return ""
    return value if _IDENTITY.fullmatch(value) else ""


def _names(me: Account) -> set[str]:
    return {me.user, me.name} - {""}


def _instant(event: Event) -> datetime:
    """When its server says it was sent; never outside of what a calendar knows."""
    sent = event.get("origin_server_ts")
    milliseconds = sent if isinstance(sent, int) else 0
    return datetime.fromtimestamp(min(max(milliseconds, 0), _LAST) / 1000, UTC)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
