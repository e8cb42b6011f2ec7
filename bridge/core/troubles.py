"""What becomes of a conversation when PolyAI says that something is wrong?

`system_messages` says what each text asks for; here it is done. Nothing of it repeats what a person
said without their asking, except what PolyAI itself says it could not take.
"""

from typing import assert_never

import msgspec

from bridge.core.effects import SendKind
from bridge.core.endings import (
    lose_session,
    show_unfinished,
    tell_unanswered,
    tell_unavailable,
)
from bridge.core.handoffs import stop_waiting
from bridge.core.sending import (
    lose,
    offer_again,
    received,
    told_unanswered,
    unanswered,
    verify,
)
from bridge.core.state import Grace, Handoff, Heard, InFlight, Session, Wish
from bridge.core.stepping import Stepping
from bridge.core.system_messages import Answer, Reading, read
from bridge.model.delivery import DeliveryState
from bridge.model.frames import NAMES_OF_PEOPLE, Frame, SystemMessage
from bridge.model.messages import Notice, NoticeKind


def complained(step: Stepping, frame: Frame, message: SystemMessage) -> None:
    """PolyAI's own words: what the log, the thread and the conversation make of them."""
    reading = _in_context(step, read(message))
    about = _about(step, frame)
    if isinstance(about, InFlight):
        _settle_named(step, about, reading)
    if reading.answer is Answer.QUIET:
        return
    sequence = "" if frame.sequence is None else str(frame.sequence)
    named_by = {"meaning": reading.name, "event_id": frame.id, "sequence": sequence}
    if reading.loud:
        step.note("agent.fault", "error", **named_by)
    else:
        step.note("agent.system_message", "warning", **named_by)
    session = step.conversation.session
    if session is not None:
        _react(step, session, message, reading, about)


def _in_context(step: Stepping, reading: Reading) -> Reading:
    """While people are at it, the agent must not be called back: then they missed something."""
    session = step.conversation.session
    at_it = session is not None and session.handoff in (Handoff.WAITING, Handoff.LIVE)
    if at_it and reading.answer in (Answer.JOIN_AGAIN, Answer.START_AGAIN):
        return Reading(reading.name, Answer.NOT_FORWARDED)
    return reading


def _about(step: Stepping, frame: Frame) -> InFlight | Heard | None:
    """Which message PolyAI speaks of: the one it names, else the one that has no answer yet.

    While another is under way, one that is not named may be that: its own time will tell.
    """
    flight = step.conversation.in_flight
    named = {text for key, text in frame.custom.items() if key not in NAMES_OF_PEOPLE}
    if flight is not None and flight.message is not None and flight.message.delivery in named:
        return flight
    heard = next((one for one in step.conversation.heard if one.delivery in named), None)
    if heard is not None or flight is not None:
        return heard
    return next(reversed(unanswered(step)), None)


def _settle_named(step: Stepping, flight: InFlight, reading: Reading) -> None:
    """PolyAI saw the frame, so no echo decides about it any more."""
    message = flight.message
    if message is None:
        return
    match reading.answer:
        case Answer.SESSION_GONE | Answer.OUT_OF_ORDER | Answer.LOOK_AGAIN:
            return  # nobody took it: it is carried on, or sent once more
        case Answer.JOIN_AGAIN | Answer.START_AGAIN:
            step.change(waiting=(message, *step.conversation.waiting))
        case Answer.OUR_FAULT:
            lose(step, message, "refused by PolyAI")
        case Answer.NOT_FORWARDED:
            lose(step, message, "not forwarded to the live agent")
        case _:
            step.settle(message.delivery, DeliveryState.SENT, f"answered: {reading.name}")
            received(step, message)
    step.change(in_flight=None)


