"""Whatever people ask for, change and take back: who is answered, who is not, and what is owed."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core import events as e
from bridge.core.effects import Effect, Grow, Owe, SendKind, Settle, Show, Transmit
from bridge.core.once import DOUBLE_CLICK
from bridge.core.state import Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, Post, Replace, Retire
from bridge.model.ids import DeliveryId, EntryId
from bridge.model.messages import Notice, NoticeKind, Person
from bridge.runtime.deciding import Mail, decide
from bridge.testing.builders import ANN, BOB, Talk, conversation, said
from bridge.testing.clock import NOON
from tests.property.test_journal import FAST

Move = tuple[str, int]

#: What only whoever asked is told.
ALONE = {NoticeKind.STATUS, NoticeKind.STALE, NoticeKind.TOO_FAST}
#: What people do; the rest is done by the world.
PEOPLE = (
    *("say",) * 4, "call", "edit", "edit", "delete", "click", "retry", "cancel", "end", "start",
    "again", "person", "status", "fast",
)  # fmt: skip
WORLD = (
    *("serve",) * 5, *("open",) * 4, "drop", "vanish", "goodbye", "offer", "offer", "queue", "sam",
    "time", "lose",
)  # fmt: skip
MOVES = st.lists(
    st.tuples(st.sampled_from([*PEOPLE, *WORLD]), st.integers(0, 31)), min_size=20, max_size=60
)


def event_of(verb: str, whim: int, at: int, delivery: DeliveryId) -> e.Event:
    """What a person does, as a fact."""
    person, origin = (ANN, BOB)[whim % 2], f"m{max(0, at - whim // 2 % 8)}"
    facts: dict[str, e.Event] = {
        "say": e.MessageAccepted(f"word {at}", person, origin=f"m{at}"),
        "call": e.MessageAccepted("", person, called=True),
        "edit": e.MessageEdited(origin, f"edit {at}", person),
        "delete": e.MessageDeleted(origin, person),
        "click": e.ChoiceAccepted(delivery, whim % 3, person),
        "retry": e.RetryRequested(delivery, person),
        "cancel": e.CancelRequested(delivery, person),
        "end": e.EndRequested(person),
        "start": e.StartRequested(person),
        "again": e.StartRequested(person, delivery),
        "person": e.PersonRequested(person),
        "status": e.StatusRequested(person),
        "fast": e.TooFastWritten(person, 3),
    }
    return facts[verb]


class Party(Talk):
    """Ann, Bob and an agent that hears what is sent to it once it is served."""

    def __init__(self, terms: Terms | None = None) -> None:
        super().__init__(terms)
        self.asks: dict[DeliveryId, Ask] = {}
        self.settled = Counter[DeliveryId]()
        self.to_agent: list[Transmit] = []
        self.frames: list[Transmit] = []
        self.steps = 0
        self.happened: list[Effect] = []  #: by the last move

    def take(self, event: e.Event) -> "Party":
        super().take(event)
        self.steps += 1
        self.happened += self.effects
        self.asks |= {owe.id: owe.body for owe in self.of(Owe) if isinstance(owe.body, Ask)}
        self.settled.update(settle.id for settle in self.of(Settle))
        self.to_agent += self.of(Transmit)
        self.frames += self.of(Transmit)
        return self

    def move(self, verb: str, whim: int) -> None:
        """One thing happens, and all that it brings."""
        self.happened = []
        self._move(verb, whim)
        self.effects = tuple(self.happened)

    def _move(self, verb: str, whim: int) -> None:
        if verb in PEOPLE:
            offers = [delivery for delivery, _ in self.thread] or [DeliveryId("c1.1")]
            delivery = offers[-1 - whim // 2 % min(4, len(offers))]
            self.take(event_of(verb, whim, self.steps, delivery))
        elif verb == "time":
            self.wait(timedelta(seconds=(1, 11, 61, 1900)[whim % 4]))
        elif verb == "lose":
            self.take(e.ThreadLost())
        elif verb == "open":
            self.open()
        elif self.conversation.session is not None and self.session.ready:
            self._agent(verb, whim)

    def open(self) -> None:
        """Whatever connection is wished for comes about."""
        if self.conversation.wish is Wish.SESSION:
            self.to_agent.clear()
            self.opened()
        elif self.conversation.wish is Wish.SOCKET and not self.session.ready:
            self.to_agent.clear()
            self.ready()

    def _agent(self, verb: str, whim: int) -> None:
        match verb:
            case "serve":
                self.serve()
            case "drop":
                self.lost()
            case "vanish":
                self.gone()
            case "goodbye":
                self.hear(f.SessionEnded())
            case "offer":
                self.hear(said(f"answer {self.steps}", f"a{self.steps}", "red", "blue"))
            case "queue":
                self.hear(f.QueueMoved(position=whim))
            case _:
                self.hear(f.LiveAgentJoined("s1", "Sam"))

    def serve(self) -> None:
        """The agent takes the oldest of what was sent."""
        sent = self.to_agent.pop(0) if self.to_agent else None
        if sent is None or sent.number != self.session.number:
            return
        match sent.kind:
            case SendKind.JOIN:
                self.hear(f.JoinEchoed()).hear(f.AgentJoined(name="Poly"))
            case SendKind.MESSAGE:
                self.echo(sent.text, sent.delivery or "")
            case SendKind.END:
                self.hear(f.EndEchoed()).hear(f.SessionEnded("REASON_USER_END"))

    def find_peace(self) -> None:
        """Everything works, until nothing is left to do."""
        for _ in range(300):
            if self.conversation.wish is not Wish.NOTHING and not self._connected():
                self.open()
            elif self._connected() and self.to_agent:
                self.serve()
            elif self.conversation.asked:
                self.wait(timedelta(seconds=61))
            else:
                return
        raise AssertionError("it never comes to rest")

    def _connected(self) -> bool:
        return self.conversation.session is not None and self.session.ready


def begun(whim: int = 0) -> Party:
    """Ann and the agent have met; every other time it hears of edits."""
    party = Party(Terms(edits="correct" if whim % 2 else "ignore"))
    party.joined()
    party.to_agent.clear()
    return party


@FAST
@given(moves=MOVES, whim=st.integers(0, 1))
@pytest.mark.thorough
def test_a_lost_thread_is_owed_nothing_until_somebody_speaks(moves: list[Move], whim: int) -> None:
    party, lost = begun(whim), False
    for verb, each in moves:
        party.move(verb, each)
        lost = verb == "lose" or (lost and (verb not in PEOPLE or verb in ("edit", "delete")))
        shown = [owe for owe in party.of(Owe) if not isinstance(owe.body, Ask)]
        passing = [effect for effect in party.effects if isinstance(effect, Show | Grow)]
        assert not (lost and (shown or passing))


@FAST
@given(moves=MOVES)
@pytest.mark.thorough
def test_after_its_thread_nothing_is_opened(moves: list[Move]) -> None:
    party = begun()
    for verb, each in moves:
        party.move(verb, each)
    party.take(e.ThreadLost())
    assert party.conversation.wish is not Wish.SESSION
    sessions = party.conversation.sessions
    party.find_peace()
    party.wait(party.terms.end_timeout)
    assert party.conversation.session is None
    assert party.conversation.sessions == sessions


@FAST
@given(moves=MOVES, whim=st.integers(0, 1))
@pytest.mark.thorough
def test_whatever_is_owed_to_the_agent_is_settled_once(moves: list[Move], whim: int) -> None:
    party = begun(whim)
    for verb, each in moves:
        party.move(verb, each)
    party.find_peace()
    assert party.settled == Counter(list(party.asks))


@FAST
@given(moves=MOVES)
@pytest.mark.thorough
def test_what_is_changed_was_posted_before(moves: list[Move]) -> None:
    party, stands = begun(), set[DeliveryId]()
    for verb, each in moves:
        party.move(verb, each)
        for owe in party.of(Owe):
            if isinstance(owe.body, Post):
                stands.add(owe.id)
            elif isinstance(owe.body, Replace | Retire):
                assert owe.body.target in stands


@FAST
@given(moves=MOVES)
@pytest.mark.thorough
def test_whoever_asked_is_answered_alone_and_not_twice_in_a_moment(moves: list[Move]) -> None:
    party, told = begun(), dict[object, datetime]()
    for verb, each in moves:
        party.move(verb, each)
        for owe in party.of(Owe):
            if not isinstance(owe.body, Post) or not isinstance(owe.body.content, Notice):
                continue
            kind, only_for = owe.body.content.kind, owe.body.only_for
            assert only_for == ((ANN, BOB)[each % 2].id if kind in ALONE else None)
            if kind is NoticeKind.TOO_FAST:
                last = told.get(only_for)
                assert last is None or party.now >= last + timedelta(minutes=1)
                told[only_for] = party.now


@FAST
@given(presses=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 8))))
def test_a_press_that_is_declined_is_not_declined_again_in_a_moment(
    presses: list[tuple[int, int, int]],
) -> None:
    party, last = Party().joined(), dict[tuple[str, str], datetime]()
    for number, who, seconds in presses:
        party.now += timedelta(seconds=seconds)
        press, person = DeliveryId(f"c1.{number}"), (ANN, BOB)[who]
        party.click(press, 0, person)
        told = last.get((press, person.id))
        assert bool(party.notices) == (told is None or party.now >= told + DOUBLE_CLICK)
        if party.notices:
            last[press, person.id] = party.now


@FAST
@given(moves=st.lists(st.tuples(st.sampled_from(PEOPLE), st.integers(0, 31)), max_size=30))
def test_where_only_the_starter_counts_others_might_as_well_be_silent(moves: list[Move]) -> None:
    everybody = [
        Mail(
            event_of(verb, whim, at, DeliveryId(f"c1.{whim % 5}")),
            entry=EntryId(at),
            order=f"{at:03}",
            starter_only=(ANN, BOB)[whim % 2].id,
        )
        for at, (verb, whim) in enumerate([("say", 0), *moves])
    ]
    anns = [mail for mail in everybody if mail.starter_only == ANN.id]
    terms = Terms(edits="correct")

    both = decide(conversation(), everybody, NOON, terms)
    alone = decide(conversation(), anns, NOON, terms)

    assert both.conversation == alone.conversation
    assert both.effects == alone.effects
    assert both.change is not None
    assert len(both.change.done) == len(everybody)


#: Where only talk tells anything.
TALK = st.lists(
    st.tuples(st.sampled_from(["say", "say", "serve", "serve", "drop", "open", "vanish"]),
              st.integers(0, 31)),
    min_size=10,
    max_size=40,
)  # fmt: skip


@FAST
@given(moves=TALK)
def test_from_the_second_speaker_on_each_message_says_who_speaks(moves: list[Move]) -> None:
    party, first = begun(), dict[tuple[int, DeliveryId], str]()
    for verb, each in moves:
        party.move(verb, each)
        for sent in party.of(Transmit):
            if sent.kind is not SendKind.MESSAGE or sent.delivery is None:
                continue
            # Sent again it is the very same, whoever has begun to speak meanwhile.
            told = first.setdefault((sent.number, sent.delivery), sent.text)
            assert sent.text == told
            assert sent.person == party.asks[sent.delivery].person
            plain = party.asks[sent.delivery].text
            assert told in (plain, f"{_name(sent.person)}: {plain}")
    _each_is_named(party)


def _name(person: Person | None) -> str | None:
    return person.name if person else None


def _each_is_named(party: Party) -> None:
    """Once a name was told in a session, each new message of it tells one."""
    named, seen = set[int](), set[object]()
    spoke: dict[int, set[Person | None]] = {}
    for sent in party.frames:
        if sent.kind is SendKind.MESSAGE and (sent.number, sent.delivery) not in seen:
            seen.add((sent.number, sent.delivery))
            has_name = sent.text != party.asks[sent.delivery or DeliveryId("")].text
            assert has_name or sent.number not in named
            spoke.setdefault(sent.number, set()).add(sent.person)
            assert has_name or len(spoke[sent.number]) == 1
            named |= {sent.number} if has_name else set()
