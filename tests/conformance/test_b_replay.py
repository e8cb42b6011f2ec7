"""B. Connecting and replay."""

from datetime import timedelta

import pytest

from tests.conformance.stage import GREETING, ConformanceStage

pytestmark = pytest.mark.conformance


async def test_018_resumes_with_a_plain_cursor(stage: ConformanceStage) -> None:
    """Given everything up to some sequence was followed and the socket breaks with 1006: the next
    handshake is of the same session with the same token and names that number, as a plain
    integer."""
    thread = await stage.greeted("hello")
    last = stage.session.journal[-1].sequence
    handshakes = len(stage.calls("/ws"))

    stage.polyai.drop_sockets(code=1006)
    await stage.until(lambda: len(stage.calls("/ws")) > handshakes)
    await stage.settled()

    (again,) = stage.calls("/ws")[handshakes:]
    assert again.status == 101
    assert again.session_id == stage.session.id
    assert again.cursor == str(last)
    assert len(stage.sessions) == 1
    assert stage.told(thread) == [GREETING, "You said: hello"]


async def test_025_resumes_after_a_kill(stage: ConformanceStage) -> None:
    """Given the bridge is killed and started again a minute later, and PolyAI journaled two
    messages meanwhile: the same session is resumed and both are posted once, in order; nothing
    older is posted again."""
    thread = await stage.greeted("hello")
    before = stage.told(thread)

    await stage.crash()
    stage.polyai.agent_says(None, "first")
    stage.polyai.agent_says(None, "second")
    await stage.wait(timedelta(seconds=60))
    assert stage.told(thread) == before
    await stage.start()
    await stage.settled()

    assert stage.told(thread) == [*before, "first", "second"]
    assert len(stage.slack.posts) == len(before) + 2
    assert len(stage.sessions) == 1
    assert stage.session.joins == 1
