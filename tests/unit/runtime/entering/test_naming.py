"""Names are asked for where several speak, and nobody waits long for one."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.state import Conversation
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import ConversationId, DeliveryId, EntryId, PersonId, ThreadKey
from bridge.model.messages import Person
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.deciding import Mail
from bridge.runtime.entering.naming import Names
from bridge.testing.clock import NOON, FakeClock
from tests.unit.store.given import DEFAULT, SLACK

ANN, BEN = PersonId("ann"), PersonId("ben")
ALONE = Conversation(
    id=ConversationId("c1"),
    adapter=SLACK,
    thread=ThreadKey("T1"),
    agent=DEFAULT,
    opened_at=NOON,
    touched_at=NOON,
    people=(ANN,),
)
TOGETHER = msgspec.structs.replace(ALONE, people=(ANN, BEN))


class Directory:
    """A platform that knows names."""

    def __init__(self, **names: str) -> None:
        self.names = names
        self.asked: list[tuple[str, str]] = []
        self.fault: Exception | None = None
        self.slow = False

    async def deliver(self, outbound: Outbound) -> Receipt:
        raise AssertionError(outbound)

    async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
        self.asked.append((person, thread))
        if self.fault:
            raise self.fault
        if self.slow:
            await asyncio.Event().wait()
        return self.names.get(person)


class Nameless:
    """A platform that knows none."""

    async def deliver(self, outbound: Outbound) -> Receipt:
        raise AssertionError(outbound)


class Desk:
    """Names, with a platform to ask."""

    def __init__(self, platform: Directory | Nameless | None) -> None:
        self.clock = FakeClock()
        adapters = Adapters()
        if platform is not None:
            adapters.arrived(SLACK, platform)
        self.names = Names(adapters, self.clock, patience=timedelta(milliseconds=20))

    async def names_in(
        self, conversation: Conversation, *mail: Mail, wanted: str = "several"
    ) -> list[str | None]:
        assert wanted in ("never", "several", "always")
        named = await self.names.put_in(conversation, list(mail), wanted)  # type: ignore[arg-type]  # narrowed above
        assert [one.entry for one in named] == [one.entry for one in mail]
        return [getattr(one.event, "person", Person(ANN)).name for one in named]


def by(person: PersonId, *, name: str | None = None) -> Mail:
    return Mail(e.MessageAccepted("hi", Person(person, name)), entry=EntryId(7), order="1")


@pytest.fixture
def directory() -> Directory:
    return Directory(ann="Ann", ben="Ben")


async def test_the_only_one_who_speaks_is_not_kept_waiting(directory: Directory) -> None:
    assert await Desk(directory).names_in(ALONE, by(ANN), by(ANN)) == [None, None]
    assert directory.asked == []


async def test_a_second_person_is_named_at_their_first_word(directory: Directory) -> None:
    assert await Desk(directory).names_in(ALONE, by(ANN), by(BEN)) == ["Ann", "Ben"]
    assert await Desk(directory).names_in(ALONE, by(BEN)) == ["Ben"]
    assert await Desk(directory).names_in(TOGETHER, by(ANN)) == ["Ann"]


async def test_where_names_are_always_wanted_the_first_word_has_one(directory: Directory) -> None:
    assert await Desk(directory).names_in(ALONE, by(ANN), wanted="always") == ["Ann"]


async def test_where_names_are_never_wanted_nobody_is_asked(directory: Directory) -> None:
    assert await Desk(directory).names_in(TOGETHER, by(ANN), wanted="never") == [None]
    assert directory.asked == []


async def test_a_name_that_came_with_the_message_stays(directory: Directory) -> None:
    assert await Desk(directory).names_in(TOGETHER, by(ANN, name="Annie")) == ["Annie"]
    assert directory.asked == []


@pytest.mark.parametrize(
    "event",
    [
        e.MessageAccepted("hi", Person(ANN)),
        e.ChoiceAccepted(DeliveryId("d"), 0, Person(ANN), ""),
        e.PersonRequested(Person(ANN)),
        e.MessageEdited("o", "hi", Person(ANN)),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_whatever_the_agent_is_told_is_named(directory: Directory, event: e.Event) -> None:
    assert await Desk(directory).names_in(TOGETHER, Mail(event)) == ["Ann"]


async def test_what_nobody_says_is_left_as_it_is(directory: Directory) -> None:
    mail = [Mail(e.Woke()), Mail(e.StatusRequested(Person(ANN)))]

    assert await Desk(directory).names.put_in(TOGETHER, mail, "always") == mail
    assert directory.asked == []


async def test_an_answer_holds_for_an_hour_even_that_there_is_none(directory: Directory) -> None:
    desk, eve = Desk(directory), PersonId("eve")
    for _ in range(3):
        assert await desk.names_in(TOGETHER, by(ANN), by(eve)) == ["Ann", None]
    assert directory.asked == [("ann", "T1"), ("eve", "T1")] or len(directory.asked) == 2

    await desk.clock.advance(timedelta(hours=1))
    directory.names["ann"] = "Anna"
    assert await desk.names_in(TOGETHER, by(ANN)) == ["Anna"]


async def test_a_name_once_known_is_told_where_it_costs_nothing(directory: Directory) -> None:
    desk = Desk(directory)
    await desk.names_in(TOGETHER, by(ANN))

    assert await desk.names_in(ALONE, by(ANN)) == ["Ann"]
    assert len(directory.asked) == 1


@pytest.mark.parametrize("slow", [True, False], ids=["no answer", "a fault"])
async def test_a_message_does_without_a_name_that_cannot_be_had(
    directory: Directory, *, slow: bool
) -> None:
    desk = Desk(directory)
    directory.slow, directory.fault = slow, None if slow else RuntimeError("no")
    async with asyncio.timeout(1):
        assert await desk.names_in(TOGETHER, by(ANN), by(BEN)) == [None, None]
        assert await desk.names_in(TOGETHER, by(ANN), by(BEN)) == [None, None]
    assert len(directory.asked) == 2

    directory.slow, directory.fault = False, None
    await desk.clock.advance(timedelta(minutes=1))
    assert await desk.names_in(TOGETHER, by(ANN)) == ["Ann"]


@pytest.mark.parametrize("platform", [Nameless(), None], ids=["no names", "not connected"])
async def test_a_platform_that_knows_no_names_is_not_asked(platform: Nameless | None) -> None:
    assert await Desk(platform).names_in(TOGETHER, by(ANN)) == [None]


@pytest.mark.thorough
async def test_only_so_many_names_are_kept(directory: Directory) -> None:
    desk = Desk(directory)
    for number in range(10_001):
        await desk.names_in(TOGETHER, by(PersonId(f"p{number}")))
    asked = len(directory.asked)

    await desk.names_in(TOGETHER, by(PersonId("p10000")), by(PersonId("p1")))
    assert len(directory.asked) == asked
    await desk.names_in(TOGETHER, by(PersonId("p0")))
    assert len(directory.asked) == asked + 1
