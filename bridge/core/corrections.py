"""What if somebody changes or takes back what they said?

Laws:
- What the agent has not been sent yet is changed in its place, or dropped: it never hears the old
  words.
- With `Terms.deletions` at "forget" no words stay that were taken back or changed: neither in what
  is remembered of the session, nor in a dead letter, nor in a notice that quotes and offers them.
- What it was sent stands. With `Terms.edits` at "correct" it is told what came after, once for each
  change; what it never heard is not corrected.
"""

import msgspec

from bridge.core import events as e
from bridge.core.effects import Withdraw
from bridge.core.saying import attention, owe_agent, withhold
from bridge.core.sending import fits, send_next, tell_too_long
from bridge.core.showing import retire
from bridge.core.state import Heard, Waiting
from bridge.core.stepping import Stepping
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import DeliveryId
from bridge.model.messages import Notice, NoticeKind, Person

#: How much of a message is repeated when it is taken back.
_QUOTED = 200


def edited(step: Stepping, edit: e.MessageEdited) -> None:
    """A message now reads otherwise; without words it is taken back."""
    if edit.withheld:
        _drop(step, _waiting(step, edit.original))
        withhold(step, edit.person)
        return
    if not edit.text.strip():
        deleted(step, e.MessageDeleted(edit.original, edit.person))
        return
    waiting = _waiting(step, edit.original)
    if waiting:
        _drop(step, waiting[1:])
        _replace(step, waiting[0], edit.text)
        return
    sent = _sent(step, edit.original)
    if sent is not None and sent.text not in (edit.text, _correction(edit.text)):
        _tell(step, _correction(edit.text), edit.person, origin=edit.original)
    _forget_words(step, edit.original, but=(edit.text, _correction(edit.text)))


def deleted(step: Stepping, deletion: e.MessageDeleted) -> None:
    """A message was taken back."""
    waiting = _waiting(step, deletion.original)
    _drop(step, waiting)
    sent = _sent(step, deletion.original) if all(one.corrects for one in waiting) else None
    if sent is not None and _tell(step, _taken_back(sent.text), deletion.person):
        _forget_once_sent(step, _taken_back(sent.text))
        _forget_words(step, deletion.original)
        _forget(step, deletion.original)
    _forget_words(step, deletion.original)


def _waiting(step: Stepping, origin: str) -> list[Waiting]:
    """What waits under this origin: the message, if it was carried before its correction."""
    return [one for one in step.conversation.waiting if origin and one.origin == origin]


def _drop(step: Stepping, waiting: list[Waiting]) -> None:
    for one in waiting:
        step.settle(one.delivery, DeliveryState.DROPPED, "taken back")
        _put(step, one, None)


def _replace(step: Stepping, waiting: Waiting, text: str) -> None:
    said = _correction(text) if waiting.corrects else text
    if said == waiting.text:
        return
    new = msgspec.structs.replace(waiting, delivery=step.next_id, text=said)
    step.settle(waiting.delivery, DeliveryState.DROPPED, "changed before it was sent")
    if fits(step, new):
        step.ask(Ask(text=said, person=new.person))
        _put(step, waiting, new)
    else:
        _put(step, waiting, None)
        tell_too_long(step)


def _put(step: Stepping, old: Waiting, new: Waiting | None) -> None:
    """The same queue with `new` in the place of `old`."""
    placed = (new if one is old else one for one in step.conversation.waiting)
    step.change(waiting=tuple(one for one in placed if one is not None))


def _sent(step: Stepping, origin: str) -> Waiting | Heard | None:
    """The newest word under this origin that was sent in this session."""
    flight = step.conversation.in_flight
    sent: list[Waiting | Heard] = [*step.conversation.heard]
    sent += [flight.message] if flight is not None and flight.message is not None else []
    return next((one for one in reversed(sent) if origin and one.origin == origin), None)


def _tell(step: Stepping, text: str, person: Person, *, origin: str = "") -> bool:
    """Owe the agent a word on what it was sent, if it is to hear of that and is still there."""
    session = step.conversation.session
    there = session is not None and session.end_wanted_at is None
    if step.terms.edits != "correct" or not there or step.conversation.call is not None:
        return False
    attention(step, person)
    retire(step, None)
    owe_agent(step, text, person, origin=origin, corrects=bool(origin))
    send_next(step)
    return True


def _forget(step: Stepping, origin: str) -> None:
    """What was taken back once is not taken back again."""
    heard = tuple(
        msgspec.structs.replace(one, origin="") if one.origin == origin else one
        for one in step.conversation.heard
    )
    flight = step.conversation.in_flight
    step.change(heard=heard)
    if flight is not None and flight.message is not None and flight.message.origin == origin:
        gone = msgspec.structs.replace(flight.message, origin="")
        step.change(in_flight=msgspec.structs.replace(flight, message=gone))


def _forget_words(step: Stepping, origin: str, *, but: tuple[str, ...] = ()) -> None:
    """Nothing that is remembered under this origin keeps words, `but` those that hold now."""
    if step.terms.deletions != "forget" or not origin:
        return
    gone = [
        one for one in step.conversation.retries if one.origin == origin and one.text not in but
    ]
    for retry in gone:
        details = {name: text for name, text in retry.notice.details.items() if name != "text"}
        step.replace(retry.delivery, Notice(retry.notice.kind, details))
        if retry.notice.kind is NoticeKind.NOT_DELIVERED:
            step.effects.append(Withdraw(DeliveryId(retry.message)))
    _forget_what_is_under_way(step, origin, but)
    step.change(
        retries=tuple(one for one in step.conversation.retries if one not in gone),
        heard=tuple(
            msgspec.structs.replace(one, text="")
            if one.origin == origin and one.text not in but
            else one
            for one in step.conversation.heard
        ),
    )


def _forget_what_is_under_way(step: Stepping, origin: str, but: tuple[str, ...]) -> None:
    """Of what is being sent once it was; of a trouble that may pass, what it is about."""
    flight, session = step.conversation.in_flight, step.conversation.session
    sent = flight.message if flight is not None else None
    if flight is not None and sent is not None and sent.origin == origin and sent.text not in but:
        gone = msgspec.structs.replace(sent, forgotten=True)
        step.change(in_flight=msgspec.structs.replace(flight, message=gone))
    grace = session.grace if session is not None else None
    about = grace.about if grace is not None else None
    words = about is not None and about.origin == origin and about.text not in but
    if grace is not None and words:
        step.change_session(grace=msgspec.structs.replace(grace, about=None))


def _forget_once_sent(step: Stepping, quoting: str) -> None:
    """The agent hears once more what was taken back; nobody remembers it for that."""
    if step.terms.deletions != "forget":
        return
    flight = step.conversation.in_flight
    if flight is not None and flight.message is not None and flight.message.text == quoting:
        gone = msgspec.structs.replace(flight.message, forgotten=True)
        step.change(in_flight=msgspec.structs.replace(flight, message=gone))
    waiting = (
        msgspec.structs.replace(one, forgotten=True) if one.text == quoting else one
        for one in step.conversation.waiting
    )
    step.change(waiting=tuple(waiting))


def _correction(text: str) -> str:
    return f"Correction: {text}"


def _taken_back(text: str) -> str:
    quoted = text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
    return f"I take back my message: {quoted}"
