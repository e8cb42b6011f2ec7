"""What becomes of dead letters? Told in the thread once, and owed again if an operator says so.

What is given up and what is said about it commit together, so that no crash says it twice.
"""

from bridge.core import events as e
from bridge.core.effects import OweAgain, Supersede
from bridge.core.saying import attention, owe_agent
from bridge.core.sending import send_next, take_retry
from bridge.core.showing import retire
from bridge.core.stepping import Stepping
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import DeliveryId
from bridge.model.inbound import OPERATOR
from bridge.model.messages import NoticeKind, Person


def given_up(step: Stepping, event: e.GivenUp) -> None:
    """Something the agent said cannot be shown: whoever waits for it hears of that."""
    step.settle(event.delivery, DeliveryState.DEAD, event.reason, event.remedy)
    step.notice(NoticeKind.NOT_SHOWN)


def not_taken(step: Stepping) -> None:
    """What somebody said or pressed cannot be taken up: they hear of that."""
    step.notice(NoticeKind.NOT_TAKEN)


def redrive(step: Stepping, asked: e.Redriven) -> None:
    """It is owed again, after everything that is owed already."""
    if asked.ask is None:
        step.effects.append(OweAgain(asked.delivery, step.conversation.deliveries + 1))
        step.new_id()  # only its number is used: to sort by
    else:
        _ask_again(step, asked.delivery, asked.ask)


def _ask_again(step: Stepping, delivery: DeliveryId, ask: Ask) -> None:
    """Sent as a new message, unless the agent takes none that long; its notice offers it no more.

    Under its own name it might be confirmed by a late echo of what was sent before.
    """
    attention(step, None)
    retire(step, None)
    again = step.next_id
    if not owe_agent(step, ask.text, ask.person or Person(OPERATOR)):
        return
    step.effects.append(Supersede(delivery, again))
    offers = (retry.delivery for retry in step.conversation.retries if retry.message == delivery)
    for notice in list(offers):
        take_retry(step, notice)
    send_next(step)
