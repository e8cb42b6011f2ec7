"""What happens when the agent hands the conversation on to people?

Two kinds (polyai-messaging §15). *Server-managed*: PolyAI finds a live agent; we show one message
for the whole wait, changed in place, then who joined and left. *Client-managed*: the routing is
left to us, and what the operator configured decides; the first rule that matches wins.

Every transition tolerates missing steps and repeats.
"""

from typing import assert_never
from urllib.parse import urlsplit

from bridge.core.due import place_due, place_of
from bridge.core.effects import Owe
from bridge.core.handoff_rules import rule_for
from bridge.core.notices import shortened
from bridge.core.sending import answered
from bridge.core.state import Handoff, Session
from bridge.core.stepping import Stepping
from bridge.model import frames as f
from bridge.model.delivery import Announce
from bridge.model.ids import DeliveryId
from bridge.model.messages import Author, AuthorKind, Control, Notice, NoticeKind

#: How many live agents of one session are known by name, and how many as gone.
MOST_AGENTS = 32

HandoffFrame = (
    f.HandoffTriggered
    | f.HandoffAccepted
    | f.QueueMoved
    | f.LiveAgentJoined
    | f.LiveAgentLeft
    | f.HandoffElsewhere
    | f.HandoffBroke
)


def hand_off(step: Stepping, session: Session, body: HandoffFrame) -> None:
    """One more step of a handoff, of either kind."""
    step.change(touched_at=step.now)
    answered(step)  # a handoff is an answer, too
    match body:
        case f.HandoffTriggered():
            _wait(step, session, {})
        case f.HandoffAccepted(queue=queue):
            _wait(step, session, {"queue": queue})
        case f.QueueMoved() as moved:
            if session.handoff is not Handoff.BROKEN:  # else a late word of what came to nothing
                _wait(step, session, _standing(moved))
        case f.LiveAgentJoined(agent_id=agent_id, name=name, picture_url=picture):
            there = session.handoff is Handoff.LIVE and session.live_agent == agent_id
            close_queue(step)
            take_back_call(step)
            step.change_session(
                live_agents=_met(session, agent_id, Author(AuthorKind.LIVE_AGENT, name, picture)),
                live_agent=agent_id,
                gone_agents=tuple(one for one in session.gone_agents if one != agent_id),
                handoff=Handoff.LIVE,
            )
            if not there:
                step.notice(NoticeKind.HANDOFF_JOINED, name=name or "")
        case f.LiveAgentLeft(agent_id=agent_id, name=name):
            _left(step, session, agent_id, name)
        case f.HandoffElsewhere():
            _elsewhere(step, session, body)
        case f.HandoffBroke(reason=reason, timed_out=timed_out):
            if session.handoff is Handoff.BROKEN:
                return
            close_queue(step)
            step.change_session(handoff=Handoff.BROKEN)
            take_back_call(step)
            kind = NoticeKind.HANDOFF_FAILED
            step.notice(kind, reason=reason, timed_out="yes" if timed_out else "")
            step.note("agent.handoff_failed", "warning", timed_out="yes" if timed_out else "no")
        case _ as never:
            assert_never(never)


def _met(session: Session, agent_id: str, author: Author) -> dict[str, Author]:
    """The live agents of the session with this one, who came last."""
    others = [(key, one) for key, one in session.live_agents.items() if key != agent_id]
    return {**dict(others[1 - MOST_AGENTS :]), agent_id: author}


def _left(step: Stepping, session: Session, agent_id: str, name: str | None) -> None:
    who = agent_id or session.live_agent or ""
    if session.handoff not in (Handoff.WAITING, Handoff.LIVE) or who in session.gone_agents:
        return  # said again, or of somebody nobody met
    known = session.live_agents.get(who)
    step.change_session(gone_agents=(*session.gone_agents, who)[-MOST_AGENTS:])
    if session.live_agent in (None, who):  # else somebody else has taken over already
        close_queue(step)
        step.change_session(handoff=Handoff.NONE, live_agent=None)
    step.notice(NoticeKind.HANDOFF_LEFT, name=name or (known and known.name) or "")


def close_queue(step: Stepping) -> None:
    """The wait for a live agent is over: its notice must not go on promising a place."""
    session = step.conversation.session
    if session is not None and session.queue_notice is not None:
        step.replace(session.queue_notice, Notice(NoticeKind.HANDOFF_FOUND))
        step.change_session(queue_notice=None, queue_details={}, place_told="", place_told_at=None)


def stop_waiting(step: Stepping, session: Session) -> None:
    """Nobody comes, and that is told: the wait is over, if there was one."""
    if session.handoff in (Handoff.NONE, Handoff.WAITING):
        close_queue(step)
        step.change_session(handoff=Handoff.BROKEN)


def person_spoke(step: Stepping, session: Session, agent_id: str) -> None:
    """Whoever speaks is there, though nobody has said yet that they have come.

    Unless they have left: then it is a word of theirs that was late.
    """
    if session.handoff is not Handoff.LIVE and agent_id not in session.gone_agents:
        close_queue(step)
        take_back_call(step)
        step.change_session(handoff=Handoff.LIVE, live_agent=None)


def person_wrote(step: Stepping) -> None:
    """What came of the last handoff is settled: another one is a new one."""
    session = step.conversation.session
    if session is not None and session.handoff in (Handoff.BROKEN, Handoff.ELSEWHERE):
        step.change_session(handoff=Handoff.NONE)


