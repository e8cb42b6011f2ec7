"""K. Handing over to people: those PolyAI finds, and those we have to find."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.stage import GREETING, ConformanceStage, buttons

pytestmark = pytest.mark.conformance

Json = dict[str, Any]
PICTURE = "https://demo.example/sam.png"
NESTED: Json = {"agent": {"id": "a7", "name": "Sam", "avatar_url": PICTURE}}
FLAT: Json = {"agent_id": "a7", "agent_name": "Sam", "avatar_url": PICTURE}
#: Five standings in the queue, however it is told, and the words that must then be read.
QUEUE: list[tuple[Json, list[str]]] = [
    (
        {"queue_name": "Front desk", "position_in_queue": 4, "estimated_wait_seconds": 240},
        ["Front desk", "number 4", "4 minutes"],
    ),
    ({"queue_name": "Front desk", "position": 3}, ["Front desk", "number 3"]),
    (
        {"queue_name": None, "position_in_queue": None, "estimated_wait_seconds": None},
        ["Front desk"],
    ),
    ({"display_message": "Nearly there", "position_in_queue": 2}, ["Nearly there."]),
    ({"position_in_queue": "1", "display_message": None}, ["Front desk", "number 1"]),
]
WAIT_OVER = "The wait for a person is over."
ENDED = "The conversation has ended. Write here to start a new one."
CANCELLED = "You are no longer waiting for a person, and the conversation has ended."
ANSWERED = [GREETING, "You said: hello"]


def shown(stage: ConformanceStage, thread: str, place: int = -1) -> str:
    """A message of the thread with all that is in its blocks."""
    post = stage.posts(thread)[place]
    return post.text + json.dumps(post.blocks, ensure_ascii=False)


async def a_moment(stage: ConformanceStage) -> None:
    await stage.wait(timedelta(seconds=2))


async def queueing(stage: ConformanceStage) -> str:
    """A thread in which somebody waits for a live agent."""
    thread = await stage.greeted("hello")
    for kind, payload in (
        ("POLY_AGENT_TRIGGERED_HANDOFF", {}),
        ("POLY_AGENT_LEFT", {}),
        ("HANDOFF_ACCEPTED", {"queue_name": "Front desk"}),
        ("HANDOFF_QUEUE_STATUS", {"position_in_queue": 4}),
    ):
        stage.polyai.emit(None, kind, payload)
        await a_moment(stage)
    return thread


@pytest.mark.parametrize("joined", [NESTED, FLAT], ids=["nested", "flat"])
async def test_088_the_whole_ladder(stage: ConformanceStage, joined: Json) -> None:
    """Given the whole ladder of a handoff, one step after the other: one notice for the whole wait,
    changed in place with every standing, whatever fields tell it; then who joined, their words
    under their name and picture, who left, and one end, in this order."""
    thread = await stage.greeted("hello")
    emit = stage.polyai.emit

    emit(None, "POLY_AGENT_TRIGGERED_HANDOFF")
    await a_moment(stage)
    waiting = stage.posts(thread)[2]
    emit(None, "POLY_AGENT_LEFT")
    emit(None, "HANDOFF_ACCEPTED", {"queue_name": "Front desk"})
    await a_moment(stage)
    assert "Front desk" in stage.told(thread)[2]
    for standing, words in QUEUE:
        emit(None, "HANDOFF_QUEUE_STATUS", standing)
        await a_moment(stage)
        assert [word for word in words if word not in stage.told(thread)[2]] == []
        assert len(stage.slack.posts) == 3
        assert stage.posts(thread)[2].ts == waiting.ts
        assert buttons(stage.posts(thread)[2]) == ["Cancel waiting"]

    emit(None, "LIVE_AGENT_JOINED", joined)
    await a_moment(stage)
    typing = {"agent_id": "a7", "state": "TYPING_STATE_STARTED"}
    emit(None, "LIVE_AGENT_TYPING", typing, transient=True)
    await a_moment(stage)
    assert "Sam" in stage.slack.status(stage.channel, thread)
    emit(None, "LIVE_AGENT_TYPING", typing | {"state": "TYPING_STATE_STOPPED"}, transient=True)
    await a_moment(stage)
    assert stage.slack.status(stage.channel, thread) == ""
    emit(None, "LIVE_AGENT_MESSAGE", {"message_id": "m1", "agent_id": "a7", "text": "Hello!"})
    await a_moment(stage)
    emit(None, "LIVE_AGENT_LEFT", {"agent_id": "a7"})
    await a_moment(stage)
    stage.polyai.end_session(reason="REASON_NATURAL_END")
    await stage.settled(timedelta(minutes=2))

    over, came, said, left, end = stage.told(thread)[2:]
    assert over == WAIT_OVER
    assert came == "Sam has joined the conversation."
    assert said == "Sam: Hello!"
    assert left == "Sam has left the conversation."
    assert end == ENDED
    assert buttons(stage.posts(thread)[2]) == []
    post = stage.posts(thread)[4]
    assert (post.username, post.icon_url) == ("Sam", PICTURE)
    assert len(stage.slack.posts) == 7
    assert len(stage.sessions) == 1


async def test_088_thinking_is_not_shown_meanwhile(stage: ConformanceStage) -> None:
    """Given the agent goes on thinking while a person is awaited and when one is there, as PolyAI's
    backend does: no status is shown of it. Once it has the conversation back, it is."""
    thread = await queueing(stage)
    before = len(stage.slack.statuses)

    for kind, payload in (("POLY_AGENT_THINKING", {}), ("LIVE_AGENT_JOINED", NESTED)):
        stage.polyai.emit(None, kind, payload)
        await a_moment(stage)
    stage.polyai.emit(None, "POLY_AGENT_THINKING")
    await a_moment(stage)
    assert stage.slack.statuses[before:] == []

    stage.polyai.emit(None, "LIVE_AGENT_LEFT", {"agent_id": "a7"})
    await a_moment(stage)
    stage.polyai.emit(None, "POLY_AGENT_THINKING")
    await a_moment(stage)
    assert stage.slack.status(stage.channel, thread) == "is thinking…"


async def test_088_people_talk_over_the_same_socket(stage: ConformanceStage) -> None:
    """Given a person has taken over: what is said reaches them, once; that they leave is no end.
    The next one who joins speaks under their own name, and what is said after that still
    arrives."""
    thread = await queueing(stage)
    stage.polyai.emit(None, "LIVE_AGENT_JOINED", NESTED)
    await a_moment(stage)

    await stage.reply(thread, "my order is late")
    await stage.until(lambda: "Sam: I see: my order is late" in relabelled(stage, thread))
    stage.polyai.emit(None, "LIVE_AGENT_LEFT", {"agent_id": "a7"})
    stage.polyai.emit(None, "LIVE_AGENT_JOINED", {"agent_id": "b8", "agent_name": "Kim"})
    said = {"message_id": "k1", "text": "Kim here.", "agent": {"id": "b8"}}
    stage.polyai.emit(None, "LIVE_AGENT_MESSAGE", said)
    await a_moment(stage)
    await stage.reply(thread, "thank you")
    await stage.until(lambda: "thank you" in stage.heard())
    await stage.settled()

    assert stage.heard() == ["hello", "my order is late", "thank you"]
    assert "Kim: Kim here." in stage.told(thread)
    assert [p.username for p in stage.posts(thread) if p.text == "Kim: Kim here."] == ["Kim"]
    assert stage.notices(thread, "has left") == ["Sam has left the conversation."]
    assert stage.notices(thread, "conversation has ended") == []
    assert len(stage.sessions) == 1


def relabelled(stage: ConformanceStage, thread: str) -> list[str]:
    """What was told, with the simulated Sam's answers under our Sam's name."""
    return [t if ": " in t[:5] else f"Sam: {t}" for t in stage.told(thread)]


async def test_088_repeats_and_a_restart_tell_nothing_twice(stage: ConformanceStage) -> None:
    """Given every step comes twice, the bridge is killed in the middle of the wait and PolyAI then
    replays everything: one notice of the wait, one for each who came and went."""
    thread = await stage.greeted("hello")
    stage.polyai.repeat_frames(100)
    stage.polyai.hand_off(None, ["triggered", "agent_left", "accepted", "queue"])
    await a_moment(stage)

    stage.polyai.overlap_replay(10_000)
    await stage.crash()
    stage.polyai.hand_off(None, [["queue", {"position_in_queue": 2}], "live_joined"])
    await stage.start()
    stage.polyai.hand_off(None, ["live_says", "live_left"])
    await stage.settled(timedelta(minutes=2))

    assert stage.told(thread)[2:] == [
        WAIT_OVER,
        "Sam has joined the conversation.",
        "Sam: Hello from Sam.",
        "Sam has left the conversation.",
    ]
    assert len(stage.slack.posts) == 6


async def test_088_steps_may_be_missing(stage: ConformanceStage) -> None:
    """Given a live agent who speaks before anybody announced them, then joins without a queue; and
    a standing that comes late: all is told as far as it is known, and the wait is not taken up
    again once somebody is there."""
    thread = await stage.greeted("hello")
    said = {"agent_id": "a7", "message_id": "m1", "text": "Hello!", "agent_name": "Sam"}

    for kind, payload in (
        ("LIVE_AGENT_MESSAGE", said),
        ("LIVE_AGENT_JOINED", NESTED),
        ("HANDOFF_QUEUE_STATUS", {"position_in_queue": 1}),
        ("LIVE_AGENT_LEFT", {}),
    ):
        stage.polyai.emit(None, kind, payload)
        await a_moment(stage)
    await stage.settled()

    first, came, left = stage.told(thread)[2:]
    assert first == "Sam: Hello!"
    assert came == "Sam has joined the conversation."
    assert left.endswith("has left the conversation.")


async def test_088_the_wait_can_be_given_up(stage: ConformanceStage) -> None:
    """Given two people who press "Cancel waiting": PolyAI is asked for the end once, the wait is
    told to be over, and so is the conversation; a later message opens a new one."""
    thread = await queueing(stage)
    waiting = stage.posts(thread)[2]

    for user in (stage.ann, stage.ben):
        await stage.slack.click(stage.channel, waiting.ts, user, text="Cancel waiting")
    await stage.until(lambda: stage.notices(thread, CANCELLED))
    await stage.settled()

    assert len(stage.frames("USER_END_SESSION")) == 1
    assert stage.session.ended == "REASON_USER_END"
    assert stage.told(thread)[2:] == [WAIT_OVER, f"{CANCELLED} Write here to start a new one."]
    assert buttons(stage.posts(thread)[2]) == []
    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    assert len(stage.sessions) == 2


async def test_088_a_long_wait_keeps_its_socket(cold_stage: ConformanceStage) -> None:
    """Given a wait that is much longer than a quiet conversation keeps its socket: the socket
    stays, and whoever comes in the end is told."""
    stage = cold_stage
    stage.configure(idle_timeout='"1m"')
    await stage.start()
    thread = await queueing(stage)

    await stage.wait(timedelta(minutes=3))
    assert stage.session.sockets
    stage.polyai.emit(None, "LIVE_AGENT_JOINED", NESTED)
    await stage.until(lambda: "Sam has joined the conversation." in stage.told(thread))
    await stage.wait(timedelta(minutes=3))

    assert stage.session.sockets
    assert len(stage.calls("/ws")) == 1


BROKEN: dict[str, tuple[str, Json, str]] = {
    "failed": ("HANDOFF_FAILED", {"reason": "no agents"}, "No person could be reached (no agents)"),
    "failed, no reason": ("HANDOFF_FAILED", {}, "No person could be reached."),
    "timeout": ("HANDOFF_TIMEOUT", {}, "No person could be reached in time."),
    "timeout, null": (
        "HANDOFF_TIMEOUT",
        {"reason": None},
        "No person could be reached in time.",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("agent", ["there", "gone"])
async def test_090_a_handoff_that_breaks_is_not_the_end(
    stage: ConformanceStage, how: str, agent: str
) -> None:
    """Given HANDOFF_FAILED or HANDOFF_TIMEOUT while somebody waits: the wait is over, one notice
    says so, the session goes on over the same socket, and what is said next is sent and answered,
    also where the agent has left and must be asked to join again."""
    kind, payload, words = BROKEN[how]
    thread = await queueing(stage)
    if agent == "gone":
        stage.polyai.forget_conversation()

    stage.polyai.emit(None, kind, payload)
    await a_moment(stage)
    wait, notice = stage.told(thread)[2:]
    assert wait == WAIT_OVER
    assert notice.startswith(words)
    assert buttons(stage.posts(thread)[2]) == []

    await stage.reply(thread, "then you help me")
    await stage.until(lambda: "You said: then you help me" in stage.told(thread))
    await stage.settled()
    assert stage.heard() == ["hello", "then you help me"]
    assert len(stage.sessions) == 1
    assert len(stage.calls("/ws")) == 1
    assert stage.session.joins == (2 if agent == "gone" else 1)
    assert len(stage.notices(thread, "No person could be reached")) == 1


async def test_090_that_it_broke_is_told_once(stage: ConformanceStage) -> None:
    """Given PolyAI says twice that the handoff broke, under two event ids: one notice. That the
    next one breaks, too, is told again."""
    thread = await queueing(stage)

    for _ in range(2):
        stage.polyai.emit(None, "HANDOFF_FAILED", {"reason": "no agents"})
        await a_moment(stage)
    assert len(stage.notices(thread, "No person could be reached")) == 1
    stage.polyai.emit(None, "POLY_AGENT_TRIGGERED_HANDOFF")
    stage.polyai.emit(None, "HANDOFF_FAILED", {"reason": "no agents"})
    await stage.settled()
    assert len(stage.notices(thread, "No person could be reached")) == 2


# -- what is left to us ----------------------------------------------------------------------------


async def leave_to_us(stage: ConformanceStage, payload: Json) -> None:
    """The agent hands over and leaves the rest to us."""
    for kind, body in (
        ("POLY_AGENT_TRIGGERED_HANDOFF", {}),
        ("CLIENT_HANDOFF_REQUIRED", payload),
        ("POLY_AGENT_LEFT", {}),
    ):
        stage.polyai.emit(None, kind, body)
    await a_moment(stage)


@pytest.mark.parametrize(
    "route", ["https://demo.example/help?a=1&b=2", "HTTPS://demo.example/help"], ids=["low", "up"]
)
async def test_092_a_route_is_a_link(stage: ConformanceStage, route: str) -> None:
    """Given a route on the web: a link that can be clicked, once; the wait is told to be over."""
    thread = await stage.greeted("hello")
    await leave_to_us(stage, {"route": route})
    await stage.settled()

    wait, way = stage.told(thread)[2:]
    assert wait == WAIT_OVER
    target = route.replace("HTTPS", "https").replace("&", "&amp;")
    assert f"<{target}" in way
    assert f"<{target}" in shown(stage, thread)
    assert len(stage.slack.posts) == 4


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"queue_name": "Billing", "reason": "COMPLEX_QUERY"}, ["Billing", "complex"]),
        ({"queue_name": "Billing"}, ["Billing"]),
        ({"reason": "POLICY"}, ["policy"]),
        ({}, ["person"]),
    ],
    ids=["both", "queue", "reason", "nothing"],
)
async def test_092_without_a_route_there_is_a_hint(
    stage: ConformanceStage, payload: Json, words: list[str]
) -> None:
    """Given only a reason, a queue, both, or nothing: words that say that a person is needed, where
    and why as far as that is known, and no link."""
    thread = await stage.greeted("hello")
    await leave_to_us(stage, payload)
    await stage.settled()

    wait, hint = stage.told(thread)[2:]
    assert wait == WAIT_OVER
    assert "person" in hint
    assert [word for word in words if word not in hint] == []
    assert "http" not in shown(stage, thread)
    assert len(stage.slack.posts) == 4


@pytest.mark.parametrize(
    "route",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,hi",
        "slack://channel?id=C1",
        "https://demo.example@evil.example/",
        "https://evil.example/|click",
        "nowhere",
    ],
)
async def test_092_a_route_that_may_run_something_is_none(
    stage: ConformanceStage, route: str
) -> None:
    """Given a route with another scheme, or one that pretends to lead elsewhere: no link of it, and
    the hint all the same."""
    thread = await stage.greeted("hello")
    await leave_to_us(stage, {"route": route, "queue_name": "Billing"})
    await stage.settled()

    hint = stage.told(thread)[3]
    assert "Billing" in hint
    for trick in ("<javascript", "<JavaScript", "<data:", "<slack:", "<https://demo", "|click"):
        assert trick not in shown(stage, thread)
    for words in ("alert(1)", "text/html", "slack://", "nowhere"):
        assert words not in shown(stage, thread)
    assert len(stage.slack.posts) == 4


RULES = """[
  {queue_name = "billing", channel = "CHANNEL", mention = "S0123456789"},
  {reason = "POLICY", link = "https://demo.example/policy", number = "+44 20 7946 0000"},
  {number = "+1 (555) 010-0"},
]"""


async def ruled(stage: ConformanceStage) -> tuple[str, str]:
    """A greeted thread under `RULES`, and the helpers' channel."""
    helpers = stage.slack.add_channel("helpers")
    stage.configure(handoffs=RULES.replace("CHANNEL", helpers))
    await stage.start()
    return await stage.greeted("hello"), helpers


