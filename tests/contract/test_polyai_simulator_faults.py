"""What goes wrong at the simulated PolyAI when told to, and how it is told."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import timedelta

import aiohttp
import pytest

from bridge.simulators.polyai import Options
from bridge.simulators.polyai_agent import (
    Act,
    Party,
    RuleAgent,
)
from tests.contract.raw_polyai import (
    HEARTBEAT,
    JOIN,
    TOKEN,
    Client,
    replay,
    settled,
    short,
    shorts,
    simulator,
)

# -- faults ----------------------------------------------------------------------------------


async def test_an_echo_is_lost_but_journaled(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.lose_echo()
    await line.say("one")
    assert shorts(await line.until("POLY_AGENT_MESSAGE"))[0] == "POLY_AGENT_THINKING"
    assert session.journal[5].payload["text"] == "one"
    await line.say("two")
    assert short(await line.next()) == "USER_MESSAGE"


async def test_a_swallowed_message_leaves_no_trace_but_the_raw_frame(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.swallow_messages(1, session.id)
    await line.say("one")
    assert await line.quiet()
    assert (len(session.accepted), len(session.journal)) == (0, 5)
    assert "one" in session.received[-2]


@pytest.mark.parametrize(
    ("before_echo", "accepted", "echoes", "kept"),
    [(True, True, 0, 1), (False, True, 1, 1), (True, False, 0, 0)],
)
async def test_the_socket_is_lost_around_a_message(
    client: Client, before_echo: bool, accepted: bool, echoes: int, kept: int
) -> None:
    session, line = await client.talk()
    client.polyai.drop_after_next_message(before_echo=before_echo, accepted=accepted)
    await line.say("one")
    if echoes:
        assert short(await line.next()) == "USER_MESSAGE"
    assert await line.closed() == 1006
    assert len(session.accepted) == kept


async def test_the_socket_is_lost_amid_a_stream(client: Client) -> None:
    session, line = await client.talk(streaming=True)
    client.polyai.drop_after_chunks(2)
    await line.say("1234")
    await line.until("POLY_AGENT_MESSAGE_CHUNK")
    assert short(await line.next()) == "POLY_AGENT_MESSAGE_CHUNK"
    assert await line.closed() == 1006
    await settled(session, "POLY_AGENT_MESSAGE_CHUNK", 5)


@pytest.mark.parametrize(("code", "seen"), [(None, 1006), (1006, 1006), (1011, 1011), (4001, 4001)])
async def test_sockets_are_dropped_and_the_session_lives(
    client: Client, code: int | None, seen: int
) -> None:
    session, line = await client.talk()
    client.polyai.drop_sockets(session.id, code)
    assert await line.closed() == seen
    assert [e["sequence"] for e in await replay(client, session, "4")] == [1, 5]


async def test_frames_are_repeated(client: Client) -> None:
    _, line = await client.talk()
    client.polyai.repeat_frames(2)
    await line.say("one")
    seen = await line.until("POLY_AGENT_MESSAGE")
    assert [f["sequence"] for f in seen] == [6, 6, 7, 7, 8]
    assert seen[0]["id"] == seen[1]["id"]


async def test_two_frames_are_swapped(client: Client) -> None:
    _, line = await client.talk()
    client.polyai.reorder_next()
    await line.say("one")
    assert [(await line.next())["sequence"] for _ in range(3)] == [7, 6, 8]


async def test_an_echo_comes_without_metadata(client: Client) -> None:
    _, line = await client.talk()
    client.polyai.echo_without_metadata()
    await line.say("one", local_id="u1")
    assert "metadata" not in (await line.until("POLY_AGENT_MESSAGE"))[0]
    await line.say("two", local_id="u2")
    assert (await line.next())["metadata"] == {"custom": {"local_id": "u2"}}


async def test_calls_are_refused_as_planned_and_no_more(client: Client) -> None:
    polyai = client.polyai
    polyai.refuse_tokens(429, 1, "slow down", retry_after=7)
    url = polyai.base_url + "/api/v1/access-token"
    async with client.http.post(url) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    polyai.refuse_tokens(200, body="<html>")
    async with client.http.post(url) as answer:
        assert (answer.status, await answer.text()) == (200, "<html>")
    bearer = f"Bearer {await client.token()}"
    polyai.refuse_sessions(500, 1, "Failed to create session")
    status, body = await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    assert (status, body["error"]) == (500, "Failed to create session")

    session = await client.session()
    polyai.refuse_handshakes(503, 2, "away")
    query = {"session_id": session.id, "access_token": session.token}
    assert [await client.refused(query) for _ in range(2)] == [(503, "away")] * 2
    assert len(await replay(client, session)) == 1


async def test_planned_faults_can_be_called_off(client: Client) -> None:
    client.polyai.refuse_tokens(500, 5)
    client.polyai.heal()
    assert await client.token()


async def test_a_response_is_lost_after_its_effect(client: Client) -> None:
    bearer = f"Bearer {await client.token()}"
    client.polyai.lose_responses()
    with pytest.raises(aiohttp.ClientError):
        await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    assert len(client.polyai.sessions) == 1


async def test_a_socket_opens_and_stays_mute(client: Client) -> None:
    session = await client.session()
    client.polyai.silent_handshakes()
    mute, line = await client.open(session), await client.open(session)
    assert short(await line.next()) == "EVENT_BATCH"
    await mute.send(HEARTBEAT)
    with pytest.raises(TimeoutError):
        await mute.socket.receive(timeout=0.02)


async def test_a_session_expires_without_a_word(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.expire_session(session.id)
    assert await line.closed() == 1006
    query = {"session_id": session.id, "access_token": session.token}
    assert await client.refused(query) == (404, "session not found")
    assert session.ended is None


@pytest.mark.parametrize("gone", [True, False])
async def test_a_clean_close_without_an_end(client: Client, gone: bool) -> None:
    session, line = await client.talk()
    client.polyai.close_cleanly(session.id, gone=gone)
    assert await line.closed() == 1000
    if gone:
        query = {"session_id": session.id, "access_token": session.token}
        assert (await client.refused(query))[0] == 404
    else:
        assert len(await replay(client, session)) == 5


async def test_the_service_forgets_the_conversation_until_the_next_join(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.forget_conversation()
    await line.say("one")
    assert (await line.next())["payload"]["message"] == "Error: Conversation not found"
    await line.join()
    await line.say("two")
    assert short(await line.next()) == "USER_MESSAGE"
    assert [m.text for m in session.accepted] == ["two"]
    assert client.polyai.violations == []


async def test_the_service_says_anything_when_told_to(client: Client) -> None:
    session, line = await client.talk()
    polyai = client.polyai
    polyai.system_message(session.id, "warning", "Careful", custom={"local_id": "u1"})
    polyai.send_raw(session.id, "{broken")
    polyai.send_raw(session.id, "{}", binary=True)
    polyai.emit(session.id, "LANGUAGE_CHANGED", {"language_code": "fr-FR"})
    polyai.agent_says(session.id, "By the way", suggestions=["Yes"])

    warning = await line.next()
    assert warning["payload"] == {"level": "SYSTEM_MESSAGE_LEVEL_WARNING", "message": "Careful"}
    assert (warning["sequence"], warning["metadata"]["custom"]) == (None, {"local_id": "u1"})
    assert await line.socket.receive_str() == "{broken"
    assert await line.socket.receive_bytes() == b"{}"
    changed, said = await line.next(), await line.next()
    assert (short(changed), changed["sequence"]) == ("LANGUAGE_CHANGED", 6)
    assert said["payload"]["text"] == "By the way"


# -- steering it from another process --------------------------------------------------------


async def test_verbs_and_options_work_over_http(client: Client) -> None:
    assert (await client.post("/_simulator/lose_echo", '{"n": 1}'))[0] == 200
    assert (await client.post("/_simulator/configure", '{"batch_size": 1}'))[0] == 200
    assert client.polyai.options.batch_size == 1

    _, line = await client.talk()
    await line.say("one")
    assert short(await line.next()) == "POLY_AGENT_THINKING"


@pytest.mark.parametrize(
    ("verb", "arguments", "status"),
    [
        ("no_such", "{}", 404),
        ("_plan", "{}", 404),
        ("state", "{}", 404),
        ("end_session", '{"session_id": "none"}', 404),
        ("lose_echo", '{"times": 1}', 400),
        ("configure", '{"no_such": 1}', 400),
        ("lose_echo", "[]", 400),
    ],
)
async def test_a_wrong_verb_is_refused(
    client: Client, verb: str, arguments: str, status: int
) -> None:
    assert (await client.post(f"/_simulator/{verb}", arguments))[0] == status


async def test_a_wrong_step_of_a_handoff_is_told_with_a_good_one(client: Client) -> None:
    await client.talk()
    for steps, status, told in (
        ({"client_required": {"queue_name": "A"}}, 400, 'such as ["triggered"'),
        ("queue", 400, "steps is a list"),
        (None, 400, "steps is a list"),
        ([{"client_required": {"queue_name": "A"}}], 400, '["queue", {"queue_name": "A"}]'),
        ([["queue", {}, {}]], 400, "a step is a name"),
        ([["queue", "Billing"]], 400, "the step queue has an object beside its name"),
        (["wait"], 400, '["wait", 5]'),
        ([["wait", "5"]], 400, '["wait", 5]'),
        ([["end", {"reason": "x"}]], 400, "the step end has nothing beside its name"),
        (["jump"], 404, "the step jump; known are: triggered"),
    ):
        answer = await client.post("/_simulator/hand_off", json.dumps({"steps": steps}))
        assert answer[0] == status, steps
        assert told in answer[1]["error"]


async def test_what_would_do_nothing_in_a_session_that_is_over_says_so(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.end_session(session.id)
    named, all_of_them = {"session_id": session.id}, {"session_id": None}
    for verb, arguments, told in (
        ("hand_off", named, f"the session {session.id} is over"),
        ("hand_off", {}, "no session is open"),
        ("agent_says", named | {"text": "Hm"}, "is over"),
        ("say_goodbye", named, "is over"),
        ("end_session", named, "is over"),
        ("drop_sockets", {}, "no session is open"),
        ("complain", all_of_them | {"name": "no_agent"}, "no session is open"),
    ):
        answer = await client.post(f"/_simulator/{verb}", json.dumps(arguments))
        assert answer[0] == 409, verb
        assert told in answer[1]["error"]
    said = len(session.journal)
    journaled = named | {"name": "no_agent", "journaled": True}
    assert (await client.post("/_simulator/complain", json.dumps(journaled)))[0] == 200
    assert len(session.journal) == said + 1
    for verb in ("expire_session", "lose_echo"):
        assert (await client.post(f"/_simulator/{verb}", "{}"))[0] == 200


async def test_a_browser_cannot_steer_it(client: Client) -> None:
    status, _ = await client.post("/_simulator/heal", "{}", Content_Type="text/plain")
    assert status == 400


async def test_the_state_tells_everything_but_the_tokens(client: Client) -> None:
    session, line = await client.talk()
    await line.say("hello")
    await line.until("POLY_AGENT_MESSAGE")
    async with client.http.get(client.polyai.base_url + "/_simulator/state") as answer:
        text = await answer.text()

    (told,) = json.loads(text)["sessions"]
    assert (told["id"], told["joins"], told["sockets"]) == (session.id, 1, 1)
    assert [m["text"] for m in told["accepted"]] == ["hello"]
    assert len(told["journal"]) == 8
    assert session.token not in text
    assert TOKEN not in text


# -- leaving and being left -----------------------------------------------------------------


DOOMED = """
import asyncio, sys
from websockets.asyncio.client import connect

