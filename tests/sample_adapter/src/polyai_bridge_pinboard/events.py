"""What an event of the board's feed means to the bridge: a function of the event alone."""

from datetime import datetime
from typing import Any

from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import Deleted, Edited, Inbound, InboundBody, Said
from bridge.model.messages import Person


def inbound_of(event: dict[str, Any]) -> Inbound | None:
    """What an event of the feed means; None if it is our own, or nothing that concerns us."""
    # YOURS: what people did, who they are, and what their platform calls it.
    bodies: dict[str, InboundBody] = {
        "pinned": Said(event["text"]),
        "changed": Edited(event["pin"], event["text"]),
        "removed": Deleted(event["pin"]),
    }
    body = bodies.get(event["what"])
    if body is None or event["bot"]:
        return None
    return Inbound(
        thread=ThreadKey(event["thread"]),
        identities=(event["id"],),
        order=event["id"],
        person=Person(PersonId(event["person"]), event["name"]),
        at=datetime.fromisoformat(event["at"]),
        body=body,
        opens=event["what"] == "pinned",
    )
