"""What becomes of what people ask for: an end, a start, a person, a word on how things stand?"""

from bridge.core import events as e
from bridge.core.endings import drop_unsent, leave_session, take_back_restart
from bridge.core.handoffs import leave_queue
from bridge.core.once import once, stale, tell_too_fast
from bridge.core.saying import attention, owe_agent
from bridge.core.sending import send_next
from bridge.core.showing import retire
from bridge.core.standing import person_awaited, standing
from bridge.core.state import Conversation, Handoff, Session
from bridge.core.stepping import Stepping
from bridge.model.ids import DeliveryId
from bridge.model.messages import NoticeKind, Person


def end_requested(step: Stepping, person: Person | None) -> None:
    """The session is to end; what was said before it is sent first."""
    session = step.conversation.session
    if session is None:
        if person is not None and not step.conversation.asked:
            stale(step, "end", person)
        step.change(wanted=False)
        drop_unsent(step)
        return
    if person is not None:
        once(step, "end", person)
    ask_for_end(step, session)
    send_next(step)


def ask_for_end(step: Stepping, session: Session) -> None:
    """The session is to end, and none is to follow it; being asked again does not put it off."""
    if session.end_wanted_at is None:
        step.change(parked_at=None)
        step.change_session(end_wanted_at=step.now, released=False)
    step.change_session(starts_again=False)


def start_requested(step: Stepping, request: e.StartRequested) -> None:
    """A session is to begin; if one is open, it ends first. What is new already stays."""
    session, person = step.conversation.session, request.person
    if session is not None and _before(step.conversation, session, request.delivery):
        if person is not None:
            stale(step, "start", person, request.delivery)
        return
    attention(step, person)
    take_back_restart(step)
    if session is None:
        step.change(wanted=True)
    elif session.handoff is Handoff.ELSEWHERE:
        leave_session(step, session)  # its agent has gone; another one comes
        step.change(wanted=True)
    elif person is not None and _used(session) and once(step, "start", person):
        step.change_session(end_wanted_at=session.end_wanted_at or step.now, starts_again=True)
        send_next(step)


def _used(session: Session) -> bool:
    """Whether anybody met the agent there: before that there is nothing to start again."""
    return session.agent is not None or session.end_wanted_at is not None


def _before(conversation: Conversation, session: Session, delivery: DeliveryId | None) -> bool:
    """Whether a notice that offered something was owed before the session was opened."""
    return delivery is not None and _number(conversation, delivery) <= session.first_delivery


def _number(conversation: Conversation, delivery: DeliveryId) -> int:
    """Its place among the conversation's deliveries, which are counted; 0 if it is none of them."""
    of, _, digits = delivery.rpartition(".")
    if of != conversation.id or not (digits.isascii() and digits.isdecimal()) or len(digits) > 18:
        return 0
    number = int(digits)
    return number if number <= conversation.deliveries else 0


def cancel_waiting(step: Stepping, request: e.CancelRequested) -> None:
    """Somebody no longer waits for a person, as a notice offered that came in this very wait."""
    session, person = step.conversation.session, request.person
    if session is None or not _waits(step.conversation, session, request.delivery):
        if person is not None:
            stale(step, "cancel", person, request.delivery)
        return
    if person is not None:
        once(step, "cancel", person, request.delivery)
    step.change(parked_at=None)
    leave_queue(step, session)
    send_next(step)


def _waits(conversation: Conversation, session: Session, delivery: DeliveryId) -> bool:
    """Else somebody has come meanwhile, or the wait was over before."""
    notice = session.queue_notice
    if session.handoff is not Handoff.WAITING or session.end_wanted_at or notice is None:
        return False
    return _number(conversation, delivery) >= _number(conversation, notice)


def person_requested(step: Stepping, person: Person) -> None:
    """The agent is asked for a person, unless one is there or awaited: then that is told."""
    if person_awaited(step.conversation):
        tell_status(step, person)
    elif once(step, "person", person):
        attention(step, person)
        retire(step, None)
        step.change(speaker=person)
        owe_agent(step, step.terms.person_words, person)
        send_next(step)


def tell_status(step: Stepping, person: Person) -> None:
    """Tell whoever asks, and nobody else, how things stand and what they can do."""
    now = standing(step.conversation)
    step.notice(
        NoticeKind.STATUS, controls=now.controls, only_for=person.id, state=now.state, **now.details
    )


def too_fast(step: Stepping, written: e.TooFastWritten) -> None:
    """Somebody writes faster than is passed on."""
    if step.conversation.call is not None and not written.called:
        return  # people talk to each other
    tell_too_fast(step, written.person, written.seconds)
