"""J. How conversations end, whoever ends them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.stage import GREETING, ConformanceStage, buttons, seconds

pytestmark = pytest.mark.conformance

AGAIN = "Write here to start a new one."
RESUMED = "A new one follows."
#: What a thread is told, by the payload of SESSION_END. The reasons are documented, those of
#: PolyAI's SDKs, and none that anybody knows.
ENDINGS: dict[str, tuple[dict[str, Any], str]] = {
    "user end": ({"reason": "REASON_USER_END"}, "The conversation was ended, as asked."),
    "abandoned": (
        {"reason": "REASON_USER_ABANDONED"},
        "The conversation was closed, as nothing was said for a while.",
    ),
    "natural end": ({"reason": "REASON_NATURAL_END"}, "The conversation has ended."),
    "agent_ended": ({"reason": "agent_ended"}, "The conversation has ended."),
    "user_ended": ({"reason": "user_ended"}, "The conversation has ended."),
    "normal": ({"reason": "normal"}, "The conversation has ended."),
    "unknown": ({"reason": "REASON_<!channel>"}, "The conversation has ended."),
    "null": ({"reason": None}, "The conversation has ended."),
    "no text": ({"reason": {"code": 3}}, "The conversation has ended."),
    "none": ({}, "The conversation has ended."),
}
LAST_WORDS = "EVENT_TYPE_USER_END_SESSION"


@pytest.mark.parametrize("ending", ENDINGS)
async def test_086_every_reason_ends_it_once(stage: ConformanceStage, ending: str) -> None:
    """Given SESSION_END with each documented reason, those that the SDKs have, an unknown one, none
    at all, and the same event again: one fitting notice with a button; the socket is closed and
    nothing more is sent. A later message opens a new session with a new token and one join, and the
    notice says that it went on."""
    payload, words = ENDINGS[ending]
    thread = await stage.greeted("hello")
    old, known = stage.session, len(stage.calls("/ws"))

    for _ in range(2):  # the simulator itself goes on: it is on the bridge to hang up
        stage.polyai.emit(None, "SESSION_END", payload)
    stage.polyai.raise_batch(None, [json.loads(old.encoded(old.journal[-1]))])
    sent = len(stage.frames())
    await stage.settled(timedelta(minutes=2))

    assert old.sockets == []
    assert len(stage.frames()) == sent
    assert len(stage.calls("/ws")) == known
    assert stage.told(thread)[2:] == [f"{words} {AGAIN}"]
    assert buttons(stage.posts(thread)[2]) == ["Start again"]

    tokens = len(stage.calls("access-token"))
    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    await stage.settled(timedelta(seconds=30))
    assert len(stage.sessions) == 2
    assert len(stage.calls("access-token")) == tokens + 1
    assert stage.session.token != old.token
    assert stage.calls("/ws")[-1].cursor is None
    assert stage.session.joins == 1
    assert stage.told(thread)[2:] == [f"{words} {RESUMED}", GREETING, "You said: hello again"]
    assert buttons(stage.posts(thread)[2]) == []


async def test_086_the_end_can_be_taken_up_by_its_button(stage: ConformanceStage) -> None:
    """Given the end, and two people who press the notice's button at about the same time, one of
    them twice: one new session, in which the agent greets; nothing is said on anybody's behalf."""
    thread = await stage.greeted("hello")
    stage.polyai.end_session()
    await stage.until(lambda: stage.notices(thread, AGAIN))
    notice = stage.posts(thread)[-1]

    for user in (stage.ann, stage.ben, stage.ann):
        await stage.slack.click(stage.channel, notice.ts, user, text="Start again")
    await stage.until(lambda: stage.told(thread).count(GREETING) == 2)
    await stage.settled(timedelta(minutes=2))

    assert len(stage.sessions) == 2
    assert stage.session.joins == 1
    assert stage.heard() == ["hello"]
    assert stage.told(thread)[2:] == [f"The conversation has ended. {RESUMED}", GREETING]


async def test_086_an_end_learnt_from_a_replay(stage: ConformanceStage) -> None:
    """Given the session ends while the bridge is away, and a second time while its socket is down:
    the replay tells of it; one notice each, no more sockets."""
    thread = await stage.greeted("hello")
    await stage.crash()
    stage.polyai.end_session(reason="REASON_USER_ABANDONED")
    await stage.start()
    await stage.settled(timedelta(minutes=2))
    assert stage.told(thread)[2:] == [f"{ENDINGS['abandoned'][1]} {AGAIN}"]

    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    known = len(stage.calls("/ws"))
    stage.polyai.drop_sockets()
    stage.polyai.end_session()
    await stage.settled(timedelta(minutes=2))
    assert len(stage.calls("/ws")) == known + 1
    assert stage.told(thread)[-1] == f"The conversation has ended. {AGAIN}"
    assert len(stage.notices(thread, AGAIN)) == 1


@pytest.mark.parametrize("gone", [True, False], ids=["404", "open"])
async def test_086_a_clean_close_is_an_end(stage: ConformanceStage, gone: bool) -> None:
    """Given close 1000 without SESSION_END, whether the session can still be found or not: one look
    at most, one notice, no more sockets. A later message opens a new session."""
    thread = await stage.greeted("hello")
    old, known = stage.session, len(stage.calls("/ws"))

    stage.polyai.close_cleanly(gone=gone)
    await stage.settled(timedelta(minutes=2))

    assert len(stage.calls("/ws")) <= known + 1
    assert old.sockets == []
    assert stage.told(thread)[2:] == [f"The conversation has ended. {AGAIN}"]
    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    assert len(stage.sessions) == 2
    assert stage.session.token != old.token
    assert stage.session.joins == 1


