"""The machine: one event applied to one conversation.

Rules:
- `step` is pure: the same conversation, event and instant give the same result, so a step that
  was interrupted is simply taken again.
- An event about a session that is no longer ours changes nothing.
- Nothing a person said is dropped: it is sent, carried over once, or told to be undelivered.
"""

from datetime import datetime, timedelta
from typing import NamedTuple, assert_never

import msgspec

from bridge.core import events as e
from bridge.core.deadlines import woke
from bridge.core.effects import Effect, ForgetSession
from bridge.core.endings import (
    drop_unsent,
    end_session,
    give_up,
    leave_session,
    lose_session,
    take_back_restart,
    tell_unavailable,
)
from bridge.core.following import finish_streams, follow
from bridge.core.handoffs import (
    helpers_not_called,
    leave_queue,
    person_wrote,
    take_back_call,
)
from bridge.core.sending import (
    fits,
    refuse_too_big,
    resend,
    send_next,
    take_retry,
    tell_too_long,
)
from bridge.core.showing import retire
from bridge.core.state import Conversation, Handoff, Session, Terms, Waiting, Wish
from bridge.core.stepping import Stepping
from bridge.model.delivery import Ask
from bridge.model.ids import DeliveryId
from bridge.model.messages import Choice, NoticeKind, Person, Suggestion

#: A token that is said to live longer is a slip.
_LONGEST_LIFE = timedelta(days=366)


class Step(NamedTuple):
    """What came of one event."""

    conversation: Conversation
    effects: tuple[Effect, ...]


def step(conversation: Conversation, event: e.Event, now: datetime, terms: Terms) -> Step:
    """Apply `event`, seen at `now`: the conversation afterwards and what is to be done."""
    stepping = Stepping(conversation, now, terms)
    _apply(stepping, event)
    return Step(stepping.conversation, tuple(stepping.effects))


def _apply(step: Stepping, event: e.Event) -> None:
    match event:
        case e.MessageAccepted() as message:
            _said(step, message)
        case e.ChoiceAccepted() as choice:
            _chose(step, choice)
        case e.EndRequested():
            _end_requested(step)
        case e.StartRequested():
            _start_requested(step)
        case e.RetryRequested(delivery=delivery, person=person):
            _retry(step, delivery, person)
        case e.CancelRequested(delivery=delivery):
            _cancel_waiting(step, delivery)
        case (
            e.PersonRequested()
            | e.StatusRequested()
            | e.MessageEdited()
            | e.MessageDeleted()
            | e.TooFastWritten()
            | e.ThreadLost()
        ):
            pass
        case e.HelpersNotCalled(delivery=delivery):
            helpers_not_called(step, delivery)
        case e.SessionOpened() as opened:
            _opened(step, opened)
        case e.SessionUnavailable():
            if step.conversation.asked:
                tell_unavailable(step)
        case e.FrameArrived():
            follow(step, event)
        case e.Woke():
            woke(step)
        case e.SocketReady() | e.SocketLost() | e.SocketUnavailable() | e.SessionLost():
            session = step.session(event.number)
            if session is not None:
                _socket(step, session, event)
        case _ as never:
            assert_never(never)


def _said(step: Stepping, message: e.MessageAccepted) -> None:
    if step.conversation.call is not None and not message.called:
        return  # helpers were called into this thread: people talk to each other
    _attention(step)
    retire(step, None)
    step.change(speaker=message.person)
    session = step.conversation.session
    if message.text.strip():
        _owe_agent(step, message.text, message.person)
    elif session is None or session.resumed:
        step.change(wanted=True)
        take_back_restart(step)
    send_next(step)


def _chose(step: Stepping, choice: e.ChoiceAccepted) -> None:
    """Whoever clicks first chooses; the suggestions are gone before a second click is looked at."""
    offered = step.conversation.offered
    if offered is None or offered.delivery != choice.delivery:
        return
    if not 0 <= choice.index < len(offered.texts):
        return
    text = offered.texts[choice.index]
    if choice.mark and choice.mark != Suggestion(text).mark:
        return  # what they saw there is not what stands there now
    _attention(step)
    retire(step, Choice(text=text, by=choice.person))
    _owe_agent(step, text, choice.person)
    send_next(step)


def _retry(step: Stepping, delivery: DeliveryId, person: Person) -> None:
    text = take_retry(step, delivery)
    if not text:
        return  # sent again already, or too long ago
    _attention(step)
    retire(step, None)
    _owe_agent(step, text, person)
    send_next(step)


