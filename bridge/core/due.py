"""When does a conversation want to be woken? Its deadlines; `deadlines` does what is due."""

from collections.abc import Iterator
from datetime import datetime

from bridge.core.assembly import Stream
from bridge.core.state import Conversation, Handoff, Session
from bridge.core.terms import Terms

_WITH_PEOPLE = (Handoff.WAITING, Handoff.LIVE)
_WITHOUT_AGENT = (*_WITH_PEOPLE, Handoff.ELSEWHERE)


def due(conversation: Conversation, terms: Terms) -> datetime | None:
    """The earliest deadline, after which the conversation wants to be woken."""
    session, parked = conversation.session, conversation.parked_at
    deadlines: list[datetime | None] = []
    if parked is not None and (session or conversation.waiting or conversation.wanted):
        deadlines.append(parked + terms.park_timeout)
    if session is not None and not session.released:
        deadlines += _session_deadlines(conversation, session, terms)
    return min(filter(None, deadlines), default=None)


def _session_deadlines(
    conversation: Conversation, session: Session, terms: Terms
) -> Iterator[datetime | None]:
    yield idle_due(conversation, session, terms)
    if session.end_wanted_at is not None:
        yield session.end_wanted_at + terms.end_timeout
    yield session.grace.until if session.grace else None
    yield signal_due(conversation, session, terms)
    yield place_due(session, terms)
    if not session.ready:
        return
    if conversation.in_flight is not None:
        yield conversation.in_flight.sent_at + terms.echo_timeout
    elif session.join_echoed_at is not None and not session.joined:
        yield session.join_echoed_at + terms.join_timeout
    elif not session.joined and session.end_wanted_at is None:
        yield session.join_after
    for stream in session.streams:
        yield stream_due(stream, terms)
    yield move_due(conversation, session, terms)


def idle_due(conversation: Conversation, session: Session, terms: Terms) -> datetime | None:
    """When a quiet conversation lets go of its socket; None while it is not quiet."""
    if conversation.asked or session.end_wanted_at is not None:
        return None
    if session.handoff not in _WITH_PEOPLE:
        return conversation.touched_at + terms.idle_timeout
    return conversation.touched_at + max(terms.idle_timeout, terms.handoff_timeout)


def place_due(session: Session, terms: Terms) -> datetime | None:
    """When a new place in a queue is to be told where its notice cannot be changed."""
    if terms.shows.edits or session.queue_notice is None:
        return None
    place = place_of(session.queue_details)
    if not place or place == session.place_told:
        return None
    told = session.place_told_at
    return told + terms.place_gap if told is not None else session.opened_at


def place_of(details: dict[str, str]) -> str:
    """What a person cares about in the details of a queue's notice."""
    return details.get("message") or details.get("position", "")


def move_due(conversation: Conversation, session: Session, terms: Terms) -> datetime | None:
    """When to leave a session whose token is about to die; None while that would disturb.

    With the token dies every way back to the session, so it is left in a quiet moment before.
    """
    streaming = any(not stream.told for stream in session.streams)
    busy = conversation.in_flight or conversation.waiting or streaming
    if session.expires_at is None or busy or session.handoff in _WITH_PEOPLE:
        return None
    margin = min(terms.token_margin, (session.expires_at - session.opened_at) / 10)
    quiet = conversation.touched_at + terms.token_quiet
    answered = [h.at + terms.answer_timeout for h in conversation.heard if not h.answered]
    return max(session.expires_at - margin, quiet, *answered)


def stream_due(stream: Stream, terms: Terms) -> datetime:
    """When an unfinished stream must be looked after."""
    if stream.complete:
        return stream.touched_at + terms.stream_gap
    return stream.touched_at + (terms.stream_forget if stream.told else terms.stream_stall)


def awaits_answer(conversation: Conversation, now: datetime, terms: Terms) -> bool:
    """Whether the agent is about to answer: it was told something, and does not speak yet."""
    session, asked = conversation.session, _asked_at(conversation, now - terms.answer_timeout)
    if session is None or asked is None or session.handoff in _WITHOUT_AGENT:
        return False
    if conversation.parked_at is not None or any(t.reply.unfinished for t in session.told):
        return False
    return session.hushed_at is None or asked > session.hushed_at


def _asked_at(conversation: Conversation, since: datetime) -> datetime | None:
    """When the agent was last told something that has no answer, if that was after `since`."""
    flight, latest = conversation.in_flight, None
    if flight is not None and flight.message is not None:
        latest = flight.sent_at
        since = max(since, latest)
    for one in conversation.heard:
        if not one.answered and one.at > since:
            latest = since = one.at
    return latest


def signal_due(conversation: Conversation, session: Session, terms: Terms) -> datetime | None:
    """When the sign of life that is shown must be shown again, or taken away."""
    shown = session.signalled_at
    if shown is None:
        return None
    lapses, refreshed = shown + terms.signal_timeout, shown + terms.signal_refresh
    return refreshed if awaits_answer(conversation, lapses, terms) else lapses
