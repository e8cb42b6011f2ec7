"""What do these events together come to? The pure half of the worker: plan, then do."""

from datetime import datetime
from typing import assert_never

import msgspec

from bridge.core import events as e
from bridge.core.conversation import step
from bridge.core.effects import (
    Effect,
    ForgetSession,
    Grow,
    Owe,
    OweAgain,
    Settle,
    Supersede,
    Transmit,
    Withdraw,
)
from bridge.core.state import Conversation
from bridge.core.terms import Terms
from bridge.model.ids import EntryId, PersonId
from bridge.model.inbound import (
    OPERATOR,
    CancelAsked,
    Clicked,
    Deleted,
    Edited,
    EndAsked,
    Inbound,
    PersonAsked,
    RetryAsked,
    Said,
    StartAsked,
    StatusAsked,
    ThreadGone,
    TooFast,
)
from bridge.model.value import Value
from bridge.runtime.reporting.hops import Taken, befell, hops_of
from bridge.store import AgentOutcome, Entry, NewSession, TakeStep
from bridge.store.changes import Change
from bridge.store.emptying import Withdrawn
from bridge.store.redriving import OwedAgain, SetAside, Superseded


class Mail(Value, frozen=True):
    """An event for a conversation, with what must be committed together with its step."""

    event: e.Event
    entry: EntryId | None = None
    order: str = ""
    session: NewSession | None = None
    #: Who it is from, where it counts only from whoever began the conversation.
    starter_only: PersonId | None = None
    at: datetime | None = None  #: when our process read the frame that it is
    #: Why no step could take its entry up; with that, the entry is a dead letter from here on.
    set_aside: str = ""


def entry_mail(entry: Entry) -> Mail:
    """An inbox entry as an event."""
    inbound = entry.inbound
    limited = inbound.starter_only and not isinstance(inbound.body, ThreadGone)
    return Mail(
        _meaning(inbound),
        entry=entry.id,
        order=inbound.order,
        starter_only=inbound.person.id if limited else None,
    )


def _meaning(inbound: Inbound) -> e.Event:
    person = inbound.person
    match inbound.body:
        case Said(text=text):
            return e.MessageAccepted(
                text,
                person,
                called=inbound.opens,
                origin=inbound.identities[0],
                order=inbound.order,
            )
        case Clicked(delivery=delivery, index=index, mark=mark):
            return e.ChoiceAccepted(delivery, index, person, mark)
        case EndAsked():
            return e.EndRequested(person if person.id != OPERATOR else None)
        case StartAsked(delivery=delivery):
            return e.StartRequested(person, delivery)
        case RetryAsked(delivery=delivery):
            return e.RetryRequested(delivery, person)
        case CancelAsked(delivery=delivery):
            return e.CancelRequested(delivery, person)
        case PersonAsked():
            return e.PersonRequested(person)
        case StatusAsked():
            return e.StatusRequested(person)
        case Edited(original=original, text=text):
            return e.MessageEdited(original, text, person)
        case Deleted(original=original):
            return e.MessageDeleted(original, person)
        case TooFast(seconds=seconds):
            return e.TooFastWritten(person, seconds, called=inbound.opens)
        case ThreadGone():
            return e.ThreadLost()
        case _ as never:
            assert_never(never)


class Decision(Value, frozen=True):
    """The conversation after all the mail, and everything its steps asked for."""

    conversation: Conversation
    effects: tuple[Effect, ...]
    change: TakeStep | None  #: None if nothing happened that must survive a crash
    steps: tuple[Taken, ...] = ()  #: those that asked for anything


def decide(before: Conversation, mail: list[Mail], now: datetime, terms: Terms) -> Decision:
    """Take a step for each mail that counts, what people said in the order they said it."""
    conversation = before
    steps: list[Taken] = []
    for one in _in_order(_since_erased(mail)):
        if not _counts(one, conversation):
            continue
        after, asked_for = step(conversation, one.event, now, terms)
        if asked_for:
            steps.append(Taken(one.event, one.entry, one.at, conversation, after, asked_for))
        conversation = after
    effects = [
        effect
        for taken in steps
        for effect in taken.effects
        if not _overtaken(effect, conversation)
    ]
    change = _change(before, conversation, effects, mail, now)
    if change is not None:
        hops = hops_of(steps, effects, now)
        change = msgspec.structs.replace(change, hops=hops, befell=befell(steps))
    return Decision(conversation, tuple(effects), change, tuple(steps))


