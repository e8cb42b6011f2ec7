"""When is a sign of life shown, and for how long?

- From the moment a person's message goes to the agent until it speaks: shown again before the
  platform drops it, for as long as an answer is expected. (What an answer makes needless within a
  moment the runtime does not show.)
- Any other sign for ten seconds after it came (polyai-messaging §8).
- Not while people are at it; and what ends one takes it away, whatever that is.
"""

from bridge.core.due import awaits_answer, signal_due
from bridge.core.effects import Owe, Show
from bridge.core.showing import quiet
from bridge.core.state import Conversation
from bridge.core.stepping import Stepping
from bridge.model.delivery import Post
from bridge.model.messages import Notice, NoticeKind
from bridge.model.signal import Signal, SignalKind


def signal(step: Stepping, kind: SignalKind, name: str | None = None) -> None:
    """A sign of life came from the other side."""
    step.effects.append(Show(Signal(kind, name)))
    step.change_session(signalled_at=None if kind is SignalKind.CLEAR else step.now)


def keep_signal(step: Stepping, before: Conversation) -> None:
    """After a step: the sign of life is what the conversation has come to by it."""
    if any(_tells_trouble(effect) for effect in step.effects):
        step.change_session(hushed_at=step.now)
    session = step.conversation.session
    if session is None:
        return
    if session.signalled_at is None:
        if session.ready and awaits_answer(step.conversation, step.now, step.terms):
            signal(step, SignalKind.THINKING)
    elif awaits_answer(before, step.now, step.terms) and not awaits_answer(
        step.conversation, step.now, step.terms
    ):
        quiet(step)


def signal_overdue(step: Stepping) -> None:
    """A sign of life is shown again if it still holds, else taken away."""
    session = step.conversation.session
    due = signal_due(step.conversation, session, step.terms) if session is not None else None
    if due is None or step.now < due:
        return
    if awaits_answer(step.conversation, step.now, step.terms):
        signal(step, SignalKind.THINKING)
    else:
        quiet(step)


def _tells_trouble(effect: object) -> bool:
    """Whether people are told that no answer may come: then none is promised either."""
    match effect:
        case Owe(body=Post(content=Notice(kind=NoticeKind.AGENT_PROBLEM))):
            return True
        case _:
            return False