async def test_092_helpers_are_called(cold_stage: ConformanceStage) -> None:
    """Given a queue for which the operator configured a channel and a group: one post there that
    mentions the group, says who needs help and leads to the thread; the thread is told that
    somebody was called. From then on people are among themselves: nothing they say reaches the
    agent, until somebody mentions it; then it listens again, and hears who of them speaks."""
    stage = cold_stage
    thread, helpers = await ruled(stage)
    asked = {"queue_name": "Billing", "reason": "COMPLEX_QUERY", "route": "javascript:x"}
    await leave_to_us(stage, asked)
    await stage.settled()

    (call,) = stage.slack.messages(helpers)
    way = f"archives/{stage.channel}/p{thread.replace('.', '')}"
    assert "<!subteam^S0123456789>" in call.text
    assert f"<@{stage.ann}>" in call.text
    assert f"<https://simulated.slack.com/{way}" in call.text
    assert "Billing" in call.text
    assert call.thread_ts is None
    wait, told = stage.told(thread)[2:]
    assert wait == WAIT_OVER
    assert "has been called" in told
    assert "javascript" not in shown(stage, thread)

    await stage.reply(thread, "is anybody there?")
    await stage.reply(thread, "yes, I am", user=stage.ben)
    await stage.settled()
    assert stage.heard() == ["hello"]
    assert len(stage.told(thread)) == 4

    await stage.reply(thread, f"<@{stage.slack.bot_user_id}> your turn", user=stage.ben)
    await stage.until(lambda: "You said: Ben: your turn" in stage.told(thread))
    await stage.reply(thread, "and mine")
    await stage.until(lambda: "You said: Ann: and mine" in stage.told(thread))
    assert stage.heard() == ["hello", "Ben: your turn", "Ann: and mine"]
    assert len(stage.slack.messages(helpers)) == 1
    assert len(stage.sessions) == 1


