"""Steps: serial in a conversation, parallel across; committed before anything is done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import Grow, Recycle, Show, Transmit
from bridge.core.saying import MOST_WAITING
from bridge.core.state import Conversation, Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Outbound, Post, Receipt
from bridge.model.ids import ConversationId, EntryId, PersonId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind, Notice, NoticeKind, Person
from bridge.model.signal import Signal, SignalKind
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.deciding import Mail
from bridge.runtime.entering.naming import Names
from bridge.runtime.redacting import Redacting
from bridge.runtime.worker import MOST_UNHEARD, Worker
from bridge.store import Accepted, NewSession, TakeStep, ThreadDelivery
from bridge.store.store import MOST_READ
from bridge.testing.builders import ANN, frame, piece
from bridge.testing.builders import said as agent_says
from bridge.testing.clock import NOON
from tests.unit.runtime.house import House, lived_in
from tests.unit.store.given import DEFAULT, SLACK, accept, said

C1, C2 = ConversationId("c1"), ConversationId("c2")
SESSION = NewSession(number=1, session_id="s1", sealed_token="sealed", expires_at=None)


class Shop:
    """A worker; it is its own outbox and its own connections, and notes what it is told."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.owed: list[ThreadDelivery] = []
        self.shown: list[Show] = []
        self.grown: list[Grow] = []
        self.sent: list[str] = []
        self.recycled: list[int] = []
        self.wishes: dict[str, Wish] = {}
        self.committed_first = True
        self.room = 1_000_000  #: how much threads may be owed
        self.slow: asyncio.Event | None = None  #: while set, transmitting waits for it
        self.terms = Terms()
        self.worker = self.restarted()

    def restarted(self) -> Worker:
        """Another worker, as after a restart."""
        house = self.house
        worker = Worker(house.store, house.world, lambda _: self.terms, house.tasks)
        worker.attach(self, self)
        return worker

    def owe(self, delivery: ThreadDelivery) -> None:
        self.owed.append(delivery)
        self.committed_first &= delivery.id in self.house.states()

    def crowded(self, conversation: ConversationId) -> bool:
        return len(self.owed) >= self.room

    def show(self, conversation: Conversation, effect: Show) -> None:
        self.shown.append(effect)

    def grow(self, conversation: Conversation, effect: Grow) -> None:
        self.grown.append(effect)

    def reconcile(self, conversation: Conversation) -> None:
        self.wishes[conversation.id] = conversation.wish

    async def transmit(self, conversation: ConversationId, frame: Transmit) -> None:
        if self.slow is not None:
            await self.slow.wait()
        self.sent.append(frame.text or frame.kind.value)

    def recycle(self, conversation: ConversationId, effect: Recycle) -> None:
        self.recycled.append(effect.number)

    async def accept(self, text: str, thread: str = "T1", order: str = "") -> Accepted:
        """Somebody says it: committed, and not yet given to the worker."""
        inbound = said(text, thread=thread, opens=True, order=order)
        return await self.house.store.write(accept(inbound, new_id=thread.replace("T", "c")))

    async def say(self, text: str, thread: str = "T1", order: str = "") -> None:
        self.worker.take((await self.accept(text, thread, order)).entries)

    async def joined(self, conversation: ConversationId = C1) -> None:
        """A session is opened and its agent joins."""
        tell = self.worker.tell
        await tell(conversation, Mail(e.SessionOpened(1), session=SESSION))
        await tell(conversation, Mail(e.SocketReady(1)))
        await self.hear(f.JoinEchoed(), 1, conversation)
        await self.hear(f.AgentJoined(name="Poly"), 2, conversation)

    async def hear(
        self, body: f.FrameBody, sequence: int, conversation: ConversationId = C1
    ) -> None:
        await self.worker.tell(conversation, Mail(e.FrameArrived(1, frame(body, sequence))))

    def waiting(self, conversation: ConversationId = C1) -> Callable[[], list[str]]:
        """What waits for the agent, as far as it is known in memory."""

        def waiting() -> list[str]:
            present = self.worker.present(conversation)
            return [message.text for message in present.waiting] if present else []

        return waiting

    def open_entries(self) -> int:
        (row,) = self.house.rows("SELECT count(*) FROM inbox WHERE done_at IS NULL")
        return int(row[0])


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with lived_in(tmp_path) as house:
        yield Shop(house)


