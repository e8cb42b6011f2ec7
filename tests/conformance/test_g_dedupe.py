"""G. What comes again, and what only looks as if it did."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.stage import ConformanceStage, event

pytestmark = pytest.mark.conformance

Json = dict[str, Any]
SAM: Json = {"agent": {"id": "live-sam", "name": "Sam"}}
#: Types that PolyAI's SDKs know and no document does, and one that nobody knows yet.
UNKNOWN = [
    "SESSION_IDLE_WARNING",
    "SHOW_CSAT_REQUEST",
    "CSAT_RESPONSE",
    "USER_RECEIVED_MESSAGE",
    "USER_READ_MESSAGE",
    "POLY_AGENT_RECEIVED_MESSAGE",
    "POLY_AGENT_READ_MESSAGE",
    "LIVE_AGENT_RECEIVED_MESSAGE",
    "LIVE_AGENT_READ_MESSAGE",
    "FUTURE_THING",
]


async def test_067_an_event_id_is_handled_once(stage: ConformanceStage) -> None:
    """Given an event that comes twice singly and again in two batches, and has nothing but its id
    and sequence to be known by: it is handled once."""
    thread = await stage.greeted("hello")
    said = event("POLY_AGENT_MESSAGE", {"text": "Once."}, sequence=stage.next_sequence())

    stage.deliver(said, said)
    stage.deliver_batch(said)
    stage.deliver_batch(said, said)
    await stage.settled()

    assert stage.told(thread)[2:] == ["Once."]
    assert len(stage.slack.posts) == 3


async def test_067_an_event_id_without_a_sequence_too(stage: ConformanceStage) -> None:
    """Given the same with no sequence: only the id is left to know it by, and that is enough. The
    same text under another id is another message."""
    thread = await stage.greeted("hello")
    said = event("POLY_AGENT_MESSAGE", {"text": "Once."})

    stage.deliver(said, said)
    stage.deliver_batch(said)
    stage.deliver_batch(said, said)
    stage.deliver(said | {"id": "another"})
    await stage.settled()

    assert stage.told(thread)[2:] == ["Once.", "Once."]
    assert len(stage.slack.posts) == 4


@pytest.mark.parametrize("end", ["drop", "stop", "crash"])
async def test_067_a_full_replay_repeats_nothing(stage: ConformanceStage, end: str) -> None:
    """Given every event comes twice, and after a reconnect, a restart and a death PolyAI takes the
    cursor for none and replays everything: nothing is handled again, not even a message that has
    no message id."""
    thread = await stage.greeted("hello")
    stage.polyai.repeat_frames(4)
    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    stage.polyai.raise_event(None, "POLY_AGENT_MESSAGE", {"text": "No message id."})
    await stage.wait(timedelta(seconds=2))
    told = stage.told(thread)
    assert told[2:] == ["You said: yes", "No message id."]

    stage.polyai.overlap_replay(10_000)
    if end == "drop":
        stage.polyai.drop_sockets()
    else:
        await (stage.stop() if end == "stop" else stage.crash())
        await stage.start()
    await stage.settled(timedelta(minutes=2))

    assert stage.told(thread) == told
    assert len(stage.slack.posts) == len(told)
    assert stage.heard() == ["hello", "yes"]
    assert stage.session.joins == 1
    assert len(stage.sessions) == 1


@pytest.mark.parametrize("shared", ["shared", "", None])
async def test_068_typing_is_never_a_duplicate(stage: ConformanceStage, shared: str | None) -> None:
    """Given STARTED and STOPPED of a live agent's typing without sequence and with one id for all,
    an empty one or none: each is acted on, the second STARTED too."""
    thread = await stage.greeted("hello")
    stage.polyai.emit(None, "LIVE_AGENT_JOINED", SAM)
    await stage.wait(timedelta(seconds=1))

    def typing(state: str) -> Json:
        body = {"state": f"TYPING_STATE_{state}", "agent_id": "live-sam"}
        return event("LIVE_AGENT_TYPING", body, id=shared)

    for _ in range(2):
        stage.deliver(typing("STARTED"))
        await stage.wait(timedelta(seconds=1))
        assert "is typing" in stage.slack.status(stage.channel, thread)
        stage.deliver(typing("STOPPED"))
        await stage.wait(timedelta(seconds=1))
        assert stage.slack.status(stage.channel, thread) == ""


@pytest.mark.parametrize("kind", ["LIVE_AGENT_MESSAGE", "POLY_AGENT_MESSAGE"])
async def test_069_a_message_id_is_posted_once(stage: ConformanceStage, kind: str) -> None:
    """Given a message that comes again under another event id and sequence, at once and after a
    restart: one post. The same text under another message id is another message."""
    thread = await stage.greeted("hello")
    stage.polyai.emit(None, "LIVE_AGENT_JOINED", SAM)
    await stage.wait(timedelta(seconds=1))
    posted = len(stage.slack.posts)
    body: Json = {"message_id": "m1", "text": "ok"}
    if kind == "LIVE_AGENT_MESSAGE":
        body["agent_id"] = "live-sam"

    stage.polyai.emit(None, kind, body)
    stage.polyai.emit(None, kind, body)
    await stage.wait(timedelta(seconds=2))
    assert len(stage.slack.posts) == posted + 1
    await stage.crash()
    await stage.start()
    stage.polyai.emit(None, kind, body)
    stage.polyai.emit(None, kind, body | {"message_id": "m2"})
    await stage.settled()

    assert len(stage.slack.posts) == posted + 2
    first, second = stage.posts(thread)[-2:]
    assert first.text == second.text
    assert first.text.removeprefix("Sam: ") == "ok"


@pytest.mark.parametrize("nameless", [{"id": ""}, {"id": None}, "absent"])
async def test_070_a_message_without_id_and_sequence(
    stage: ConformanceStage, nameless: Json | str
) -> None:
    """Given an agent's message with an empty id, or none, and no sequence, twice with the same
    message id: it is delivered, once."""
    thread = await stage.greeted("hello")
    said = event("POLY_AGENT_MESSAGE", {"message_id": "m1", "text": "Nameless."})
    if isinstance(nameless, str):
        del said["id"], said["sequence"]
    else:
        said |= nameless

    stage.deliver(said, said)
    await stage.wait(timedelta(seconds=2))
    stage.deliver_batch(said)
    await stage.settled()

    assert stage.told(thread)[2:] == ["Nameless."]
    assert len(stage.slack.posts) == 3


async def test_071_languages_and_unknown_types_are_no_noise(stage: ConformanceStage) -> None:
    """Given a language that is replayed twice and then another, and every type that no document
    knows: nobody is told anything, no frame is sent in answer, and the cursor of the next handshake
    is behind them all."""
    thread = await stage.greeted("hello")
    told, posts = stage.told(thread), len(stage.slack.posts)
    statuses, sent = len(stage.slack.statuses), len(answers(stage))
    for code in ("fr-FR", "en-GB"):
        stage.polyai.raise_event(None, "LANGUAGE_CHANGED", {"language_code": code}, times=2)
    stage.polyai.repeat_history(times=2)
    for kind in UNKNOWN:
        stage.polyai.raise_event(None, kind, {"new": ["thing"], "message_id": "m9", "text": "x"})
    await stage.settled()

    assert stage.told(thread) == told
    assert len(stage.slack.posts) == posts
    assert len(stage.slack.statuses) == statuses
    assert len(answers(stage)) == sent
    last = stage.session.journal[-1].sequence
    stage.polyai.drop_sockets()
    await stage.settled()
    assert stage.calls("/ws")[-1].cursor == str(last)


async def test_071_the_last_language_is_kept(stage: ConformanceStage) -> None:
    """Given a language, another one, and then the first one again as a replay has it: the operator
    is shown the last, also after a restart."""
    await stage.greeted("hello")
    for code in ("fr-FR", "en-GB"):
        stage.polyai.raise_event(None, "LANGUAGE_CHANGED", {"language_code": code}, times=2)
    stage.polyai.repeat_history(times=2)
    await stage.settled()
    assert await language(stage) == "en-GB"

    stage.polyai.overlap_replay(10_000)
    await stage.crash()
    await stage.start()
    await stage.settled()
    assert await language(stage) == "en-GB"


def answers(stage: ConformanceStage) -> list[Json]:
    """Every frame the bridge sent, but for its heartbeats."""
    return [f for f in stage.frames() if f["type"] != "EVENT_TYPE_HEARTBEAT"]


async def language(stage: ConformanceStage) -> object:
    """What the operator's command tells of the one conversation's language."""
    (listed,) = json.loads(await stage.command("conversations", "list", "--json"))
    return json.loads(await stage.command("conversations", "show", listed["id"], "--json")).get(
        "language"
    )