async def test_086_a_last_word_after_a_clean_close(stage: ConformanceStage) -> None:
    """Given close 1000 without SESSION_END, right after which PolyAI journals a last message and
    the reason: the one look brings both, once."""
    thread = await stage.greeted("hello")

    stage.polyai.close_cleanly(gone=False)
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", {"message_id": "last", "text": "Goodbye."})
    stage.polyai.end_session(reason="REASON_USER_ABANDONED")
    await stage.settled(timedelta(minutes=2))

    assert stage.told(thread)[2:] == ["Goodbye.", f"{ENDINGS['abandoned'][1]} {AGAIN}"]


# -- the person ends it ----------------------------------------------------------------------------


async def end(stage: ConformanceStage) -> None:
    """The operator ends the one conversation there is."""
    (listed,) = json.loads(await stage.command("conversations", "list", "--json"))
    await stage.command("conversations", "end", listed["id"])


async def wait_for_a_person(stage: ConformanceStage) -> str:
    """A thread in which Ann waits for a live agent."""
    thread = await stage.greeted("hello")
    stage.polyai.hand_off(None, ["triggered", "agent_left", "accepted", "queue"])
    await stage.until(lambda: any("Cancel waiting" in buttons(p) for p in stage.posts(thread)))
    await stage.wait(timedelta(seconds=1))
    return thread


@pytest.mark.parametrize("by", ["button", "command"])
async def test_087_the_end_is_asked_for_and_waited_for(stage: ConformanceStage, by: str) -> None:
    """Given a person who ends the conversation in Slack, or an operator who does: PolyAI is asked
    once, its echo and SESSION_END are taken, the socket is closed, and the end is told once."""
    if by == "button":
        thread = await wait_for_a_person(stage)
        await stage.press(thread, "Cancel waiting")
    else:
        thread = await stage.greeted("hello")
        await end(stage)
    await stage.until(lambda: stage.session.ended)
    ended_at = stage.now
    await stage.until(lambda: stage.notices(thread, AGAIN))
    assert stage.now - ended_at < 1
    await stage.settled(timedelta(minutes=2))

    assert stage.session.ended == "REASON_USER_END"
    assert len(stage.frames("USER_END_SESSION")) == 1
    assert stage.frames()[-1] == {"type": LAST_WORDS, "payload": {}}
    assert stage.session.sockets == []
    assert len(stage.calls("/ws")) == 1
    assert len(stage.notices(thread, AGAIN)) == 1
    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    assert len(stage.sessions) == 2


async def test_087_the_end_comes_after_what_was_said(stage: ConformanceStage) -> None:
    """Given a message that is not confirmed yet when the end is asked for: the message is seen
    through first, then the end is asked for; both once."""
    thread = await stage.greeted("hello")
    stage.polyai.drop_after_next_message(accepted=False)

    await stage.reply(thread, "one last thing")
    await end(stage)
    await stage.until(lambda: stage.session.ended)
    await stage.settled(timedelta(minutes=2))

    sent = [frame["type"] for frame in stage.frames() if "HEARTBEAT" not in frame["type"]]
    assert sent[-2:] == ["EVENT_TYPE_USER_MESSAGE", LAST_WORDS]
    assert stage.heard() == ["hello", "one last thing"]
    assert len(stage.frames("USER_END_SESSION")) == 1
    assert len(stage.notices(thread, AGAIN)) == 1


async def test_087_nobody_waits_long_for_the_last_word(stage: ConformanceStage) -> None:
    """Given PolyAI that hears the end and never says another word: after a short wait the bridge
    closes the socket by itself and tells the end, once."""
    thread = await stage.greeted("hello")
    stage.polyai.freeze_sockets()

    await end(stage)
    asked_at = stage.now
    await stage.until(lambda: stage.notices(thread, AGAIN), within=timedelta(minutes=1))
    assert stage.now - asked_at <= 15
    await stage.settled(timedelta(minutes=2))

    assert len(stage.notices(thread, AGAIN)) == 1
    assert stage.session.sockets == [] or stage.session.record.sockets[-1].closed_at is not None
    assert not stage.bridge.dead


@pytest.mark.parametrize("by", ["button", "command"])
async def test_087_without_a_socket_it_is_closed_here(stage: ConformanceStage, by: str) -> None:
    """Given the socket is down and PolyAI not to be reached when the end is asked for: the session
    is closed on our side all the same, nothing crashes, no socket is tried for it any more; the
    next message opens a new one."""
    thread = await (wait_for_a_person(stage) if by == "button" else stage.greeted("hello"))
    old = stage.session
    stage.polyai.refuse("handshake", 503, None)
    stage.polyai.drop_sockets()
    await stage.wait(timedelta(seconds=5))

    if by == "button":
        await stage.press(thread, "Cancel waiting")
    else:
        await end(stage)
    asked_at = stage.now
    await stage.until(lambda: stage.notices(thread, AGAIN), within=timedelta(minutes=2))
    told_at = stage.now
    assert told_at - asked_at <= 15
    await stage.settled(timedelta(minutes=2))
    assert [c for c in stage.calls("/ws") if seconds(c.at) > told_at + 0.001] == []
    assert len(stage.notices(thread, AGAIN)) == 1

    stage.polyai.heal()
    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    assert len(stage.sessions) == 2
    assert stage.calls("/ws")[-1].session_id != old.id
    assert stage.heard() == ["hello", "hello again"]
