"""What waits for its key."""

from typing import Any

from adapters.matrix.encryption.waiting import PATIENCE, Waiting
from bridge.testing.clock import FakeClock
from bridge.testing.host import PlayedMemory

ROOM = "!room:example.org"


def event(identity: str) -> dict[str, Any]:
    return {"event_id": identity, "content": {"ciphertext": "…"}}


async def test_what_waits_is_kept_across_a_restart_in_its_order_and_for_its_time() -> None:
    memory, clock = PlayedMemory(), FakeClock()
    waiting = Waiting(memory, clock)
    for identity in ("$z", "$a", "$z"):
        await waiting.add(ROOM, event(identity))
    await clock.advance(PATIENCE / 2)
    again = Waiting(memory, clock)
    assert not again
    await again.begin()
    await again.add(ROOM, event("$m"))
    await clock.advance(PATIENCE / 2)

    assert [one.event["event_id"] for one in again.all()] == ["$z", "$a", "$m"]
    assert [again.over(one) for one in again.all()] == [True, True, False]
    assert again.all()[0].room == ROOM


async def test_what_was_read_waits_no_more() -> None:
    memory = PlayedMemory()
    waiting = Waiting(memory, FakeClock())
    await waiting.add(ROOM, event("$a"))
    await waiting.drop(waiting.all()[0])

    assert not waiting
    assert memory.kept == {}
