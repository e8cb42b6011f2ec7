"""What does a frame of the agent's side mean for the conversation?

Each frame is followed once, however often it arrives; a frame of a session that is no longer
ours means nothing. Ends and receipts have rooms of their own (`endings`, `sending`).
"""

from typing import assert_never

from bridge.core.assembly import Stream
from bridge.core.effects import Recycle, SendKind, Show
from bridge.core.endings import agent_author, end_session, lose_session
from bridge.core.events import FrameArrived
from bridge.core.sending import answered, echoed, landed, send_next
from bridge.core.state import Handoff, Session
from bridge.core.stepping import Stepping
from bridge.core.system_messages import Answer, answer_to
from bridge.model import frames as f
from bridge.model.messages import AgentReply, Author, AuthorKind, Notice, NoticeKind
from bridge.model.signal import Signal, SignalKind

#: Frames without a number that may repeat at will: signs of life, never journaled.
TRANSIENT = (f.HeartbeatEchoed, f.LiveAgentTyping, f.AgentThinking)


def follow(step: Stepping, event: FrameArrived) -> None:
    """Follow one frame, unless it is stale or known."""
    session = step.session(event.number)
    if session is None:
        return
    frame = event.frame
    passing = frame.sequence is None and isinstance(frame.body, TRANSIENT)
    if not passing:
        if session.journal.knows(frame):
            return
        step.change_session(journal=session.journal.follow(frame, replayed=event.replayed))
    _meaning(step, step.conversation.session or session, frame)
    send_next(step)


def _meaning(step: Stepping, session: Session, frame: f.Frame) -> None:
    match frame.body:
        case f.SessionStarted(capabilities=capabilities):
            step.change_session(capabilities=capabilities)
        case f.SessionEnded(reason=reason):
            end_session(step, session, reason)
        case f.MessageEchoed() as echo:
            echoed(step, frame, echo)
        case f.JoinEchoed():
            landed(step, SendKind.JOIN)
            step.change_session(join_echoed_at=step.now)
        case f.EndEchoed():
            landed(step, SendKind.END)
            step.change_session(end_echoed=True)
        case f.AgentJoined() as joined:
            _agent_joined(step, joined)
        case f.AgentMessage() as message:
            _agent_said(step, message)
        case f.AgentChunk() as chunk:
            _agent_streamed(step, session, chunk, frame.sequence)
        case f.LiveAgentMessage() as message:
            _live_agent_said(step, session, message)
        case f.SystemMessage() as message:
            answered(step, frame, message)
            _system_said(step, session, message)
        case f.LanguageChanged(code=code):
            step.change_session(language=code)
        case f.AgentThinking():
            step.effects.append(Show(Signal(SignalKind.THINKING)))
        case f.LiveAgentTyping(started=started, agent_id=agent_id, name=name):
            kind = SignalKind.TYPING if started else SignalKind.CLEAR
            known = session.live_agents.get(agent_id)
            step.effects.append(Show(Signal(kind, name or (known and known.name) or None)))
        case f.HeartbeatEchoed() | f.AgentLeft() | f.Unknown():
            pass
        case _ as handoff:
            _handoff(step, session, handoff)


def _agent_joined(step: Stepping, joined: f.AgentJoined) -> None:
    landed(step, SendKind.JOIN)
    author = Author(AuthorKind.AGENT, joined.name, joined.picture_url)
    step.change_session(joined=True, agent=author)
    step.change(wanted=False)


def _agent_said(step: Stepping, message: f.AgentMessage) -> None:
    session = step.conversation.session
    if session is None:
        return
    open_streams = tuple(s for s in session.streams if s.message_id != message.message_id)
    step.change_session(streams=open_streams)
    known = agent_author(session)
    author = Author(
        AuthorKind.AGENT, message.name or known.name, message.picture_url or known.picture_url
    )
    step.reply(
        AgentReply(
            author=author,
            text=message.text,
            attachments=message.attachments,
            suggestions=message.suggestions,
            call_actions=message.call_actions,
        ),
        message.message_id,
    )
    _touched(step)
    if message.ends_conversation:
        end_session(step, session, "REASON_NATURAL_END")


def _agent_streamed(
    step: Stepping, session: Session, chunk: f.AgentChunk, sequence: int | None
) -> None:
    if chunk.message_id in session.shown:
        return
    others = tuple(s for s in session.streams if s.message_id != chunk.message_id)
    open_one = next((s for s in session.streams if s not in others), None)
    stream = open_one or Stream(message_id=chunk.message_id, touched_at=step.now)
    stream = stream.with_piece(chunk, sequence, step.now)
    if stream.whole:
        _agent_said(step, stream.message())
    else:
        step.change_session(streams=(*others, stream))
        _touched(step)


