"""Was that answered a moment ago? What is pressed twice is done, or declined, once.

A button outlives its meaning: somebody else was faster, or the conversation has gone on. Whoever
presses it then is told so, alone; the second click of a double click is told nothing.
"""

from datetime import timedelta

from bridge.core.state import Lately
from bridge.core.stepping import Stepping
from bridge.model.ids import DeliveryId
from bridge.model.messages import NoticeKind, Person

#: How long a second press of the same is taken for a double click.
DOUBLE_CLICK = timedelta(seconds=10)
#: How long anything of this is remembered, and how much of it.
_LONGEST = timedelta(minutes=1)
_LATELY = 32
#: How often one person is told that they write too fast.
_TOO_FAST = timedelta(minutes=1)


def once(
    step: Stepping,
    what: str,
    person: Person,
    delivery: DeliveryId | None = None,
    *,
    within: timedelta = DOUBLE_CLICK,
) -> bool:
    """Whether `person` did or was told this for the first time `within` this long."""
    if any(
        (one.what, one.person, one.delivery) == (what, person.id, delivery)
        and step.now < one.at + within
        for one in step.conversation.lately
    ):
        return False
    new = Lately(what=what, person=person.id, at=step.now, delivery=delivery)
    kept = [one for one in step.conversation.lately if step.now < one.at + _LONGEST]
    step.change(lately=(*kept, new)[-_LATELY:])
    return True


def tell_too_fast(step: Stepping, person: Person, seconds: int = 0) -> None:
    """Tell whoever writes faster than is passed on, now and then, and nobody else.

    `seconds` until the next is passed on; 0 if nobody knows.
    """
    if once(step, "too_fast", person, within=_TOO_FAST):
        known = str(seconds) if seconds > 0 else ""
        step.notice(NoticeKind.TOO_FAST, only_for=person.id, seconds=known)


def stale(step: Stepping, what: str, person: Person, delivery: DeliveryId | None = None) -> None:
    """Tell whoever asked for it, and nobody else, that the time of it is over."""
    if once(step, what, person, delivery):
        step.notice(NoticeKind.STALE, only_for=person.id, what=what)
