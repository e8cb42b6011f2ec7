"""Nobody waits for ever for an adapter within the daemon, whatever that does. In virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from bridge.errors import MaybeDelivered, RetryLater, Unreachable
from bridge.model.delivery import Outbound, Receipt
from bridge.plugin import Finder
from bridge.runtime.adapters.calling import PATIENCE
from bridge.runtime.adapters.patience import LEFT_AFTER, patient
from bridge.runtime.delivering.outcomes import certainly_absent, deadly, unannounced
from bridge.testing.virtual import VirtualLoop
from tests.unit.runtime.adapters.test_calling import OUTBOUND, SINCE

Doing = Callable[[], Awaitable[None]]


class Whim:
    """It can be found and posted to, and does what it likes first."""

    def __init__(self, doing: Doing) -> None:
        self._doing = doing

    async def deliver(self, outbound: Outbound) -> Receipt:
        await self._doing()
        return Receipt(outbound.id)

    async def find(self, outbound: Outbound, *, since: object) -> Receipt | None:
        del since
        await self._doing()
        return Receipt(outbound.id)


async def at_once() -> None:
    await asyncio.sleep(0)


async def hang() -> None:
    await asyncio.Event().wait()


async def swallow() -> None:
    for _ in range(3):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


def raising(error: BaseException) -> Doing:
    async def doing() -> None:
        raise error

    return doing


def in_virtual_time(story: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story)


@pytest.mark.parametrize("trusted", [True, False])
async def test_what_comes_in_time_comes_as_it_is(trusted: bool) -> None:
    adapter = patient(Whim(at_once), trusted=trusted)
    assert isinstance(adapter, Finder)
    assert await adapter.deliver(OUTBOUND) == Receipt("c.1")
    assert await adapter.find(OUTBOUND, since=SINCE) == Receipt("c.1")

    later = patient(Whim(raising(RetryLater("full", after=PATIENCE))), trusted=trusted)
    with pytest.raises(RetryLater, match="full"):
        await later.deliver(OUTBOUND)


@pytest.mark.parametrize(("trusted", "doing"), [(True, hang), (False, hang), (False, swallow)])
def test_what_does_not_come_is_given_up_and_never_certain(trusted: bool, doing: Doing) -> None:
    async def story() -> None:
        adapter: Any = patient(Whim(doing), trusted=trusted)
        with pytest.raises(MaybeDelivered) as posting:
            await adapter.deliver(OUTBOUND)
        with pytest.raises(Unreachable) as looking:
            await adapter.find(OUTBOUND, since=SINCE)
        assert not certainly_absent(posting.value)
        assert all(unannounced(each.value) for each in (posting, looking))
        assert not deadly(posting.value)

        stubborn = doing is swallow
        took = 2 * (PATIENCE.total_seconds() + stubborn * LEFT_AFTER)
        assert asyncio.get_running_loop().time() == took
        await asyncio.sleep(4 * 3600)  # until it has had enough of it

    in_virtual_time(story())


def test_whoever_asks_may_stop_waiting_for_what_swallows_that() -> None:
    async def story() -> None:
        adapter = patient(Whim(swallow), trusted=False)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await adapter.deliver(OUTBOUND)
        assert asyncio.get_running_loop().time() == 5 + LEFT_AFTER
        await asyncio.sleep(4 * 3600)  # until it has had enough of it

    in_virtual_time(story())


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()]
)
async def test_what_would_end_a_program_ends_the_call_and_is_known_by_its_name(
    trusted: bool, error: BaseException
) -> None:
    adapter = patient(Whim(raising(error)), trusted=trusted)

    with pytest.raises(Exception, match=r"^$") as raised:
        await adapter.deliver(OUTBOUND)

    assert type(raised.value).__name__ == type(error).__name__
    assert unannounced(raised.value)
    assert not certainly_absent(raised.value)


@pytest.mark.parametrize("trusted", [True, False])
async def test_our_own_cancellation_is_not_the_adapters(trusted: bool) -> None:
    asking = asyncio.ensure_future(patient(Whim(hang), trusted=trusted).deliver(OUTBOUND))
    await asyncio.sleep(0)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_timeout_of_the_adapters_own_is_no_patience_of_ours() -> None:
    adapter = patient(Whim(raising(TimeoutError("mine"))), trusted=True)

    with pytest.raises(TimeoutError, match="mine"):
        await adapter.deliver(OUTBOUND)
