"""E. Echoes as receipts: what is confirmed, what is sent again, what is told."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.conformance.stage import GREETING, ConformanceStage, buttons, seconds

pytestmark = pytest.mark.conformance

NOT_DELIVERED = "This message did not reach the agent: “{}”."
UNAVAILABLE = "cannot be reached at the moment"


def sent(stage: ConformanceStage, text: str) -> list[dict[str, str]]:
    """The custom map of each USER_MESSAGE with this text, over all sessions, in order."""
    return [
        frame["metadata"]["custom"]
        for session in stage.sessions
        for frame in stage.frames("USER_MESSAGE", session)
        if frame["payload"]["text"] == text
    ]


def sent_at(stage: ConformanceStage) -> list[float]:
    """When each USER_MESSAGE of the newest session came."""
    return [seconds(at) for at in stage.session.record.heard_at("EVENT_TYPE_USER_MESSAGE")]


@pytest.mark.parametrize("echo", ["normalised", "empty", "other"])
async def test_043_an_echo_with_our_id_confirms_whatever_it_says(
    stage: ConformanceStage, echo: str
) -> None:
    """Given the echo carries our id, but the text tidied, none, or another one: it confirms. The
    message is sent once, its socket stays, and the next message need not wait."""
    thread = await stage.greeted("hello")
    handshakes = len(stage.calls("/ws"))
    stage.polyai.alter_echo({"normalised": None, "empty": "", "other": "I heard that"}[echo])

    await stage.reply(thread, "two   blanks  and\na line")
    await stage.until(lambda: len(stage.heard()) == 2)
    said_at = stage.now
    await stage.reply(thread, "next")
    await stage.until(lambda: len(stage.heard()) == 3)
    assert stage.now - said_at < 1
    await stage.settled(timedelta(minutes=2))

    assert len(stage.frames("USER_MESSAGE")) == 3
    assert len(stage.calls("/ws")) == handshakes
    assert stage.heard() == ["hello", "two   blanks  and\na line", "next"]
    assert stage.notices(thread, "did not reach") == []


async def test_044_identical_texts_are_confirmed_one_by_one(stage: ConformanceStage) -> None:
    """Given three equal messages and three echoes without metadata: three confirmations in order of
    their sending. Each went out once under its own id, and nothing is left over: a fourth equal
    message is not taken for confirmed by an echo of the first three."""
    thread = await stage.greeted("hello")
    handshakes = len(stage.calls("/ws"))
    stage.polyai.echo_without_metadata(3)

    for _ in range(3):
        await stage.reply(thread, "ok")
    await stage.settled(timedelta(minutes=2))
    assert stage.heard() == ["hello", "ok", "ok", "ok"]
    assert len(sent(stage, "ok")) == 3
    assert len({custom["client_event_id"] for custom in sent(stage, "ok")}) == 3
    assert len(stage.calls("/ws")) == handshakes

    stage.polyai.swallow_messages(1)
    await stage.reply(thread, "ok")
    await stage.until(lambda: len(sent(stage, "ok")) == 4)
    stage.polyai.repeat_history()
    await stage.settled(timedelta(minutes=2))
    assert stage.heard() == ["hello", *["ok"] * 4]
    assert stage.told(thread) == [GREETING, "You said: hello", *["You said: ok"] * 4]
    third, lost, again = sent(stage, "ok")[2:]
    assert third != lost == again


async def test_048_a_frame_lost_with_its_socket_is_sent_again_once(stage: ConformanceStage) -> None:
    """Given the message is lost with the socket and the replay has no echo of it: it is sent once
    more under the same id, in the same session, and that is confirmed."""
    thread = await stage.greeted("hello")
    stage.polyai.drop_after_next_message(accepted=False)

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    first, again = sent(stage, "yes")
    assert first == again
    assert stage.heard() == ["hello", "yes"]
    assert stage.told(thread) == [GREETING, "You said: hello", "You said: yes"]
    assert len(stage.sessions) == 1


@pytest.mark.parametrize("metadata", [True, False], ids=["whole", "bare"])
async def test_048_a_frame_found_in_the_replay_is_not_sent_again(
    stage: ConformanceStage, metadata: bool
) -> None:
    """Given the message arrived and only its echo was lost with the socket: the replay confirms it,
    also where replays carry no metadata; nothing is sent again."""
    thread = await stage.greeted("hello")
    stage.polyai.lose_metadata_in_replay(not metadata)
    stage.polyai.drop_after_next_message(accepted=True)

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    assert len(sent(stage, "yes")) == 1
    assert stage.heard() == ["hello", "yes"]
    assert stage.told(thread) == [GREETING, "You said: hello", "You said: yes"]


async def test_048_a_slow_history_is_waited_for(stage: ConformanceStage) -> None:
    """Given the message arrived, and the history that says so comes event by event with a second
    between: the bridge waits for its end, and sends nothing again."""
    thread = await stage.greeted("hello")
    stage.polyai.options.batch_size = 1
    stage.polyai.options.batch_seconds = 1.0
    stage.polyai.drop_after_next_message(accepted=True)

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    assert len(sent(stage, "yes")) == 1
    assert stage.heard() == ["hello", "yes"]
    assert stage.session.joins == 1


async def test_049_a_swallowed_message_arrives_in_the_end(stage: ConformanceStage) -> None:
    """Given a healthy socket on which the same message is swallowed three times and then taken: it
    arrives, after sends that keep their distance, each with the same id; a message said meanwhile
    waits for its turn."""
    thread = await stage.greeted("hello")
    stage.polyai.swallow_messages(3)

    await stage.reply(thread, "yes")
    await stage.wait(timedelta(seconds=5))
    await stage.reply(thread, "and this")
    await stage.until(lambda: "You said: and this" in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    assert len(sent(stage, "yes")) == 4
    assert len({custom["client_event_id"] for custom in sent(stage, "yes")}) == 1
    tries = sent_at(stage)[1:5]
    assert all(later - earlier >= 5 for earlier, later in pairwise(tries))
    assert stage.heard() == ["hello", "yes", "and this"]
    assert stage.told(thread)[2:] == ["You said: yes", "You said: and this"]
    assert len(stage.sessions) == 1


async def test_049_a_message_never_confirmed_is_told_and_can_be_sent_again(
    stage: ConformanceStage,
) -> None:
    """Given a message that is swallowed for ever: four frames at most, then one notice with a
    button. Two people press it at once: the message is sent once, answered, and the notice no
    longer offers it."""
    thread = await stage.greeted("hello")
    stage.polyai.swallow_messages(100)

    await stage.reply(thread, "yes")
    await stage.settled(timedelta(minutes=10))
    assert len(sent(stage, "yes")) == 4
    assert stage.told(thread)[2:] == [NOT_DELIVERED.format("yes")]
    notice = stage.posts(thread)[2]
    assert buttons(notice) == ["Try again"]

    stage.polyai.heal()
    await asyncio.gather(
        stage.press(thread, "Try again"), stage.press(thread, "Try again", user=stage.ben)
    )
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    assert len(sent(stage, "yes")) == 5
    assert stage.heard() == ["hello", "yes"]
    after, answer = stage.posts(thread)[2:]
    assert after.ts == notice.ts
    assert buttons(after) == []
    assert after.text != notice.text
    assert answer.text == "You said: yes"


async def test_050_what_is_said_while_the_socket_is_down_waits(
    cold_stage: ConformanceStage,
) -> None:
    """Given twenty seconds without a socket, in which a person says five things, and five attempts
    allowed: the reconnects keep their own pace, no attempt more for what was said; then everything
    is sent once, in order, in the same session."""
    stage = cold_stage
    stage.polyai.configure(max_reconnect_attempts=5)
    await stage.start()
    thread = await stage.greeted("hello")
    broke_at, known = stage.now, len(stage.calls("/ws"))
    stage.polyai.refuse("handshake", 503, None, seconds=20)

    stage.polyai.drop_sockets()
    said = [f"message {n}" for n in range(5)]
    for text in said:
        await stage.wait(timedelta(seconds=3))
        await stage.reply(thread, text)
    assert stage.heard() == ["hello"]
    await stage.until(lambda: f"You said: {said[-1]}" in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    tries = [seconds(call.at) for call in stage.calls("/ws")[known:]]
    waits = [later - earlier for earlier, later in pairwise([broke_at, *tries])]
    assert waits == [pytest.approx(wait, rel=0.21) for wait in (1, 2, 4, 8, 16)]
    assert stage.heard() == ["hello", *said]
    assert [len(sent(stage, text)) for text in said] == [1] * 5
    assert stage.told(thread)[2:] == [f"You said: {text}" for text in said]
    assert len(stage.sessions) == 1


async def test_050_what_is_said_does_not_use_up_the_attempts(cold_stage: ConformanceStage) -> None:
    """Given three attempts allowed and sockets that break as soon as somebody says something, five
    times over: each of these sockets was of use, so the attempts are never used up, and nobody is
    told of any trouble."""
    stage = cold_stage
    stage.polyai.configure(max_reconnect_attempts=3)
    await stage.start()
    thread = await stage.greeted("hello")

    said = [f"message {n}" for n in range(5)]
    for text in said:
        stage.polyai.drop_after_next_message(accepted=False)
        await stage.reply(thread, text)
        await stage.until(lambda text=text: f"You said: {text}" in stage.told(thread))  # type: ignore[misc]

    await stage.settled(timedelta(minutes=2))
    assert stage.heard() == ["hello", *said]
    assert stage.notices(thread, UNAVAILABLE) == []
    assert len(stage.sessions) == 1


async def test_054_a_death_between_the_decision_and_the_frame(stage: ConformanceStage) -> None:
    """Given the process dies when it has written down that the message goes out, and before it has
    gone out: after the restart it is sent, once."""
    thread = await stage.greeted("hello")
    stage.bridge.die_at("after-step")

    await stage.reply(thread, "yes")
    await stage.died()
    assert sent(stage, "yes") == []
    await stage.start()
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    assert len(sent(stage, "yes")) == 1
    assert stage.heard() == ["hello", "yes"]
    assert stage.told(thread) == [GREETING, "You said: hello", "You said: yes"]
    assert len(stage.sessions) == 1


async def test_054_a_death_right_after_the_frame(stage: ConformanceStage) -> None:
    """Given the process dies as soon as the frame has gone out, and another time before it has seen
    the echo of one that had arrived: after each restart the agent has it once, and so has Slack."""
    thread = await stage.greeted("hello")
    stage.bridge.die_at("after-transmit")
    await stage.reply(thread, "yes")
    await stage.died()
    await stage.start()
    await stage.until(lambda: "You said: yes" in stage.told(thread))

    stage.polyai.lose_echo()
    await stage.reply(thread, "and this")
    await stage.until(lambda: len(stage.heard()) == 3)
    await stage.crash()
    await stage.start()
    await stage.until(lambda: "You said: and this" in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    assert len(sent(stage, "and this")) == 1
    assert stage.heard() == ["hello", "yes", "and this"]
    told = [GREETING, "You said: hello", "You said: yes", "You said: and this"]
    assert stage.told(thread) == told
    assert len(stage.slack.posts) == len(told)
    assert len(stage.sessions) == 1
