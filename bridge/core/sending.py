"""What goes to the agent, and when? One unconfirmed frame at a time, verified before any repeat.

Laws (polyai-messaging §7, §12; PolyAI does not deduplicate what we send):
- Nothing is sent before the history has been followed, no message before the agent has joined.
- A frame is *in flight* from the commit that says so until its echo. If the echo fails to come,
  or the socket or the process dies, only a replay decides: the echo is in it, or the same frame
  with the same id is sent again.
- After `send_limit` sends a message is given up, visibly.
- The join, each message and the end are sent in this order, each once.
"""

import msgspec

from bridge.core.effects import Recycle, SendKind, Transmit
from bridge.core.speakers import as_sent, sender
from bridge.core.state import Heard, InFlight, Retry, Session, Waiting
from bridge.core.stepping import Stepping
from bridge.model.delivery import DeliveryState
from bridge.model.frames import Frame, MessageEchoed
from bridge.model.ids import DeliveryId
from bridge.model.messages import Control, Notice, NoticeKind, Person

#: PolyAI's documented limit for one WebSocket message; a session may name a smaller one.
MAX_MESSAGE_BYTES = 131_072
#: How many notices in a thread may offer to send something again.
_RETRIES = 20
#: How many confirmed messages are remembered, as errors may still name them.
_HEARD = 8


def send_next(step: Stepping) -> None:
    """Launch the next frame if one is due and none is in flight."""
    session = step.conversation.session
    if session is None or not session.ready or step.conversation.in_flight is not None:
        return
    due = [message for message in step.conversation.waiting if not message.after_end]
    if session.end_wanted_at is not None and not due:
        if not session.end_echoed:
            _launch(step, session, SendKind.END, None)
    elif not session.joined:
        if session.join_echoed_at is None and not _too_soon(step, session):
            step.change_session(joins=session.joins + 1, join_after=None)
            _launch(step, session, SendKind.JOIN, None)
    elif due:
        head = due[0]
        step.change(waiting=tuple(m for m in step.conversation.waiting if m is not head))
        if fits(step, head):
            _launch(step, session, SendKind.MESSAGE, head)
        else:  # only now does the session say how much it takes
            step.settle(head.delivery, DeliveryState.DEAD, "too long for this session")
            tell_too_long(step)
            send_next(step)


def _too_soon(step: Stepping, session: Session) -> bool:
    return session.join_after is not None and step.now < session.join_after


def fits(step: Stepping, message: Waiting) -> bool:
    """Whether PolyAI takes a message this long, measured as it would be sent.

    Most are so short that they need no measuring.
    """
    text = as_sent(step, message.text, message.person)
    limit = message_limit(step.conversation.session)
    if most_bytes(text, message.delivery, message.person) <= limit:
        return True
    return step.terms.frame_size(text, message.delivery, sender(step, message)) <= limit


def most_bytes(text: str, delivery: DeliveryId, person: Person | None) -> int:
    """No fewer bytes than any frame of these words takes: JSON spends six on a character at most.

    The id stands in it twice; what is around all of them is far less than is allowed for it.
    """
    named = len(person.id) + len(person.name or "") if person else 0
    return 6 * (len(text) + 2 * len(delivery) + named) + 1024


def message_limit(session: Session | None) -> int:
    """The most bytes one frame may have: what the session says, within what is documented."""
    named = session.capabilities.max_message_bytes if session else None
    return min(named, MAX_MESSAGE_BYTES) if named and named > 0 else MAX_MESSAGE_BYTES


def tell_too_long(step: Stepping) -> None:
    """Say that a message was not sent, and how long one may be."""
    limit = message_limit(step.conversation.session)
    step.notice(NoticeKind.TOO_LONG, limit_bytes=str(limit))


def _launch(step: Stepping, session: Session, kind: SendKind, message: Waiting | None) -> None:
    text = as_sent(step, message.text, message.person) if message is not None else ""
    flight = InFlight(kind=kind, message=message, text=text, sent_at=step.now)
    step.change(in_flight=flight)
    _transmit(step, session, flight)


def _transmit(step: Stepping, session: Session, flight: InFlight) -> None:
    message = flight.message
    if message is None:
        step.effects.append(Transmit(session.number, flight.kind))
    else:
        person = sender(step, message)
        text = flight.text or message.text
        step.effects.append(Transmit(session.number, flight.kind, message.delivery, text, person))


def resend(step: Stepping) -> None:
    """After a replay without the echo: send again what is in flight."""
    session, flight = step.conversation.session, step.conversation.in_flight
    if session is None or flight is None:
        return
    again = msgspec.structs.replace(flight, attempts=flight.attempts + 1, sent_at=step.now)
    step.change(in_flight=again)
    _transmit(step, session, again)


