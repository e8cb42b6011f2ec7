"""The loops as they are: what waits for the world is excused; what does neither is noticed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.core import events as e
from bridge.core.terms import Terms
from bridge.errors import CredentialsRefused, DatabaseFailed, RetryLater, Unreachable
from bridge.model import frames as f
from bridge.model.delivery import Outbound, Receipt
from bridge.runtime.connecting.connection import Connection
from bridge.runtime.deciding import Mail
from bridge.runtime.delivering.dispatcher import Dispatcher
from bridge.runtime.delivering.ledger import Ledger
from bridge.runtime.delivering.posting import Posting
from bridge.runtime.timers import LATENESS, Timers
from bridge.runtime.watching.progress import PATIENCE, Progress
from bridge.runtime.worker import Worker
from bridge.store import Attempt, Outcome, Prove
from bridge.testing.builders import frame
from bridge.testing.clock import FakeClock
from tests.unit.runtime.far_end import C1, FarEnd
from tests.unit.runtime.house import Full
from tests.unit.runtime.office import Office
from tests.unit.store.given import opened, reply


class Turns(Full):
    """A platform where one waits for one's turn, for ever."""

    async def turn(self, _outbound: Outbound, *, revising: bool = False) -> None:
        await asyncio.Event().wait()


class Deaf(Full):
    """A platform that never answers."""

    async def deliver(self, _outbound: Outbound) -> Receipt:
        await asyncio.Event().wait()
        raise AssertionError


def progress_of(office: Office) -> Progress:
    return office.dispatcher._progress


async def owe(office: Office) -> None:
    await office.owe(await opened(office.house.store), reply("hi"))
    await office.house.quiet()


def excused(office: Office) -> bool:
    """Whether an hour goes by in which nobody is told to stand still."""
    progress = progress_of(office)
    assert progress.marks, "something is under way"
    return not any(progress.look(PATIENCE) for _ in range(240))


async def away(_office: Office) -> None:
    pass


async def without_a_turn(office: Office) -> None:
    office.connect(Turns(office.house))


async def deaf(office: Office) -> None:
    office.connect(Deaf(office.house))


def failing(error: Exception) -> Callable[[Office], Awaitable[None]]:
    async def connect(office: Office) -> None:
        office.platform.faults = [error]
        office.connect()

    return connect


@pytest.mark.parametrize(
    "platform",
    [
        away,
        without_a_turn,
        deaf,
        failing(RetryLater("slow down", after=timedelta(hours=2))),
        failing(Unreachable("away")),
        failing(CredentialsRefused("no")),
    ],
)
async def test_a_lane_that_waits_for_its_platform_does_not_stand_still(
    office: Office, platform: Callable[[Office], Awaitable[None]]
) -> None:
    await platform(office)
    await owe(office)
    assert excused(office)


async def test_a_lane_that_waits_for_the_disk_does_not_stand_still(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.connect()
    conversation = await opened(office.house.store)
    owed = await office.owed(conversation, reply("hi"))
    write = office.house.store.write

    async def full(change: Any) -> Any:  # noqa: ANN401 - any change
        if isinstance(change, Attempt | Outcome):
            raise DatabaseFailed("the disk is full")
        return await write(change)

    monkeypatch.setattr(office.house.store, "write", full)
    office.dispatcher.owe(owed[0])
    await office.house.quiet()
    assert excused(office)


async def stand_still(*_: object, **__: object) -> Any:  # noqa: ANN401 - in anybody's place
    """A fault of our own: it neither works nor waits for anything that we know of."""
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("owner", "method"),
    [(Posting, "post"), (Posting, "_attempted"), (Ledger, "attempt"), (Dispatcher, "_deliver")],
)
async def test_a_lane_that_stands_still_is_noticed_wherever_that_is(
    office: Office, monkeypatch: pytest.MonkeyPatch, owner: type, method: str
) -> None:
    monkeypatch.setattr(owner, method, stand_still)
    office.connect()
    await owe(office)
    progress = progress_of(office)
    assert progress.look(PATIENCE / 2) == ()
    (stuck,) = progress.look(PATIENCE / 2)
    assert (stuck.name, stuck.about) == ("dispatcher", "c1.1")
    assert stuck.where.startswith("test_standing_still.py:")


async def test_a_lane_whose_task_is_gone_is_noticed(office: Office) -> None:
    """As by a cancellation that was meant for something else: a group of tasks says nothing."""
    await owe(office)  # and nobody is connected
    (lane,) = office.dispatcher._lanes.values()
    assert lane.task is not None
    lane.task.cancel()
    await asyncio.wait((lane.task,))
    progress = progress_of(office)
    progress.look(timedelta())
    (stuck,) = progress.look(PATIENCE)
    assert stuck.name == "dispatcher"


async def test_a_step_that_stands_still_is_noticed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "_step", stand_still)
    world, tasks = office.house.world, office.house.tasks
    worker = Worker(office.house.store, world, lambda _: Terms(), tasks)
    conversation = await opened(office.house.store)
    worker.post(conversation.id, Mail(e.Woke()))
    await office.house.quiet()
    (stuck,) = world.progress.look(PATIENCE)
    assert (stuck.name, stuck.about) == ("worker", conversation.id)


async def test_a_socket_whose_reader_stands_still_is_noticed(
    far: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await far.connected()
    progress = far.sessions._means.world.progress
    assert progress.look(PATIENCE) == (), "a quiet socket is read all the same"
    monkeypatch.setattr(Connection, "_received", stand_still)
    line.say(frame(f.AgentThinking(), 1))
    await far.passes(1)
    (stuck,) = progress.look(PATIENCE)
    assert (stuck.name, stuck.about) == ("reader", C1)


async def test_a_deadline_that_is_not_met_is_noticed() -> None:
    clock, progress = FakeClock(), Progress()
    timers = Timers(clock, lambda _: None)
    progress.watch("timers", timers.overdue, patience=LATENESS)
    timers.set(C1, clock.now() + timedelta(seconds=10))
    for _ in range(10):
        assert progress.look(LATENESS) == (), "it is not due yet"
    await clock.advance(timedelta(seconds=10))
    progress.look(timedelta())
    (stuck,) = progress.look(LATENESS)
    assert stuck.name == "timers"


async def test_a_writer_that_takes_no_change_is_noticed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason: a disk that hangs, a lock that nobody gives back, our own thread."""
    progress, store = Progress(), office.house.store
    progress.watch("writer", store.under_way)
    monkeypatch.setattr(store._writer, "write", stand_still)
    writing = asyncio.create_task(store.write(Prove(office.house.clock.now())))
    await asyncio.sleep(0)
    progress.look(timedelta())
    (stuck,) = progress.look(PATIENCE)
    assert stuck.name == "writer"
    writing.cancel()
    await asyncio.wait((writing,))
    assert progress.look(PATIENCE) == ()
