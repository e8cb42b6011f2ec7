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
from bridge.core.state import InFlight, Session, Waiting
from bridge.core.stepping import Stepping
from bridge.core.system_messages import Answer, answer_to
from bridge.model.delivery import DeliveryState
from bridge.model.frames import Frame, MessageEchoed, SystemMessage
from bridge.model.messages import NoticeKind


def send_next(step: Stepping) -> None:
    """Launch the next frame if one is due and none is in flight."""
    session = step.conversation.session
    if session is None or not session.ready or step.conversation.in_flight is not None:
        return
    if session.end_wanted_at is not None and not step.conversation.waiting:
        if not session.end_echoed:
            _launch(step, session, SendKind.END, None)
    elif not session.joined:
        if session.join_echoed_at is None:
            step.change_session(joins=session.joins + 1)
            _launch(step, session, SendKind.JOIN, None)
    elif step.conversation.waiting:
        head, *rest = step.conversation.waiting
        step.change(waiting=tuple(rest))
        _launch(step, session, SendKind.MESSAGE, head)


def _launch(step: Stepping, session: Session, kind: SendKind, message: Waiting | None) -> None:
    step.change(in_flight=InFlight(kind=kind, message=message, sent_at=step.now))
    _transmit(step, session, kind, message)


def _transmit(step: Stepping, session: Session, kind: SendKind, message: Waiting | None) -> None:
    if message is None:
        step.effects.append(Transmit(session.number, kind))
    else:
        step.effects.append(Transmit(session.number, kind, message.delivery, message.text))


def resend(step: Stepping) -> None:
    """After a replay without the echo: send again what is in flight."""
    session, flight = step.conversation.session, step.conversation.in_flight
    if session is None or flight is None:
        return
    again = msgspec.structs.replace(flight, attempts=flight.attempts + 1, sent_at=step.now)
    step.change(in_flight=again)
    _transmit(step, session, flight.kind, flight.message)


def lose(step: Stepping, message: Waiting, why: str) -> None:
    """A message did not reach the agent and will not: told, never dropped silently."""
    step.settle(message.delivery, DeliveryState.DEAD, why)
    step.notice(NoticeKind.NOT_DELIVERED, text=message.text)


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
    if ours == flight.message.delivery or (not ours and echo.text == flight.message.text):
        step.settle(flight.message.delivery, DeliveryState.SENT, str(frame.sequence or frame.id))
        step.change(in_flight=None)


def answered(step: Stepping, frame: Frame, message: SystemMessage) -> None:
    """Words of PolyAI's that name our frame: it was seen, so no echo decides about it any more."""
    flight = step.conversation.in_flight
    if flight is None or flight.message is None:
        return
    if flight.message.delivery not in frame.custom.values():
        return
    match answer_to(message):
        case Answer.SESSION_GONE:
            return  # nobody took it: what is in flight is carried into the next session
        case Answer.JOIN_AGAIN:
            step.change(waiting=(flight.message, *step.conversation.waiting))
        case Answer.QUIET if message.level == "error":
            lose(step, flight.message, "refused by PolyAI")
        case _:
            step.settle(flight.message.delivery, DeliveryState.SENT, "answered by an error")
    step.change(in_flight=None)


def landed(step: Stepping, kind: SendKind) -> None:
    """The echo of a join or an end, or what only follows after it."""
    flight = step.conversation.in_flight
    if flight is not None and flight.kind is kind:
        step.change(in_flight=None)