async def test_what_was_said_reaches_the_agent_and_its_entry_is_done(shop: Shop) -> None:
    await shop.say("hello")
    await shop.house.until(lambda: shop.wishes.get("c1") is Wish.SESSION)

    await shop.joined()

    assert shop.sent == ["join", "hello"]
    assert shop.open_entries() == 0
    assert shop.house.passed[:2] == ["before-step", "after-step"]


async def test_frames_that_come_close_together_are_one_step(shop: Shop) -> None:
    await shop.say("hello")
    await shop.joined()
    await shop.house.until(lambda: shop.sent == ["join", "hello"])
    before = shop.house.passed.count("after-step")
    echo = frame(f.MessageEchoed(text="hello"), 3)
    answers = [frame(f.AgentMessage(f"m{n}", f"Answer {n}"), n) for n in (4, 5)]

    for one in (echo, *answers):
        await shop.worker.hear(C1, Mail(e.FrameArrived(1, one)))
        assert shop.owed == [], "nobody waited for it"
    await shop.worker.tell(C1)

    assert [one.body for one in shop.owed] == [
        Post(AgentReply(Author(AuthorKind.AGENT, "Poly"), f"Answer {n}")) for n in (4, 5)
    ]
    assert shop.committed_first
    assert shop.house.passed.count("after-step") == before + 1


async def test_no_more_is_heard_than_may_wait_for_a_step(shop: Shop) -> None:
    await shop.say("hello")
    await shop.joined()
    for n in range(MOST_UNHEARD):
        await shop.worker.hear(C1, Mail(e.FrameArrived(1, frame(f.Unknown(), 3 + n))))
    assert shop.worker.behind(C1) == MOST_UNHEARD

    last = frame(f.AgentMessage("m", "Answer"), 3 + MOST_UNHEARD)
    await shop.worker.hear(C1, Mail(e.FrameArrived(1, last)))

    assert len(shop.owed) == 1
    assert shop.worker.behind(C1) == 0


@pytest.mark.parametrize(
    ("happened", "left"),
    [
        (e.MessageEdited("T1:hello", "good day", ANN), ["good day"]),
        (e.MessageDeleted("T1:hello", ANN), []),
        (e.ThreadLost(), []),
    ],
)
async def test_what_is_changed_or_dropped_before_it_is_sent_is_written_down(
    shop: Shop, happened: e.Event, left: list[str]
) -> None:
    await shop.say("hello")

    await shop.worker.tell(C1, Mail(happened))

    conversation = await shop.house.store.conversation(C1)
    assert conversation is not None
    assert [message.text for message in conversation.waiting] == left
    assert shop.house.states()["c1.1"] == "dropped"


async def test_what_the_agent_says_is_owed_to_the_thread_after_the_commit(shop: Shop) -> None:
    await shop.say("")
    await shop.joined()

    await shop.hear(agent_says("Welcome!", "m1"), 3)

    (delivery,) = shop.owed
    assert shop.committed_first
    assert (delivery.conversation, delivery.thread, delivery.adapter) == ("c1", "T1", "slack")
    assert delivery == await shop.house.store.thread_delivery(delivery.id)


async def test_tell_returns_when_the_effects_are_carried_out(shop: Shop) -> None:
    await shop.say("hello")
    await shop.joined()
    shop.slow = asyncio.Event()
    shop.sent.clear()

    lost = asyncio.create_task(shop.worker.tell(C1, Mail(e.SocketLost(1))))
    ready = asyncio.create_task(shop.worker.tell(C1, Mail(e.SocketReady(1))))
    await shop.house.until(lambda: shop.house.passed[-1] == "after-step")
    await shop.house.quiet()
    assert not ready.done()

    shop.slow.set()
    await asyncio.gather(lost, ready)
    assert shop.sent == ["hello"]


async def test_mail_that_comes_during_a_step_is_taken_after_it(shop: Shop) -> None:
    await shop.say("")
    await shop.joined()
    shop.slow = asyncio.Event()
    await shop.say("one")
    await shop.house.until(lambda: not shop.open_entries())

    for text in ("two", "three", "four"):
        await shop.say(text, order=text[1])  # h, o, w
    await shop.house.quiet()
    assert shop.open_entries() == 3

    shop.slow.set()
    await shop.house.until(lambda: len(shop.waiting()()) == 3)
    assert shop.waiting()() == ["three", "four", "two"]
    assert shop.open_entries() == 0


