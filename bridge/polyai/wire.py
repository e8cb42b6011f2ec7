"""How do PolyAI's JSON frames become values, and ours JSON? Pure.

Rules:

- Nothing the other side sends raises. What cannot be read becomes a default, an `Unknown` or,
  where nothing is left to know it by, a problem for the log.
- A fault stays as small as it is: one bad element costs its list nothing else, one bad event its
  batch nothing else.
- An event is known by its id, its sequence, its message's id or, an echo, by the id we gave it. One
  that has none of them cannot be told from a repeat: `bodies.passes` says what becomes of it.
- An event may hold its body under its protobuf oneof name instead of `payload`.
- Nothing is decided here. Order and repetition are the journal's business; frames of one batch are
  merely handed over by sequence, those without one last.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from bridge.model.frames import NAMES_OF_PEOPLE, Frame
from bridge.model.messages import Person
from bridge.model.value import Value
from bridge.polyai.bodies import PREFIX, knows, passes, read_body
from bridge.polyai.fields import Object, as_number, as_object, as_text

_BATCH: Final = PREFIX + "EVENT_BATCH"
_ECHO: Final = PREFIX + "USER_MESSAGE"
# The documentation's receipts use the first key, PolyAI's own SDKs the second.
_OUR_IDS: Final = ("client_event_id", "local_id")
_MAX_DEPTH: Final = 8  # of batches in batches; the server is not known to nest at all


class Decoded(Value, frozen=True):
    """What one message on the socket held, whatever it was.

    `batch` is true for a replay. `problems` say what was malformed, for the log: they never quote
    what was sent.
    """

    frames: tuple[Frame, ...] = ()
    batch: bool = False
    problems: tuple[str, ...] = ()


def decode(text: str | bytes) -> Decoded:
    """Read one message of the socket. Never raises."""
    outer = _parse(text)
    if not isinstance(outer, dict):
        what = "not JSON" if outer is _NOTHING else "not an object"
        return Decoded(problems=(f"a message is {what}",))
    problems: list[str] = []
    found = sorted(_flatten(outer, problems, depth=0), key=_by_sequence)
    return Decoded(tuple(found), outer.get("type") == _BATCH, tuple(problems))


def encode_join() -> str:
    """Ask the agent to join: it never does on its own."""
    return _encode("REQUEST_POLY_AGENT_JOIN")


def encode_message(text: str, client_event_id: str, person: Person | None = None) -> str:
    """The words of `person`. PolyAI echoes the id; it does not deduplicate by it."""
    custom = dict.fromkeys(_OUR_IDS, client_event_id)
    if person is not None:
        told = zip(NAMES_OF_PEOPLE, (person.id, person.name), strict=True)
        custom |= {key: text for key, text in told if text}
    return _encode("USER_MESSAGE", payload={"text": text}, custom=custom)


def encode_end() -> str:
    """Ask that the session end; an echo and `SESSION_END` follow."""
    return _encode("USER_END_SESSION")


def encode_heartbeat() -> str:
    """A sign of life; PolyAI echoes it."""
    return _encode("HEARTBEAT")


def message_size(text: str, client_event_id: str, person: Person | None = None) -> int:
    """The bytes of `encode_message`: what PolyAI's limit is about."""
    return len(encode_message(text, client_event_id, person).encode())


def _encode(
    name: str, *, payload: dict[str, str] | None = None, custom: dict[str, str] | None = None
) -> str:
    frame: Object = {"type": PREFIX + name, "payload": payload or {}}
    if custom:
        frame["metadata"] = {"custom": custom}
    # Escaped non-ASCII would more than double a Chinese text, and the limit counts bytes.
    try:
        return msgspec.json.encode(frame).decode()
    except UnicodeEncodeError:  # half a surrogate pair is in it
        return _mended(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))


_NOTHING: Final = object()


def _parse(text: str | bytes) -> object:
    """The JSON value, or `_NOTHING`."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        pass
    # Slower and more forgiving. A text cut inside an emoji is legal JSON, but half a surrogate pair
    # is no character; and one number out of range must not cost a whole batch.
    try:
        return json.loads(_mended(json.dumps(json.loads(text), ensure_ascii=False)))
    except (ValueError, RecursionError):
        return _NOTHING


def _mended(text: str) -> str:
    """The same text with halves of surrogate pairs joined, or replaced where one is missing."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _by_sequence(frame: Frame) -> tuple[bool, int]:
    return (frame.sequence is None, frame.sequence or 0)


def _flatten(event: object, problems: list[str], *, depth: int) -> Iterator[Frame]:
    """The frames of one event, batch or not, in the order given."""
    if not isinstance(event, dict):
        problems.append("an event is not an object")
    elif event.get("type") != _BATCH:
        frame = _frame(event, problems, alone=depth == 0)
        if frame is not None:
            yield frame
    elif depth >= _MAX_DEPTH:
        problems.append("batches are nested too deep")
    else:
        events = _payload(event, _BATCH).get("events")
        if not isinstance(events, list):
            problems.append("a batch has no list of events")
            return
        for inner in events:
            yield from _flatten(inner, problems, depth=depth + 1)


def _frame(event: Object, problems: list[str], *, alone: bool) -> Frame | None:
    """One event, unless nothing is left to know it by when it comes again."""
    kind = event.get("type")
    if not isinstance(kind, str):
        problems.append("an event has no type")
        kind = ""
    payload = _payload(event, kind)
    identity, sequence = as_text(event.get("id")), as_number(event.get("sequence"))
    custom = _custom(event.get("metadata"))
    known = bool(identity or sequence is not None or as_text(payload.get("message_id")))
    ours = kind == _ECHO and any(key in custom for key in _OUR_IDS)
    if not (known or ours or passes(kind, alone=alone)):
        name = kind if knows(kind) else "an unknown type"
        problems.append(f"dropped an event without id, sequence or message_id: {name}")
        return None
    return Frame(
        id=identity,
        sequence=sequence,
        at=_instant(event.get("timestamp")),
        body=read_body(kind, payload),
        custom=custom,
    )


def _payload(event: Object, kind: str) -> Object:
    """The body: under `payload`, or under the lower-cased name of a protobuf oneof."""
    payload = as_object(event.get("payload"))
    return payload or as_object(event.get(kind.removeprefix(PREFIX).lower()))


def _instant(value: object) -> datetime | None:
    """ISO 8601 with `Z` or an offset and any length of fraction; none is taken to be UTC."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _custom(metadata: object) -> dict[str, str]:
    custom = as_object(as_object(metadata).get("custom"))
    return {key: value for key, value in custom.items() if isinstance(value, str)}
