"""A handoff that PolyAI leaves to the bridge: helpers are called, and people are left to talk."""

import json

import pytest

from bridge.simulators import polyai_frames as frames
from bridge.simulators.slack import SimulatedMessage
from tests.stage import Stage

pytestmark = pytest.mark.integration

DETAILS = {"reason": "COMPLEX_QUERY", "queue_name": "Billing"}


async def begun(stage: Stage, desk: str) -> str:
    """A thread that talks to an agent whose helpers are in the channel `desk`; its ts."""
    rule = f'{{queue_name = "billing", channel = "{desk}", mention = "S1", number = "112"}}'
    await stage.stop()
    stage.configure(handoffs=f"[{rule}]")
    await stage.started()
    thread = await stage.mention("say hi")
    await stage.until(lambda: "hi" in stage.told(thread))
    return thread


async def hand_off(stage: Stage, thread: str) -> str:
    """The agent asks for people; what the thread is told."""
    stage.polyai.emit(None, frames.CLIENT_HANDOFF, DETAILS)
    (told,) = await stage.until(
        lambda: [text for text in stage.told(thread) if "A person needs" in text]
    )
    return told


def calls(stage: Stage, desk: str) -> list[SimulatedMessage]:
    return [message for message in stage.slack.messages(desk) if message.bot_id]


async def test_helpers_are_called_once_with_a_way_to_the_thread(stage: Stage) -> None:
    desk = stage.slack.add_channel("helpers")
    thread = await begun(stage, desk)
    told = await hand_off(stage, thread)
    await stage.quiet()

    (call,) = calls(stage, desk)
    assert call.text.startswith(f"<!subteam^S1> <@{stage.ann}> needs a person to help (Billing)")
    assert f"/archives/{stage.channel}/p{thread.replace('.', '')}" in call.text
    assert "Someone has been called" in told
    assert "<tel:112|112>" in told


async def test_helpers_and_people_talk_undisturbed_until_the_agent_is_called(stage: Stage) -> None:
    thread = await begun(stage, stage.slack.add_channel("helpers"))
    await hand_off(stage, thread)
    await stage.slack.say(stage.channel, stage.ben, "I am here to help", thread_ts=thread)
    await stage.reply(thread, "thank you")
    await stage.quiet()
    assert stage.heard() == ["say hi"]

    await stage.reply(thread, f"<@{stage.slack.bot_user_id}> say back")
    await stage.until(lambda: "back" in stage.told(thread))
    assert stage.heard() == ["say hi", "say back"]


async def test_a_call_whose_answer_is_lost_is_not_repeated(stage: Stage) -> None:
    desk = stage.slack.add_channel("helpers")
    thread = await begun(stage, desk)
    stage.slack.lose_response("chat.postMessage")
    await hand_off(stage, thread)
    await stage.quiet()

    assert len(calls(stage, desk)) == 1
    assert "delivery.found" in stage.tail()


async def test_a_call_that_slack_refuses_is_told_and_the_agent_listens_again(stage: Stage) -> None:
    desk = stage.slack.add_channel("secret", private=True, member=False)
    thread = await begun(stage, desk)
    await hand_off(stage, thread)
    await stage.until(lambda: any("No person could be" in text for text in stage.told(thread)))
    await stage.quiet()

    assert not any("Someone has been called" in text for text in stage.told(thread))
    assert any("112" in text for text in stage.told(thread)), "the number still helps"
    assert "delivery.dead" in stage.tail()
    assert "invite the app" in stage.tail()
    await stage.reply(thread, "say back")
    await stage.until(lambda: "back" in stage.told(thread))


async def test_the_call_is_listed_as_an_announcement(stage: Stage) -> None:
    thread = await begun(stage, stage.slack.add_channel("helpers"))
    await hand_off(stage, thread)
    await stage.quiet()
    _, listed, _ = await stage.run_command("conversations", "list", "--json")
    (conversation,) = json.loads(listed)
    _, shown, _ = await stage.run_command("conversations", "show", conversation["id"], "--json")

    (call,) = (d for d in json.loads(shown)["deliveries"] if d["kind"] == "announce")
    assert call["target"] == "place"