async def test_all_that_was_left_open_is_taken_up_at_the_start_in_order(shop: Shop) -> None:
    """More than is read at once."""
    await shop.accept("", "T1")
    await shop.accept("", "T2")
    orders = [f"{n:04}" for n in range(MOST_READ)]
    await asyncio.gather(
        *(shop.accept(text, thread, text) for text in orders for thread in ("T2", "T1"))
    )
    assert shop.open_entries() == 2 * MOST_READ + 2

    await shop.worker.recover()
    await shop.house.until(lambda: not shop.open_entries())

    one, other = shop.waiting(C1), shop.waiting(ConversationId("c2"))
    await shop.house.until(lambda: len(one()) == len(other()) == MOST_WAITING)
    assert one() == other() == orders[:MOST_WAITING]


async def test_a_conversation_that_is_stuck_holds_up_no_other(shop: Shop) -> None:
    await shop.say("")
    await shop.joined()
    shop.slow = asyncio.Event()
    await shop.say("stuck")
    await shop.house.until(lambda: not shop.open_entries())

    await shop.say("free", thread="T2")
    await shop.house.until(lambda: shop.wishes.get("c2") is Wish.SESSION)

    assert shop.open_entries() == 0
    shop.slow.set()


async def test_many_conversations_at_once_keep_each_its_order(shop: Shop) -> None:
    told = [(f"T{t}", f"{n:02}") for n in range(10) for t in range(10)]
    await asyncio.gather(*(shop.say(text, thread=thread) for thread, text in told))

    queues = [shop.waiting(ConversationId(f"c{number}")) for number in range(10)]
    await shop.house.until(lambda: all(len(waiting()) == 10 for waiting in queues))
    assert [waiting() for waiting in queues] == [[f"{n:02}" for n in range(10)]] * 10


async def test_a_step_that_cannot_be_committed_is_tried_until_it_can(shop: Shop) -> None:
    """And until then nothing of it is done."""
    await shop.say("")
    await shop.joined()
    shop.house.damage("ALTER TABLE deliveries RENAME TO hidden")
    accepted = await shop.accept("hello")
    told = asyncio.create_task(shop.worker.tell(C1, Mail(e.Woke())))
    shop.worker.take(accepted.entries)
    await shop.house.until(lambda: shop.house.clock.sleepers, winding=False)
    for _ in range(3):
        await shop.house.clock.advance(timedelta(seconds=40))
        await shop.house.quiet()
    assert "hello" not in shop.sent
    assert shop.open_entries() == 1

    shop.house.damage("ALTER TABLE hidden RENAME TO deliveries")
    await shop.house.until(lambda: "hello" in shop.sent)

    await told
    assert shop.sent.count("hello") == 1
    assert shop.open_entries() == 0


