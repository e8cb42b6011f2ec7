"""B. Connecting and replay."""

from datetime import timedelta

import pytest

from tests.conformance.stage import GREETING, ConformanceStage, event, seconds

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


async def test_019_a_batch_is_followed_by_sequence(stage: ConformanceStage) -> None:
    """Given a batch with sequences 3, 1, 2 and two events without one: they are followed 1, 2, 3
    and then the unnumbered ones as they came."""
    thread = await stage.greeted("hello")
    first = stage.next_sequence()

    def says(text: str, sequence: int | None) -> dict[str, object]:
        body = {"message_id": f"m-{text}", "text": text}
        return event("POLY_AGENT_MESSAGE", body, sequence=sequence)

    stage.deliver_batch(
        says("three", first + 2),
        says("four", None),
        says("one", first),
        says("five", None),
        says("two", first + 1),
    )
    await stage.settled()

    assert stage.told(thread)[2:] == ["one", "two", "three", "four", "five"]


async def test_020_a_history_in_three_frames_is_one_history(stage: ConformanceStage) -> None:
    """Given the history comes in three batch frames a while apart, SESSION_START in the first and
    POLY_AGENT_JOINED in the third: nothing is asked for after the first alone, no join at all; what
    the person said is then sent."""
    stage.polyai.configure(batch_size=1, batch_seconds=0.2)
    thread = await stage.mention("hello")
    await stage.until(lambda: stage.sessions)
    stage.polyai.emit(None, "LANGUAGE_CHANGED", {"language_code": "en-GB"})
    stage.polyai.emit(None, "POLY_AGENT_JOINED", {"agent_name": "Ava"})
    stage.session.conversing = True

    await stage.until(lambda: "You said: hello" in stage.told(thread))
    await stage.settled()

    assert len(stage.calls("/ws")) == 1
    assert stage.frames("REQUEST_POLY_AGENT_JOIN") == []
    assert [frame["payload"]["text"] for frame in stage.frames("USER_MESSAGE")] == ["hello"]
    stage.polyai.violations.clear()  # the simulator counts its own joins, and there was none


async def test_021_bodies_under_their_oneof_names(stage: ConformanceStage) -> None:
    """Given batch events with the body under `poly_agent_message` and `session_start` instead of
    `payload`, and one with neither: the first two mean what they say, the third is empty, and all
    three count as followed."""
    thread = await stage.greeted("hello")
    first = stage.next_sequence()
    message = event("POLY_AGENT_MESSAGE", sequence=first)
    message["poly_agent_message"] = {"message_id": "m1", "text": "from under the other name"}
    start = event("SESSION_START", sequence=first + 1)
    start["session_start"] = {"capabilities": {"heartbeat_interval_seconds": 10}}
    neither = event("POLY_AGENT_MESSAGE", sequence=first + 2)
    for one in (message, start, neither):
        del one["payload"]

    stage.deliver_batch(message, start, neither)
    await stage.wait(timedelta(minutes=1))
    beats = len(stage.frames("HEARTBEAT"))
    await stage.wait(timedelta(minutes=1))

    assert stage.told(thread)[2:] == ["from under the other name"]
    assert len(stage.frames("HEARTBEAT")) - beats == 6
    stage.polyai.drop_sockets()
    await stage.wait(timedelta(seconds=5))
    assert stage.calls("/ws")[-1].cursor == str(first + 2)


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


async def test_026_a_restart_resumes_what_is_young_enough(stage: ConformanceStage) -> None:
    """Given a restart nine minutes after the last activity, and another after eleven: the first
    time PolyAI takes the socket and the session goes on; the second time it answers 404, and the
    next message opens a new session. Nobody is stuck in between."""
    thread = await stage.greeted("hello")
    await stage.crash()
    await stage.wait(timedelta(minutes=9))
    await stage.start()
    await stage.reply(thread, "after nine minutes")
    await stage.until(lambda: "You said: after nine minutes" in stage.told(thread))
    assert len(stage.sessions) == 1
    await stage.wait(timedelta(seconds=2))

    await stage.crash()
    await stage.wait(timedelta(minutes=11))
    await stage.start()
    await stage.settled()
    assert len(stage.sessions) == 1, "nobody asked for a new one yet"
    await stage.reply(thread, "after eleven minutes")
    await stage.until(lambda: "You said: after eleven minutes" in stage.told(thread))

    assert len(stage.sessions) == 2
    assert stage.heard() == ["hello", "after nine minutes", "after eleven minutes"]


async def test_028_a_mute_socket_is_recycled(stage: ConformanceStage) -> None:
    """Given a socket opens and stays silent: it is dropped after the wait for the first batch and
    the same session is connected again; the waiting message is delivered once."""
    thread = await stage.greeted("hello")
    handshakes = len(stage.calls("/ws"))
    stage.polyai.silent_handshakes(1)
    stage.polyai.drop_sockets()

    await stage.reply(thread, "are you there?")
    await stage.until(lambda: "You said: are you there?" in stage.told(thread))
    await stage.settled()

    mute, good = stage.calls("/ws")[handshakes:]
    assert (mute.session_id, good.session_id) == (stage.session.id, stage.session.id)
    assert 5 <= seconds(good.at) - seconds(mute.at) <= 20
    assert len(stage.sessions) == 1
    assert stage.heard() == ["hello", "are you there?"]


async def test_029_a_late_frame_of_the_old_session_moves_nothing(stage: ConformanceStage) -> None:
    """Given session A is replaced by B and a late frame of A's socket carries sequence 90: it is
    ignored; B connects without a cursor first, and later with its own."""
    thread = await stage.greeted("hello")
    old = stage.session
    stage.polyai.system_message(old.id, "error", "Error: Session not found")
    body = {"message_id": "late", "text": "out of the past"}
    stage.deliver(event("POLY_AGENT_MESSAGE", body, sequence=90), session=old)

    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    await stage.wait(timedelta(seconds=2))
    new = stage.session
    last = new.journal[-1].sequence
    stage.polyai.drop_sockets(new.id)
    await stage.wait(timedelta(seconds=5))

    assert new is not old
    assert new.handshakes == [None, str(last)]
    assert "out of the past" not in stage.told(thread)
    assert [message.text for message in new.accepted] == ["hello again"]
