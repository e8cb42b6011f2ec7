"""What is to be done when a deadline has passed? `due` says when; here it is looked at."""

from bridge.core.due import idle_due, move_due, stream_due
from bridge.core.endings import drop_unsent, end_session, lose_session
from bridge.core.following import look_after_stream
from bridge.core.growing import finish_growing
from bridge.core.handoffs import give_up_waiting, tell_place
from bridge.core.sending import send_next, verify
from bridge.core.showing import quiet
from bridge.core.signalling import signal_overdue
from bridge.core.state import Session
from bridge.core.stepping import Stepping
from bridge.core.troubles import overdue_grace


def woke(step: Stepping) -> None:
    """Look at every deadline; those that have not passed yet change nothing."""
    _parked(step)
    session = step.conversation.session
    if session is None or session.released:
        return
    if _end_overdue(step, session):
        # Whoever wanted the end wants no new session for what could not be delivered before it.
        drop_unsent(step)
        end_session(step, session, "REASON_USER_END")
        return
    overdue_grace(step, session)
    signal_overdue(step)
    tell_place(step)
    if session.ready:
        _served(step, session)
    now = step.conversation.session
    if now is not None:
        idle = idle_due(step.conversation, now, step.terms)
        if idle is not None and step.now >= idle:
            finish_growing(step)
            quiet(step)
            give_up_waiting(step, now)
            step.change_session(released=True)


def _parked(step: Stepping) -> None:
    parked = step.conversation.parked_at
    if parked is not None and step.now >= parked + step.terms.park_timeout:
        step.change(parked_at=None, failed_openings=0)


def _end_overdue(step: Stepping, session: Session) -> bool:
    wanted = session.end_wanted_at
    return wanted is not None and step.now >= wanted + step.terms.end_timeout


def _served(step: Stepping, session: Session) -> None:
    """What can only be late while the socket is there."""
    flight = step.conversation.in_flight
    if flight is not None and step.now >= flight.sent_at + step.terms.echo_timeout:
        verify(step, session)
        return
    _join_overdue(step, session)
    for stream in session.streams:
        if step.now >= stream_due(stream, step.terms):
            look_after_stream(step, session, stream)
    _token_dying(step, session)
    send_next(step)


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


def _token_dying(step: Stepping, session: Session) -> None:
    """The session's token has no future: the next message opens a new session, and says so."""
    now = step.conversation.session
    due = move_due(step.conversation, now, step.terms) if now is not None else None
    if due is not None and step.now >= due:
        step.note("session.moved", "info", number=str(session.number))
        lose_session(step, session)
