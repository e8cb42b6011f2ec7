"""A conversation's socket: lost, refused, doubted, renewed; and how often that is tried."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.assembly import Stream
from bridge.core.state import Wish
from bridge.errors import Unreachable
from bridge.model import frames as f
from bridge.polyai.handshake import HandshakeRefused, Refusal
from bridge.polyai.wire import Decoded
from bridge.runtime.deciding import Mail
from bridge.testing.builders import frame, said
from tests.unit.runtime.far_end import C1, FarEnd, Line, opened

AWAY = Unreachable("nobody there")


def refusal(
    status: int = 503, kind: Refusal = Refusal.AWAY, after: float | None = None
) -> HandshakeRefused:
    wait = None if after is None else timedelta(seconds=after)
    return HandshakeRefused(
        status=status, text="no", kind=kind, after=wait, correlation_id="their-7"
    )


def events(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, str(record.msg["event"]))
        for record in caplog.records
        if isinstance(record.msg, dict)
    ]


def fields(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, object]:
    (told,) = [
        record.msg
        for record in caplog.records
        if isinstance(record.msg, dict) and record.msg["event"] == event
    ]
    return told


def spent(line: Line) -> list[str]:
    """The types of the frames we sent on it."""
    return [json.loads(text)["type"].removeprefix("EVENT_TYPE_") for text in line.sent]


async def test_a_dropped_socket_is_connected_again_to_the_same_session(far: FarEnd) -> None:
    line = await far.connected()
    line.close_with(1006)
    await far.passes(2)
    assert far.connects.sessions == ["s1", "s1"]
    assert far.connects.cursors == [0, 4]
    assert far.connects.waits[-1] == pytest.approx(2, abs=0.1)  # one passed before the drop
    assert far.told(e.SessionLost) == []


@pytest.mark.parametrize("code", [None, 1001, 1011, 1012, 1013, 3000, 4000, 4002, 4003])
async def test_no_such_close_ends_a_session(far: FarEnd, code: int | None) -> None:
    line = await far.connected()
    line.close_with(code)
    await far.passes(5)
    assert far.connects.sessions == ["s1", "s1"]
    assert far.told(e.SessionLost) == []
    assert far.sessions.open == 1


async def test_the_pauses_grow_to_half_a_minute_one_at_a_time(far: FarEnd) -> None:
    line = await far.connected(max_reconnect_attempts=0)
    at = far.connects.at[0] + 1
    far.connects.plan = [AWAY]
    line.close_with(None)
    await far.passes(200)
    waits = [far.connects.at[1] - at, *far.connects.waits[1:]]
    assert waits[:8] == pytest.approx([1, 2, 4, 8, 16, 30, 30, 30], abs=0.01)


@pytest.mark.parametrize(("named", "attempts"), [(3, 3), (1, 1), (None, 10)])
async def test_exactly_as_many_connects_as_the_session_allows(
    far: FarEnd, named: int | None, attempts: int
) -> None:
    line = await far.connected(max_reconnect_attempts=named)
    far.connects.plan = [AWAY]
    line.close_with(None)
    await far.passes(280)
    assert len(far.connects.at) - 1 == attempts
    assert len(far.told(e.SocketUnavailable)) == 1
    assert far.conversation.wish is Wish.NOTHING
    assert far.conversation.session is not None


async def test_an_agent_out_of_reach_is_told_once_until_it_is_back(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """However many sessions it has, and however often they try."""
    for outage in (1, 2):
        line = await far.connected() if outage == 1 else far.line
        far.connects.plan = [AWAY]
        line.close_with(None)
        await far.passes(10)
        assert events(caplog).count(("WARNING", "socket.unreachable")) == outage
        far.connects.plan = [Line]
        await far.passes(50)


async def test_without_limit_it_goes_on(far: FarEnd) -> None:
    line = await far.connected(max_reconnect_attempts=0)
    far.connects.plan = [AWAY]
    line.close_with(None)
    await far.passes(3600)
    assert len(far.connects.at) > 100
    assert far.told(e.SocketUnavailable) == []


async def test_the_next_message_tries_again_and_keeps_what_waits(far: FarEnd) -> None:
    line = await far.connected(max_reconnect_attempts=3)
    far.connects.plan = [AWAY]
    line.close_with(None)
    await far.passes(20)
    assert len(far.connects.at) == 4
    await far.say("one")
    await far.passes(20)
    assert len(far.connects.at) == 7
    assert len(far.told(e.SocketUnavailable)) == 2

    far.connects.plan = [Line]
    await far.say("two")
    await far.passes(1)
    assert set(far.connects.sessions) == {"s1"}
    assert [json.loads(t)["payload"] for t in far.line.sent] == [{"text": "one"}]
    assert [message.text for message in far.conversation.waiting] == ["two"]


async def test_a_message_during_the_last_failure_is_not_overlooked(far: FarEnd) -> None:
    """The rest is told and ended by a message in the same moment: the keeper stays."""
    line = await far.connected(max_reconnect_attempts=2)
    far.connects.plan = [AWAY, AWAY, AWAY, Line]
    tell = far.desk.tell

    async def meanwhile(identity: object, *mail: Mail) -> None:
        await tell(C1, *mail)
        if isinstance(mail[0].event, e.SocketUnavailable):
            await far.say("still there?")

    far.desk.tell = meanwhile  # type: ignore[method-assign]
    line.close_with(None)
    for _ in range(5):
        await far.passes(2)
    assert len(far.connects.at) == 5
    assert far.sessions.open == 1
    assert len(far.told(e.SocketUnavailable)) == 1


async def test_a_server_that_accepts_and_drops_spends_the_attempts(far: FarEnd) -> None:
    """Each time the history is followed, and nothing comes of it."""
    line = await far.connected(max_reconnect_attempts=4)

    def dropping() -> Line:
        fleeting = Line()
        fleeting.history(frame(f.AgentThinking(), 4))
        asyncio.get_running_loop().call_soon(later, fleeting)
        return fleeting

    def later(fleeting: Line) -> None:
        tasks.append(asyncio.ensure_future(drop(fleeting)))

    async def drop(fleeting: Line) -> None:
        await far.clock.sleep(timedelta(seconds=5))
        fleeting.close_with(None)

    tasks: list[asyncio.Future[None]] = []
    far.connects.plan = [dropping]
    line.close_with(None)
    await far.passes(200)
    assert len(far.told(e.SocketReady)) == 5
    assert len(far.told(e.SocketUnavailable)) == 1
    assert far.connects.waits[1:] == pytest.approx([5 + 2, 5 + 4, 5 + 8], abs=0.1)


@pytest.mark.parametrize("news", [True, False])
async def test_a_socket_that_proved_itself_restores_the_attempts(far: FarEnd, news: bool) -> None:
    """By something new after its history, or by living for half a minute."""
    await far.connected(max_reconnect_attempts=2)
    for number in range(6):
        far.connects.plan = [AWAY, Line]
        if news:
            far.line.say(frame(f.LanguageChanged("de"), 5 + number))
            await far.passes(1)
        else:
            await far.passes(31)
        far.line.close_with(None)
        await far.passes(8)
    assert far.sessions.open == 1
    assert far.told(e.SocketUnavailable) == []


async def test_a_recycle_of_ours_costs_no_attempt_and_no_pause(far: FarEnd) -> None:
    await far.connected(max_reconnect_attempts=2)
    for _ in range(6):
        connection = far.sessions._keepers[C1].connection
        assert connection is not None
        connection.drop()
        await far.passes(1)
    assert len(far.connects.at) == 7
    assert far.told(e.SocketUnavailable) == []


async def test_a_socket_without_history_counts_as_failed(far: FarEnd) -> None:
    line = await far.connected(max_reconnect_attempts=3)
    far.connects.plan = [lambda: Line(silent=True)]
    line.close_with(None)
    await far.passes(100)
    assert len(far.connects.at) - 1 == 3
    assert far.connects.waits[1:] == pytest.approx([10 + 2, 10 + 4], abs=0.1)
    assert len(far.told(e.SocketUnavailable)) == 1


async def test_a_busy_session_is_kept_and_waited_for_as_long_as_asked(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    line = await far.connected()
    far.connects.plan = [refusal(429, Refusal.BUSY, after=7), Line]
    line.close_with(None)
    await far.passes(20)
    assert far.connects.waits[-1] == pytest.approx(7)
    assert set(far.connects.sessions) == {"s1"}
    assert far.connects.cursors == [0, 4, 4]
    told = fields(caplog, "socket.refused")
    assert (told["status"], told["correlation_id"]) == (429, "their-7")


async def test_a_server_that_asks_for_no_wait_at_all_is_not_hammered(far: FarEnd) -> None:
    line = await far.connected(max_reconnect_attempts=0)
    far.connects.plan = [refusal(429, Refusal.BUSY, after=0)]
    line.close_with(None)
    await far.passes(120)
    assert len(far.connects.at) < 12


@pytest.mark.parametrize("kind", [Refusal.BROKEN, Refusal.BAD_CURSOR])
async def test_a_request_of_ours_that_is_wrong_is_not_repeated(
    far: FarEnd, kind: Refusal, caplog: pytest.LogCaptureFixture
) -> None:
    line = await far.connected()
    far.connects.plan = [refusal(400, kind)]
    line.close_with(None)
    await far.passes(200)
    assert len(far.connects.at) == 2
    assert ("ERROR", "socket.not_understood") in events(caplog)
    assert fields(caplog, "socket.not_understood")["correlation_id"] == "their-7"
    assert len(far.told(e.SocketUnavailable)) == 1


async def test_a_session_refused_at_the_handshake_is_given_up_at_once(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """A new token and a new session; nobody asks for the old one again."""
    caplog.set_level(logging.INFO)
    line = await far.connected()
    far.connects.plan = [refusal(401, Refusal.SESSION_GONE), Line]
    await far.say("carried")
    line.close_with(None)
    await far.passes(5)
    assert far.told(e.SessionLost) == [e.SessionLost(1)]
    assert far.connects.sessions == ["s1", "s1", "s2"]
    assert far.connects.cursors == [0, 4, 0]
    assert fields(caplog, "session.gone")["correlation_id"] == "their-7"


async def test_the_next_session_begins_with_a_clean_slate(far: FarEnd) -> None:
    """Neither the failures of the last one nor its doubt are held against it."""
    line = await far.connected()
    gone = refusal(404, Refusal.SESSION_GONE)
    far.connects.plan = [AWAY, AWAY, AWAY, gone, Line, AWAY, Line]
    await far.say("carried")
    line.close_with(1008)
    await far.passes(20)
    assert far.connects.sessions[-1] == "s2"
    far.line.close_with(4001)
    await far.passes(4)
    assert far.connects.sessions[-2:] == ["s2", "s2"]
    assert far.connects.waits[-1] == pytest.approx(2, abs=0.01)
    assert far.told(e.SessionLost) == [e.SessionLost(1)]


@pytest.mark.parametrize("code", [1008, 4001])
async def test_a_close_that_disowns_the_session_is_verified_once(far: FarEnd, code: int) -> None:
    await far.connected()
    far.connects.plan = [lambda: Line(closes=code)]
    far.line.close_with(code)
    await far.passes(1.5)
    assert far.connects.sessions == ["s1", "s1"]
    assert far.told(e.SessionLost) == [e.SessionLost(1)]


async def test_a_session_disowned_and_taken_back_lives_on(far: FarEnd) -> None:
    await far.connected()
    far.line.close_with(4001)
    await far.passes(60)
    far.line.close_with(4001)
    await far.passes(60)
    assert far.connects.sessions == ["s1"] * 3
    assert far.told(e.SessionLost) == []


@pytest.mark.parametrize(
    "next_one",
    [
        Line,
        lambda: Line(closes=1000),
        lambda: Line(closes=4001),
        refusal(404, Refusal.SESSION_GONE),
    ],
    ids=["open", "closed again", "disowned", "gone"],
)
async def test_a_normal_close_without_an_end_is_the_end_after_one_look(
    far: FarEnd, next_one: HandshakeRefused | type[Line]
) -> None:
    line = await far.connected()
    far.connects.plan = [next_one]
    line.close_with(1000)
    await far.passes(30)
    assert len(far.connects.at) == 2
    assert far.told(e.SessionLost) == [e.SessionLost(1, ended=True)]
    assert far.conversation.session is None
    assert far.sessions.open == 0


async def test_what_came_before_a_normal_close_is_still_fetched(far: FarEnd) -> None:
    def late() -> Line:
        line = Line(silent=True)
        line.history(frame(said("a late word", "m9"), 5))
        return line

    line = await far.connected()
    far.connects.plan = [late]
    line.close_with(1000)
    await far.passes(5)
    followed = [event for event in far.told(e.FrameArrived) if isinstance(event, e.FrameArrived)]
    assert isinstance(followed[-1].frame.body, f.AgentMessage)
    assert far.told(e.SessionLost) == [e.SessionLost(1, ended=True)]
    assert far.line.sent == []


async def test_a_look_that_cannot_be_had_at_once_is_had_later(far: FarEnd) -> None:
    line = await far.connected()
    far.connects.plan = [AWAY, refusal(503), refusal(404, Refusal.SESSION_GONE)]
    line.close_with(1000)
    await far.passes(30)
    assert len(far.connects.at) == 4
    assert far.told(e.SessionLost) == [e.SessionLost(1, ended=True)]


async def test_a_frame_too_big_is_reported_with_the_loss(far: FarEnd) -> None:
    line = await far.connected()
    line.close_with(1009)
    await far.passes(5)
    assert far.told(e.SocketLost) == [e.SocketLost(1, too_big=True)]
    assert far.connects.sessions == ["s1", "s1"]


async def test_late_frames_of_a_former_session_change_nothing(far: FarEnd) -> None:
    """The next session begins with its whole history, and its cursor is its own."""
    line = await far.connected()
    far.connects.plan = [refusal(404, Refusal.SESSION_GONE), Line]
    line.close_with(None)
    await far.passes(2)
    await far.say("again")
    await far.passes(1)
    assert far.connects.cursors[-1] == 0
    line.say(frame(said("too late", "m8"), 90))
    await far.desk.tell(C1, Mail(e.FrameArrived(1, frame(said("too late", "m8"), 90))))
    assert far.conversation.session is not None
    assert far.conversation.session.cursor == 0


async def test_a_token_past_its_life_is_not_tried(far: FarEnd) -> None:
    expired = "e30.eyJleHAiOiAxfQ.x"
    far.calls.plan = [opened("s1", expired), None]
    line = await far.connected()  # a session just opened is connected: PolyAI has the last word
    line.close_with(None)
    await far.passes(2)
    assert far.connects.sessions == ["s1"]
    assert far.told(e.SessionLost) == [e.SessionLost(1)]


async def test_an_old_socket_is_renewed_while_nothing_is_under_way(far: FarEnd) -> None:
    line = await far.connected()
    line.say(frame(said("hi", "m2"), 5))
    for _ in range(109):
        line.say(frame(f.HeartbeatEchoed()))
        await far.passes(60)
    assert len(far.connects.at) == 1
    line.say(frame(f.HeartbeatEchoed()))
    await far.passes(62)
    assert len(far.connects.at) == 2
    assert far.connects.cursors[1] == 5
    assert line.closed_by_us
    assert far.told(e.SessionLost) == far.told(e.SocketUnavailable) == []


@pytest.mark.parametrize("what", ["stream", "unconfirmed"])
async def test_an_old_socket_with_something_under_way_is_looked_at_again(
    far: FarEnd, what: str
) -> None:
    line = await far.connected()
    far.desk.terms = far.desk.terms.__class__(
        idle_timeout=timedelta(days=1),
        echo_timeout=timedelta(days=1),
        stream_stall=timedelta(days=1),
    )
    if what == "stream":
        far.desk.change_session(streams=(Stream(message_id="m", touched_at=far.clock.now()),))
    else:
        await far.say("unconfirmed")
    for _ in range(115):
        line.say(frame(f.HeartbeatEchoed()))
        await far.passes(60)
    assert len(far.connects.at) == 1
    if what == "stream":
        far.desk.change_session(streams=())
    else:
        line.say(frame(f.MessageEchoed("m7", "unconfirmed"), 5))
    await far.passes(17)
    assert len(far.connects.at) == 2


async def test_no_heartbeat_goes_out_where_none_is_wanted_and_a_dead_line_is_noticed(
    far: FarEnd,
) -> None:
    line = await far.connected(heartbeat_seconds=0)
    await far.passes(200)
    assert "HEARTBEAT" not in spent(line)
    assert line.pings >= 6
    assert far.sessions.open == 1

    line.pongs = False
    await far.passes(140)
    assert line.closed_by_us
    assert len(far.connects.at) == 2


@pytest.mark.parametrize(("named", "beats"), [(10, 6), (None, 2), (-1, 2)])
async def test_heartbeats_keep_the_sessions_own_time(
    far: FarEnd, named: int | None, beats: int
) -> None:
    line = await far.connected(heartbeat_seconds=named)
    before = spent(line).count("HEARTBEAT")
    for _ in range(60):
        line.say(frame(f.HeartbeatEchoed()))
        await far.passes(1)
    assert spent(line).count("HEARTBEAT") - before == beats


async def test_a_following_session_goes_back_to_the_usual_time(far: FarEnd) -> None:
    line = await far.connected(heartbeat_seconds=0)
    far.connects.plan = [refusal(404, Refusal.SESSION_GONE), Line]
    line.close_with(None)
    await far.passes(2)
    await far.say("again")
    await far.passes(1)
    following = far.line
    assert following is not line
    following.history(frame(f.SessionStarted(f.Capabilities()), 1))
    await far.passes(46)
    assert "HEARTBEAT" in spent(following)
    assert following.pings == 0


async def test_a_line_that_takes_nothing_more_is_noticed_too(far: FarEnd) -> None:
    """Our heartbeat hangs in a full buffer: the wait for theirs does not hang with it."""
    line = await far.connected(heartbeat_seconds=10)
    line.stuck = True
    await far.passes(40)
    assert line.closed_by_us
    assert len(far.connects.at) == 2


async def test_nothing_here_tells_what_people_say(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    line = await far.connected()
    line.say(frame(said("a secret", "m2"), 5))
    far.connects.plan = [AWAY]
    line.close_with(None)
    await far.passes(300)
    assert "a secret" not in caplog.text
    assert "e30.e30.x" not in caplog.text


class Strange(Line):
    """A socket that fails as no socket should, at its frame 99."""

    async def frames(self) -> AsyncIterator[Decoded]:
        async for decoded in super().frames():
            if [one.sequence for one in decoded.frames] == [99]:
                raise RuntimeError("what the library never raises")
            yield decoded


async def test_after_a_surprise_nothing_is_sent_before_the_next_history_nor_twice(
    far: FarEnd,
) -> None:
    start = frame(f.SessionStarted(f.Capabilities()), 1)
    far.connects.plan = [lambda: Strange(start), lambda: Line(silent=True)]
    await far.say()
    await far.passes(1)
    far.line.say(frame(f.JoinEchoed(), 2))
    far.line.say(frame(f.AgentJoined(), 3))
    far.line.say(frame(f.MessageEchoed("m1", "hello"), 4))
    far.line.say(frame(f.AgentThinking(), 99))
    await far.passes(3)
    assert len(far.connects.lines) == 2

    await far.say("are you there?")
    assert spent(far.line) == []
    far.line.history()
    await far.passes(5)
    assert spent(far.line) == ["USER_MESSAGE"]
