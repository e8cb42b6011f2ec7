"""What can be asked of a homeserver? nio's own list of requests, by what we mean with each.

Of matrix-nio this is all that is used. Its client repeats by itself what was limited or timed out,
turns what went wrong into values that do not say whether anything was posted, and moves its sync
token on before anything is stored; its reading of events logs the words of malformed ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from yarl import URL

try:
    from nio import Api, MessageDirection  # type: ignore[import-untyped]  # it ships no types
except ImportError as error:
    raise ImportError("matrix-nio is missing: install polyai-bridge[matrix]") from error

_MESSAGE = "m.room.message"
#: The type of an event whose content is encrypted.
SEALED = "m.room.encrypted"
#: What nio has no requests for.
_KEYS = "/_matrix/client/v3/keys"
#: For how long a sign of typing shows unless it is taken back, in milliseconds.
_TYPING = 30_000

#: How long a server may take to tell where we are in all our rooms.
_EVERYTHING = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its method, its path with parameters, and its body, if it has one."""

    method: str
    path: str
    body: str = ""
    waits: timedelta = timedelta()  #: how long the server may keep it on purpose

    def at(self, homeserver: str) -> URL:
        """Its whole address. nio puts a token among the parameters, where proxies log it: gone."""
        return URL(homeserver + self.path, encoded=True).without_query_params("access_token")


def whoami() -> Request:
    """Whom the token belongs to."""
    return Request(*Api.whoami(""))


def profile(user: str) -> Request:
    """The name under which people see a user."""
    return Request(*Api.profile_get(user, ""))


def sync(since: str, waits: timedelta, only: Mapping[str, Any]) -> Request:
    """What happened after `since`, filtered; at once, or after `waits` if nothing does."""
    milliseconds = int(waits.total_seconds() * 1000)
    method, path = Api.sync("", since or None, milliseconds, dict(only))
    return Request(method, path, waits=waits if since else _EVERYTHING)


def history(
    room: str, start: str = "", end: str = "", *, limit: int, only: Mapping[str, Any]
) -> Request:
    """A page of a room's past, the newest first: from `start` (else now) back to `end`."""
    bounds = (start or None, end or None, MessageDirection.back, limit, dict(only))
    return Request(*Api.room_messages("", room, *bounds))


def event(room: str, identity: str) -> Request:
    """One event."""
    return Request(*Api.room_get_event("", room, identity))


def members(room: str) -> Request:
    """Who is in a room, by which names."""
    return Request(*Api.joined_members("", room))


def encryption(room: str) -> Request:
    """How a room is encrypted; not found if it is not."""
    return Request(*Api.room_get_state_event("", room, "m.room.encryption"))


def joined() -> Request:
    """The rooms we are in."""
    return Request(*Api.joined_rooms(""))


def join(room: str) -> Request:
    """Enter a room."""
    method, path = Api.join("", room)
    return Request(method, path, "{}")


def leave(room: str, reason: str) -> Request:
    """Leave a room, or decline an invitation."""
    method, path = Api.room_leave("", room)
    return Request(method, path, Api.to_json({"reason": reason}))


def send(
    room: str, content: Mapping[str, Any], transaction: str, *, sealed: bool = False
) -> Request:
    """Post a message; with the same transaction again it is the same message."""
    kind = SEALED if sealed else _MESSAGE
    return Request(*Api.room_send("", room, kind, dict(content), transaction))


def redact(room: str, identity: str, reason: str) -> Request:
    """Take an event away; twice is once."""
    return Request(*Api.room_redact("", room, identity, reason, f"redact {identity}"))


def typing(room: str, user: str, *, shown: bool) -> Request:
    """Show that we are typing, or no more."""
    return Request(*Api.room_typing("", room, user, shown, _TYPING))


def upload(keys: Mapping[str, Any]) -> Request:
    """Publish keys of our device; the same again changes nothing."""
    return Request(*Api.keys_upload("", dict(keys)))


def devices(users: Iterable[str]) -> Request:
    """The devices of users, with their keys."""
    return Request(*Api.keys_query("", sorted(users)))


def claim(devices: Mapping[str, Iterable[str]]) -> Request:
    """A key of each of these devices, by their users, to begin a session with; given once."""
    return Request(*Api.keys_claim("", dict(devices)))


def to_devices(messages: Mapping[str, Any], transaction: str) -> Request:
    """Tell each of these devices something sealed; with the same transaction again it is once."""
    return Request(*Api.to_device("", SEALED, {"messages": dict(messages)}, transaction))


def publish_identity(keys: Mapping[str, Any]) -> Request:
    """Publish who signs for our devices. An account's first identity needs no password (1.11)."""
    return Request("POST", f"{_KEYS}/device_signing/upload", Api.to_json(dict(keys)))


def publish_signatures(signed: Mapping[str, Any]) -> Request:
    """Publish signatures of devices, by user and device; the same again changes nothing."""
    return Request("POST", f"{_KEYS}/signatures/upload", Api.to_json(dict(signed)))
