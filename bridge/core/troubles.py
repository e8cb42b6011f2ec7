"""What becomes of a conversation when PolyAI says that something is wrong?

`system_messages` says what each text asks for; here it is done. Nothing of it repeats what a person
said without their asking, except what PolyAI itself says it could not take.
"""

from typing import assert_never

from bridge.core.effects import SendKind
from bridge.core.endings import lose_session, show_unfinished, tell_unavailable
from bridge.core.handoffs import stop_waiting
from bridge.core.sending import lose, offer_again, verify
from bridge.core.state import Grace, Handoff, InFlight, Session
from bridge.core.stepping import Stepping
from bridge.core.system_messages import Answer, Reading, read
from bridge.model.delivery import DeliveryState
from bridge.model.frames import Frame, SystemMessage
from bridge.model.messages import Notice, NoticeKind


def complained(step: Stepping, frame: Frame, message: SystemMessage) -> None:
    """PolyAI's own words: what the log, the thread and the conversation make of them."""
    reading = _in_context(step, read(message))
    named = _named(step, frame)
    if named is not None:
        _settle_named(step, named, reading)
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
        _react(step, session, message, reading, was_named=named is not None)


def _in_context(step: Stepping, reading: Reading) -> Reading:
    """While people are at it, the agent must not be called back: then they missed something."""
    session = step.conversation.session
    at_it = session is not None and session.handoff in (Handoff.WAITING, Handoff.LIVE)
    if at_it and reading.answer in (Answer.JOIN_AGAIN, Answer.START_AGAIN):
        return Reading(reading.name, Answer.NOT_FORWARDED)
    return reading


def _named(step: Stepping, frame: Frame) -> InFlight | None:
    """The message in flight, if it is what PolyAI speaks of."""
    flight = step.conversation.in_flight
    if flight is None or flight.message is None:
        return None
    return flight if flight.message.delivery in frame.custom.values() else None


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
            step.change(last_said=message.text)
    step.change(in_flight=None)


def _react(
    step: Stepping, session: Session, message: SystemMessage, reading: Reading, *, was_named: bool
) -> None:
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
            step.change_session(grace=session.grace or Grace(message.text, until))
        case Answer.SEND_AGAIN:
            _offer_last(step, message.text)
        case Answer.STREAM_BROKE:
            show_unfinished(step)
            _offer_last(step, message.text)
        case Answer.NOT_FORWARDED:
            told = was_named or _offer_unanswered(step)
            if not told and reading.name == "not_forwarded":
                step.notice(NoticeKind.AGENT_PROBLEM, message=message.text)
        case Answer.START_AGAIN:
            if not session.start_refused:
                step.notice(NoticeKind.AGENT_PROBLEM, message=message.text)
                step.change_session(start_refused=True)
            _join_again(step, session, pause=True)
        case Answer.JOIN_AGAIN:
            if not was_named:
                _offer_unanswered(step)
            _join_again(step, session, pause=session.joins > 1 or not session.joined)
        case Answer.LOOK_AGAIN:
            _look_again(step, session)
        case Answer.SESSION_GONE:
            lose_session(step, session)
        case Answer.OUT_OF_ORDER:
            lose_session(step, session)
            step.change(parked_at=step.now)
            tell_unavailable(step)
        case _ as never:
            assert_never(never)


def overdue_grace(step: Stepping, session: Session) -> None:
    """An overload that did not pass: now it is told."""
    if session.grace is not None and step.now >= session.grace.until:
        step.change_session(grace=None)
        _offer_last(step, session.grace.text)


def _offer_last(step: Stepping, words: str) -> None:
    """PolyAI's words, and a way to send again what they were about, if we know it."""
    offer_again(step, Notice(NoticeKind.AGENT_PROBLEM, {"message": words}), _unanswered(step))


def _offer_unanswered(step: Stepping) -> bool:
    """What was received last will have no answer any more: told like one that did not arrive."""
    text = _unanswered(step)
    if text:
        offer_again(step, Notice(NoticeKind.NOT_DELIVERED, {"text": text}), text)
        step.change(last_said="")
    return bool(text)


def _unanswered(step: Stepping) -> str:
    """What the agent received and has not answered; "" while another message is under way.

    That one may be what PolyAI speaks of, and what becomes of it is told in its own time.
    """
    return "" if step.conversation.in_flight is not None else step.conversation.last_said


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
        step.change(
            in_flight=InFlight(
                kind=flight.kind, message=flight.message, attempts=flight.attempts, sent_at=sent_at
            )
        )
