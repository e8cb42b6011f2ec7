"""What becomes of what people say, choose and send again? It is owed to the agent.

Nothing a person said is dropped: it is sent, carried over once, or told to be undelivered.
Platforms may tell of it in another order than it was said in: what still waits is sorted.
"""

from bridge.core import events as e
from bridge.core.effects import Supersede
from bridge.core.endings import take_back_restart
from bridge.core.handoffs import person_wrote, take_back_call
from bridge.core.once import once, stale, tell_too_fast
from bridge.core.sending import fits, send_next, take_retry, tell_too_long
from bridge.core.showing import retire
from bridge.core.speakers import note_speaker
from bridge.core.state import Waiting
from bridge.core.stepping import Stepping
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import DeliveryId
from bridge.model.messages import Choice, NoticeKind, Person, Suggestion
from bridge.model.numbering import countable

#: How many messages may wait for the agent in one conversation. Each step writes them all down.
MOST_WAITING = 200


def said(step: Stepping, message: e.MessageAccepted) -> None:
    """A person's words, or the call of the agent without any."""
    if step.conversation.call is not None and not message.called:
        return  # helpers were called into this thread: people talk to each other
    attention(step, message.person)
    retire(step, None)
    step.change(speaker=message.person)
    session = step.conversation.session
    if message.withheld:
        withhold(step, message.person)
    elif message.text.strip():
        owe_agent(step, message.text, message.person, origin=message.origin, order=message.order)
    elif session is None or session.resumed:
        step.change(wanted=True)
        take_back_restart(step)
    send_next(step)


def chose(step: Stepping, choice: e.ChoiceAccepted) -> None:
    """Whoever clicks first chooses; the suggestions are gone before a second click is looked at."""
    text = _offered(step, choice)
    if text is None:
        stale(step, "choice", choice.person, choice.delivery)
        return
    once(step, "choice", choice.person, choice.delivery)
    attention(step, choice.person)
    retire(step, Choice(text=text, by=choice.person))
    owe_agent(step, text, choice.person)
    send_next(step)


def _offered(step: Stepping, choice: e.ChoiceAccepted) -> str | None:
    offered = step.conversation.offered
    if offered is None or offered.delivery != choice.delivery:
        return None
    if not 0 <= choice.index < len(offered.texts):
        return None
    if not (step.terms.shows.suggestions or countable(offered.texts)):
        return None  # there was no number to be answered with, in whatever way
    text = offered.texts[choice.index]
    if choice.mark and choice.mark != Suggestion(text).mark:
        return None  # what they saw there is not what stands there now
    return text


def say_again(step: Stepping, request: e.RetryRequested) -> None:
    """What did not reach the agent is said once more, still by whoever said it."""
    retry = take_retry(step, request.delivery)
    if retry is None:  # sent again already, or too long ago
        stale(step, "retry", request.person, request.delivery)
        return
    once(step, "retry", request.person, request.delivery)
    attention(step, request.person)
    retire(step, None)
    again = step.next_id
    owed = owe_agent(step, retry.text, retry.person or request.person)
    if owed and retry.message:
        step.effects.append(Supersede(DeliveryId(retry.message), again))
    send_next(step)


def withhold(step: Stepping, person: Person) -> None:
    """What could not be redacted goes to nobody: a dead letter without words, and that is told."""
    delivery = step.ask(Ask(text="", person=person))
    why = "its words could not be redacted"
    step.settle(delivery, DeliveryState.DEAD, why)
    step.note("message.undelivered", "warning", delivery=delivery, reason=why)
    step.notice(NoticeKind.NOT_DELIVERED)


def attention(step: Stepping, person: Person | None) -> None:
    """Somebody is there: a quiet socket is wanted again, a parked conversation tries again."""
    if person is not None and step.conversation.starter is None:
        step.change(starter=person.id)
    step.change(touched_at=step.now, parked_at=None, failed_openings=0)
    take_back_call(step)
    session = step.conversation.session
    if session is not None and session.released:
        step.change_session(released=False, resumed=session.resumed or not session.ready)


def owe_agent(
    step: Stepping,
    text: str,
    person: Person,
    *,
    origin: str = "",
    corrects: bool = False,
    order: str = "",
) -> bool:
    """Owe the agent these words, unless it takes none that long, or too many wait already."""
    if len(step.conversation.waiting) >= MOST_WAITING:
        tell_too_fast(step, person)
        return False
    note_speaker(step, person)
    session = step.conversation.session
    ending = session is not None and session.end_wanted_at is not None
    message = Waiting(
        delivery=step.next_id,
        text=text,
        after_end=ending,
        person=person,
        origin=origin,
        corrects=corrects,
        order=order,
    )
    if not fits(step, message):
        tell_too_long(step)
        return False
    step.ask(Ask(text=text, person=person))
    take_back_restart(step)
    person_wrote(step)
    step.change(waiting=_in_line(step.conversation.waiting, message))
    return True


def _in_line(waiting: tuple[Waiting, ...], message: Waiting) -> tuple[Waiting, ...]:
    """The same queue with `message` in it: last, but before what is known to be said later."""
    place = len(waiting)
    while place and message.order and message.order < waiting[place - 1].order:
        place -= 1
    return (*waiting[:place], message, *waiting[place:])
