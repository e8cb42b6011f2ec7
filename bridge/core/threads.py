"""What if nothing can be written in the thread any more?

Its session is left as if its end were asked for, and no word is owed to the thread, until a person
says or asks for something there: then it is a thread again.
"""

from bridge.core import events as e
from bridge.core.controls import ask_for_end
from bridge.core.effects import (
    Effect,
    ForgetSession,
    Note,
    Owe,
    OweAgain,
    Recycle,
    Settle,
    Supersede,
    Transmit,
    Withdraw,
)
from bridge.core.sending import send_next
from bridge.core.stepping import Stepping
from bridge.model.delivery import Ask, DeliveryState

#: What a person can only do where a thread is. An edit may be what its deletion looks like.
_ALIVE = (
    e.MessageAccepted,
    e.ChoiceAccepted,
    e.EndRequested,
    e.StartRequested,
    e.RetryRequested,
    e.CancelRequested,
    e.PersonRequested,
    e.StatusRequested,
    e.TooFastWritten,
)


def lose_thread(step: Stepping) -> None:
    """The thread, or its place, is closed."""
    for message in step.conversation.waiting:
        step.settle(message.delivery, DeliveryState.DROPPED, "its thread is gone")
    step.change(thread_lost=True, wanted=False, waiting=())
    session = step.conversation.session
    if session is not None:
        ask_for_end(step, session)
        send_next(step)


def find_thread(step: Stepping, event: e.Event) -> None:
    """Somebody does something there: it can be written in again, or we shall hear otherwise."""
    lost = step.conversation.thread_lost
    if lost and isinstance(event, _ALIVE) and event.person is not None:
        step.change(thread_lost=False)


def keep_silent(step: Stepping) -> None:
    """While the thread is lost: nothing is owed to it, and nothing that stood there is changed."""
    if not step.conversation.thread_lost:
        return
    step.effects = [effect for effect in step.effects if not _shows(effect)]
    step.change(offered=None, menu=None, restart_notice=None, restart_reason="", retries=())
    step.change(call=None, call_told=None)
    step.change_session(told=(), queue_notice=None, queue_details={}, grace=None)


def _shows(effect: Effect) -> bool:
    """Whether it is for the thread, or calls for help with it."""
    if isinstance(effect, Owe):
        return not isinstance(effect.body, Ask)
    kept = Settle | OweAgain | Supersede | Withdraw | ForgetSession | Transmit | Recycle | Note
    return not isinstance(effect, kept)
