"""How does a session end, and what becomes of what was still owed?

Laws (polyai-messaging §7e, §11):
- An unfinished stream is shown as far as it came, before the end is told.
- What the agent has not confirmed is carried into the next session once; after that it is told.
- A session that never had a socket costs nothing of that: what waits goes on waiting, and after
  too many of them in a row the conversation is parked.
- An end is told once, with a way to start again; a session that went without a word is told by
  the next one.
"""

import msgspec

from bridge.core.effects import ForgetSession, SendKind, Show
from bridge.core.growing import finish_growing
from bridge.core.handoffs import close_queue
from bridge.core.sending import lose, offer_again, told_unanswered, unanswered
from bridge.core.showing import agent_author, reply_of, retire, says_more, show
from bridge.core.speakers import only_those_waiting
from bridge.core.state import Handoff, Heard, Session, Waiting
from bridge.core.stepping import Stepping
from bridge.model.messages import Control, Notice, NoticeKind
from bridge.model.signal import Signal, SignalKind


def show_unfinished(step: Stepping) -> None:
    """Show what there is of every open stream."""
    session = step.conversation.session
    if session is None:
        return
    for stream in session.streams:
        whole = stream.message()
        if says_more(session, whole):
            show(step, reply_of(agent_author(session), whole), stream.message_id)
    step.change_session(streams=())
    finish_growing(step)


def end_session(step: Stepping, session: Session, reason: str) -> None:
    """The session is over and its end is known."""
    show_unfinished(step)
    retire(step, None)
    if session.leaves_queue and reason in ("", "REASON_USER_END"):
        reason = "LEFT_QUEUE"
    _tell_end(step, session, reason)
    called_anew = step.conversation.wanted and session.resumed
    leave_session(step, session)
    # It had died in its sleep: who calls the agent gets another, as does who starts again.
    step.change(wanted=called_anew or session.starts_again)


def _tell_end(step: Stepping, session: Session, reason: str) -> None:
    if session.starts_again:
        step.notice(NoticeKind.ENDED, reason=reason, resumed="yes")
        return
    called = "yes" if step.conversation.call is not None else ""
    notice = step.notice(NoticeKind.ENDED, controls=(Control.START,), reason=reason, called=called)
    step.change(restart_notice=notice, restart_reason=reason)


def lose_session(step: Stepping, session: Session) -> None:
    """The session is gone without a word; its suggestions stay live, as they still make sense."""
    if session.end_wanted_at is not None:
        # Whoever wanted the end has it: nothing is carried into a session they did not ask for.
        drop_unsent(step)
        end_session(step, session, "REASON_USER_END")
        return
    show_unfinished(step)
    for message in unanswered(step):
        tell_unanswered(step, message)
    if session.handoff in (Handoff.WAITING, Handoff.LIVE):
        # Somebody expects a person, who will not come: that must not be left unsaid, and what was
        # meant for that person is not for the agent.
        drop_unsent(step, "its session was lost")
        end_session(step, session, "")
        return
    met = session.agent is not None  # even if it has to be asked to join again just now
    step.change(lost_session=met or step.conversation.lost_session)
    wanted = step.conversation.wanted
    if session.proved:
        leave_session(step, session)
        if wanted and session.resumed:
            step.change(wanted=True)  # it had died in its sleep: who calls the agent gets another
        elif wanted:  # somebody called the agent, and there is no message that could tell so
            tell_unavailable(step)
        return
    _forget(step, session)
    failed = step.conversation.failed_openings + 1
    step.change(failed_openings=failed)
    if failed >= step.terms.opening_limit:
        step.change(parked_at=step.now)
        tell_unavailable(step)


def tell_unavailable(step: Stepping) -> None:
    """Say once that the agent cannot be reached."""
    if not step.conversation.told_unavailable:
        kept = step.conversation.waiting or step.conversation.in_flight
        step.notice(NoticeKind.UNAVAILABLE, kept="yes" if kept else "")
        step.change(told_unavailable=True)


def tell_unanswered(step: Stepping, message: Heard) -> None:
    """What was received and will have no answer any more is told, once."""
    if not message.answered:
        notice = Notice(NoticeKind.UNANSWERED, {"text": message.text})
        offer_again(step, notice, message)
        told_unanswered(step, message)


def take_back_restart(step: Stepping) -> None:
    """A new session is on its way: the end no longer offers to start one."""
    notice = step.conversation.restart_notice
    if notice is not None:
        reason = step.conversation.restart_reason
        details = {"reason": reason, "resumed": "yes"} if reason else {"resumed": "yes"}
        step.change(restart_notice=None, restart_reason="")
        step.replace(notice, Notice(NoticeKind.ENDED, details))


def leave_session(step: Stepping, session: Session) -> None:
    """Let go of a session; what the agent has not confirmed is carried into the next one, once."""
    flight = step.conversation.in_flight
    _forget(step, session)
    step.change(wanted=False, heard=())
    if flight is not None and flight.kind is SendKind.MESSAGE and flight.message is not None:
        step.change(waiting=(flight.message, *step.conversation.waiting))
    _carry(step)
    only_those_waiting(step)


def _forget(step: Stepping, session: Session) -> None:
    show_unfinished(step)
    close_queue(step)
    if session.signalled_at is not None:
        step.effects.append(Show(Signal(SignalKind.CLEAR)))
    step.change(session=None, in_flight=None)
    step.effects.append(ForgetSession(session.number))


def _carry(step: Stepping) -> None:
    kept: list[Waiting] = []
    for message in step.conversation.waiting:
        if message.after_end:
            kept.append(msgspec.structs.replace(message, after_end=False))
        elif message.carried:
            lose(step, message, "its session was lost twice")
        else:
            kept.append(msgspec.structs.replace(message, carried=True))
    step.change(waiting=tuple(kept))


def drop_unsent(step: Stepping, why: str = "the conversation was ended first") -> None:
    """What the agent has not confirmed is not carried on: each message is told as undelivered."""
    flight = step.conversation.in_flight
    unsent = (flight.message,) if flight is not None and flight.message is not None else ()
    later = tuple(message for message in step.conversation.waiting if message.after_end)
    for message in (*unsent, *step.conversation.waiting):
        if not message.after_end:
            lose(step, message, why)
    step.change(waiting=later, in_flight=None)


def give_up(step: Stepping, session: Session) -> None:
    """The frame in flight was sent as often as is decent and never confirmed: say so, go on."""
    flight = step.conversation.in_flight
    step.change(in_flight=None)
    if flight is None:
        return
    if flight.message is not None:
        lose(step, flight.message, "sent and never confirmed")
    elif flight.kind is SendKind.END:
        end_session(step, session, "REASON_USER_END")
    else:
        lose_session(step, session)
