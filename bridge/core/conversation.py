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
from bridge.core.controls import (
    cancel_waiting,
    end_requested,
    person_requested,
    start_requested,
    tell_status,
    too_fast,
)
from bridge.core.corrections import deleted, edited
from bridge.core.deadlines import woke
from bridge.core.effects import Effect, ForgetSession
from bridge.core.endings import (
    end_session,
    give_up,
    lose_session,
    take_back_restart,
    tell_unavailable,
)
from bridge.core.erasing import erase
from bridge.core.following import finish_streams, follow
from bridge.core.growing import finish_growing
from bridge.core.handoffs import helpers_not_called
from bridge.core.letters import given_up, not_taken, redrive
from bridge.core.menus import heeded, meant, overtaking
from bridge.core.saying import chose, said, say_again
from bridge.core.sending import refuse_too_big, resend, send_next
from bridge.core.showing import quiet
from bridge.core.signalling import keep_signal
from bridge.core.state import Conversation, Menu, Session, Wish
from bridge.core.stepping import Stepping
from bridge.core.terms import Terms
from bridge.core.threads import find_thread, keep_silent, lose_thread
from bridge.model.messages import NoticeKind

#: A token that is said to live longer is a slip.
_LONGEST_LIFE = timedelta(days=366)


class Step(NamedTuple):
    """What came of one event."""

    conversation: Conversation
    effects: tuple[Effect, ...]


def step(conversation: Conversation, event: e.Event, now: datetime, terms: Terms) -> Step:
    """Apply `event`, seen at `now`: the conversation afterwards and what is to be done."""
    stepping = Stepping(conversation, now, terms)
    find_thread(stepping, event)
    if conversation.menu is not None:
        stepping.change(menu=heeded(conversation.menu, event))
    _apply(stepping, _heard(stepping, event))
    keep_signal(stepping, conversation)
    keep_silent(stepping)
    if stepping.conversation.menu is not conversation.menu:
        stepping.change(menu=overtaking(stepping.conversation.menu, conversation.menu, now))
    return Step(stepping.conversation, tuple(stepping.effects))


def _heard(step: Stepping, event: e.Event) -> e.Event:
    """The event, or what its number asks for; whatever is said, the numbers count no longer."""
    menu = step.conversation.menu
    # Numbers may count though things can be pressed by now: they were given before a restart.
    pressed = step.terms.shows.suggestions and menu is None
    if pressed or not isinstance(event, e.MessageAccepted):
        return event
    asked = meant(step.conversation, event, step.now)
    gone = isinstance(asked, e.ChoiceAccepted) and not _offers(menu, asked)
    if event.text.strip() and not gone:
        step.change(menu=None)
    return asked


def _offers(menu: Menu | None, choice: e.ChoiceAccepted) -> bool:
    return menu is not None and any(line.delivery == choice.delivery for line in menu.lines)


def _apply(step: Stepping, event: e.Event) -> None:
    match event:
        case e.FrameArrived():
            follow(step, event)
        case e.MessageAccepted() as message:
            said(step, message)
        case e.ChoiceAccepted() as choice:
            chose(step, choice)
        case e.EndRequested(person=person):
            end_requested(step, person)
        case e.StartRequested() as start:
            start_requested(step, start)
        case e.RetryRequested() as request:
            say_again(step, request)
        case e.CancelRequested() as cancel:
            cancel_waiting(step, cancel)
        case e.PersonRequested(person=asking):
            person_requested(step, asking)
        case e.StatusRequested(person=asking):
            tell_status(step, asking)
        case e.MessageEdited() as edit:
            edited(step, edit)
        case e.MessageDeleted() as deletion:
            deleted(step, deletion)
        case e.TooFastWritten() as written:
            too_fast(step, written)
        case e.ThreadLost():
            lose_thread(step)
        case e.HelpersNotCalled(delivery=delivery):
            helpers_not_called(step, delivery)
        case e.GivenUp() as given:
            given_up(step, given)
        case e.NotTaken():
            not_taken(step)
        case e.Redriven() as asked:
            redrive(step, asked)
        case e.SessionOpened() as opened:
            _opened(step, opened)
        case e.SessionUnavailable():
            if step.conversation.asked:
                tell_unavailable(step)
        case e.Woke():
            woke(step)
        case e.Erased():
            erase(step)
        case e.SocketReady() | e.SocketLost() | e.SocketUnavailable() | e.SessionLost():
            session = step.session(event.number)
            if session is not None:
                _socket(step, session, event)
        case _ as never:
            assert_never(never)


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
            number=number,
            opened_at=step.now,
            first_delivery=step.conversation.deliveries,
            expires_at=_believed(opened.expires_at, step.now),
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
            finish_growing(step)
            quiet(step)
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
