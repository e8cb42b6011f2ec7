"""Somebody is forgotten by a running bridge, or by the store alone."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import pytest

from bridge.errors import ConfigurationError
from bridge.model.ids import AdapterName, ConversationId, PersonId
from bridge.runtime.erasing import BEYOND, Alone, Eraser
from bridge.runtime.world import World
from bridge.store import Backed, Keep, Store, copy_to, open_store
from bridge.store.erasing import Subject
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON, FakeClock
from tests.unit.store.given import SLACK, address, made, opened, owing, reply

SUBJECT = Subject(adapter=SLACK, person=ANN.id)


class Asked(Alone):
    """With an adapter that says what it remembers."""

    async def remembered(self, adapter: AdapterName, person: PersonId) -> Collection[str] | None:
        assert (adapter, person) == (SLACK, ANN.id)
        return ["theirs", "never there"]


async def remembering(store: Store, *keys: str) -> None:
    for key in keys:
        await store.write(Keep(adapter=SLACK, key=key, value="x", sealed=False))


async def test_the_report_says_what_was_found_and_what_was_not_reached(tmp_path: Path) -> None:
    async with open_store(made(tmp_path)) as store:
        await store.write(owing(await opened(store), (1, reply("secret"))))
        copy = copy_to(address(tmp_path), tmp_path / "copy.db", NOON)
        await store.write(Backed(path=copy.path, at=NOON))
        await store.write(Backed(path=tmp_path / "gone.db", at=NOON))
        eraser = Eraser(store, Alone(store), World(clock=FakeClock()), key="")

        report = await eraser.erase(SUBJECT)

    (emptied,) = report.conversations
    assert (emptied.holding.conversation, emptied.polyai) == (ConversationId("c1"), "none")
    assert [one.id for one in emptied.holding.unsent] == ["c1.1"]
    found = {Path(one.path).name: (one.conversations, bool(one.problem)) for one in report.backups}
    assert found == {"copy.db": (1, False), "gone.db": (0, True)}
    assert set(BEYOND) <= set(report.not_reached)
    assert b"secret" not in b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))


async def test_what_the_adapter_remembers_of_them_goes_and_nothing_else(tmp_path: Path) -> None:
    async with open_store(made(tmp_path)) as store:
        await remembering(store, f"names {ANN.id}", f"names {ANN.id}9", "theirs", "other")
        eraser = Eraser(store, Asked(store), World(clock=FakeClock()), key="")

        report = await eraser.erase(SUBJECT)

        left = [one.key for one in await store.all_kept(SLACK, "")]
    assert report.memory == (f"names {ANN.id}", "theirs")
    assert left == [f"names {ANN.id}9", "other"]


async def test_a_dry_run_leaves_everything_and_says_what_the_erasure_will(tmp_path: Path) -> None:
    async with open_store(made(tmp_path)) as store:
        await store.write(owing(await opened(store), (1, reply("secret"))))
        await remembering(store, f"names {ANN.id}")
        copy = copy_to(address(tmp_path), tmp_path / "copy.db", NOON)
        await store.write(Backed(path=copy.path, at=NOON))
        eraser = Eraser(store, Alone(store), World(clock=FakeClock()), key="")

        first = await eraser.erase(SUBJECT, dry_run=True)
        assert b"secret" in copy.path.read_bytes()
        second = await eraser.erase(SUBJECT)
        third = await eraser.erase(SUBJECT)

    said = [
        (one.conversations, one.memory, one.backups, one.not_reached) for one in (first, second)
    ]
    assert said[0] == said[1]
    assert [one.nothing for one in (first, second, third)] == [False, False, True]


class Unable(Alone):
    """With a conversation that cannot be emptied."""

    async def empty(self, conversation: ConversationId, at: datetime) -> str:
        del conversation, at
        return "told"


async def test_what_could_not_be_emptied_is_not_said_to_be(tmp_path: Path) -> None:
    async with open_store(made(tmp_path)) as store:
        await store.write(owing(await opened(store), (1, reply("secret"))))

        report = await Eraser(store, Unable(store), World(clock=FakeClock()), key="").erase(SUBJECT)

    assert any("c1" in sentence for sentence in report.not_reached)


@pytest.mark.parametrize("arguments", [{}, {"subject": {"person": "U1"}}, {"subject": 7}])
async def test_who_names_nobody_erases_nothing(
    tmp_path: Path, arguments: dict[str, object]
) -> None:
    async with open_store(made(tmp_path)) as store:
        eraser = Eraser(store, Alone(store), World(clock=FakeClock()), key="")

        with pytest.raises(ConfigurationError):
            await eraser.asked(arguments)
