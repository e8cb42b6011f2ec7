"""H. Heartbeats, and how old a socket grows."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.conformance.stage import GREETING, ConformanceStage, seconds

pytestmark = pytest.mark.conformance

#: What a session may say of its heartbeats, and the seconds between two that follow from it.
INTERVALS: dict[str, tuple[Any, float]] = {
    "10": (10, 10),
    "7": (7, 7),
    "a float": (12.0, 12),
    "a text": ("12", 12),
    "missing": (None, 30),
    "negative": (-5, 30),
    "no number": ("soon", 30),
}


def beats(stage: ConformanceStage, since: float = 0.0) -> list[float]:
    """When the newest session heard a heartbeat."""
    return [t for at in stage.session.record.heartbeats if (t := seconds(at)) >= since]


def gaps(instants: list[float]) -> list[float]:
    """The time between each two that follow each other."""
    return [later - earlier for earlier, later in pairwise(instants)]


def ask_for(stage: ConformanceStage, interval: object) -> None:
    """Sessions from now on name this interval; None: they name none."""
    stage.polyai.options.heartbeat_seconds = None
    named = {} if interval is None else {"heartbeat_interval_seconds": interval}
    stage.polyai.options.capabilities = named


@pytest.mark.parametrize("named", INTERVALS)
async def test_072_the_interval_a_session_names(cold_stage: ConformanceStage, named: str) -> None:
    """Given a session that asks for a heartbeat every 10 s (or another number, however written),
    one that says nothing, and one that says nonsense: exactly that interval, 30 s where it says
    nothing of use; the first beat within one interval."""
    stage = cold_stage
    told, interval = INTERVALS[named]
    ask_for(stage, told)
    await stage.start()
    await stage.greeted("hello")

    await stage.wait(timedelta(seconds=10 * interval))

    opened_at = seconds(stage.session.record.sockets[0].opened_at)
    assert 9 <= len(beats(stage)) <= 11
    assert beats(stage)[0] - opened_at <= interval + 1
    assert gaps(beats(stage)) == [pytest.approx(interval, abs=0.01)] * (len(beats(stage)) - 1)


async def test_072_a_following_session_has_its_own_interval(cold_stage: ConformanceStage) -> None:
    """Given a session with 10 s and after it one that names none: the second is back at 30 s."""
    stage = cold_stage
    ask_for(stage, 10)
    await stage.start()
    thread = await stage.greeted("hello")
    await stage.wait(timedelta(minutes=1))
    assert gaps(beats(stage)) == [pytest.approx(10, abs=0.01)] * (len(beats(stage)) - 1)

    ask_for(stage, None)
    stage.polyai.end_session()
    await stage.wait(timedelta(seconds=5))
    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    await stage.wait(timedelta(minutes=5))

    assert len(stage.sessions) == 2
    assert 9 <= len(beats(stage)) <= 11
    assert gaps(beats(stage)) == [pytest.approx(30, abs=0.01)] * (len(beats(stage)) - 1)


async def test_073_no_heartbeats_where_none_are_wanted(cold_stage: ConformanceStage) -> None:
    """Given a session that wants no heartbeats, and whose history comes nine seconds after the
    socket is open: none is ever sent, not even before that was read; the socket stays, and messages
    go through."""
    stage = cold_stage
    ask_for(stage, 0)
    stage.polyai.delay_history(9)
    await stage.start()
    thread = await stage.greeted("hello")

    for turn in range(4):  # the session would end after ten minutes without a frame
        await stage.wait(timedelta(minutes=8))
        await stage.reply(thread, f"turn {turn}")
        await stage.until(lambda turn=turn: f"You said: turn {turn}" in stage.told(thread))  # type: ignore[misc]

    assert stage.frames("HEARTBEAT") == []
    assert len(stage.calls("/ws")) == 1
    assert len(stage.sessions) == 1


async def test_073_a_following_session_without_heartbeats(cold_stage: ConformanceStage) -> None:
    """Given a session with 10 s and after it one that wants none: not one beat is left over."""
    stage = cold_stage
    ask_for(stage, 10)
    await stage.start()
    thread = await stage.greeted("hello")
    await stage.until(lambda: len(beats(stage)) == 2)

    ask_for(stage, 0)
    stage.polyai.end_session()
    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    await stage.wait(timedelta(minutes=8))

    assert len(stage.sessions) == 2
    assert stage.frames("HEARTBEAT") == []


async def test_073_without_heartbeats_a_dead_socket_is_noticed(
    cold_stage: ConformanceStage,
) -> None:
    """Given a session without heartbeats whose socket is dead without a word: protocol pings find
    that out within two minutes; the session is connected again and nothing is lost."""
    stage = cold_stage
    ask_for(stage, 0)
    await stage.start()
    thread = await stage.greeted("hello")
    known = len(stage.calls("/ws"))

    stage.polyai.freeze_sockets()
    frozen_at = stage.now
    stage.polyai.agent_says(None, "Are you there?")
    await stage.until(lambda: "Are you there?" in stage.told(thread))

    assert stage.now - frozen_at <= 120
    assert [call.session_id for call in stage.calls("/ws")[known:]] == [stage.session.id]
    assert stage.frames("HEARTBEAT") == []


async def test_075_no_heartbeats_before_a_socket_is_of_use(cold_stage: ConformanceStage) -> None:
    """Given sockets that open and say nothing, a reconnect that takes two minutes, and then a good
    one: no beat on the mute ones nor in between, and from then on one every 30 s, not those of an
    older clock besides."""
    stage = cold_stage
    stage.polyai.configure(max_reconnect_attempts=0)
    stage.polyai.silent_handshakes(2)
    await stage.start()
    thread = await stage.mention("hello")
    await stage.until(lambda: "You said: hello" in stage.told(thread))
    mute = stage.session.record.sockets[:2]
    assert all(life.closed_at is not None for life in mute)
    good_at = seconds(stage.session.record.sockets[2].opened_at)
    assert [at for at in beats(stage) if at < good_at] == []
    await stage.wait(timedelta(minutes=3))

    stage.polyai.refuse("handshake", 503, None, seconds=120)
    stage.polyai.drop_sockets()
    dropped_at = stage.now
    await stage.until(lambda: stage.session.sockets, within=timedelta(minutes=4))
    back_at = stage.now
    await stage.wait(timedelta(minutes=5))

    assert back_at - dropped_at >= 120
    assert [at for at in beats(stage, dropped_at + 0.001) if at < back_at] == []
    after = beats(stage, back_at)
    assert 9 <= len(after) <= 11
    assert gaps(after) == [pytest.approx(30, abs=0.01)] * (len(after) - 1)


async def test_075_bare_echoes_are_signs_of_life(cold_stage: ConformanceStage) -> None:
    """Given echoes of heartbeats without id and timestamp: each is taken for a sign of life. The
    socket stays, and nothing is complained of."""
    stage = cold_stage
    stage.polyai.options.bare_heartbeats = True
    await stage.start()
    thread = await stage.greeted("hello")

    await stage.wait(timedelta(minutes=10))

    assert len(stage.calls("/ws")) == 1
    assert len(beats(stage)) in (20, 21)
    assert stage.log.at_level("warning") == []
    assert stage.told(thread) == [GREETING, "You said: hello"]


async def test_075_heartbeats_without_echo_are_a_dead_socket(stage: ConformanceStage) -> None:
    """Given heartbeats that nobody echoes any more, and no other frame: after 75 s the socket is
    replaced, once, in the same session."""
    thread = await stage.greeted("hello")
    known = len(stage.calls("/ws"))
    await stage.until(lambda: beats(stage))
    last_sign = stage.now

    stage.polyai.lose_heartbeats(3)
    await stage.until(lambda: len(stage.calls("/ws")) > known, within=timedelta(minutes=3))
    assert stage.now - last_sign == pytest.approx(75, abs=5)
    await stage.settled(timedelta(minutes=5))

    assert len(stage.calls("/ws")) == known + 1
    assert len(stage.sessions) == 1
    assert stage.told(thread) == [GREETING, "You said: hello"]


async def test_075_heartbeats_are_no_activity(cold_stage: ConformanceStage) -> None:
    """Given a conversation that is let go of after five quiet minutes: heartbeats and their echoes
    go on all the time and do not count; what anybody says does."""
    stage = cold_stage
    stage.configure(idle_timeout='"5m"')
    await stage.start()
    thread = await stage.greeted("hello")
    await stage.wait(timedelta(minutes=4))
    stage.polyai.agent_says(None, "Still there?")
    await stage.until(lambda: "Still there?" in stage.told(thread))
    said_at = stage.now

    await stage.until(lambda: not stage.session.sockets, within=timedelta(minutes=10))

    assert stage.now - said_at == pytest.approx(300, abs=2)
    assert len(beats(stage, said_at)) >= 9
    await stage.settled(timedelta(minutes=3))
    assert len(stage.calls("/ws")) == 1
    assert stage.told(thread) == [GREETING, "You said: hello", "Still there?"]


async def test_077_an_old_socket_is_replaced_unseen(cold_stage: ConformanceStage) -> None:
    """Given three sockets that grow two hours old. One is quiet: before that age, and not much
    before, it is replaced in the same session with the cursor, and nobody notices. On one an answer
    is streamed, on one a message is unconfirmed, from the 95th to the 125th minute: neither is
    replaced before that is over, and both are soon after."""
    stage = cold_stage
    stage.configure(idle_timeout='"24h"', echo_timeout='"1h"')
    ask_for(stage, 300)
    await stage.start()
    threads = [await stage.greeted("hello") for _ in range(3)]
    quiet, streaming, sending = stage.sessions
    last = quiet.journal[-1].sequence
    await stage.wait(timedelta(minutes=95))

    stage.polyai.delay_echo(30 * 60, session_id=sending.id)
    await stage.reply(threads[2], "yes")
    words = [f"word{n} " for n in range(60)]
    for word in words:
        stage.polyai.stream_chunks(streaming.id, [word], message_id="m1")
        await stage.wait(timedelta(seconds=30) - timedelta(milliseconds=10))
    handshakes = {
        s.id: [c for c in stage.calls("/ws") if c.session_id == s.id] for s in stage.sessions
    }
    assert len(handshakes[streaming.id]) == 1
    assert len(handshakes[sending.id]) == 1
    first, second = handshakes[quiet.id]
    assert timedelta(minutes=95) <= second.at - first.at <= timedelta(hours=2)
    assert (second.status, second.access_token, second.cursor) == (101, quiet.token, str(last))

    stage.polyai.stream_chunks(
        streaming.id, [{"text": "end", "is_complete": True}], message_id="m1"
    )
    await stage.wait(timedelta(minutes=1))
    for session in stage.sessions:
        assert len(session.record.sockets) == 2
        assert session.record.most_sockets == 1
        assert session.joins == 1
    assert len(stage.sessions) == 3
    answered = [GREETING, "You said: hello"]
    assert stage.told(threads[0]) == answered
    assert stage.told(threads[1]) == [*answered, "".join(words) + "end"]
    assert stage.told(threads[2]) == [*answered, "You said: yes"]
    assert len(stage.slack.posts) == 8
    # Half an hour without a confirmation is a backlog, and told as one.
    assert stage.log.at_level("warning") == ["health.trouble"]
    assert stage.heard() == ["hello", "hello", "hello", "yes"]
    await stage.reply(threads[0], "still there?")
    await stage.until(lambda: "You said: still there?" in stage.told(threads[0]))
