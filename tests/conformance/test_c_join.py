"""C. The agent joins."""

from datetime import timedelta

import pytest

from bridge.simulators import polyai_frames as frames
from tests.conformance.stage import GREETING, ConformanceStage, event

pytestmark = pytest.mark.conformance


async def test_030_one_join_with_an_empty_payload(stage: ConformanceStage) -> None:
    """Given a new session whose history is SESSION_START alone: exactly one join, with the payload
    `{}`."""
    thread = await stage.mention("")
    await stage.until(lambda: stage.told(thread) == [GREETING])
    await stage.settled(timedelta(minutes=3))

    (join,) = stage.frames("REQUEST_POLY_AGENT_JOIN")
    assert join["payload"] == {}
    assert set(join) <= {"type", "payload", "metadata"}
    assert stage.session.greetings == 1


async def test_031_no_join_where_the_history_says_joined(stage: ConformanceStage) -> None:
    """Given the first history holds SESSION_START and POLY_AGENT_JOINED: no join is sent, and what
    the person said is."""
    thread = await stage.mention("hello")
    await stage.until(lambda: stage.sessions)
    stage.polyai.emit(None, "POLY_AGENT_JOINED", {"agent_name": "Ava"})
    stage.session.conversing = True

    await stage.until(lambda: "You said: hello" in stage.told(thread))
    await stage.settled()

    assert stage.frames("REQUEST_POLY_AGENT_JOIN") == []
    assert stage.heard() == ["hello"]
    stage.polyai.violations.clear()  # the simulator counts its own joins, and there was none


async def test_031_no_join_where_joined_overtakes_the_history(stage: ConformanceStage) -> None:
    """Given POLY_AGENT_JOINED comes alone, before the history that begins with SESSION_START: no
    join is sent, and what the person said is."""
    stage.polyai.configure(batch_seconds=0.2, live_overtakes=True)
    thread = await stage.mention("hello")
    await stage.until(lambda: stage.sessions and stage.session.sockets)
    stage.deliver(event("POLY_AGENT_JOINED", {"agent_name": "Ava"}, sequence=2))
    stage.session.publish(frames.JOINED, {"agent_name": "Ava"}, heard=False)
    stage.session.conversing = True

    await stage.until(lambda: "You said: hello" in stage.told(thread))
    await stage.settled()

    assert stage.frames("REQUEST_POLY_AGENT_JOIN") == []
    assert stage.heard() == ["hello"]
    stage.polyai.violations.clear()  # the simulator counts its own joins, and there was none


async def test_034_a_lost_conversation_is_joined_again_once(stage: ConformanceStage) -> None:
    """Given the error `Error: Conversation not found` after a message: one join, and the
    conversation goes on with that message. The same words at INFO ask for nothing."""
    thread = await stage.greeted("hello")
    stage.polyai.forget_conversation()

    await stage.reply(thread, "are you there?")
    await stage.until(lambda: "You said: are you there?" in stage.told(thread))
    await stage.settled()
    assert len(stage.frames("REQUEST_POLY_AGENT_JOIN")) == 2
    assert stage.heard() == ["hello", "are you there?"]
    assert len(stage.sessions) == 1

    told, sent = stage.told(thread), len(stage.frames("REQUEST_POLY_AGENT_JOIN"))
    stage.polyai.system_message(None, "info", "Error: Conversation not found")
    await stage.settled()
    assert stage.told(thread) == told
    assert len(stage.frames("REQUEST_POLY_AGENT_JOIN")) == sent


async def test_036_nothing_is_said_before_the_agent_has_joined(stage: ConformanceStage) -> None:
    """Given three messages are typed before POLY_AGENT_JOINED comes, twenty seconds after the join
    was echoed: none is sent before it, then all three, once and in order."""
    stage.polyai.spoil_join("echo_only")
    thread = await stage.mention("one")
    await stage.reply(thread, "two")
    await stage.wait(timedelta(seconds=10))
    await stage.reply(thread, "three")
    await stage.wait(timedelta(seconds=10))
    assert len(stage.frames("REQUEST_POLY_AGENT_JOIN")) == 1
    assert stage.frames("USER_MESSAGE") == []

    stage.session.conversing = True
    stage.polyai.emit(None, "POLY_AGENT_JOINED", {"agent_name": "Ava"})
    await stage.until(lambda: "You said: three" in stage.told(thread))
    await stage.settled()

    assert stage.heard() == ["one", "two", "three"]
    assert len(stage.frames("USER_MESSAGE")) == 3
    assert len(stage.frames("REQUEST_POLY_AGENT_JOIN")) == 1
