"""D. One exchange."""

import json
from datetime import timedelta

import pytest

from tests.conformance.stage import GREETING, ConformanceStage

pytestmark = pytest.mark.conformance

ENDED = "The conversation has ended"


async def test_037_echo_thinking_reply(stage: ConformanceStage) -> None:
    """Given the echo, THINKING and then the message: the echo is not posted, a status may show
    while the agent thinks, the reply is posted once and the status is gone. A fast reply needs no
    status."""
    thread = await stage.greeted("hello")
    before = [GREETING, "You said: hello"]
    assert stage.slack.statuses == []

    await stage.reply(thread, "slow")
    await stage.wait(timedelta(seconds=1.5))
    assert stage.told(thread) == before
    assert stage.slack.status(stage.channel, thread) == "is thinking…"
    await stage.settled()

    assert stage.told(thread) == [*before, "Thank you for waiting."]
    assert len(stage.slack.posts) == 3
    assert stage.slack.status(stage.channel, thread) == ""


async def test_038_an_echo_of_somebody_elses_confirms_nothing(stage: ConformanceStage) -> None:
    """Given our message is swallowed and an echo with the same text but another's id comes: ours is
    not taken for confirmed and arrives in the end; the stranger's words are not posted."""
    thread = await stage.greeted("hello")
    stage.polyai.swallow_messages(1)
    await stage.reply(thread, "yes")
    await stage.until(lambda: len(stage.frames("USER_MESSAGE")) == 2)

    custom = {"client_event_id": "another-client", "local_id": "another-client"}
    stage.polyai.emit(None, "USER_MESSAGE", {"message_id": "x", "text": "yes"}, custom=custom)
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()

    first, again = stage.frames("USER_MESSAGE")[1:]
    assert first["metadata"] == again["metadata"]
    assert stage.heard() == ["hello", "yes"]
    assert stage.told(thread) == [GREETING, "You said: hello", "You said: yes"]


async def test_038_an_echo_of_an_earlier_process_moves_nothing(stage: ConformanceStage) -> None:
    """Given an echo although nothing of ours is pending: nothing is posted and nothing sent."""
    thread = await stage.greeted("hello")
    sent, told = len(stage.frames("USER_MESSAGE")), stage.told(thread)

    stage.polyai.emit(None, "USER_MESSAGE", {"message_id": "x", "text": "hello"})
    stage.polyai.emit(None, "USER_MESSAGE", {"message_id": "y", "text": "typed elsewhere"})
    await stage.settled()

    assert len(stage.frames("USER_MESSAGE")) == sent
    assert stage.told(thread) == told
    assert len(stage.sessions) == 1


async def test_039_nothing_said_is_nothing_sent(stage: ConformanceStage) -> None:
    """Given a person writes blanks alone; the agent sends a message without any content; and a
    stream whose only chunk is complete and empty: no frame, and no post."""
    thread = await stage.greeted("hello")
    told, sent = stage.told(thread), len(stage.frames("USER_MESSAGE"))

    await stage.reply(thread, "  \n\t ")
    empty = {"message_id": "e1", "text": "", "attachments": [], "response_suggestions": []}
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", empty | {"chat_call_actions": []})
    chunk = {"message_id": "e2", "text": "", "chunk_index": 1, "is_complete": True}
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE_CHUNK", chunk)
    await stage.settled()

    assert len(stage.frames("USER_MESSAGE")) == sent
    assert stage.told(thread) == told
    assert len(stage.slack.posts) == len(told)


async def test_040_a_number_to_call_is_content(stage: ConformanceStage) -> None:
    """Given a message with nothing but a number to call: it is posted, with the number."""
    thread = await stage.greeted("hello")

    action = {"title": "Call the desk", "contact_number": "+1 (555) 010-0"}
    body = {"message_id": "c1", "text": "", "chat_call_actions": [action]}
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", body)
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    await stage.settled()

    post = stage.posts(thread)[2]
    shown = json.dumps(post.blocks, ensure_ascii=False) + post.text
    assert len(stage.posts(thread)) == 3
    assert "tel:+15550100" in shown or "+1 (555) 010-0" in shown


async def test_041_an_announced_end_is_told_once(stage: ConformanceStage) -> None:
    """Given a message with `end_conversation` and SESSION_END 200 ms later: the text is posted and
    the end told once."""
    thread = await stage.greeted("hello")

    body = {"message_id": "b1", "text": "Goodbye then.", "end_conversation": True}
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", body)
    await stage.wait(timedelta(milliseconds=200))
    stage.polyai.end_session(reason="REASON_NATURAL_END")
    await stage.settled(timedelta(minutes=3))

    goodbye, end = stage.told(thread)[2:]
    assert goodbye == "Goodbye then."
    assert ENDED in end
    assert len(stage.sessions) == 1


async def test_042_thinking_does_not_show_for_ever(stage: ConformanceStage) -> None:
    """Given THINKING and then ten seconds of silence: the status is gone, the conversation alive; a
    reply fifty seconds later is still posted."""
    thread = await stage.greeted("hello")
    handshakes = len(stage.calls("/ws"))

    stage.polyai.emit(None, "POLY_AGENT_THINKING")
    await stage.wait(timedelta(seconds=8))
    assert stage.slack.status(stage.channel, thread) == "is thinking…"
    await stage.wait(timedelta(seconds=4))
    assert stage.slack.status(stage.channel, thread) == ""
    await stage.wait(timedelta(seconds=38))
    stage.polyai.agent_says(None, "Here it is.")
    await stage.until(lambda: "Here it is." in stage.told(thread))

    assert len(stage.calls("/ws")) == handshakes
    assert stage.told(thread) == [GREETING, "You said: hello", "Here it is."]
