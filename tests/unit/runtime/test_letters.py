"""What operators do about letters, in the turn of the conversation: once, and only what can be."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.state import Retry
from bridge.core.terms import Terms
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import AdapterName, ConversationId, DeliveryId
from bridge.model.messages import Notice, NoticeKind
from bridge.runtime.control import Control
from bridge.runtime.deciding import Mail
from bridge.runtime.letters import Letters
from bridge.runtime.worker import Worker
from bridge.store import Attempt, Outcome
from bridge.store.redriving import SetAside
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from tests.unit.runtime.house import House, lived_in
from tests.unit.store.given import accept, entries, opened, owing, reply, said

C1 = ConversationId("c1")


class Desk:
    """A store with letters in it, a worker, and lanes that serve what they are told to."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.store = house.store
        self.worker = Worker(house.store, house.world, lambda _: Terms(), house.tasks)
        self.letters = Letters(house.store, self.worker, house.clock, self)
        self.serving: set[str] = set()
        self.certain_of: list[str] = []

    def serves(self, delivery: DeliveryId, conversation: ConversationId) -> bool:
        return delivery in self.serving

    def certain(self, adapter: AdapterName, delivery: DeliveryId) -> None:
        self.certain_of.append(delivery)

    async def state(self, identity: str) -> str:
        letter = await self.store.letters.one(identity)
        return letter.state if letter else "none"

    async def said(self, verb: str, identity: str) -> tuple[bool, str]:
        (outcome,) = await self.letters.each(f"deliveries.{verb}", [identity])
        return outcome.done, outcome.note


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """c1.1: a dead answer; c1.2: dead words, as the notice c1.9 says; c1.3: a held answer."""
    async with lived_in(tmp_path) as house:
        desk = Desk(house)
        notice = Notice(NoticeKind.NOT_DELIVERED, {"text": "two"})
        retry = Retry(DeliveryId("c1.9"), notice, "two", "c1.2", ANN)
        conversation = msgspec.structs.replace(await opened(house.store), retries=(retry,))
        owed = ((1, reply("one")), (2, Ask("two", ANN)), (3, reply("three")), (9, reply("notice")))
        await house.store.write(owing(conversation, *owed))
        for delivery, state in (("c1.1", DeliveryState.DEAD), ("c1.2", DeliveryState.DEAD)):
            await house.store.write(
                Outcome(id=DeliveryId(delivery), state=state, at=NOON, reason="odd")
            )
        held = DeliveryId("c1.3")
        await house.store.write(Attempt(id=held, at=NOON))
        sending = DeliveryState.SENDING
        await house.store.write(Outcome(id=held, state=sending, at=NOON, reason="in doubt: odd"))
        yield desk


async def test_a_dead_answer_is_owed_again(desk: Desk) -> None:
    assert await desk.said("redrive", "c1.1") == (True, "it is owed again")
    assert await desk.state("c1.1") == "pending"
    assert [one.id for one in await desk.store.owed_to_threads()][-1] == "c1.1"
    assert await desk.said("redrive", "c1.1") == (False, "it is not dead, but pending")


async def test_dead_words_are_said_again_and_only_once(desk: Desk) -> None:
    done, note = await desk.said("redrive", "c1.2")
    assert (done, note) == (True, "sent again as c1.10")
    assert await desk.said("redrive", "c1.2") == (False, "it is not dead, but dropped")

    conversation = await desk.store.conversation(C1)
    assert conversation is not None
    assert [one.text for one in conversation.waiting] == ["two"]
    assert conversation.retries == ()


async def test_whoever_presses_try_again_first_has_it_sent(desk: Desk) -> None:
    await desk.worker.tell(C1, Mail(e.RetryRequested(DeliveryId("c1.9"), ANN)))

    assert await desk.said("redrive", "c1.2") == (False, "it is not dead, but dropped")
    conversation = await desk.store.conversation(C1)
    assert conversation is not None
    assert [one.text for one in conversation.waiting] == ["two"]


