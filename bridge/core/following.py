"""What does a frame of the agent's side mean for the conversation?

Each frame is followed once, however often it arrives; a frame of a session that is no longer
ours means nothing. Ends and receipts have rooms of their own (`endings`, `sending`).
"""

import msgspec

from bridge.core.assembly import Stream
from bridge.core.effects import Recycle, SendKind
from bridge.core.endings import end_session
from bridge.core.events import FrameArrived
from bridge.core.growing import finish, finish_growing, grow, is_growing, take_up_growing
from bridge.core.handoffs import agent_came_back, hand_off, person_spoke
from bridge.core.sending import answered, echoed, landed, send_next
from bridge.core.showing import agent_author, is_shown, reply_of, says_more, show, told_as
from bridge.core.signalling import signal
from bridge.core.state import Handoff, Session
from bridge.core.stepping import Stepping
from bridge.core.troubles import complained
from bridge.model import frames as f
from bridge.model.messages import Author, AuthorKind
from bridge.model.signal import SignalKind

#: Frames without a number that may repeat at will: signs of life, never journaled.
TRANSIENT = (f.HeartbeatEchoed, f.LiveAgentTyping, f.AgentThinking)
#: How many streams may stand open: the oldest is given up, as the cursor cannot pass it.
_OPEN = 8


def follow(step: Stepping, event: FrameArrived) -> None:
    """Follow one frame, unless it is stale or known."""
    session = step.session(event.number)
    if session is None:
        return
    frame = event.frame
    passing = frame.sequence is None and isinstance(frame.body, TRANSIENT)
    if not passing:
        known = session.journal.knows(frame)
        step.change_session(journal=session.journal.follow(frame, replayed=event.replayed))
        if known:
            return
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
            _agent_said(step, message, whole=bool(message.text.strip()))
        case f.AgentChunk() as chunk:
            _agent_streamed(step, session, chunk, frame.sequence)
        case f.LiveAgentMessage() as message:
            _live_agent_said(step, session, message)
        case f.SystemMessage() as message:
            complained(step, frame, message)
        case f.LanguageChanged(code=code):
            step.change_session(language=code)
        case f.AgentThinking():
            if session.handoff not in (Handoff.WAITING, Handoff.LIVE) and not is_growing(session):
                signal(step, SignalKind.THINKING)
        case f.LiveAgentTyping(started=started, agent_id=agent_id, name=name):
            known = session.live_agents.get(agent_id)
            who = name or (known and known.name) or None
            signal(step, SignalKind.TYPING if started else SignalKind.CLEAR, who)
        case f.AgentLeft():
            finish_growing(step)
        case f.HeartbeatEchoed() | f.Unknown():
            pass
        case _ as handoff:
            finish_growing(step)
            hand_off(step, session, handoff)


def _agent_joined(step: Stepping, joined: f.AgentJoined) -> None:
    landed(step, SendKind.JOIN)
    author = Author(AuthorKind.AGENT, joined.name, joined.picture_url)
    step.change_session(joined=True, join_after=None, grace=None, agent=author)
    step.change(wanted=False)
    agent_came_back(step)


def _there(step: Stepping) -> None:
    """The agent's side speaks: it has joined, whatever word of that was lost; no trouble lasts."""
    session = step.conversation.session
    if session is None:
        return
    if not session.joined and session.joins and session.join_after is None:
        landed(step, SendKind.JOIN)
        step.change_session(joined=True)
        step.change(wanted=False)
    if session.grace is not None or session.lookups:
        step.change_session(grace=None, lookups=0)
    step.change(touched_at=step.now)


def _agent_said(step: Stepping, message: f.AgentMessage, *, whole: bool = False) -> None:
    _there(step)
    answered(step)
    if not message.text.strip():
        finish(step, message.message_id)  # it only adds to what came in pieces
    session = step.conversation.session
    if session is None:
        return
    if session.streams:
        others = tuple(s for s in session.streams if s.message_id != message.message_id)
        step.change_session(streams=others)
    known = agent_author(session)
    author = Author(
        AuthorKind.AGENT, message.name or known.name, message.picture_url or known.picture_url
    )
    show(step, reply_of(author, message), message.message_id, whole=whole)
    if message.ends_conversation:
        end_session(step, session, "REASON_NATURAL_END")


