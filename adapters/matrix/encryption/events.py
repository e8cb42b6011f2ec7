"""What was a sealed event before it was sealed, and how is one answered? Pure."""

from typing import Any

from adapters.matrix.calls import parsed
from adapters.matrix.encryption.signing import mapping
from adapters.matrix.reading import Event


def answering(event: Event) -> dict[str, Any]:
    """How an answer relates to an event: in its thread, and as a reply to it."""
    relation = mapping(mapping(event.get("content")).get("m.relates_to"))
    reply = {"m.in_reply_to": {"event_id": event["event_id"]}}
    if relation.get("rel_type") != "m.thread":
        return reply
    return {"rel_type": "m.thread", "event_id": relation.get("event_id"), **reply}


def opened_event(room: str, event: Event, plaintext: bytes) -> Event:
    """The event as if it had never been sealed; its relation stands in the clear."""
    told = mapping(parsed(plaintext.decode(errors="replace")))
    if told.get("room_id") != room:
        return {}  # sealed for another room, and copied
    relation = mapping(event.get("content")).get("m.relates_to")
    content = {k: v for k, v in mapping(told.get("content")).items() if k != "m.relates_to"}
    if relation is not None:
        content["m.relates_to"] = relation
    return {**event, "type": told.get("type"), "content": content}
