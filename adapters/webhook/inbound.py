"""What does a system tell us? Its JSON, read strictly, as what happened in a thread."""

import json
from datetime import UTC, datetime

import msgspec

from adapters.webhook.told import (
    Message,
    TellsCancel,
    TellsChoice,
    TellsClosed,
    TellsDeleted,
    TellsEdited,
    TellsEnd,
    TellsPerson,
    TellsRetry,
    TellsSaid,
    TellsStart,
    TellsStatus,
)
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    Deleted,
    Edited,
    EndAsked,
    Inbound,
    InboundBody,
    PersonAsked,
    RetryAsked,
    Said,
    StartAsked,
    StatusAsked,
    ThreadGone,
)
from bridge.model.messages import Person

#: Any message within its limits fits, even if each character is written as two escapes.
BODY_LIMIT = 512 * 1024

_LONGEST_TOLD = 300


class Unreadable(Exception):
    """What came is no message of ours; the sentence says where and why."""


_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def read(body: bytes) -> Message:
    """The message that stands in a request's body.

    Raises:
        Unreadable: it is no JSON, or not of one of the shapes.
    """
    try:
        try:
            return _decoder.decode(body)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return _decoder.decode(_whole(body))
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)[:_LONGEST_TOLD]) from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"is not JSON: {error}"[:_LONGEST_TOLD]) from None


def _whole(body: bytes) -> bytes:
    """The same with a mark for each half of a character, which only JSON's escapes can spell.

    Texts that were cut in the middle of one have them; the rest of what somebody said is worth
    more than to be refused for ever. What is no JSON stays as it is.
    """
    if b"\\u" not in body:
        return body
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
    except ValueError:
        return body


def inbound_of(message: Message, now: datetime, count: int) -> Inbound:
    """The same as the bridge takes it; `count` tells apart what happened at one instant."""
    at = _instant(message.at) or now
    return Inbound(
        thread=ThreadKey(message.thread),
        identities=(_identity(message.__struct_config__.tag, message.thread, message.id),),
        order=f"{at.isoformat(timespec='microseconds')} {count:012}",
        person=Person(PersonId(message.person.id), message.person.name),
        at=at,
        body=_body_of(message),
        opens=getattr(message, "opens", False),
        place=message.place,
    )


def _identity(kind: object, thread: str, name: str) -> str:
    """Many systems count in each thread anew, and name a change like what is changed: neither is
    the same thing told twice. No id has a space in it."""
    return f"{kind} {thread} {name}"


def _instant(at: datetime | None) -> datetime | None:
    try:
        return at.astimezone(UTC) if at else None
    except OverflowError:
        return None  # in UTC it lies in the year 0 or 10000


def _body_of(message: Message) -> InboundBody:
    match message:
        case TellsSaid():
            return Said(message.text)
        case TellsChoice():
            return Clicked(DeliveryId(message.delivery), int(message.index), message.mark)
        case TellsEnd():
            return EndAsked()
        case TellsStart():
            return StartAsked(DeliveryId(message.delivery) if message.delivery else None)
        case TellsRetry():
            return RetryAsked(DeliveryId(message.delivery))
        case TellsCancel():
            return CancelAsked(DeliveryId(message.delivery))
        case TellsPerson():
            return PersonAsked()
        case TellsStatus():
            return StatusAsked()
        case TellsEdited():
            return Edited(_identity("said", message.thread, message.original), message.text)
        case TellsDeleted():
            return Deleted(_identity("said", message.thread, message.original))
        case TellsClosed():
            return ThreadGone()
