"""What befalls calls to the simulated PolyAI, and which of PolyAI's documents they follow."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bridge.simulators.polyai_faults import CallName
from bridge.simulators.polyai_options import INVALID_CURSOR_DRAFT
from bridge.testing.clock import FakeClock
from tests.contract.raw_polyai import (
    HOST,
    TOKEN,
    Client,
    ErrorShape,
    replay,
    short,
    simulator,
)

SECOND = timedelta(seconds=1)


async def token_status(client: Client) -> int:
    status, _ = await client.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=HOST)
    return status


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "status", "words", "said"),
    [
        ("token", 500, "docs", "Failed to create access token"),
        ("token", 401, "docs", "Connector token does not exist"),
        ("token", 401, "sdk", "Unable to get agent details from connector service"),
        ("session", 401, "docs", "Invalid access token"),
        ("session", 500, "docs", "Failed to create session"),
        ("session", 500, "sdk", "Error creating session"),
        ("session", 503, "sdk", ""),
    ],
)
async def test_a_refusal_without_a_text_is_in_the_services_own_words(
    client: Client, call: CallName, status: int, words: str, said: str
) -> None:
    client.polyai.configure(error_words=words)
    client.polyai.refuse(call, status)
    path = {"token": "access-token", "session": "sessions"}[call]
    got, body = await client.post(f"/api/v1/{path}", "{}")
    assert (got, body["error"]) == (status, said)


async def test_every_call_can_be_refused_with_a_code_of_the_platforms(client: Client) -> None:
    session = await client.session()
    client.polyai.refuse(None, 400, 3, code="CHAT_TIMEOUT", text="late")
    for path in ("access-token", "sessions"):
        status, body = await client.post(f"/api/v1/{path}", "{}")
        assert (status, body["error_code"], body["error"]) == (400, "CHAT_TIMEOUT", "late")
    query = {"session_id": session.id, "access_token": session.token}
    assert await client.refused(query) == (400, "late")


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ({"retry_after": 0}, "0"),
        ({"retry_after": 1.5}, "1.5"),
        ({"retry_after": "soon"}, "soon"),
        ({"retry_date": 7}, "Tue, 01 Jan 2030 12:00:07 GMT"),
        ({}, None),
    ],
)
async def test_retry_after_comes_in_every_form(
    http: aiohttp.ClientSession, arguments: dict[str, Any], header: str | None
) -> None:
    async with simulator(clock=FakeClock()) as polyai:
        polyai.refuse("token", 429, **arguments)
        async with http.post(polyai.base_url + "/api/v1/access-token") as answer:
            assert (answer.status, answer.headers.get("Retry-After")) == (429, header)


async def test_a_share_of_the_calls_is_refused_for_a_time(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with simulator(clock=clock) as polyai:
        client = Client(polyai, http)
        polyai.refuse("token", 503, None, share=0.3, seconds=10)
        answers = [await token_status(client) for _ in range(20)]
        assert (answers.count(503), answers.count(200)) == (6, 14)
        await clock.advance(timedelta(seconds=10))
        assert [await token_status(client) for _ in range(5)] == [200] * 5


async def test_a_call_can_be_sent_elsewhere(client: Client) -> None:
    client.polyai.refuse("token", 307, location="https://elsewhere.example/")
    url = client.polyai.base_url + "/api/v1/access-token"
    async with client.http.post(url, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, "https://elsewhere.example/")


async def test_a_success_can_be_nonsense(client: Client) -> None:
    client.polyai.refuse("token", 200, body='{"access_token": ""}')
    assert await client.post("/api/v1/access-token", "{}") == (200, {"access_token": ""})


@pytest.mark.parametrize("verb", ["refuse", "answer_slowly", "hang_up"])
async def test_there_are_three_calls_only(client: Client, verb: str) -> None:
    more: dict[str, Any] = {"refuse": {"status": 500}, "answer_slowly": {"seconds": 1}}
    with pytest.raises(ValueError, match="call is one of"):
        getattr(client.polyai, verb)("lunch", **more.get(verb, {}))


# -- slowness, silence, nobody at home -------------------------------------------------------


async def test_an_answer_waits_by_the_clock(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with simulator(clock=clock) as polyai:
        client = Client(polyai, http)
        polyai.answer_slowly("token", 14)
        asked = asyncio.create_task(client.token())
        async with asyncio.timeout(2):
            while not clock.sleepers:
                await asyncio.sleep(0.001)
        await clock.advance(timedelta(seconds=13))
        assert not asked.done()
        await clock.advance(SECOND)
        assert await asked
        assert await client.token()


async def test_an_answer_may_never_come(client: Client) -> None:
    client.polyai.answer_slowly("token", None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await client.token()


async def test_the_service_hangs_up_before_anything_happened(client: Client) -> None:
    session = await client.session()
    bearer = f"Bearer {await client.token()}"
    client.polyai.hang_up("session")
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    # aiohttp itself tries a GET on a kept connection twice.
    client.polyai.hang_up("handshake", 2, session_id=session.id)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.open(session)

    assert len(client.polyai.sessions) == 1
    assert [call.status for call in client.polyai.calls[-3:]] == [0, 0, 0]
    client.polyai.heal()
    assert short(await (await client.open(session)).next()) == "EVENT_BATCH"


async def test_nobody_is_at_the_port_for_a_while(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with simulator(clock=clock, streaming_pace=timedelta()) as polyai:
        client = Client(polyai, http)
        _, line = await client.talk()
        async with aiohttp.ClientSession() as fresh:
            polyai.refuse_connections(30)
            stranger = Client(polyai, fresh)
            with pytest.raises(aiohttp.ClientConnectorError):
                await stranger.token()
            assert await line.quiet()
            await clock.advance(timedelta(seconds=30))
            assert await stranger.token()


async def test_healing_brings_somebody_back_to_the_port(client: Client) -> None:
    async with aiohttp.ClientSession() as fresh:
        stranger = Client(client.polyai, fresh)
        client.polyai.refuse_connections()
        with pytest.raises(aiohttp.ClientConnectorError):
            await stranger.token()
        client.polyai.heal()
        await asyncio.sleep(0.005)
        assert await stranger.token()


async def test_whoever_calls_is_cut_off_for_a_while(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with simulator(clock=clock) as polyai:
        client = Client(polyai, http)
        polyai.refuse_connections(5, "reset")
        for _ in range(2):
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.token()
        await clock.advance(timedelta(seconds=5))
        assert await client.token()
        with pytest.raises(ValueError, match="how is"):
            polyai.refuse_connections(how="politely")


# -- tokens ----------------------------------------------------------------------------------


async def test_tokens_expire_at_once_when_told_to(client: Client) -> None:
    first, second = await client.session(), await client.session()
    client.polyai.expire_tokens(first.id)
    query = {"session_id": first.id, "access_token": first.token}
    assert await client.refused(query) == (401, "authentication failed")
    assert await replay(client, second)
    client.polyai.expire_tokens()
    query = {"session_id": second.id, "access_token": second.token}
    assert (await client.refused(query))[0] == 401
    assert await replay(client, await client.session())


@pytest.mark.parametrize(
    ("options", "parts", "exp"),
    [
        ({}, 3, 86_400),
        ({"jwt_seconds": -2}, 3, -2),
        ({"token_form": "no_exp"}, 3, None),
        ({"token_form": "text_exp", "jwt_seconds": 60}, 3, "60"),
        ({"token_form": "two_parts"}, 2, None),
        ({"token_form": "undecodable"}, 3, None),
    ],
)
async def test_tokens_come_in_every_form_and_all_are_taken(
    client: Client, options: dict[str, Any], parts: int, exp: int | str | None
) -> None:
    client.polyai.configure(**options)
    token = await client.token()
    pieces = token.split(".")
    assert len(pieces) == parts
    if "token_form" in options and parts == 3 and exp is None and pieces[1].startswith("~"):
        assert options["token_form"] == "undecodable"
    elif parts == 3:
        claims = json.loads(base64.urlsafe_b64decode(pieces[1] + "=="))
        told = claims.get("exp")
        ahead = None if told is None else int(told) - claims["iat"]
        assert ahead == (None if exp is None else pytest.approx(int(exp), abs=1))
        assert isinstance(told, type(exp))
    assert await replay(client, await client.session())


@pytest.mark.parametrize(("bound", "status"), [(True, 401), (False, 101)])
async def test_a_fresh_token_opens_an_old_session_or_does_not(
    client: Client, bound: bool, status: int
) -> None:
    session = await client.session()
    client.polyai.configure(tokens_bound=bound)
    query = {"session_id": session.id, "access_token": await client.token()}
    if bound:
        assert (await client.refused(query))[0] == 401
    else:
        assert short(await (await client.handshake(query)).next()) == "EVENT_BATCH"
    last = client.polyai.calls[-1]
    assert (last.status, last.access_token == session.token) == (status, False)


async def test_the_token_may_travel_under_another_name(client: Client) -> None:
    session = await client.session()
    client.polyai.configure(token_parameter="auth_token")
    good = {"session_id": session.id, "auth_token": session.token}
    assert short(await (await client.handshake(good)).next()) == "EVENT_BATCH"
    bad = {"session_id": session.id, "access_token": session.token}
    assert (await client.refused(bad))[0] == 400
    assert "auth_token" not in client.polyai.calls[-2].query


# -- the form of answers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "kind", "words"),
    [
        ("message", "application/json", '{"message": "Missing access token"}'),
        ("html", "text/html", "<h1>400</h1>Missing access token"),
    ],
)
async def test_errors_come_in_the_sdks_form_and_as_pages(
    client: Client, shape: ErrorShape, kind: str, words: str
) -> None:
    client.polyai.configure(error_shape=shape)
    async with client.http.post(client.polyai.base_url + "/api/v1/sessions") as answer:
        assert answer.content_type == kind
        assert words in await answer.text()


async def test_answers_may_lack_the_correlation_header(client: Client) -> None:
    client.polyai.configure(correlation_header=False)
    async with client.http.post(client.polyai.base_url + "/api/v1/sessions") as answer:
        assert "X-Polyai-Correlation-Id" not in answer.headers
        assert (await answer.json())["error_id"]


@pytest.mark.parametrize("status", [401, 404])
async def test_an_unknown_connector_has_either_status(client: Client, status: int) -> None:
    client.polyai.configure(unknown_connector=status)
    got, body = await client.post("/api/v1/access-token", "{}", X_Token="x", X_Host=HOST)
    assert (got, body["error_code"]) == (status, "AUTH_USER_NOT_FOUND")


async def test_answers_name_their_fields_in_any_way(client: Client) -> None:
    client.polyai.configure(rest_names="camel", rest_omit=["token_type"])
    _, body = await client.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=HOST)
    assert set(body) == {"accessToken", "expiresIn"}
    bearer = f"Bearer {body['accessToken']}"
    _, body = await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    assert set(body) == {"sessionId"}
    client.polyai.configure(rest_names="id")
    _, body = await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    assert set(body) == {"id"}


@pytest.mark.parametrize(
    ("match", "host", "status"),
    [
        ("exact", "https://shop.demo.example", 401),
        ("subdomains", "https://shop.demo.example", 200),
        ("subdomains", "https://demo.example", 200),
        ("subdomains", "https://evildemo.example", 401),
    ],
)
async def test_the_host_matches_exactly_or_with_its_subdomains(
    client: Client, match: str, host: str, status: int
) -> None:
    client.polyai.configure(host_match=match)
    got, _ = await client.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=host)
    assert got == status


# -- handshakes ------------------------------------------------------------------------------


async def test_a_bad_cursor_is_refused_in_either_words_or_replays_everything(
    client: Client,
) -> None:
    session, _ = await client.talk()
    query = {"session_id": session.id, "access_token": session.token, "cursor": "4"}
    client.polyai.configure(cursor_mode="seq_only", cursor_refusal=INVALID_CURSOR_DRAFT)
    assert await client.refused(query) == (400, "invalid cursor: expected format seq:<n>")
    client.polyai.configure(bad_cursor="replay_all")
    assert len(await replay(client, session, "4")) == 5
    assert client.polyai.warnings == ["a bad cursor: everything is replayed"]
    assert client.polyai.violations == []


async def test_a_long_address_is_refused(client: Client) -> None:
    session = await client.session()
    client.polyai.configure(longest_url=4096)
    query = {"session_id": session.id, "access_token": session.token}
    assert (await client.refused(query | {"cursor": "0" * 4096}))[0] == 414
    assert await replay(client, session)


async def test_an_option_takes_only_its_choices(client: Client) -> None:
    with pytest.raises(ValueError, match="error_shape is one of"):
        client.polyai.configure(error_shape="round")
    assert (await client.post("/_simulator/configure", '{"chunk_base": 7}'))[0] == 400
