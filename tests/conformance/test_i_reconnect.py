"""I. Reconnecting and close codes."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.conformance.stage import ConformanceStage, event, seconds

pytestmark = pytest.mark.conformance

#: Every close code that means nothing for the session (1005 is the frame without one).
PASSING = [1001, 1011, 1012, 1013, 3000, 4003]
ENDED = "The conversation has ended"
UNAVAILABLE = "cannot be reached at the moment"


def waits(instants: list[float]) -> list[float]:
    """The time between each two that follow each other."""
    return [later - earlier for earlier, later in pairwise(instants)]


async def test_078_backs_off_exponentially(cold_stage: ConformanceStage) -> None:
    """Given a socket that breaks as soon as it is open, again and again, with 1006, 1005 and 4002
    in turn: the attempts follow each other after 1, 2, 4, 8, 16, 30 and 30 seconds, each within
    20 %, one at a time."""
    stage = cold_stage
    stage.polyai.configure(max_reconnect_attempts=0)
    await stage.start()
    await stage.greeted()
    broke_at, known = stage.now, len(stage.calls("/ws"))

    for code in (1006, 1005, 4002, 1006, 1005, 4002):
        stage.polyai.drop_opened(1, code=code)
    stage.polyai.drop_sockets(code=1006)
    await stage.settled(timedelta(minutes=5))

    attempts = [seconds(call.at) for call in stage.calls("/ws")[known:]]
    expected = [1, 2, 4, 8, 16, 30, 30]
    assert waits([broke_at, *attempts]) == [pytest.approx(wait, rel=0.21) for wait in expected]
    assert {call.session_id for call in stage.calls("/ws")} == {stage.session.id}


async def test_078_refused_handshakes_back_off_too(cold_stage: ConformanceStage) -> None:
    """Given the socket breaks and every handshake after it is answered 503: the same waits."""
    stage = cold_stage
    stage.polyai.configure(max_reconnect_attempts=0)
    await stage.start()
    await stage.greeted()
    stage.polyai.refuse_handshakes(503, n=7)
    broke_at, known = stage.now, len(stage.calls("/ws"))

    stage.polyai.drop_sockets(code=1006)
    await stage.until(lambda: stage.session.sockets, within=timedelta(minutes=5))

    attempts = [seconds(call.at) for call in stage.calls("/ws")[known:]]
    expected = [1, 2, 4, 8, 16, 30, 30, 30]
    assert waits([broke_at, *attempts]) == [pytest.approx(wait, rel=0.21) for wait in expected]


async def test_079_a_clean_close_ends_the_conversation(stage: ConformanceStage) -> None:
    """Given a close 1000 without SESSION_END in the middle of a stream: no reconnect loop but one
    verification at most; what came of the stream is posted, the end told once, and the next message
    opens a new session."""
    thread = await stage.greeted("hello")
    known = len(stage.calls("/ws"))
    chunk = {"message_id": "s1", "text": "Half a sen", "chunk_index": 1, "is_complete": False}
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE_CHUNK", chunk)
    await stage.wait(timedelta(milliseconds=500))

    stage.polyai.close_cleanly()
    await stage.settled(timedelta(minutes=5))

    assert len(stage.calls("/ws")) - known <= 1
    half, end = stage.told(thread)[2:]
    assert half == "Half a sen"
    assert ENDED in end
    await stage.reply(thread, "hello again")
    await stage.until(lambda: "You said: hello again" in stage.told(thread))
    await stage.settled()
    assert len(stage.sessions) == 2
    assert stage.heard() == ["hello", "hello again"]


async def test_079_what_waits_for_a_gap_is_posted_before_the_end(stage: ConformanceStage) -> None:
    """Given a last message whose number leaves a gap, and a clean close in the same moment, after
    which PolyAI knows nothing: the message is posted, then the end is told."""
    thread = await stage.greeted("hello")
    last = stage.session.journal[-1].sequence

    farewell = {"message_id": "bye", "text": "Farewell"}
    stage.deliver(event("POLY_AGENT_MESSAGE", farewell, sequence=last + 3))
    stage.polyai.close_cleanly()
    await stage.settled(timedelta(minutes=5))

    said, end = stage.told(thread)[2:]
    assert said == "Farewell"
    assert ENDED in end


async def test_079_what_a_gap_hides_is_fetched_before_the_end(stage: ConformanceStage) -> None:
    """Given a last message that never came, SESSION_END after it and a clean close; PolyAI still
    has its history: one verifying connect fetches the message; the end is told after it."""
    thread = await stage.greeted("hello")
    open_ones = list(stage.session.sockets)
    stage.session.sockets.clear()  # journaled, and sent to nobody
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", {"message_id": "bye", "text": "Ticket 4711"})
    stage.session.sockets.extend(open_ones)

    stage.deliver(event("SESSION_END", sequence=stage.session.journal[-1].sequence + 1))
    await stage.quiet()
    stage.session.close_sockets(1000)
    await stage.settled(timedelta(minutes=5))

    said, end = stage.told(thread)[2:]
    assert said == "Ticket 4711"
    assert ENDED in end
    assert len(stage.calls("/ws")) == 2


@pytest.mark.parametrize("known", [True, False], ids=["replayed", "gone"])
async def test_079_what_a_gap_hides_before_the_end_is_asked_for(
    stage: ConformanceStage, known: bool
) -> None:
    """Given SESSION_END after a number that never came, on a socket that stays: one new connect
    asks for what is missing. PolyAI has it, or knows the session no more: the end is told once."""
    thread = await stage.greeted("hello")
    open_ones = list(stage.session.sockets)
    stage.session.sockets.clear()  # journaled, and sent to nobody
    stage.polyai.emit(None, "POLY_AGENT_MESSAGE", {"message_id": "bye", "text": "Ticket 4711"})
    stage.session.sockets.extend(open_ones)
    if not known:
        stage.polyai.refuse("handshake", 404, n=None)

    stage.deliver(event("SESSION_END", sequence=stage.session.journal[-1].sequence + 1))
    await stage.wait(timedelta(seconds=30))
    if known:
        stage.polyai.end_session()
    await stage.settled(timedelta(minutes=5))

    *said, end = stage.told(thread)[2:]
    assert said == (["Ticket 4711"] if known else [])
    assert ENDED in end
    assert len(stage.calls("/ws")) == 2


async def test_079_a_scheduled_reconnect_is_cancelled_by_the_end(stage: ConformanceStage) -> None:
    """Given the socket breaks and, before the reconnect is due, PolyAI ends the session: the one
    reconnect that follows learns of the end, and no further one is made."""
    thread = await stage.greeted("hello")
    known = len(stage.calls("/ws"))

    stage.polyai.drop_sockets(code=1006)
    await stage.quiet()
    stage.polyai.end_session()
    await stage.settled(timedelta(minutes=5))

    assert len(stage.calls("/ws")) - known == 1
    assert len(stage.notices(thread, ENDED)) == 1


@pytest.mark.parametrize("code", PASSING)
async def test_080_codes_that_mean_nothing_for_the_session(
    stage: ConformanceStage, code: int
) -> None:
    """Given a close with 1001, 1011, 1012, 1013, 3000 or 4003: the same session is connected again,
    once, and nobody is told anything."""
    thread = await stage.greeted("hello")
    told, known = stage.told(thread), len(stage.calls("/ws"))
    closed_at, cursor = stage.now, str(stage.session.journal[-1].sequence)

    stage.polyai.drop_sockets(code=code)
    await stage.settled(timedelta(minutes=2))

    (again,) = stage.calls("/ws")[known:]
    assert (again.status, again.session_id) == (101, stage.session.id)
    assert again.cursor == cursor
    assert seconds(again.at) - closed_at == pytest.approx(1, rel=0.21)
    assert len(stage.sessions) == 1
    assert stage.told(thread) == told


async def test_080_4000_means_nothing(stage: ConformanceStage) -> None:
    """Given a close with 4000, a client's own word for a replaced socket: no new session, nothing
    told; what is said next arrives once."""
    thread = await stage.greeted("hello")
    told = stage.told(thread)

    stage.polyai.drop_sockets(code=4000)
    await stage.settled()

    assert stage.told(thread) == told
    await stage.reply(thread, "still there?")
    await stage.until(lambda: "You said: still there?" in stage.told(thread))
    assert len(stage.sessions) == 1
    assert stage.heard() == ["hello", "still there?"]


async def test_080_4001_is_the_way_to_a_new_session(stage: ConformanceStage) -> None:
    """Given a close with 4001, session unknown: after one verification at most the session is given
    up, and what was said meanwhile arrives in a new one."""
    thread = await stage.greeted("hello")
    old, known = stage.session, len(stage.calls("/ws"))

    old.expire()
    stage.polyai.drop_sockets(code=4001)
    await stage.reply(thread, "still there?")
    await stage.until(lambda: "You said: still there?" in stage.told(thread))
    await stage.settled()

    tried = [call.session_id for call in stage.calls("/ws")[known:]]
    assert tried.count(old.id) <= 1
    assert tried.count(stage.session.id) == 1
    assert len(stage.sessions) == 2
    assert stage.heard() == ["hello", "still there?"]


async def test_083_the_budget_of_attempts_is_kept(cold_stage: ConformanceStage) -> None:
    """Given capabilities that allow three attempts and a service that opens no socket any more:
    exactly three, then the conversation is parked with what was said; the next message tries again,
    and everything arrives once."""
    stage = cold_stage
    stage.polyai.configure(max_reconnect_attempts=3)
    await stage.start()
    thread = await stage.greeted("hello")
    known = len(stage.calls("/ws"))
    stage.polyai.refuse_handshakes(503, n=10_000)

    stage.polyai.drop_sockets()
    await stage.reply(thread, "one")
    await stage.settled(timedelta(minutes=4))
    assert len(stage.calls("/ws")) - known == 3
    assert stage.heard() == ["hello"]
    assert len(stage.notices(thread, UNAVAILABLE)) == 1

    stage.polyai.heal()
    await stage.reply(thread, "two")
    await stage.until(lambda: "You said: two" in stage.told(thread))
    await stage.settled()
    assert len(stage.calls("/ws")) - known == 4
    assert len(stage.sessions) == 1
    assert stage.heard() == ["hello", "one", "two"]


async def test_083_a_budget_of_nought_is_none(cold_stage: ConformanceStage) -> None:
    """Given capabilities with 0 attempts: that means no cap; it goes on trying every 30 s."""
    stage = cold_stage
    stage.polyai.configure(max_reconnect_attempts=0)
    await stage.start()
    thread = await stage.greeted("hello")
    known = len(stage.calls("/ws"))
    stage.polyai.refuse_handshakes(503, n=10_000)

    stage.polyai.drop_sockets()
    await stage.reply(thread, "one")
    await stage.wait(timedelta(minutes=8))
    assert len(stage.calls("/ws")) - known >= 15
    stage.polyai.heal()
    await stage.until(lambda: "You said: one" in stage.told(thread))
    assert len(stage.sessions) == 1


async def test_085_what_comes_late_of_a_replaced_socket_is_ignored(
    stage: ConformanceStage,
) -> None:
    """Given twenty reconnects, each with an agent message in its last moment on the old socket, and
    then one message either way: each is posted once, and our one message is one frame."""
    thread = await stage.greeted("hello")
    expected = stage.told(thread)

    for turn in range(20):
        stage.polyai.agent_says(None, f"late {turn}")
        await stage.quiet()
        stage.polyai.drop_sockets(code=(None, 1001, 1011)[turn % 3])
        await stage.until(lambda: stage.session.sockets)
        await stage.wait(timedelta(seconds=1))
        expected.append(f"late {turn}")
    stage.polyai.agent_says(None, "in time")
    sent = len(stage.frames("USER_MESSAGE"))
    await stage.reply(thread, "and mine")
    await stage.until(lambda: "You said: and mine" in stage.told(thread))
    await stage.settled()

    assert stage.told(thread) == [*expected, "in time", "You said: and mine"]
    assert len(stage.slack.posts) == len(stage.told(thread))
    assert len(stage.frames("USER_MESSAGE")) - sent == 1
    assert len(stage.session.sockets) == 1
    assert len(stage.sessions) == 1
