"""What is held about a person, or said in a conversation, and how does it go?

The rule: every conversation in which the person took part is emptied of everybody's words, and all
rows go that hang on it. What was erased is remembered by digests and by ids, so that it can be
erased again from whatever is restored.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from bridge.core.conversation import step
from bridge.core.events import Erased
from bridge.core.state import Conversation
from bridge.core.terms import Terms
from bridge.model.ids import AdapterName, ConversationId, DeliveryId, PersonId
from bridge.model.value import Value
from bridge.store import tables as t
from bridge.store.changes import Change, TakeStep
from bridge.store.digests import OF_NAME
from bridge.store.emptying import forget_unclaimed

_OPEN: Final = ("pending", "sending")


class Erasure(NamedTuple):
    """What is remembered of one: whom, by a digest, and the ids of what was emptied, as JSON."""

    id: str
    adapter: str | None
    subject: str | None
    conversations: str


class Subject(Value, frozen=True, kw_only=True):
    """Who, or which conversation alone."""

    adapter: AdapterName | None = None
    person: PersonId | None = None
    conversation: ConversationId | None = None


class Unsent(msgspec.Struct, frozen=True, kw_only=True):
    """What was owed and is owed no more."""

    id: DeliveryId
    to: str  #: `thread` or `agent`
    kind: str


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one conversation, without its words."""

    conversation: ConversationId
    adapter: AdapterName
    thread: str
    agent: str
    messages: int
    deliveries: int
    dead: int
    sessions: int
    unsent: tuple[Unsent, ...] = ()


