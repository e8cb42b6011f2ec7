"""A. Handshake and credentials."""

import json
import socket
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.conformance.stage import GREETING, ConformanceStage, seconds

pytestmark = pytest.mark.conformance

UNAVAILABLE = "cannot be reached at the moment"
NEW_CONVERSATION = "This is a new conversation"


async def test_001_first_contact_in_order(stage: ConformanceStage) -> None:
    """Given a healthy service and a first message in a new thread: a token is asked for with the
    configured connector and host, byte for byte, then a session with that token, then a socket of
    that session without a cursor."""
    before = len(stage.polyai.calls)  # the start proves the credentials
    thread = await stage.mention("hello")
    await stage.until(lambda: "You said: hello" in stage.told(thread))

    token, session, handshake = stage.polyai.calls[before:]
    assert (token.method, token.path, token.status) == ("POST", "/api/v1/access-token", 200)
    assert token.headers["X-Token"] == "simulated-connector-token"
    assert token.headers["X-Host"] == "https://demo.example"
    assert token.headers["Content-Type"] == "application/json"
    assert token.body == "{}"
    assert (session.method, session.path, session.status) == ("POST", "/api/v1/sessions", 200)
    assert session.headers["Authorization"] == f"Bearer {stage.session.token}"
    assert json.loads(session.body) == {"streaming_enabled": True, "platform": "custom"}
    assert (handshake.method, handshake.path, handshake.status) == ("GET", "/ws", 101)
    assert handshake.session_id == stage.session.id
    assert handshake.cursor is None


async def test_003_refused_connector_is_no_loop(stage: ConformanceStage) -> None:
    """Given the connector token is refused with 401, and five threads are waiting: nobody tries a
    socket, the calls stay few over five minutes, the operator is alerted once and every thread is
    told once."""
    stage.polyai.refuse_tokens(401, n=10_000, text="Connector token does not exist")
    before = len(stage.calls("access-token"))

    threads = [await stage.mention(f"hello {n}") for n in range(5)]
    await stage.wait(timedelta(minutes=5))

    assert stage.calls("/ws") == []
    assert stage.calls("/sessions") == []
    at_once = len(stage.calls("access-token")) - before - len(stage.calls("access-token", since=1))
    assert 1 <= at_once <= len(threads), "each may have asked before the first answer came"
    assert 1 <= len(stage.calls("access-token", since=1)) <= 5, "then one a minute, for all"
    assert len(stage.log.of("agent.unavailable")) == 1
    assert stage.log.of("agent.unavailable")[0].level == "error"
    for thread in threads:
        assert len(stage.told(thread)) == 1
        assert UNAVAILABLE in stage.told(thread)[0]


async def test_004_server_errors_are_retried_with_growing_waits(stage: ConformanceStage) -> None:
    """Given two 500s for the token and then a 503 for the session: it succeeds in the end, after
    waits that grow from about a second, and exactly one session is used."""
    stage.polyai.refuse_tokens(500, n=2, text="Failed to create access token")
    stage.polyai.refuse_sessions(503, n=1)

    thread = await stage.mention("hello")
    await stage.until(lambda: "You said: hello" in stage.told(thread))

    statuses = [(call.path.rpartition("/")[2], call.status) for call in stage.polyai.calls[1:]]
    assert [s for s in statuses if s[0] == "sessions"] == [("sessions", 503), ("sessions", 200)]
    tries = [seconds(call.at) for call in stage.calls("access-token")[1:]]
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == [pytest.approx(wait, rel=0.21) for wait in (1, 2, 4)]
    assert len(stage.sessions) == 1
    assert {call.session_id for call in stage.calls("/ws")} == {stage.session.id}


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("7", 7, 30), (None, 4, 6.5), ("0", 0, 1.3), ("1.5", 1.5, 2.5)],
    ids=["seven", "absent", "zero", "fraction"],
)
async def test_005_retry_after_is_honoured(
    stage: ConformanceStage, header: str | None, least: float, most: float
) -> None:
    """Given 429 with `Retry-After: 7`, none, `0` and `1.5`: the next call comes after that long,
    about five seconds where nothing is said, and then the conversation goes on."""
    stage.polyai.refuse_tokens(429, n=1, retry_after=header)

    thread = await stage.mention("hello")
    await stage.until(lambda: "You said: hello" in stage.told(thread))

    refused, granted = stage.calls("access-token")[1:]
    assert (refused.status, granted.status) == (429, 200)
    assert least <= (granted.at - refused.at).total_seconds() <= most


