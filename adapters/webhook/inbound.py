"""What does a system tell us? Its JSON, read strictly, as what happened in a thread."""

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
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)[:_LONGEST_TOLD]) from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"is not JSON: {error}"[:_LONGEST_TOLD]) from None


def inbound_of(message: Message, now: datetime, count: int) -> Inbound:
    """The same as the bridge takes it; `count` tells apart what happened at one instant."""
    at = _instant(message.at) or now
    return Inbound(
        thread=ThreadKey(message.thread),
        identities=(message.id,),
        order=f"{at.isoformat(timespec='microseconds')} {count:012}",
        person=Person(PersonId(message.person.id), message.person.name),
        at=at,
        body=_body_of(message),
        opens=getattr(message, "opens", False),
        place=message.place,
    )


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
            return Edited(message.original, message.text)
        case TellsDeleted():
            return Deleted(message.original)
        case TellsClosed():
            return ThreadGone()