async def test_what_a_slow_disk_held_back_has_its_whole_time_for_an_echo(shop: Shop) -> None:
    house = shop.house
    house.tasks.create_task(shop.worker.run_timers())
    await shop.say("one")
    await shop.joined()
    await shop.hear(f.MessageEchoed("m1", "one"), 3)
    house.damage(
        "CREATE TRIGGER broken BEFORE UPDATE ON conversations "
        "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    await shop.say("two", order="2")
    for _ in range(20):
        await house.clock.advance(timedelta(seconds=1))
        await house.quiet()
    house.damage("DROP TRIGGER broken")
    await house.until(lambda: shop.sent[-1] == "two")

    await house.quiet()
    assert shop.recycled == [], "it was sent at this moment"
    await house.clock.advance(shop.terms.echo_timeout)
    await house.until(lambda: shop.recycled == [1])


async def test_a_conversation_that_cannot_be_loaded_is_tried_until_it_can(shop: Shop) -> None:
    accepted = await shop.accept("hello")
    shop.house.damage("ALTER TABLE conversations RENAME TO hidden")
    shop.worker.take(accepted.entries)
    await shop.house.until(lambda: shop.house.clock.sleepers, winding=False)

    shop.house.damage("ALTER TABLE hidden RENAME TO conversations")

    await shop.house.until(lambda: not shop.open_entries())


async def test_what_nothing_can_happen_to_leaves_memory_and_comes_back(shop: Shop) -> None:
    await shop.say("")
    await shop.joined()
    assert shop.worker.in_memory == 1

    await shop.worker.tell(C1, Mail(e.SessionLost(1, ended=True)))
    await shop.house.until(lambda: shop.worker.in_memory == 0)

    assert shop.worker.present(C1) is None
    await shop.say("again")
    await shop.house.until(lambda: shop.wishes["c1"] is Wish.SESSION)
    assert shop.worker.in_memory == 1


async def test_mail_for_a_conversation_that_does_not_exist_is_passed_over(shop: Shop) -> None:
    async with asyncio.timeout(2):
        await shop.worker.tell(C2, Mail(e.Woke()))

    await shop.house.until(lambda: shop.worker.in_memory == 0)


async def test_a_step_that_fails_harms_neither_the_conversation_nor_the_bridge(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    await shop.say("before", order="1")
    nonsense = Mail(cast("e.Event", "my password"), entry=EntryId(99))

    await shop.worker.tell(C1, nonsense, Mail(e.Woke()))
    await shop.say("after", order="2")
    await shop.house.until(lambda: len(shop.waiting()()) == 2)

    assert shop.waiting()() == ["before", "after"]
    assert shop.open_entries() == 0
    logged = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert len(logged) == 1
    assert "poisoned" in logged[0]
    assert "my password" not in logged[0]


class Breaking(list[str]):
    """Where points are noted that are passed: at each step, it breaks."""

    def append(self, point: str) -> None:
        super().append(point)
        if point == "before-step":
            raise RuntimeError("broken")


async def test_a_deadline_that_cannot_be_met_is_not_tried_without_end(shop: Shop) -> None:
    """Its moment has passed, so it would be due again at once: once a minute will do."""
    shop.house.tasks.create_task(shop.worker.run_timers())
    await shop.say("hello")
    await shop.joined()
    shop.house.passed = Breaking()

    await shop.house.until(lambda: len(shop.house.passed) == 4)

    assert shop.house.clock.now() - NOON == timedelta(minutes=3, seconds=10)


async def test_a_restart_takes_up_what_was_left(shop: Shop) -> None:
    """An open entry, and a live conversation whose socket is gone with the process."""
    await shop.say("hello", thread="T2")
    await shop.joined(C2)
    await shop.house.quiet()
    await shop.accept("b", order="2")
    await shop.accept("a", order="1")
    shop.wishes.clear()

    shop.worker = shop.restarted()
    await shop.worker.recover()
    await shop.house.until(lambda: len(shop.waiting()()) == 2)

    first, second = shop.worker.present(C1), shop.worker.present(C2)
    assert first is not None
    assert second is not None
    assert second.session is not None
    assert [w.text for w in first.waiting] == ["a", "b"]
    assert not second.session.ready
    assert second.in_flight is not None
    assert shop.wishes == {"c1": Wish.SESSION, "c2": Wish.SOCKET}


async def test_deadlines_wake_a_conversation(shop: Shop) -> None:
    """No echo comes: after ten seconds the socket is dropped, and a replay will tell."""
    shop.house.tasks.create_task(shop.worker.run_timers())
    await shop.say("hello")
    await shop.joined()

    await shop.house.until(lambda: shop.recycled == [1])

    assert shop.house.clock.now() - NOON == timedelta(seconds=10)


async def test_passing_signs_are_shown(shop: Shop) -> None:
    await shop.say("")
    await shop.joined()

    await shop.hear(f.AgentThinking(), 3)

    assert Show(Signal(SignalKind.THINKING)) in shop.shown


async def test_unfinished_messages_grow_without_a_commit(shop: Shop) -> None:
    shop.terms = Terms(streaming=True)
    await shop.say("")
    await shop.joined()
    await shop.hear(piece("One moment.", 1), 3)
    commits = shop.house.passed.count("after-step")

    await shop.hear(piece(" I look.", 2), 4)

    assert [grow.reply.text for grow in shop.grown] == ["One moment. I look."]
    assert shop.grown[0].delivery == shop.owed[-1].id
    assert shop.house.passed.count("after-step") == commits


async def test_a_parked_conversation_is_woken_after_a_restart_too(shop: Shop) -> None:
    await shop.say("hello")
    await shop.house.until(shop.waiting())
    parked = shop.worker.present(C1)
    assert parked is not None
    parked = msgspec.structs.replace(parked, parked_at=NOON)
    await shop.house.store.write(TakeStep(conversation=parked, at=NOON))

    shop.worker = shop.restarted()
    shop.house.tasks.create_task(shop.worker.run_timers())
    await shop.worker.recover()
    assert shop.wishes["c1"] is Wish.NOTHING
    await shop.house.clock.advance(timedelta(minutes=6))

    await shop.house.until(lambda: shop.wishes["c1"] is Wish.SESSION)


class Directory:
    """A platform that knows Ann's name, as soon as it may say it."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def deliver(self, outbound: Outbound) -> Receipt:
        raise AssertionError(outbound)

    async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
        await self.may.wait()
        return f"{person} of {thread}"


async def test_a_name_is_asked_for_before_the_step_and_holds_up_nobody_else(shop: Shop) -> None:
    house, directory, adapters = shop.house, Directory(), Adapters()
    adapters.arrived(SLACK, directory)

    def terms(conversation: Conversation) -> Terms:
        return Terms(speakers="always" if conversation.id == C1 else "never")

    names = Names(adapters, house.clock)
    shop.worker = Worker(house.store, house.world, terms, house.tasks, names)
    shop.worker.attach(shop, shop)
    for thread in ("T1", "T2"):
        nameless = msgspec.structs.replace(
            said("hello", thread=thread, opens=True), person=Person(PersonId("U1"))
        )
        stored = await house.store.write(accept(nameless, new_id=thread.replace("T", "c")))
        shop.worker.take(stored.entries)

    await house.until(shop.waiting(C2))
    assert shop.waiting()() == []
    directory.may.set()
    await house.until(shop.waiting())
    present = shop.worker.present(C1)
    assert present is not None
    assert present.waiting[0].person == Person(PersonId("U1"), "U1 of T1")


async def test_what_is_owed_to_the_agent_is_redacted(shop: Shop) -> None:
    house, redacting = shop.house, Redacting({DEFAULT: ["email"]})
    shop.worker = Worker(
        house.store, house.world, lambda _: Terms(), house.tasks, redacting=redacting
    )
    shop.worker.attach(shop, shop)
    stored = await house.store.write(accept(said("I am ann@example.org", opens=True)))
    shop.worker.take(stored.entries)

    await house.until(shop.waiting())
    present = shop.worker.present(C1)
    assert present is not None
    assert [one.text for one in present.waiting] == ["I am [e-mail address]"]


async def test_an_erasure_is_a_step_of_its_own_and_what_came_before_it_goes(shop: Shop) -> None:
    await shop.say("secret")

    await shop.worker.tell(C1, Mail(e.Erased()))

    present = shop.worker.present(C1) or await shop.house.store.conversation(C1)
    assert present is not None
    assert present.waiting == ()
    assert shop.house.states() == {}


async def test_what_no_step_can_take_up_is_a_dead_letter_and_whoever_said_it_hears_so(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """For what it is the database takes no second message of Ann's, nor ever will."""
    house = shop.house
    await shop.say("before", order="1")
    house.damage("CREATE UNIQUE INDEX broken ON deliveries(kind) WHERE kind = 'ask'")

    await shop.say("odd", order="2")
    await house.until(lambda: house.rows("SELECT 1 FROM inbox WHERE dead_at IS NOT NULL"))
    await house.until(lambda: shop.owed)

    (notice,) = [one.body.content for one in shop.owed if isinstance(one.body, Post)]
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.NOT_TAKEN
    (row,) = house.rows("SELECT reason, body FROM inbox WHERE dead_at IS NOT NULL")
    assert "ChangeRefused" in row[0]
    assert "odd" in row[1]
    assert [r.getMessage() for r in caplog.records if "poisoned" in r.getMessage()]

    house.damage("DROP INDEX broken")
    await shop.say("after", order="3")
    await house.until(lambda: len(shop.waiting()()) == 2)
    assert shop.waiting()() == ["before", "after"]
    assert await house.store.open_entries() == []


async def test_where_not_even_that_can_be_told_the_entry_is_a_dead_letter_alone(
    shop: Shop,
) -> None:
    house = shop.house
    await shop.say("before", order="1")
    house.damage("CREATE UNIQUE INDEX broken ON deliveries(target)")
    await shop.say("odd", order="2")
    await house.until(lambda: house.rows("SELECT 1 FROM inbox WHERE dead_at IS NOT NULL"))
    house.damage("DROP INDEX broken")


async def test_an_errand_runs_in_its_conversations_turn_and_its_step_is_taken_alone(
    shop: Shop,
) -> None:
    await shop.say("hello")
    seen: list[object] = []

    async def errand() -> list[Mail]:
        seen.append(shop.worker.present(C1))
        return [Mail(e.NotTaken())]

    assert await shop.worker.in_turn(C1, errand)
    assert shop.owed
    assert seen[0] is not None

    async def nothing() -> list[Mail]:
        return []

    assert not await shop.worker.in_turn(C1, nothing)
    assert not await shop.worker.in_turn(C2, errand)

    async def broken() -> list[Mail]:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        await shop.worker.in_turn(C1, broken)
