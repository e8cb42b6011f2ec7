"""The machine: one event applied to one conversation.

Rules:
- `step` is pure: the same conversation, event and instant give the same result, so a step that
  was interrupted is simply taken again.
- An event about a session that is no longer ours changes nothing.
- Nothing a person said is dropped: it is sent, carried over once, or told to be undelivered.
"""

from datetime import datetime
from typing import NamedTuple, assert_never

import msgspec

from bridge.core import events as e
from bridge.core.effects import Effect, ForgetSession
from bridge.core.endings import (
    drop_unsent,
    end_session,
    give_up,
    lose_session,
    take_back_restart,
    tell_unavailable,
)
from bridge.core.following import finish_streams, follow, look_after_stream
from bridge.core.sending import resend, send_next, verify
from bridge.core.state import Conversation, Session, Terms, Waiting, Wish, idle_due, stream_due
from bridge.core.stepping import Stepping
from bridge.model.delivery import Ask
from bridge.model.messages import Choice, NoticeKind, Person

#: PolyAI's documented limit for one WebSocket message; a session may name a smaller one.
MAX_MESSAGE_BYTES = 131_072
#: What the frame around a text takes at most: type, payload and metadata with our id, twice.
_ENVELOPE_BYTES = 512


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
        case e.MessageAccepted(text=text, person=person):
            _said(step, text, person)
        case e.ChoiceAccepted() as choice:
            _chose(step, choice)
        case e.EndRequested():
            _end_requested(step)
        case e.StartRequested():
            _start_requested(step)
        case e.SessionOpened(number=number):
            _opened(step, number)
        case e.SessionUnavailable():
            tell_unavailable(step)
        case e.FrameArrived():
            follow(step, event)
        case e.Woke():
            _woke(step)
        case e.RetryRequested() | e.CancelRequested() | e.SocketUnavailable():
            pass
        case e.SocketReady() | e.SocketLost() | e.SessionLost():
            session = step.session(event.number)
            if session is not None:
                _socket(step, session, event)
        case _ as never:
            assert_never(never)


def _said(step: Stepping, text: str, person: Person) -> None:
    _attention(step)
    step.retire(None)
    take_back_restart(step)
    if text.strip():
        _owe_agent(step, text, person)
    else:
        step.change(wanted=step.conversation.session is None)
    send_next(step)


def _chose(step: Stepping, choice: e.ChoiceAccepted) -> None:
    """Whoever clicks first chooses; the suggestions are gone before a second click is looked at."""
    offered = step.conversation.offered
    if offered is None or offered.delivery != choice.delivery:
        return
    if not 0 <= choice.index < len(offered.texts):
        return
    _attention(step)
    text = offered.texts[choice.index]
    step.retire(Choice(text=text, by=choice.person))
    take_back_restart(step)
    _owe_agent(step, text, choice.person)
    send_next(step)


def _attention(step: Stepping) -> None:
    """Somebody is there: a quiet socket is wanted again, a parked conversation tries again."""
    step.change(touched_at=step.now, parked_at=None, failed_openings=0)
    step.change_session(released=False)


def _owe_agent(step: Stepping, text: str, person: Person) -> None:
    limit = _message_limit(step.conversation.session)
    if len(msgspec.json.encode(text)) + _ENVELOPE_BYTES > limit:
        step.notice(NoticeKind.TOO_LONG, limit_bytes=str(limit))
        return
    delivery = step.ask(Ask(text=text, person=person))
    step.change(waiting=(*step.conversation.waiting, Waiting(delivery, text)))


def _message_limit(session: Session | None) -> int:
    named = session.capabilities.max_message_bytes if session else None
    return min(named, MAX_MESSAGE_BYTES) if named and named > 0 else MAX_MESSAGE_BYTES


def _end_requested(step: Stepping) -> None:
    session = step.conversation.session
    if session is None:
        step.change(wanted=False)
        drop_unsent(step)
        return
    if session.end_wanted_at is None:
        step.change_session(end_wanted_at=step.now, released=False)
    send_next(step)


def _start_requested(step: Stepping) -> None:
    _attention(step)
    take_back_restart(step)
    if step.conversation.session is None:
        step.change(wanted=True)


def _opened(step: Stepping, number: int) -> None:
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
        session=Session(number=number, opened_at=step.now),
        sessions=number,
        lost_session=False,
        touched_at=step.now,
    )


def _socket(
    step: Stepping, session: Session, event: e.SocketReady | e.SocketLost | e.SessionLost
) -> None:
    match event:
        case e.SocketReady():
            step.change_session(ready=True, proved=True, journal=session.journal.caught_up())
            step.change(failed_openings=0, told_unavailable=False)
            finish_streams(step)
            _take_up(step, session)
            send_next(step)
        case e.SocketLost():
            step.change_session(ready=False, journal=session.journal.connected())
        case e.SessionLost(ended=True):
            end_session(step, session, "")
        case e.SessionLost():
            lose_session(step, session)


def _take_up(step: Stepping, session: Session) -> None:
    """The replay is over and what is in flight was not in it."""
    flight = step.conversation.in_flight
    if flight is not None and flight.attempts >= step.terms.send_limit:
        give_up(step, session)
    else:
        resend(step)


def _woke(step: Stepping) -> None:
    session, flight = step.conversation.session, step.conversation.in_flight
    terms, now = step.terms, step.now
    if session is None:
        parked = step.conversation.parked_at
        if parked is not None and now >= parked + terms.park_timeout:
            step.change(parked_at=None, failed_openings=0)
        return
    if session.released:
        return
    if session.end_wanted_at is not None and now >= session.end_wanted_at + terms.end_timeout:
        # Whoever wanted the end wants no new session for what could not be delivered before it.
        drop_unsent(step)
        end_session(step, session, "REASON_USER_END")
        return
    if session.ready:
        if flight is not None and now >= flight.sent_at + terms.echo_timeout:
            verify(step, session)
            return
        _join_overdue(step, session)
        for stream in session.streams:
            if now >= stream_due(stream, terms):
                look_after_stream(step, session, stream)
    idle = flight is None and not step.conversation.waiting
    if idle and now >= idle_due(step.conversation, session, terms):
        step.change_session(released=True)


def _join_overdue(step: Stepping, session: Session) -> None:
    """The agent was asked and never came (polyai-messaging §12: bounded, then a new session)."""
    asked = session.join_echoed_at
    if session.joined or asked is None or step.now < asked + step.terms.join_timeout:
        return
    if session.joins < step.terms.join_limit:
        # It may have joined and only the word of it was lost: a replay tells, before we ask again.
        step.change_session(join_echoed_at=None)
        verify(step, session)
    else:
        lose_session(step, session)