def refuse_too_big(step: Stepping) -> None:
    """PolyAI closed a socket over the message in flight: sent again, it would do so for ever."""
    flight = step.conversation.in_flight
    if flight is not None and flight.message is not None:
        step.settle(flight.message.delivery, DeliveryState.DEAD, "too long for PolyAI")
        step.notice(NoticeKind.TOO_LONG)
        step.change(in_flight=None)


def lose(step: Stepping, message: Waiting, why: str) -> None:
    """A message did not reach the agent and will not: told, never dropped silently.

    One whose words are to be forgotten is neither quoted nor offered.
    """
    step.note("message.undelivered", "warning", delivery=message.delivery, reason=why)
    if message.forgotten:
        step.settle(message.delivery, DeliveryState.DROPPED, f"taken back, and {why}")
        step.notice(NoticeKind.NOT_DELIVERED)
        return
    step.settle(message.delivery, DeliveryState.DEAD, why)
    notice = Notice(NoticeKind.NOT_DELIVERED, {"text": message.text})
    offer_again(step, notice, message)


def offer_again(step: Stepping, notice: Notice, message: Waiting | Heard) -> None:
    """Tell a trouble, with a way to send `message` one more time.

    Without one if there is no text, or if the thread offers it already.
    """
    known = any(message.delivery == retry.message for retry in step.conversation.retries)
    if not message.text or known:
        step.post(notice)
        return
    offered = msgspec.structs.replace(notice, controls=(Control.RETRY,))
    place = step.post(offered)
    retry = Retry(place, notice, message.text, message.delivery, message.person, message.origin)
    step.change(retries=(*step.conversation.retries, retry)[-_RETRIES:])


def take_retry(step: Stepping, delivery: DeliveryId) -> Retry | None:
    """What the notice `delivery` offers to send again, offered no longer; None if nothing."""
    retries = step.conversation.retries
    retry = next((r for r in retries if r.delivery == delivery), None)
    if retry is None:
        return None
    step.change(retries=tuple(r for r in retries if r is not retry))
    details = {**retry.notice.details, "again": "yes"}
    step.replace(delivery, Notice(retry.notice.kind, details))
    return retry


def verify(step: Stepping, session: Session) -> None:
    """No echo came in time: let a replay tell whether the frame arrived."""
    step.change_session(ready=False)
    step.effects.append(Recycle(session.number))


def echoed(step: Stepping, frame: Frame, echo: MessageEchoed) -> None:
    """PolyAI has a person's message; if it is the one in flight, that is its receipt."""
    flight = step.conversation.in_flight
    if flight is None or flight.message is None:
        return
    ours = frame.custom.get("client_event_id") or frame.custom.get("local_id")
    # Without metadata only the text can tell; an echo of somebody else's must confirm nothing.
    sent = flight.text or flight.message.text
    if ours == flight.message.delivery or (not ours and echo.text == sent):
        step.settle(flight.message.delivery, DeliveryState.SENT, str(frame.sequence or frame.id))
        step.change(in_flight=None)
        received(step, flight.message)


def received(step: Stepping, message: Waiting) -> None:
    """PolyAI has it; from here on an answer is expected."""
    heard = Heard(
        delivery=message.delivery,
        text="" if message.forgotten else message.text,
        at=step.now,
        person=message.person,
        origin=message.origin,
    )
    step.change(heard=(*step.conversation.heard, heard)[-_HEARD:])


def answered(step: Stepping) -> None:
    """The agent's side spoke: nobody knows to what, so nothing said before waits for an answer."""
    heard = step.conversation.heard
    if all(one.answered for one in heard):
        return
    now = [one if one.answered else msgspec.structs.replace(one, answered=True) for one in heard]
    step.change(heard=tuple(now))


def told_unanswered(step: Stepping, message: Heard) -> None:
    """People know that this message has no answer: they are not told again."""
    heard = step.conversation.heard
    now = msgspec.structs.replace(message, answered=True)
    step.change(heard=tuple(now if one.delivery == now.delivery else one for one in heard))


def unanswered(step: Stepping) -> list[Heard]:
    """What was received and still waits for its answer, the newest last."""
    since = step.now - step.terms.answer_timeout
    return [one for one in step.conversation.heard if not one.answered and one.at > since]


def landed(step: Stepping, kind: SendKind) -> None:
    """The echo of a join or an end, or what only follows after it."""
    flight = step.conversation.in_flight
    if flight is not None and flight.kind is kind:
        step.change(in_flight=None)