def _react(
    step: Stepping,
    session: Session,
    message: SystemMessage,
    reading: Reading,
    about: InFlight | Heard | None,
) -> None:
    heard = _received(step, about)
    match reading.answer:
        case Answer.QUIET | Answer.OUR_FAULT:
            pass
        case Answer.SHOW:
            step.notice(NoticeKind.AGENT_PROBLEM, message=message.text)
        case Answer.NO_PERSON | Answer.MISCONFIGURED:
            stop_waiting(step, session)
            step.notice(NoticeKind.AGENT_PROBLEM, message=message.text)
        case Answer.WAIT:
            until = step.now + step.terms.trouble_timeout
            step.change_session(grace=session.grace or Grace(message.text, until, heard))
        case Answer.SEND_AGAIN:
            _offer(step, message.text, heard)
        case Answer.STREAM_BROKE:
            show_unfinished(step)
            _offer(step, message.text, heard)
        case Answer.NOT_FORWARDED:
            if heard is not None:
                tell_unanswered(step, heard)
            elif reading.name == "not_forwarded" and not isinstance(about, InFlight):
                step.notice(NoticeKind.AGENT_PROBLEM, message=message.text)
        case Answer.START_AGAIN:
            if not session.start_refused:
                step.notice(NoticeKind.AGENT_PROBLEM, message=message.text)
                step.change_session(start_refused=True)
            _join_again(step, session, pause=True)
        case Answer.JOIN_AGAIN:
            if heard is not None:
                tell_unanswered(step, heard)
            _join_again(step, session, pause=session.joins > 1 or not session.joined)
        case Answer.LOOK_AGAIN:
            _look_again(step, session)
        case Answer.SESSION_GONE:
            lose_session(step, session)
        case Answer.OUT_OF_ORDER:
            lose_session(step, session)
            if step.conversation.wish is not Wish.NOTHING:
                step.change(parked_at=step.now)
            if step.conversation.waiting or heard is None:
                tell_unavailable(step)
        case _ as never:
            assert_never(never)


def _received(step: Stepping, about: InFlight | Heard | None) -> Heard | None:
    """The same message, if PolyAI has it: then it is for the person to send it again."""
    if isinstance(about, InFlight):
        sent = about.message.delivery if about.message else None
        return next((one for one in step.conversation.heard if one.delivery == sent), None)
    return about


def overdue_grace(step: Stepping, session: Session) -> None:
    """An overload that did not pass: now it is told."""
    if session.grace is not None and step.now >= session.grace.until:
        step.change_session(grace=None)
        _offer(step, session.grace.text, session.grace.about)


def _offer(step: Stepping, words: str, message: Heard | None) -> None:
    """PolyAI's words, and a way to send again what they are about, if we know it."""
    notice = Notice(NoticeKind.AGENT_PROBLEM, {"message": words})
    if message is None:
        step.post(notice)
    else:
        offer_again(step, notice, message)
        told_unanswered(step, message)


def _join_again(step: Stepping, session: Session, *, pause: bool) -> None:
    """The agent is not there: asked again, a few times, then another session is tried."""
    if session.joins >= step.terms.join_limit:
        lose_session(step, session)
        return
    flight = step.conversation.in_flight
    if flight is not None and flight.kind is SendKind.JOIN:
        step.change(in_flight=None)
    elif flight is not None:
        verify(step, session)  # whether it was received before the agent went only a replay tells
    after = step.now + step.terms.trouble_timeout if pause else None
    step.change_session(joined=False, join_echoed_at=None, join_after=after)


def _look_again(step: Stepping, session: Session) -> None:
    """PolyAI's server lost sight of the session for a moment; if that lasts, it is gone."""
    lookups = session.lookups + 1
    if lookups >= step.terms.lookup_limit:
        lose_session(step, session)
        return
    step.change_session(lookups=lookups)
    flight = step.conversation.in_flight
    if flight is not None:
        # As if its echo were nearly overdue: then a replay decides whether it is sent again.
        sent_at = step.now + step.terms.trouble_timeout - step.terms.echo_timeout
        step.change(in_flight=msgspec.structs.replace(flight, sent_at=sent_at))
