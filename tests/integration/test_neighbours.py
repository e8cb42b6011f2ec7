"""One bridge with Slack, Matrix and a webhook at once: does one in trouble keep the others waiting?

`python -m tests.bench.neighbours` measures how long they take; here it counts that they go on.
"""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.testing.stand_in import StandInMissing
from tests.square import Square, square

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ALL = ("slack", "webhook", "matrix")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Square]:
    """The three platforms and a bridge that serves them, its Matrix adapter in its own process."""
    try:
        async with square(tmp_path, ALL, isolated=("matrix",)) as made:
            await made.start()
            yield made
    except StandInMissing as missing:
        pytest.skip(str(missing))


async def others_go_on(place: Square) -> None:
    for number in range(5):
        for name in ("slack", "webhook"):
            await place.ask(name, f"question {number}")


async def answered_once(place: Square, thread: str, text: str) -> None:
    """The answer comes, and no second one while the others are asked once more."""
    await place.ask("matrix", "and this", thread=thread, look=0.1, patience=90)
    await place.ask("slack", "one more")
    assert await place.answers("matrix", thread, text) == 1


async def test_three_platforms_are_served_at_once(place: Square) -> None:
    for name in ALL:
        uttered, _ = await place.ask(name, "hello", look=0.05)
        await place.ask(name, "and again", thread=uttered.thread, look=0.05)

    assert len(place.children()) == 1
    assert place.heard().count("hello") == 3
    assert await place.stop() == 0


@pytest.mark.parametrize("strike", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_an_adapter_in_trouble_keeps_nobody_waiting_and_loses_nothing(
    place: Square, strike: signal.Signals
) -> None:
    (child,) = place.children()
    said = await place.stand_ins["matrix"].say("while you fall")
    os.kill(child, strike)

    await others_go_on(place)
    await answered_once(place, said.thread, "while you fall")
    assert place.children() != [child]
    assert place.heard().count("while you fall") == 1
