"""Who speaks? So that the agent can tell people apart where several of them talk to it."""

from bridge.core.state import Waiting
from bridge.core.stepping import Stepping
from bridge.model.ids import PersonId
from bridge.model.messages import Person

#: How many people of a session are told apart by a number, and how long a name may be.
_PEOPLE = 32
_NAME = 80
#: What stands for the name in the format.
NAME = "{name}"


def note_speaker(step: Stepping, person: Person) -> None:
    """`person` speaks in this session."""
    people = step.conversation.people
    if person.id not in people and len(people) < _PEOPLE:
        step.change(people=(*people, person.id))


def only_those_waiting(step: Stepping) -> None:
    """The session is over: of its people the next one knows those whose words still wait."""
    waiting = (message.person for message in step.conversation.waiting)
    people = tuple(dict.fromkeys(person.id for person in waiting if person is not None))
    step.change(people=people[:_PEOPLE])


def as_sent(step: Stepping, text: str, person: Person | None) -> str:
    """The text as the agent gets it: with the name of whoever said it, where that is wanted."""
    if person is None or not _wanted(step):
        return text
    return step.terms.speaker_format.replace(NAME, _called(step, person)) + text


def sender(step: Stepping, message: Waiting) -> Person | None:
    """Whom the frame of a message names beside its text; None where the agent is not told."""
    person = message.person
    if person is None or step.terms.speakers == "never":
        return None
    return Person(person.id, _name(person))


def _wanted(step: Stepping) -> bool:
    wanted = step.terms.speakers
    return wanted == "always" or (wanted == "several" and len(step.conversation.people) > 1)


def _called(step: Stepping, person: Person) -> str:
    """A name, or a number that stays the same through the session; never the platform's id."""
    known = step.conversation.people
    return _name(person) or _numbered(known, person.id)


def _numbered(people: tuple[PersonId, ...], person: PersonId) -> str:
    return f"Person {people.index(person) + 1}" if person in people else "Another person"


def _name(person: Person) -> str | None:
    """On one line and not too long: people choose their names, and a name is no message."""
    name = person.name or ""
    if not name.isprintable():
        name = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(name.split())[:_NAME].strip() or None
