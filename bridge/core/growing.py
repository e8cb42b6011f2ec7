"""How does an unfinished message show, grow and end?

Laws:
- A message is begun with what stands before the first gap, once that makes a beginning, and is
  shown as unfinished until one change ends it. Whatever takes its stream away ends it.
- In between it only gets longer. That is best effort and not committed: the state remembers what
  was posted, and a replay brings the pieces again.
- Nothing grows before the history is followed: until then we may know less than the thread shows.
- What no longer fits one delivery is finished there for good, and goes on in the next.
"""

import msgspec

from bridge.core.assembly import Stream
from bridge.core.effects import Grow
from bridge.core.showing import (
    agent_author,
    in_parts,
    is_shown,
    reply_of,
    says_more,
    show,
    told_as,
)
from bridge.core.state import Session, Told
from bridge.core.stepping import Stepping
from bridge.model.messages import AgentReply

#: A sentence is a beginning, however short.
_SENTENCE_ENDS = (".", "!", "?", "…")


def is_growing(session: Session) -> bool:
    """Whether an unfinished message stands in the thread."""
    return any(told.reply.unfinished for told in session.told)


def grow(step: Stepping, stream: Stream) -> None:
    """Show more of a stream than before, if it can be shown growing and there is more."""
    session = step.conversation.session
    if session is None or not session.ready or not step.terms.streaming or not stream.message_id:
        return
    told = told_as(session, stream.message_id)
    if told is not None and told.reply.unfinished:
        _go_on(step, stream, told)
    elif not is_shown(session, stream.message_id) and _begins(step, stream.beginning):
        reply = AgentReply(agent_author(session), stream.beginning, unfinished=True)
        show(step, reply, stream.message_id)
        _remember(step, stream)


def take_up_growing(step: Stepping) -> None:
    """The history is followed: what it brought is shown, and nothing waits for what it lacks."""
    session = step.conversation.session
    if session is None:
        return
    coming = {stream.message_id for stream in session.streams}
    for told in session.told:
        if told.message_id not in coming:
            finish(step, told.message_id)
    for stream in session.streams:
        grow(step, stream)


def finish_growing(step: Stepping) -> None:
    """Nothing that stands in the thread is unfinished any more; what still comes revises it."""
    session = step.conversation.session
    if session is not None:
        for told in session.told:
            finish(step, told.message_id)


def finish(step: Stepping, message_id: str) -> None:
    """End the message of this id with what there is of it, if it is unfinished."""
    session = step.conversation.session
    told = told_as(session, message_id) if session is not None else None
    if session is None or told is None or not told.reply.unfinished:
        return
    reply = msgspec.structs.replace(told.reply, unfinished=False)
    for stream in session.streams:
        if stream.message_id == message_id and says_more(session, stream.message()):
            reply = reply_of(agent_author(session), stream.message())
    show(step, reply, message_id)


def _begins(step: Stepping, text: str) -> bool:
    said = text.strip()
    return len(said) >= step.terms.stream_beginning or said.endswith(_SENTENCE_ENDS)


def _go_on(step: Stepping, stream: Stream, told: Told) -> None:
    text, stands = stream.beginning, stream.grown or told.reply.text
    if len(text) <= len(stands) or not text.startswith(stands):
        return  # a piece was corrected, or a replay lacks some: the end will tell
    reply = msgspec.structs.replace(told.reply, text=text)
    parts = in_parts(step, reply)
    if len(parts) == len(told.deliveries):
        step.effects.append(Grow(told.deliveries[-1], parts[-1]))
    else:
        show(step, reply, stream.message_id)
    _remember(step, stream)


def _remember(step: Stepping, stream: Stream) -> None:
    session = step.conversation.session
    if session is not None:
        grown = msgspec.structs.replace(stream, grown=stream.beginning)
        step.change_session(streams=tuple(grown if s is stream else s for s in session.streams))
