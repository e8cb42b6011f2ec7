"""What can be answered with a number, and who said one?

Where nothing can be pressed, what is offered is numbered, and whoever says the number has chosen.
Laws:
- The numbers that count are those of the newest message of the thread that has any. Several notices
  of one step are numbered on.
- Whatever else is said or shown ends them: then a number is words like any other, and a `1` that is
  meant for a live agent comes to them. What one person alone is shown ends nothing, unless it has
  numbers itself, which are that person's alone. More of the same message ends nothing either.
- What the agent itself adds a moment after a list of its own ends nothing either, as nobody can
  have read the list before: unless it brings a list, somebody has spoken meanwhile, a live agent
  is there, or the session is another. The moment begins when the list is owed, and is not
  prolonged; what is added only in a replay after it is late, and ends the numbers.
- The way out of a queue is `0`, for as long as one waits, whatever is said meanwhile; unless `0` is
  what the agent suggests.
- Who says a number a moment after newer ones took the place of older ones means what they saw: the
  older. A choice among suggestions that are gone is told to be, and chooses nothing.
- A choice counts once. Who says the number again says it to the agent.
"""

from datetime import datetime, timedelta

import msgspec

from bridge.core import events as e
from bridge.core.state import Conversation, Handoff, Line, Menu
from bridge.model.ids import DeliveryId
from bridge.model.messages import Control, Notice, Person
from bridge.model.numbering import WAY_OUT, number_in

#: Nobody reads a new list, and answers it, in less.
_READ = timedelta(seconds=3)


def meant(conversation: Conversation, message: e.MessageAccepted, now: datetime) -> e.Event:
    """What the number asks for that somebody said, if it counts; else the message itself."""
    number = number_in(message.text)
    if number is None:
        return message
    if number == WAY_OUT:
        return _way_out(conversation, message)
    menu = conversation.menu
    if menu is None or menu.only_for not in (None, message.person.id):
        return message
    unread = menu.since is not None and menu.since <= now < menu.since + _READ
    lines = (*menu.before, *menu.lines) if unread else menu.lines
    line = next((line for line in lines if line.number == number), None)
    return _asked(line, message.person) if line is not None else message


def _way_out(conversation: Conversation, message: e.MessageAccepted) -> e.Event:
    session = conversation.session
    if session is None or session.handoff is not Handoff.WAITING or session.queue_notice is None:
        return message
    offered = conversation.offered.texts if conversation.offered is not None else ()
    if any(number_in(text) == WAY_OUT for text in offered):
        return message
    return e.CancelRequested(session.queue_notice, message.person)


#: What happens without anybody's doing, and in the same session.
_OF_ITSELF = (
    e.FrameArrived
    | e.Woke
    | e.SocketReady
    | e.SocketLost
    | e.SocketUnavailable
    | e.SessionUnavailable
    | e.HelpersNotCalled
)


def heeded(menu: Menu, event: e.Event) -> Menu:
    """The numbers that count when `event` comes: who says anything has seen what there is."""
    if menu.shown_at is None or isinstance(event, _OF_ITSELF):
        return menu
    return msgspec.structs.replace(menu, shown_at=None)


def is_unread(menu: Menu | None, now: datetime) -> bool:
    """Whether these numbers are the agent's, and nobody can have read them yet."""
    if menu is None or menu.shown_at is None:
        return False
    return menu.shown_at <= now < menu.shown_at + _READ


def overtaking(menu: Menu | None, before: Menu | None, now: datetime) -> Menu | None:
    """The numbers that count from `now` on, knowing which they took the place of."""
    if menu is None or before is None or menu.only_for != before.only_for:
        return menu
    if set(menu.lines) & set(before.lines):  # it is the same list: its moment goes on
        return msgspec.structs.replace(menu, shown_at=menu.shown_at and before.shown_at)
    return msgspec.structs.replace(menu, before=before.lines, since=now)


def _asked(line: Line, person: Person) -> e.Event:
    match line.control:
        case None:
            return e.ChoiceAccepted(line.delivery, line.index, person)
        case Control.START:
            return e.StartRequested(person, line.delivery)
        case Control.RETRY:
            return e.RetryRequested(line.delivery, person)
        case Control.CANCEL:
            return e.CancelRequested(line.delivery, person)
        case Control.END:
            return e.EndRequested(person)
        case Control.PERSON:
            return e.PersonRequested(person)
        case Control.STATUS:
            return e.StatusRequested(person)


def numbers_of(notice: Notice, *, after: tuple[Line, ...] = ()) -> tuple[int, ...]:
    """A number for each of its controls, beyond the lines that count already."""
    last, numbers = max((line.number for line in after), default=WAY_OUT), []
    for control in notice.controls:
        if control is not Control.CANCEL:
            last += 1
        numbers.append(WAY_OUT if control is Control.CANCEL else last)
    return tuple(numbers)


def lines_of(notice: Notice, delivery: DeliveryId) -> tuple[Line, ...]:
    """The lines that a numbered notice adds; the way out of a queue needs none."""
    both = zip(notice.numbers, notice.controls, strict=True)
    return tuple(Line(number, delivery, control) for number, control in both if number != WAY_OUT)


def choices(delivery: DeliveryId, count: int, now: datetime) -> Menu:
    """The numbers of so many suggestions, shown now."""
    lines = tuple(Line(at + 1, delivery, index=at) for at in range(count))
    return Menu(lines=lines, shown_at=now)


def without(menu: Menu | None, delivery: DeliveryId) -> Menu | None:
    """What still counts when `delivery` offers nothing any more."""
    if menu is None:
        return None
    lines = tuple(line for line in menu.lines if line.delivery != delivery)
    return msgspec.structs.replace(menu, lines=lines) if lines else None
