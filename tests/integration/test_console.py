"""Where nothing can be pressed: the real bridge at a real pseudo-terminal, answered by numbers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.console.stand_in import TerminalStandIn, stand_in
from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import GREETING_SUGGESTIONS
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration


@pytest.fixture
async def terminal() -> AsyncIterator[TerminalStandIn]:
    async with stand_in() as played:
        yield played


@pytest.fixture
async def stage(tmp_path: Path, terminal: TerminalStandIn) -> AsyncIterator[Stage]:
    """The bridge at that terminal, and nowhere else."""
    async with staged(tmp_path) as running:
        running.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        written = running.config.read_text().partition("[adapters.slack]")[0]
        keys = "\n".join(f'{key} = "{value}"' for key, value in terminal.settings.items())
        running.config.write_text(f'{written}[adapters.console]\ntype = "console"\n{keys}\n')
        await running.start()
        yield running


async def shows(stage: Stage, terminal: TerminalStandIn, words: str) -> str:
    """The newest message that has these words."""

    def found() -> str:
        terminal.look()
        return next((one for one in reversed(terminal.printed) if words in one), "")

    return await stage.until(found)


async def test_the_number_of_a_suggestion_is_the_suggestion_to_the_agent(
    stage: Stage, terminal: TerminalStandIn
) -> None:
    await terminal.say("")
    offer = await shows(stage, terminal, "Reply with a number:")
    listed = [f"{n}. {text}" for n, text in enumerate(GREETING_SUGGESTIONS, 1)]
    assert offer.splitlines()[-3:] == listed

    await terminal.say("2")
    hours = await shows(stage, terminal, "9 to 18")
    assert stage.heard() == [GREETING_SUGGESTIONS[1]]
    assert "**" not in hours
    assert "<" not in hours

    await terminal.say("2")
    await stage.until(lambda: len(stage.heard()) == 2)
    assert stage.heard()[1] == "2", "nobody offers anything any more"


async def test_what_is_numbered_is_known_after_a_kill(
    stage: Stage, terminal: TerminalStandIn
) -> None:
    await terminal.say("")
    await shows(stage, terminal, "Reply with a number:")
    await stage.quiet()
    await stage.kill()
    await stage.start()

    await terminal.say("1")
    await stage.until(stage.heard)
    assert stage.heard() == [GREETING_SUGGESTIONS[0]]


async def test_an_end_offers_a_start_by_number(stage: Stage, terminal: TerminalStandIn) -> None:
    await terminal.say("")
    await shows(stage, terminal, "Reply with a number:")
    await terminal.say("say ready")  # from now on the greeting's numbers mean nothing
    await shows(stage, terminal, "ready")
    await stage.quiet()
    stage.polyai.emit(None, frames.SESSION_END, {"reason": "REASON_USER_END"})
    assert "or reply 1," in await shows(stage, terminal, "ended")

    await terminal.say("1")
    await stage.until(lambda: len(stage.sessions) == 2)
    await shows(stage, terminal, "Reply with a number:")
    assert stage.heard() == ["say ready"]