def finish_streams(step: Stepping) -> None:
    """After a replay: what is still missing of a completed stream will not come."""
    session = step.conversation.session
    if session is not None:
        for stream in session.streams:
            if stream.complete:
                _agent_said(step, stream.message())


def look_after_stream(step: Stepping, session: Session, stream: Stream) -> None:
    """A stream waited too long: a replay may hold its missing piece; else show what there is."""
    if stream.complete:
        step.change_session(ready=False)
        step.effects.append(Recycle(session.number))
    else:
        _agent_said(step, stream.message())


def _live_agent_said(step: Stepping, session: Session, message: f.LiveAgentMessage) -> None:
    known = session.live_agents.get(message.agent_id)
    author = Author(
        AuthorKind.LIVE_AGENT,
        message.name or (known.name if known else None),
        message.picture_url or (known.picture_url if known else None),
    )
    reply = AgentReply(
        author=author,
        text=message.text,
        attachments=message.attachments,
        suggestions=message.suggestions,
        call_actions=message.call_actions,
    )
    step.reply(reply, message.message_id)
    _touched(step)


def _system_said(step: Stepping, session: Session, message: f.SystemMessage) -> None:
    match answer_to(message):
        case Answer.QUIET:
            pass
        case Answer.SHOW:
            step.notice(NoticeKind.AGENT_PROBLEM, message=message.text)
        case Answer.JOIN_AGAIN:
            if session.joins < step.terms.join_limit:
                step.change_session(joined=False, join_echoed_at=None)
            else:
                lose_session(step, session)
        case Answer.SESSION_GONE:
            lose_session(step, session)
        case _ as never:
            assert_never(never)


Handoffs = (
    f.HandoffTriggered
    | f.HandoffAccepted
    | f.QueueMoved
    | f.LiveAgentJoined
    | f.LiveAgentLeft
    | f.HandoffElsewhere
    | f.HandoffBroke
)


def _handoff(step: Stepping, session: Session, body: Handoffs) -> None:
    match body:
        case f.HandoffTriggered():
            _queue(step, session, {})
        case f.HandoffAccepted(queue=queue):
            _queue(step, session, {"queue": queue})
        case f.QueueMoved() as moved:
            _queue(step, session, _queue_details(moved))
        case f.LiveAgentJoined(agent_id=agent_id, name=name, picture_url=picture):
            author = Author(AuthorKind.LIVE_AGENT, name, picture)
            people = {**session.live_agents, agent_id: author}
            step.close_queue()
            step.change_session(live_agents=people, handoff=Handoff.LIVE)
            step.notice(NoticeKind.HANDOFF_JOINED, name=name or "")
        case f.LiveAgentLeft(agent_id=agent_id, name=name):
            known = session.live_agents.get(agent_id)
            step.change_session(handoff=Handoff.NONE)
            who = name or (known.name if known else None) or ""
            step.notice(NoticeKind.HANDOFF_LEFT, name=who)
        case f.HandoffElsewhere(reason=reason, queue=queue, route=route):
            step.close_queue()
            step.change_session(handoff=Handoff.NONE)
            step.notice(NoticeKind.HANDOFF_ELSEWHERE, reason=reason, queue=queue, route=route)
        case f.HandoffBroke(reason=reason):
            step.close_queue()
            step.change_session(handoff=Handoff.NONE)
            step.notice(NoticeKind.HANDOFF_FAILED, reason=reason)
        case _ as never:
            assert_never(never)


def _queue(step: Stepping, session: Session, details: dict[str, str]) -> None:
    """One message for the whole wait, changed in place."""
    notice = Notice(NoticeKind.HANDOFF_WAITING, {k: v for k, v in details.items() if v})
    if session.queue_notice is None:
        step.change_session(queue_notice=step.post(notice), handoff=Handoff.WAITING)
    elif notice.details:
        step.replace(session.queue_notice, notice)


def _queue_details(moved: f.QueueMoved) -> dict[str, str]:
    return {
        "queue": moved.queue,
        "position": "" if moved.position is None else str(moved.position),
        "wait_seconds": "" if moved.wait_seconds is None else str(moved.wait_seconds),
        "message": moved.message,
    }


def _touched(step: Stepping) -> None:
    step.change(touched_at=step.now)
