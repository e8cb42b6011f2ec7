"""What is left of a conversation that is erased? Its name and its counts, and nobody's words.

PolyAI is told the end once, if its socket is there: nobody waits to hear that it was heard. Nothing
is owed any more, and nothing that stands in the thread is changed: that is the platform's.
"""

from bridge.core.effects import ForgetSession, SendKind, Transmit
from bridge.core.state import Conversation
from bridge.core.stepping import Stepping


def erase(step: Stepping) -> None:
    """Forget everything; the thread goes on with whatever is said there next, in a new session.

    What it counted is kept: no id is given twice.
    """
    before = step.conversation
    session = before.session
    met = session is not None and session.agent is not None
    if session is not None:
        if session.ready:
            step.effects.append(Transmit(session.number, SendKind.END, parting=True))
        step.effects.append(ForgetSession(session.number))
    step.conversation = Conversation(
        id=before.id,
        adapter=before.adapter,
        thread=before.thread,
        agent=before.agent,
        opened_at=before.opened_at,
        touched_at=step.now,
        deliveries=before.deliveries,
        sessions=before.sessions,
        lost_session=met or before.lost_session,
        thread_lost=before.thread_lost,
    )