def _agent_streamed(
    step: Stepping, session: Session, chunk: f.AgentChunk, sequence: int | None
) -> None:
    open_one = next((s for s in session.streams if s.message_id == chunk.message_id), None)
    if open_one is None and not _can_begin(session, chunk):
        return  # without its beginning the rest of what is shown tells nothing
    _there(step)
    others = tuple(s for s in session.streams if s is not open_one)
    stream = open_one or Stream(message_id=chunk.message_id, touched_at=step.now)
    stream = stream.with_piece(chunk, sequence, step.now)
    _keep_open(step, (*others, stream))
    if stream.whole:
        _ended(step, stream)
    elif stream.full:
        step.note("agent.stream_too_long", "error", pieces=str(len(stream.pieces)))
        _ended(step, stream)  # of the rest, whenever it comes, nothing is kept
    else:
        grow(step, stream)


def _can_begin(session: Session, chunk: f.AgentChunk) -> bool:
    """Whether a stream may begin with this piece; a replay begins an unfinished one again."""
    if chunk.index is None:
        told = told_as(session, chunk.message_id)
        again = told is not None and told.reply.unfinished
    else:
        again = chunk.index in (0, 1)
    return again or not is_shown(session, chunk.message_id)


def _ended(step: Stepping, stream: Stream) -> None:
    """Nothing more of this stream will come."""
    session = step.conversation.session
    if session is not None and says_more(session, stream.message()):
        _agent_said(step, stream.message())
    else:
        _give_up_rest(step, stream)


def _give_up_rest(step: Stepping, stream: Stream) -> None:
    finish(step, stream.message_id)
    session = step.conversation.session
    if session is not None:
        others = tuple(s for s in session.streams if s.message_id != stream.message_id)
        step.change_session(streams=others)


def finish_streams(step: Stepping) -> None:
    """After a replay: what is still missing of a completed stream will not come."""
    session = step.conversation.session
    if session is not None:
        for stream in session.streams:
            if stream.complete:
                _ended(step, stream)
    take_up_growing(step)


def look_after_stream(step: Stepping, session: Session, stream: Stream) -> None:
    """A stream waited too long: a replay may hold its missing piece; else show what there is.

    What is shown unfinished stays open for a while: its rest may still come, and ends the same
    message.
    """
    if stream.complete:
        step.change_session(ready=False)
        step.effects.append(Recycle(session.number))
        return
    if stream.told:
        _give_up_rest(step, stream)
        return
    step.note("agent.stream_stalled", "warning", pieces=str(len(stream.pieces)))
    if says_more(session, stream.message()):
        _agent_said(step, stream.message())
    finish(step, stream.message_id)
    now = step.conversation.session
    if now is not None:
        others = (s for s in now.streams if s.message_id != stream.message_id)
        told = msgspec.structs.replace(stream, told=True, touched_at=step.now)
        _keep_open(step, (*others, told))


def _keep_open(step: Stepping, streams: tuple[Stream, ...]) -> None:
    """So many at most: of the oldest no more is expected."""
    step.change_session(streams=streams)
    for stream in streams[:-_OPEN]:
        if stream.told:
            _give_up_rest(step, stream)
        else:
            _ended(step, stream)


def _live_agent_said(step: Stepping, session: Session, message: f.LiveAgentMessage) -> None:
    person_spoke(step, session, message.agent_id)
    known = session.live_agents.get(message.agent_id)
    author = Author(
        AuthorKind.LIVE_AGENT,
        message.name or (known.name if known else None),
        message.picture_url or (known.picture_url if known else None),
    )
    show(step, reply_of(author, message), message.message_id)
    _there(step)
    answered(step)