async def main():
    async with connect(sys.argv[1]) as socket:
        await socket.recv()
        await socket.send(sys.argv[2])
        await socket.send(sys.argv[3])
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_it_outlives_a_client_that_is_killed_and_talks_on(client: Client) -> None:
    session = await client.session()
    url = client.polyai.base_url.replace("http", "ws")
    url += f"/ws?session_id={session.id}&access_token={session.token}"
    said = json.dumps({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "count 20"}})
    command = (sys.executable, "-c", DOOMED, url, json.dumps(JOIN), said)
    doomed = await asyncio.create_subprocess_exec(*command)
    async with asyncio.timeout(10):
        while not session.accepted:
            await asyncio.sleep(0.001)
    doomed.kill()
    await doomed.wait()

    await settled(session, "POLY_AGENT_MESSAGE", 21)
    assert session.sockets == []
    assert len(await replay(client, session)) == len(session.journal)


async def test_it_leaves_no_task_behind(http: aiohttp.ClientSession) -> None:
    before = asyncio.all_tasks()
    async with simulator(agent=RuleAgent(slow_pace=timedelta(hours=1))) as polyai:
        client = Client(polyai, http)
        _, line = await client.talk()
        await line.say("slow")
        await line.until("POLY_AGENT_THINKING")
    assert asyncio.all_tasks() == before
    assert await line.closed() == 1006


async def test_it_listens_on_loopback_at_the_port_asked_for(http: aiohttp.ClientSession) -> None:
    async with simulator() as first:
        port = int(first.base_url.rsplit(":", 1)[1])
    async with simulator(port=port, options=Options(batch_size=3)) as second:
        assert second.base_url == f"http://127.0.0.1:{port}"
        assert await Client(second, http).token()


async def test_an_agent_that_fails_is_reported_on_leaving(http: aiohttp.ClientSession) -> None:
    class Broken(RuleAgent):
        def answer(self, party: Party, text: str) -> Sequence[Act]:
            raise LookupError(text)

    polyai = await simulator(agent=Broken()).__aenter__()
    _, line = await Client(polyai, http).talk()
    await line.say("hello")
    await line.next()
    assert await line.quiet()
    with pytest.raises(ExceptionGroup, match="the simulator itself failed") as caught:
        await polyai.__aexit__(None, None, None)
    assert isinstance(caught.value.exceptions[0], LookupError)