async def test_both_at_once_send_it_once(desk: Desk) -> None:
    pressed = Mail(e.RetryRequested(DeliveryId("c1.9"), ANN))
    desk.worker.post(C1, pressed)
    await desk.said("redrive", "c1.2")
    desk.worker.post(C1, pressed)
    await desk.house.until(lambda: not desk.worker.behind(C1))
    await desk.house.quiet()

    conversation = await desk.store.conversation(C1)
    assert conversation is not None
    assert [one.text for one in conversation.waiting] == ["two"]


async def test_what_is_held_is_settled_and_not_redriven(desk: Desk) -> None:
    assert await desk.said("redrive", "c1.3") == (
        False,
        "it is held, and may have arrived: look, and settle it first",
    )
    assert await desk.said("absent", "c1.3") == (True, "it is owed again")
    assert await desk.state("c1.3") == "pending"
    assert desk.certain_of == ["c1.3"]
    assert (await desk.said("arrived", "c1.3"))[0] is False


async def test_what_did_arrive_is_sent(desk: Desk) -> None:
    assert await desk.said("arrived", "c1.3") == (True, "it arrived")
    assert await desk.state("c1.3") == "sent"
    assert (await desk.said("absent", "c1.3"))[0] is False


@pytest.mark.parametrize("identity", ["c1.1", "c1.2", "c1.3"])
async def test_nobody_needs_what_is_dropped(desk: Desk, identity: str) -> None:
    assert await desk.said("drop", identity) == (True, "dropped")
    assert await desk.state(identity) == "dropped"
    assert (await desk.said("drop", identity))[0] is False


async def test_what_is_under_way_or_not_there_is_left_alone(desk: Desk) -> None:
    desk.serving.add("c1.1")
    assert await desk.said("redrive", "c1.1") == (False, "it is under way: try again in a moment")
    desk.serving.add("c1.3")  # looked for after a start: whatever comes of that is written down
    for verb in ("drop", "arrived", "absent"):
        assert await desk.said(verb, "c1.3") == (False, "it is under way: try again in a moment")
    assert await desk.state("c1.3") == "held"
    for verb in ("redrive", "drop", "seen", "arrived", "absent"):
        for identity in ("c9.1", "inbox.99"):
            assert await desk.said(verb, identity) == (False, "there is no such delivery")


async def test_words_that_are_not_kept_cannot_be_sent(desk: Desk) -> None:
    desk.house.damage("UPDATE deliveries SET body = ''")
    for identity in ("c1.1", "c1.2"):
        done, note = await desk.said("redrive", identity)
        assert (done, note) == (False, "what it says is not kept any more")


async def test_an_entry_that_was_set_aside_is_taken_up_again(desk: Desk) -> None:
    accepted = await desk.store.write(accept(said("odd", thread="thread of c1")))
    (entry,) = entries(accepted)
    await desk.store.write(SetAside(entry=entry, at=NOON, reason="odd"))
    await desk.said("seen", f"inbox.{entry}")

    assert await desk.said("redrive", f"inbox.{entry}") == (True, "it is taken up again")
    done = "SELECT 1 FROM inbox WHERE id = 2 AND done_at IS NOT NULL"
    await desk.house.until(lambda: desk.house.rows(done))
    conversation = await desk.store.conversation(C1)
    assert conversation is not None
    assert [one.text for one in conversation.waiting] == ["odd"]


async def test_a_running_bridge_can_be_asked(desk: Desk) -> None:
    control = Control()
    desk.letters.offer(control)

    asked = b'{"verb": "deliveries.redrive", "arguments": {"ids": ["c1.1"]}}'
    answer = msgspec.json.decode(await control.answered(asked))
    assert answer == {"answer": [{"id": "c1.1", "done": True, "note": "it is owed again"}]}

    nonsense = b'{"verb": "deliveries.redrive", "arguments": {"ids": 7}}'
    assert "error" in msgspec.json.decode(await control.answered(nonsense))