def _cancel_waiting(step: Stepping, delivery: DeliveryId) -> None:
    session = step.conversation.session
    if session is None or session.handoff is not Handoff.WAITING:
        return  # somebody has come meanwhile, or the wait was over before
    if session.queue_notice == delivery and session.end_wanted_at is None:
        step.change(parked_at=None)
        leave_queue(step, session)
        send_next(step)


def _attention(step: Stepping) -> None:
    """Somebody is there: a quiet socket is wanted again, a parked conversation tries again."""
    step.change(touched_at=step.now, parked_at=None, failed_openings=0)
    take_back_call(step)
    session = step.conversation.session
    if session is not None:
        asleep = session.released and not session.ready
        step.change_session(released=False, resumed=session.resumed or asleep)


def _owe_agent(step: Stepping, text: str, person: Person) -> None:
    if not fits(step, text, step.next_id):
        tell_too_long(step)
        return
    session = step.conversation.session
    ending = session is not None and session.end_wanted_at is not None
    delivery = step.ask(Ask(text=text, person=person))
    take_back_restart(step)
    person_wrote(step)
    message = Waiting(delivery, text, after_end=ending)
    step.change(waiting=(*step.conversation.waiting, message))


def _end_requested(step: Stepping) -> None:
    session = step.conversation.session
    if session is None:
        step.change(wanted=False)
        drop_unsent(step)
        return
    if session.end_wanted_at is None:
        step.change(parked_at=None)
        step.change_session(end_wanted_at=step.now, released=False)
    send_next(step)


def _start_requested(step: Stepping) -> None:
    _attention(step)
    take_back_restart(step)
    session = step.conversation.session
    if session is not None and session.handoff is Handoff.ELSEWHERE:
        leave_session(step, session)  # its agent has gone; another one comes
    if step.conversation.session is None:
        step.change(wanted=True)


def _opened(step: Stepping, opened: e.SessionOpened) -> None:
    number = opened.number
    if number <= step.conversation.sessions:
        return
    if step.conversation.wish is not Wish.SESSION:
        # Asked for when it was still wanted: nobody is to meet an agent they have sent away.
        step.change(sessions=number)
        step.effects.append(ForgetSession(number))
        return
    take_back_restart(step)
    if step.conversation.lost_session:
        step.notice(NoticeKind.NEW_CONVERSATION)
    step.change(
        session=Session(
            number=number, opened_at=step.now, expires_at=_believed(opened.expires_at, step.now)
        ),
        sessions=number,
        lost_session=False,
        touched_at=step.now,
    )


def _believed(expires_at: datetime | None, now: datetime) -> datetime | None:
    """When a token dies, unless it would be dead at birth or live for ever: then nobody knows."""
    if expires_at is None or not now < expires_at < now + _LONGEST_LIFE:
        return None
    return expires_at


def _socket(
    step: Stepping,
    session: Session,
    event: e.SocketReady | e.SocketLost | e.SocketUnavailable | e.SessionLost,
) -> None:
    match event:
        case e.SocketReady():
            journal = session.journal.caught_up()
            step.change_session(ready=True, proved=True, resumed=False, journal=journal)
            still_wanted = step.conversation.wanted and not session.joined
            step.change(failed_openings=0, told_unavailable=False, wanted=still_wanted)
            finish_streams(step)
            _take_up(step, session)
            send_next(step)
        case e.SocketLost(too_big=too_big):
            step.change_session(ready=False, journal=session.journal.connected())
            flight = step.conversation.in_flight
            if too_big and flight is not None and flight.message is not None:
                step.change(in_flight=msgspec.structs.replace(flight, too_big=True))
        case e.SocketUnavailable():
            step.change(parked_at=step.now)
            if step.conversation.asked:
                tell_unavailable(step)
        case e.SessionLost(ended=True):
            end_session(step, session, "")
        case e.SessionLost():
            lose_session(step, session)


def _take_up(step: Stepping, session: Session) -> None:
    """The replay is over and what is in flight was not in it."""
    flight = step.conversation.in_flight
    if flight is not None and flight.too_big:
        refuse_too_big(step)
    elif flight is not None and flight.message is not None and not session.joined:
        # There is nobody to take it: the agent is asked to join first.
        step.change(in_flight=None, waiting=(flight.message, *step.conversation.waiting))
    elif flight is not None and flight.attempts >= step.terms.send_limit:
        give_up(step, session)
    else:
        resend(step)