def agent_came_back(step: Stepping) -> None:
    """The agent has joined (again): nobody is waited for any more."""
    session = step.conversation.session
    waited = session is not None and session.queue_notice is not None
    close_queue(step)
    if waited and not step.terms.shows.edits:
        step.notice(NoticeKind.HANDOFF_FOUND)  # nothing else would tell
    step.change_session(handoff=Handoff.NONE, live_agent=None)


def give_up_waiting(step: Stepping, session: Session) -> None:
    """The wait lasted as long as we hold a line: what stands in the thread must not go on."""
    if session.handoff is Handoff.WAITING:
        stop_waiting(step, session)
        step.notice(NoticeKind.HANDOFF_FAILED, timed_out="yes")


def leave_queue(step: Stepping, session: Session) -> None:
    """The person waits no longer. PolyAI knows no other way out of a queue than the end."""
    step.change_session(leaves_queue=True, end_wanted_at=step.now, released=False)


def _wait(step: Stepping, session: Session, details: dict[str, str]) -> None:
    """One message for the whole wait, changed in place whenever it would say something else."""
    if session.handoff is Handoff.LIVE:
        return  # somebody is there already: a word of the queue that came late
    told = session.queue_details
    kept = {name: text for name, text in told.items() if name in ("queue", "since")}
    said = {name: text for name, text in details.items() if text}
    now: dict[str, str] = {"since": step.now.isoformat(timespec="seconds"), **kept, **said}
    if session.queue_notice is None:
        step.change_session(
            queue_notice=step.post(_waiting(now)),
            queue_details=now,
            place_told=place_of(now),
            place_told_at=step.now if place_of(now) else None,
            handoff=Handoff.WAITING,
        )
    elif now != told and said:
        step.change_session(queue_details=now)
        step.replace(session.queue_notice, _waiting(now))
        tell_place(step)


def _waiting(details: dict[str, str]) -> Notice:
    return Notice(NoticeKind.HANDOFF_WAITING, details, controls=(Control.CANCEL,))


def tell_place(step: Stepping) -> None:
    """Where the notice cannot be changed: tell a new place, now and then."""
    session = step.conversation.session
    due = place_due(session, step.terms) if session is not None else None
    if session is not None and due is not None and step.now >= due:
        step.post(_waiting(session.queue_details))
        step.change_session(place_told=place_of(session.queue_details), place_told_at=step.now)


def _standing(moved: f.QueueMoved) -> dict[str, str]:
    return {
        "queue": moved.queue,
        "position": "" if moved.position is None else str(moved.position),
        "wait_seconds": "" if moved.wait_seconds is None else str(moved.wait_seconds),
        "message": moved.message,
    }


def _elsewhere(step: Stepping, session: Session, asked: f.HandoffElsewhere) -> None:
    """The ways out that the operator configured, and PolyAI's own if it can be shown safely."""
    if session.handoff is Handoff.ELSEWHERE:
        return  # said again: nobody is called twice
    rule = rule_for(step.terms.handoffs, queue=asked.queue, reason=asked.reason)
    close_queue(step)
    step.change_session(handoff=Handoff.ELSEWHERE)
    if rule.place:
        _call_helpers(step, asked, place=rule.place, mention=rule.mention)
    ways = {
        "reason": asked.reason,
        "queue": asked.queue,
        "route": asked.route if _can_be_opened(asked.route) else "",
        "link": rule.link,
        "number": rule.number,
    }
    told = Notice(NoticeKind.HANDOFF_ELSEWHERE, {k: text for k, text in ways.items() if text})
    if rule.place:
        called = {**told.details, "called": "yes"}
        notice = Notice(told.kind, called, controls=(Control.START,))
        step.change(call_told=(step.post(notice), told))
    else:
        step.post(told)
    step.note("agent.handoff_elsewhere", "info", session=str(session.number), place=rule.place)


def _call_helpers(step: Stepping, asked: f.HandoffElsewhere, *, place: str, mention: str) -> None:
    speaker = step.conversation.speaker
    details = {
        "queue": asked.queue,
        "reason": asked.reason,
        "person": (speaker.name or speaker.id) if speaker else "",
        "mention": mention,
    }
    said = {name: text for name, text in details.items() if text}
    call = Announce(place, shortened(Notice(NoticeKind.HANDOFF_CALL, said), step.terms))
    delivery = step.new_id()
    step.effects.append(Owe(delivery, call))
    step.change(call=delivery)


def take_back_call(step: Stepping) -> None:
    """The agent is part of the conversation again: the thread must not say otherwise."""
    call, told = step.conversation.call, step.conversation.call_told
    if call is not None and told is not None:
        step.replace(*told)
    if call is not None or told is not None:
        step.change(call=None, call_told=None)


def helpers_not_called(step: Stepping, delivery: DeliveryId) -> None:
    """Nobody will come: the person is told, and the agent listens again."""
    if step.conversation.call == delivery:
        take_back_call(step)
        step.notice(NoticeKind.HANDOFF_FAILED)
        step.note("agent.helpers_not_called", "error", delivery=delivery)


def _can_be_opened(route: str) -> bool:
    """Only plain https addresses are shown (polyai-messaging §6.2): others may run something.

    Nor one that names a user: `https://bank.example@evil.example` reads as if it led to the bank.
    """
    try:
        parts = urlsplit(route.strip())
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