def _since_erased(mail: list[Mail]) -> list[Mail]:
    """What came before an erasure would only be erased by it; but a session is counted."""
    places = [place for place, one in enumerate(mail) if isinstance(one.event, e.Erased)]
    if not places:
        return mail
    return [one for place, one in enumerate(mail) if place >= places[-1] or one.session]


def _counts(mail: Mail, conversation: Conversation) -> bool:
    """Whether it is from anybody who is listened to; what is not is done with all the same."""
    starter = conversation.starter
    return mail.starter_only is None or starter is None or mail.starter_only == starter


def _overtaken(effect: Effect, after: Conversation) -> bool:
    """Whether later mail took it back: the frame was carried on, the growing message ended."""
    session, flight = after.session, after.in_flight
    if isinstance(effect, Transmit) and effect.parting:
        return False
    if isinstance(effect, Grow):
        told = session.told if session is not None else ()
        return all(effect.delivery != t.deliveries[-1] or not t.reply.unfinished for t in told)
    if not isinstance(effect, Transmit):
        return False
    if session is None or flight is None or session.number != effect.number:
        return True
    delivery = flight.message.delivery if flight.message else None
    return (flight.kind, delivery) != (effect.kind, effect.delivery)


def _in_order(mail: list[Mail]) -> list[Mail]:
    """The same mail with its entries sorted by `order` among the places they hold."""
    if len(mail) == 1:
        return mail
    said = iter(sorted((m for m in mail if m.entry is not None), key=lambda m: m.order))
    return [next(said) if one.entry is not None else one for one in mail]


def _change(
    before: Conversation,
    after: Conversation,
    effects: list[Effect],
    mail: list[Mail],
    now: datetime,
) -> TakeStep | None:
    done = tuple([one.entry for one in mail if one.entry is not None and not one.set_aside])
    session = next((one.session for one in mail if one.session is not None), None)
    owed = [(effect.id, effect.body) for effect in effects if isinstance(effect, Owe)]
    settled = [effect for effect in effects if isinstance(effect, Settle)]
    forgotten = [effect.number for effect in effects if isinstance(effect, ForgetSession)]
    emptied = any(isinstance(one.event, e.Erased) for one in mail)
    letters = _letters(effects, mail, now)
    durable = done or session or emptied or owed or settled or forgotten or letters
    if not durable and before.essence() == after.essence():
        return None
    return TakeStep(
        conversation=after,
        at=now,
        done=done,
        emptied=emptied,
        owed=tuple(owed),
        settled=tuple(
            [
                AgentOutcome(id=s.id, state=s.state, reference=s.reference, remedy=s.remedy)
                for s in settled
            ]
        ),
        session=session,
        forgotten=tuple(forgotten),
        further=letters,
    )


def _letters(effects: list[Effect], mail: list[Mail], now: datetime) -> tuple[Change[None], ...]:
    """What the step makes of dead letters, and which entries it leaves as such."""
    redriven = {one.event.delivery for one in mail if isinstance(one.event, e.Redriven)}
    letters: list[Change[None]] = []
    for effect in effects:
        match effect:
            case OweAgain(id=delivery, number=number):
                letters.append(OwedAgain(id=delivery, number=number, at=now))
            case Supersede(id=delivery, by=by):
                ours = delivery in redriven
                letters.append(Superseded(id=delivery, by=by, at=now, redriven=ours))
            case Withdraw(id=delivery):
                letters.append(Withdrawn(id=delivery, at=now))
            case _:
                pass
    aside = [
        SetAside(entry=one.entry, at=now, reason=one.set_aside)
        for one in mail
        if one.entry is not None and one.set_aside
    ]
    return (*letters, *aside)