@pytest.mark.parametrize(
    "body", ['{"access_token": "", "expires_in": 60}', '{"expires_in": 60}'], ids=["empty", "none"]
)
async def test_007_an_answer_without_a_token_is_a_refusal(
    stage: ConformanceStage, body: str
) -> None:
    """Given 200 with an empty token, or with none: that is a refusal of the credentials. No session
    is asked for with an empty bearer; once PolyAI gives tokens again the message arrives."""
    stage.polyai.refuse_tokens(200, n=1, body=body)

    thread = await stage.mention("hello")
    await stage.wait(timedelta(seconds=30))
    assert stage.calls("/sessions") == []
    assert len(stage.calls("access-token")) == 2  # the proof at the start, and this one
    assert len(stage.log.of("agent.unavailable")) == 1
    assert UNAVAILABLE in stage.told(thread)[0]

    await stage.until(lambda: stage.heard() == ["hello"])


async def test_007_an_answer_that_is_no_json_is_tried_again(stage: ConformanceStage) -> None:
    """Given 200 with an HTML page: that is a passing fault of the protocol. The call is repeated
    about a second later, nobody is alarmed."""
    stage.polyai.refuse_tokens(200, n=1, body="<html><body>Hello</body></html>")

    await stage.mention("hello")
    await stage.until(lambda: stage.heard() == ["hello"])

    page, token = stage.calls("access-token")[1:]
    assert (token.at - page.at).total_seconds() == pytest.approx(1, rel=0.21)
    assert stage.log.of("agent.unavailable") == []


@pytest.mark.parametrize(
    ("options", "ago", "usable"),
    [
        ({"token_form": "no_exp"}, 2, True),
        ({"jwt_seconds": 60}, 2, True),
        ({"jwt_seconds": 60}, 6, False),
        ({"token_form": "two_parts"}, 2, False),
        ({"token_form": "undecodable"}, 2, False),
        ({"token_form": "text_exp"}, 2, False),
    ],
    ids=["no exp", "2 s ago", "6 s ago", "two parts", "undecodable", "text"],
)
async def test_008_which_stored_tokens_are_presented(
    cold_stage: ConformanceStage, options: dict[str, str | int], ago: int, usable: bool
) -> None:
    """Given a stored session and a restart 62 (or 66) seconds after its token was made: a token
    without `exp` or that ran out 2 s ago is presented; one that ran out 6 s ago, or is no proper
    JWT, is not, and the next message opens a new session."""
    stage = cold_stage
    await stage.start()
    stage.polyai.configure(**options)
    thread = await stage.greeted("hello")
    minted = seconds(stage.calls("access-token")[-1].at)
    await stage.crash()
    await stage.wait(timedelta(seconds=minted + 60 + ago - stage.now))
    handshakes = len(stage.calls("/ws"))

    await stage.start()
    await stage.wait(timedelta(seconds=5))

    tried = [call.session_id for call in stage.calls("/ws")[handshakes:]]
    assert tried == ([stage.sessions[0].id] if usable else [])
    stage.polyai.configure(token_form="jwt", jwt_seconds=None)
    await stage.reply(thread, "still there?")
    await stage.until(lambda: "You said: still there?" in stage.told(thread))
    assert len(stage.sessions) == (1 if usable else 2)


async def test_010_an_unknown_session_is_replaced_and_the_message_carried(
    stage: ConformanceStage,
) -> None:
    """Given the handshake answers 404 for a session of ours while a message is unconfirmed: a new
    token and a new session, no cursor, one join; the message arrives once, in the new session, and
    the thread is told shortly that this is a new conversation."""
    thread = await stage.greeted("hello")
    old, known = stage.session, len(stage.polyai.calls)
    stage.polyai.drop_after_next_message(accepted=False)
    old.expire()

    await stage.reply(thread, "are you there?")
    await stage.until(lambda: "You said: are you there?" in stage.told(thread))
    await stage.settled()

    new = stage.session
    assert new is not old
    assert new.token != old.token
    calls = [
        (call.path, call.status, call.cursor)
        for call in stage.polyai.calls[known:]
        if call.path != "/"  # whether the service is there is asked all the time
    ]
    cursor = str(old.journal[-1].sequence)
    assert calls == [
        ("/ws", 404, cursor),
        ("/api/v1/access-token", 200, None),
        ("/api/v1/sessions", 200, None),
        ("/ws", 101, None),
    ]
    assert new.joins == 1
    assert [message.text for message in new.accepted] == ["are you there?"]
    assert stage.heard() == ["hello", "are you there?"]
    assert len(stage.notices(thread, NEW_CONVERSATION)) == 1


