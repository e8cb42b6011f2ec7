"""Tasks that go on for ever end with whom they serve; of errors in a group one is told."""

import asyncio

import pytest

from bridge.errors import ConfigurationError
from bridge.runtime.tasks import cancelled_at_end, first, until


async def test_what_goes_on_for_ever_ends_with_the_body() -> None:
    async with cancelled_at_end() as tasks:
        endless = tasks.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)

    assert endless.cancelled()


async def test_an_error_of_one_of_them_is_not_swallowed() -> None:
    async def fail() -> None:
        raise ConfigurationError("no")

    async def serve() -> None:
        async with cancelled_at_end() as tasks:
            tasks.create_task(fail())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await serve()

    assert isinstance(first(raised.value), ConfigurationError)


async def test_it_is_over_when_one_of_those_that_run_is() -> None:
    await until(asyncio.Event(), [asyncio.create_task(asyncio.sleep(0))])


def test_ours_is_told_before_a_foreign_one() -> None:
    ours = ConfigurationError("ours")

    assert first(ExceptionGroup("", [ValueError(), ExceptionGroup("", [ours])])) is ours
    assert isinstance(first(ExceptionGroup("", [ValueError()])), ValueError)
