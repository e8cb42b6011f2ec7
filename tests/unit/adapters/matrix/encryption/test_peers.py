"""Two devices talk through `Peers`, and one of them is killed at every point there is."""

from typing import Any

import pytest
import vodozemac

from adapters.matrix.encryption.peers import Peers, Received, Unreadable
from adapters.matrix.encryption.records import Records
from adapters.matrix.encryption.signing import Device, one_time_key_in
from bridge.errors import DatabaseFailed
from bridge.testing.host import PlayedMemory

ANN, BOB = "@ann:example.org", "@bob:example.org"


class FailingMemory(PlayedMemory):
    """Keeps `most` more texts, and no other."""

    most = 1_000_000

    async def remember(self, key: str, text: str, *, secret: bool = False) -> None:
        if not self.most:
            raise DatabaseFailed("full")
        self.most -= 1
        await super().remember(key, text, secret=secret)


class Side:
    """One device, and what it took."""

    def __init__(self, me: Device, memory: FailingMemory) -> None:
        self.me = me
        self.memory = memory
        self.taken: list[Received] = []
        self.peers = Peers(Records(memory, me.id), me)

    @classmethod
    async def new(cls, user: str) -> "Side":
        memory, account = FailingMemory(), vodozemac.Account()
        curve, ed = account.curve25519_key.to_base64(), account.ed25519_key.to_base64()
        await Records(memory, "DEVICE").keep_account(account)
        return cls(Device(user, "DEVICE", curve, ed), memory)

    def restarted(self) -> "Side":
        """The same, with what was kept alone."""
        return Side(self.me, self.memory)

    async def hear(self, sender: str, sealed: dict[str, Any]) -> None:
        await self.peers.receive({"sender": sender, "content": sealed}, self._take)

    async def _take(self, received: Received) -> None:
        await self.memory.remember(f"taken {received.kind}", "x")
        self.taken.append(received)

    async def meet(self, other: "Side") -> None:
        keys = await other.peers.offer(0)
        name, key = next(iter(keys.items()))
        claimed = one_time_key_in({name: key}, other.me)
        assert claimed is not None
        await self.peers.meet(other.me, claimed)


@pytest.fixture
async def ann() -> Side:
    return await Side.new(ANN)


@pytest.fixture
async def bob() -> Side:
    return await Side.new(BOB)


async def test_what_is_sealed_for_a_device_is_opened_there_in_both_directions(
    ann: Side, bob: Side
) -> None:
    await ann.meet(bob)
    await bob.hear(ANN, await ann.peers.seal(bob.me, "m.room_key", {"n": 1}))
    await ann.hear(BOB, await bob.peers.seal(ann.me, "m.dummy", {}))

    assert bob.taken == [Received(ANN, "m.room_key", {"n": 1})]
    assert ann.taken == [Received(BOB, "m.dummy", {})]


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
@pytest.mark.parametrize("most", [0, 1, 2])
async def test_wherever_keeping_fails_what_was_said_is_taken_at_last(
    ann: Side, bob: Side, most: int, *, first: bool
) -> None:
    await ann.meet(bob)
    if not first:
        await bob.hear(ANN, await ann.peers.seal(bob.me, "m.dummy", {}))
        await ann.hear(BOB, await bob.peers.seal(ann.me, "m.dummy", {}))
    sealed = await ann.peers.seal(bob.me, "m.room_key", {})
    kinds = 3 if first else 2  # what is taken, the sessions, and at first the account
    bob.memory.most = most
    if most < kinds:
        with pytest.raises(DatabaseFailed):
            await bob.hear(ANN, sealed)
    bob.memory.most = 1_000_000
    again = bob.restarted()
    try:
        await again.hear(ANN, sealed)
    except Unreadable:
        assert "taken m.room_key" in bob.memory.kept  # it was safe before
    await again.hear(ANN, await ann.peers.seal(bob.me, "m.after", {}))

    assert "taken m.room_key" in bob.memory.kept
    assert again.taken[-1].kind == "m.after"


async def test_no_state_that_was_kept_seals_twice_be_it_after_a_restart(
    ann: Side, bob: Side
) -> None:
    await ann.meet(bob)
    told = [await ann.restarted().peers.seal(bob.me, f"m.{n}", {}) for n in range(3)]
    for sealed in told:
        await bob.hear(ANN, sealed)

    assert [one.kind for one in bob.taken] == ["m.0", "m.1", "m.2"]


async def test_what_could_not_be_kept_is_not_given_out(ann: Side, bob: Side) -> None:
    await ann.meet(bob)
    ann.memory.most = 0

    with pytest.raises(DatabaseFailed):
        await ann.peers.seal(bob.me, "m.dummy", {})


async def test_what_is_told_twice_or_to_nobody_or_in_anothers_name_is_not_taken(
    ann: Side, bob: Side
) -> None:
    await ann.meet(bob)
    sealed = await ann.peers.seal(bob.me, "m.one", {})
    await bob.hear(ANN, sealed)
    with pytest.raises(Unreadable):
        await bob.hear(ANN, sealed)
    await bob.hear("@mallory:example.org", await ann.peers.seal(bob.me, "m.two", {}))
    odd: list[dict[str, Any]] = [
        {"type": 7},
        {"type": float("inf"), "body": 1},
        {"type": 0, "body": "AAAA"},
    ]
    nothing: list[dict[str, Any]] = [{}, sealed | {"algorithm": "x"}]
    for each in nothing + [sealed | {"ciphertext": {bob.me.curve: one}} for one in odd]:
        with pytest.raises(Unreadable):
            await bob.hear(ANN, each)

    assert [one.kind for one in bob.taken] == ["m.one"]


async def test_keys_are_offered_until_they_are_taken_and_again_when_few_are_left(
    ann: Side,
) -> None:
    first = await ann.peers.offer(0)
    again = await ann.restarted().peers.offer(0)
    await ann.peers.offered()

    assert first == again
    assert len(first) == 50
    assert await ann.peers.offer(50) == {}
    assert len(await ann.peers.offer(20)) == 30