async def test_011_a_refused_token_costs_the_session(stage: ConformanceStage) -> None:
    """Given a reconnect is answered 401: a new token and a new session; the old session is tried at
    most once more, and never again."""
    thread = await stage.greeted("hello")
    old = stage.session
    stage.polyai.refuse_handshakes(401, n=100, text="authentication failed", session_id=old.id)
    before = len(old.handshakes) + sum(c.status == 401 for c in stage.calls("/ws"))

    stage.polyai.drop_sockets()
    await stage.reply(thread, "are you there?")
    await stage.until(lambda: "You said: are you there?" in stage.told(thread))
    await stage.settled(timedelta(minutes=5))

    assert before == 1
    refused = [call for call in stage.calls("/ws") if call.status == 401]
    assert {call.session_id for call in refused} == {old.id}
    assert 1 <= len(refused) <= 2
    assert len(stage.sessions) == 2
    assert stage.session.token != old.token
    assert stage.heard() == ["hello", "are you there?"]


async def test_015_an_unreachable_network_costs_nothing(cold_stage: ConformanceStage) -> None:
    """Given the connection is refused, the name unknown, the connection reset before the socket
    opens, and then all is well again: the same session goes on after waits that grow to 30 s, and
    what was said meanwhile arrives once."""
    stage = cold_stage
    stage.polyai.configure(max_reconnect_attempts=0)
    await stage.start()
    thread = await stage.greeted("hello")
    broke_at = stage.now

    stage.polyai.drop_sockets()
    stage.cut_off(ConnectionRefusedError(111, "Connection refused"))
    await stage.reply(thread, "are you there?")
    await stage.wait(timedelta(seconds=20))
    stage.cut_off(socket.gaierror(-2, "Name or service not known"))
    await stage.wait(timedelta(seconds=40))
    stage.cut_off(ConnectionResetError(104, "Connection reset by peer"))
    await stage.wait(timedelta(seconds=60))
    stage.cut_off(None)
    await stage.until(lambda: "You said: are you there?" in stage.told(thread))
    await stage.settled()

    tries = [at for at, _ in stage.loop.refused]
    waits = [later - earlier for earlier, later in pairwise([broke_at, *tries])]
    expected = [1, 2, 4, 8, 16, 30, 30, 30]
    assert len(waits) >= 6
    assert waits == [pytest.approx(wait, rel=0.25) for wait in expected[: len(waits)]]
    assert len(stage.sessions) == 1
    assert stage.session.joins == 1
    assert stage.heard() == ["hello", "are you there?"]
    assert stage.notices(thread, NEW_CONVERSATION) == []


async def test_016_sessions_that_never_open_are_not_opened_for_ever(
    stage: ConformanceStage,
) -> None:
    """Given every new session is at once refused its socket with 404: three sessions at most, then
    the conversation is parked and told so once; a later message begins again, and arrives when
    PolyAI has recovered."""
    stage.polyai.refuse_handshakes(404, n=10_000, text="session not found")

    thread = await stage.mention("hello")
    await stage.wait(timedelta(minutes=4))
    assert len(stage.sessions) == 3
    assert len(stage.told(thread)) == 1
    assert UNAVAILABLE in stage.told(thread)[0]

    stage.polyai.heal()
    await stage.reply(thread, "anybody?")
    await stage.until(lambda: "You said: anybody?" in stage.told(thread))
    assert stage.heard() == ["hello", "anybody?"]
    assert len(stage.sessions) == 4


async def test_016_sockets_closed_with_4001_are_no_sockets(stage: ConformanceStage) -> None:
    """Given every new session's socket is closed with 4001 before its history: three sessions at
    most, then the conversation is parked and told so once."""
    stage.polyai.drop_opened(None, code=4001)

    thread = await stage.mention("hello")
    await stage.wait(timedelta(minutes=4))
    assert 1 <= len(stage.sessions) <= 3
    assert len(stage.told(thread)) == 1
    assert UNAVAILABLE in stage.told(thread)[0]

    stage.polyai.heal()
    await stage.reply(thread, "anybody?")
    await stage.until(lambda: "You said: anybody?" in stage.told(thread))
    assert stage.heard() == ["hello", "anybody?"]


async def test_016_failed_calls_for_a_session_do_not_count(stage: ConformanceStage) -> None:
    """Given five calls for a session fail and then each session's socket is refused: the five do
    not count among the three."""
    stage.polyai.refuse_sessions(500, n=5, text="Failed to create session")
    stage.polyai.refuse_handshakes(404, n=10_000, text="session not found")

    thread = await stage.mention("hello")
    await stage.wait(timedelta(minutes=4))

    assert len(stage.sessions) == 3
    assert len(stage.told(thread)) == 1
    assert GREETING not in stage.told(thread)
