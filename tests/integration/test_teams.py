"""The real bridge between PolyAI and a Teams that is played, tokens and all."""

import os
import signal
from pathlib import Path
from typing import cast

import pytest

from adapters.teams.stand_in import TeamsStandIn
from bridge.testing.stand_in import Seen
from tests.square import Square, square

pytestmark = pytest.mark.integration


async def asked(teams: TeamsStandIn, thread: str) -> Seen | None:
    """The agent's answer with buttons, once it is there."""
    return next((m for m in await teams.seen(thread) if "arrives tomorrow" in m.text), None)


async def pressed(made: Square, teams: TeamsStandIn, thread: str) -> None:
    """Ask for an order, press a button of the answer, and see it give way."""
    await teams.say("where is 1234", thread=thread)
    while (question := await asked(teams, thread)) is None:
        await made.quiet(0.1)
    assert question.suggestions == ("Change the address", "Talk to a person")
    await teams.press(question, 0)
    await made.until(lambda: "Change the address" in made.heard())
    while (changed := await asked(teams, thread)) is None or changed.suggestions:
        await made.quiet(0.1)
    assert "✓ Change the address" in changed.text
    assert changed.id == question.id


@pytest.mark.parametrize("isolated", [(), ("teams",)], ids=["inside", "apart"])
async def test_a_conversation_goes_on_after_a_kill_and_everything_is_there_once(
    tmp_path: Path, isolated: tuple[str, ...]
) -> None:
    async with square(tmp_path, ["teams"], isolated) as made:
        teams = cast("TeamsStandIn", made.stand_ins["teams"])
        await made.start()
        opened, _ = await made.ask("teams", "one")
        await pressed(made, teams, opened.thread)

        os.kill(made.pid, signal.SIGKILL)
        assert made._process is not None
        await made._process.wait()
        await teams.say("two", thread=opened.thread)  # told again until somebody takes it
        made.log.write_text("")
        await made.start()

        await made.ask("teams", "three", opened.thread)
        await made.quiet()
        for text in ("one", "where is 1234", "Change the address", "two", "three"):
            assert made.heard().count(text) == 1, made.heard()
        for text in ("one", "two", "three"):
            assert await made.answers("teams", opened.thread, text) == 1
        for secret in ("the-secret-of-the-app", "Bearer"):
            assert secret not in made.log.read_text()
        assert await made.stop() == 0