class Survey(Value, frozen=True, kw_only=True):
    """What there is of it, and which copies of the database were made."""

    holdings: tuple[Holding, ...]
    backups: tuple[str, ...]
    unclaimed: int  #: entries of theirs that belong to no conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class LookOver(Change[Survey]):
    """Only look."""

    subject: Subject

    def apply(self, connection: Connection) -> Survey:
        """Look."""
        found = [held(connection, one) for one in involving(connection, self.subject)]
        made = select(t.backups.c.path).order_by(t.backups.c.made_at)
        backups = tuple(connection.execute(made).scalars())
        unclaimed = _count(connection, t.inbox.c.conversation.is_(None), _theirs(self.subject))
        return Survey(holdings=tuple(found), backups=backups, unclaimed=unclaimed)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginErasure(Change[Survey]):
    """Write down what is to be erased, and give what there is of it; nothing is gone yet.

    Entries that belong to no conversation are: nobody else is at work on them.
    """

    identity: str
    subject: Subject
    at: datetime

    def apply(self, connection: Connection) -> Survey:
        """Look, and write it down."""
        found = LookOver(subject=self.subject).apply(connection)
        person, adapter = self.subject.person, self.subject.adapter
        forget_unclaimed(connection, self.at, _theirs(self.subject))
        connection.execute(
            insert(t.erasures).values(
                id=self.identity,
                adapter=adapter,
                subject=_digest(adapter, person) if person is not None else None,
                conversations=_listed(found),
                begun_at=self.at,
            )
        )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyAlone(Change[int]):
    """Empty them, where no daemon is at work on them; how many."""

    conversations: tuple[ConversationId, ...]
    at: datetime

    def apply(self, connection: Connection) -> int:
        """Empty them."""
        return empty_alone(connection, self.conversations, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishErasure(Change[None]):
    """It is done, but for the backups."""

    identity: str
    at: datetime

    def apply(self, connection: Connection) -> None:
        """Write it down, also of those of the same that were broken off."""
        of = t.erasures.c
        mine = select(of.adapter, of.subject, of.conversations).where(of.id == self.identity)
        adapter, subject, listed = connection.execute(mine).one()
        same = and_(
            of.finished_at.is_(None),
            of.adapter.is_not_distinct_from(adapter),
            of.subject.is_not_distinct_from(subject),
            literal(subject is not None) | (of.conversations == listed),
        )
        done = update(t.erasures).where(or_(of.id == self.identity, same))
        connection.execute(done.values(finished_at=self.at))


def involving(connection: Connection, subject: Subject) -> list[ConversationId]:
    """The conversations it is about: those where the person said or pressed something.

    And those whose state, entries or deliveries still name them.
    """
    of = t.conversations.c
    if subject.conversation is not None:
        which: ColumnElement[bool] = of.id == subject.conversation
    elif subject.person is None:
        return []
    else:
        person = subject.person
        took_part = select(t.people.c.conversation).where(
            t.people.c.adapter == subject.adapter, t.people.c.person == person
        )
        told = select(t.inbox.c.conversation).where(mentions(t.inbox.c.body, person))
        owed = select(t.deliveries.c.conversation).where(
            or_(mentions(t.deliveries.c.body, person), t.deliveries.c.only_for == person)
        )
        which = (of.adapter == subject.adapter) & or_(
            of.id.in_(took_part), of.id.in_(told), of.id.in_(owed), mentions(of.state, person)
        )
    rows = connection.execute(select(of.id).where(which).order_by(of.opened_at, of.id))
    return [ConversationId(identity) for (identity,) in rows]


def held(connection: Connection, conversation: ConversationId) -> Holding:
    """What is held of it."""
    of, owed = t.conversations.c, t.deliveries.c
    row = connection.execute(select(of.adapter, of.thread, of.agent).where(of.id == conversation))
    adapter, thread, agent = row.one()
    unsent = connection.execute(
        select(owed.id, owed.target, owed.kind)
        .where(owed.conversation == conversation, owed.state.in_(_OPEN))
        .order_by(owed.number)
    )
    return Holding(
        conversation=conversation,
        adapter=adapter,
        thread=thread,
        agent=agent,
        messages=_count(connection, t.inbox.c.conversation == conversation),
        deliveries=_count(connection, owed.conversation == conversation),
        dead=_count(connection, owed.conversation == conversation, owed.state == "dead"),
        sessions=_count(connection, t.sessions.c.conversation == conversation),
        unsent=tuple(
            Unsent(id=DeliveryId(identity), to=target, kind=kind or "")
            for identity, target, kind in unsent
        ),
    )


def empty_alone(
    connection: Connection, conversations: Iterable[ConversationId], at: datetime
) -> int:
    """Empty those of them that are there, where no daemon is at work on them; how many."""
    emptied = 0
    for conversation in conversations:
        state = connection.execute(
            select(t.conversations.c.state).where(t.conversations.c.id == conversation)
        ).scalar()
        if state is None:
            continue
        before = msgspec.json.decode(state, type=Conversation)
        left, _ = step(before, Erased(), at, Terms())
        entries = select(t.inbox.c.id).where(t.inbox.c.conversation == conversation)
        done = tuple(connection.execute(entries).scalars())
        TakeStep(conversation=left, at=at, done=done, emptied=True).apply(connection)
        emptied += 1
    return emptied


def erase_again(connection: Connection, erased: Iterable[Erasure], at: datetime) -> int:
    """Erase from this database what was erased from another state of it; how many conversations.

    Whom a digest names is found by making those of all people.
    """
    emptied = 0
    for one in erased:
        listed = msgspec.json.decode(one.conversations, type=list[ConversationId])
        emptied += empty_alone(connection, listed, at)
        for subject in _known_by(connection, one.subject):
            emptied += empty_alone(connection, involving(connection, subject), at)
            forget_beside(connection, subject, (), at)
        row = upsert(t.erasures).values(**one._asdict(), begun_at=at, finished_at=at)
        connection.execute(row.on_conflict_do_nothing())
    return emptied


def forget_beside(
    connection: Connection, subject: Subject, keys: Collection[str], at: datetime
) -> None:
    """What is held of a person beside conversations: also what is remembered under these `keys`."""
    person, adapter = subject.person, subject.adapter
    if person is None:
        return
    forget_unclaimed(connection, at, _theirs(subject))
    of, named = t.memory.c, naming(person)
    query = select(of.key, of.value, of.sealed).where(of.adapter == adapter)
    gone = [
        key
        for key, value, sealed in connection.execute(query).all()
        if key in keys or named(key) or (not sealed and value == person)
    ]
    for key in gone:
        connection.execute(delete(t.memory).where(of.adapter == adapter, of.key == key))


def naming(person: PersonId) -> Callable[[str], object]:
    """Whether a text names them, as a word of its own."""
    return re.compile(rf"(?<!\w){re.escape(person)}(?!\w)").search


def _known_by(connection: Connection, digest: str | None) -> list[Subject]:
    """Whom a digest stands for, among those who took part or said what belongs nowhere."""
    people, told = t.people.c, t.inbox.c
    name: Any = getattr(func, OF_NAME)
    speaker = func.json_extract(told.body, "$.person.id")
    took_part = select(people.adapter, people.person).where(
        name(people.adapter, people.person) == digest
    )
    said = select(told.adapter, speaker).where(
        told.conversation.is_(None), name(told.adapter, speaker) == digest
    )
    rows = connection.execute(took_part.union(said)).all()
    return [Subject(adapter=adapter, person=person) for adapter, person in rows]


def _theirs(subject: Subject) -> ColumnElement[bool]:
    """The entries that name them; none where it is about a conversation."""
    if subject.person is None:
        return false()
    return and_(t.inbox.c.adapter == subject.adapter, mentions(t.inbox.c.body, subject.person))


def _digest(adapter: AdapterName | None, person: PersonId) -> Any:  # noqa: ANN401 - an SQL function
    return getattr(func, OF_NAME)(adapter or "", person)


def mentions(column: ColumnElement[Any], person: PersonId) -> ColumnElement[bool]:
    """Whether a document names somebody, as JSON writes a text."""
    return func.instr(column, msgspec.json.encode(person).decode()) > 0


def _listed(survey: Survey) -> str:
    return msgspec.json.encode([one.conversation for one in survey.holdings]).decode()


def _count(connection: Connection, *where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(*where)).scalar_one())