async def test_092_helpers_are_called_once(cold_stage: ConformanceStage) -> None:
    """Given Slack loses the answer to the call, the bridge is killed, and the handoff comes again
    in a replay: there is one call, and the thread is told once."""
    stage = cold_stage
    thread, helpers = await ruled(stage)
    stage.slack.lose_response("chat.postMessage")
    stage.polyai.emit(None, "CLIENT_HANDOFF_REQUIRED", {"queue_name": "Billing"})
    await stage.wait(timedelta(milliseconds=500))
    stage.polyai.overlap_replay(10_000)
    await stage.crash()
    await stage.start()
    await stage.settled(timedelta(minutes=2))

    assert len(stage.slack.messages(helpers)) == 1
    assert len(stage.notices(thread, "has been called")) == 1


@pytest.mark.parametrize(
    ("payload", "links"),
    [
        ({"reason": "POLICY"}, ["<https://demo.example/policy", "<tel:+442079460000|"]),
        ({"reason": "AGENT_DECISION"}, ["<tel:+15550100|"]),
        ({"queue_name": "Sales", "route": "https://demo.example/r"}, ["<https://demo.example/r"]),
    ],
    ids=["link and number", "number", "and the route"],
)
async def test_092_links_and_numbers_as_configured(
    cold_stage: ConformanceStage, payload: Json, links: list[str]
) -> None:
    """Given rules with a link and a number: the first that fits is shown, the link to be clicked
    and the number to be dialled, beside PolyAI's own route; nobody is called anywhere. What is said
    next goes to the agent as before."""
    stage = cold_stage
    thread, helpers = await ruled(stage)
    await leave_to_us(stage, payload)
    await stage.settled()

    way = stage.told(thread)[3]
    assert [link for link in links if link not in way] == []
    assert stage.slack.messages(helpers) == []
    assert len(stage.slack.posts) == 4
    await stage.reply(thread, "one more thing")
    await stage.until(lambda: "one more thing" in stage.heard())


async def test_092_the_end_among_helpers_is_no_new_beginning(cold_stage: ConformanceStage) -> None:
    """Given helpers were called and PolyAI ends the session: people go on among themselves, and
    nothing they say opens a new session; a mention does."""
    stage = cold_stage
    thread, _ = await ruled(stage)
    await leave_to_us(stage, {"queue_name": "Billing"})
    stage.polyai.end_session()
    await stage.settled()

    await stage.reply(thread, "I have your order here", user=stage.ben)
    await stage.settled()
    assert len(stage.sessions) == 1
    await stage.reply(thread, f"<@{stage.slack.bot_user_id}> and you?")
    await stage.until(lambda: "You said: and you?" in stage.told(thread))
    assert len(stage.sessions) == 2
    assert stage.heard() == ["hello", "and you?"]
