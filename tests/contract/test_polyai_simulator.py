"""Who is let in by the simulated PolyAI, and with which words not."""

import asyncio
import base64
import json

import aiohttp
import pytest

from bridge.simulators.polyai_options import CursorMode
from tests.contract.raw_polyai import (
    HOST,
    TOKEN,
    Client,
    ErrorShape,
    replay,
    short,
    simulator,
)

# -- access tokens and sessions --------------------------------------------------------------


async def test_a_token_is_a_jwt_with_an_expiry(client: Client) -> None:
    status, body = await client.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=HOST)
    head, claims, signature = body["access_token"].split(".")

    assert (status, body["expires_in"], body["token_type"]) == (200, 86_400, "Bearer")
    assert head
    assert signature
    padded = claims + "=" * (-len(claims) % 4)
    assert isinstance(json.loads(base64.urlsafe_b64decode(padded))["exp"], int)


@pytest.mark.parametrize(
    ("headers", "data", "refusal"),
    [
        ({"X_Host": HOST}, "{}", (401, "Missing authentication headers")),
        ({"X_Token": TOKEN}, "{}", (401, "Missing authentication headers")),
        ({"X_Token": "wrong", "X_Host": HOST}, "{}", (401, "Connector token does not exist")),
        ({"X_Token": TOKEN, "X_Host": HOST + "/"}, "{}", (401, "Failed to validate connector")),
        ({"X_Token": TOKEN, "X_Host": HOST}, "[]", (400, "Error parsing request")),
        ({"X_Token": TOKEN, "X_Host": HOST}, "", (400, "Error parsing request")),
        (
            {"X_Token": TOKEN, "X_Host": HOST, "Content_Type": "text/plain"},
            "{}",
            (400, "Error parsing request"),
        ),
    ],
)
async def test_token_calls_are_refused_in_the_documented_words(
    client: Client, headers: dict[str, str], data: str, refusal: tuple[int, str]
) -> None:
    status, body = await client.post("/api/v1/access-token", data, **headers)

    assert (status, body["error"]) == refusal
    assert client.polyai.calls[-1].status == status


async def test_a_connector_without_a_registered_host_is_refused(
    http: aiohttp.ClientSession,
) -> None:
    async with simulator(host="") as polyai:
        client = Client(polyai, http)
        status, body = await client.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=HOST)
    assert (status, body["error"]) == (401, "Connector missing host domain")


@pytest.mark.parametrize(
    ("headers", "data", "refusal"),
    [
        ({}, "{}", (400, "Missing access token")),
        ({"Authorization": "Basic abc"}, "{}", (401, "Missing authentication headers")),
        ({"Authorization": "Bearer "}, "{}", (401, "Missing authentication headers")),
        ({"Authorization": "Bearer a.b.c"}, "{}", (401, "Invalid access token")),
        ({"Authorization": "good"}, "{not json", (400, "Error parsing request")),
        ({"Authorization": "good"}, '{"platform": "slack"}', (400, "Error parsing request")),
        ({"Authorization": "good"}, '{"streaming_enabled": 1}', (400, "Error parsing request")),
        ({"Authorization": "good"}, '{"device_type": "fridge"}', (400, "Error parsing request")),
    ],
)
async def test_session_calls_are_refused_in_the_documented_words(
    client: Client, headers: dict[str, str], data: str, refusal: tuple[int, str]
) -> None:
    if headers.get("Authorization") == "good":
        headers = {"Authorization": f"Bearer {await client.token()}"}

    status, body = await client.post("/api/v1/sessions", data, **headers)

    assert (status, body["error"]) == refusal
    assert not client.polyai.sessions


async def test_the_body_of_a_session_call_may_be_missing(client: Client) -> None:
    bearer = f"Bearer {await client.token()}"
    status, body = await client.post("/api/v1/sessions", None, Authorization=bearer)
    assert status == 200
    assert client.polyai.sessions[body["session_id"]].streaming is False


async def test_an_expired_token_opens_nothing(client: Client) -> None:
    client.polyai.options.token_seconds = 0
    bearer = f"Bearer {await client.token()}"
    status, body = await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    assert (status, body["error"]) == (401, "Invalid access token")


async def test_the_correlation_id_is_echoed_or_minted(client: Client) -> None:
    url = client.polyai.base_url + "/api/v1/access-token"
    async with client.http.post(url, headers={"X-Polyai-Correlation-Id": "ours"}) as answer:
        assert answer.headers["X-Polyai-Correlation-Id"] == "ours"
        assert (await answer.json())["error_id"] == "ours"
    async with client.http.post(url) as answer:
        minted = answer.headers["X-Polyai-Correlation-Id"]
        assert minted == (await answer.json())["error_id"]


@pytest.mark.parametrize(
    ("shape", "words"),
    [("nested", '"message": "Missing access token"'), ("plain", "Missing access token")],
)
async def test_errors_come_in_any_of_their_shapes(
    client: Client, shape: ErrorShape, words: str
) -> None:
    client.polyai.options.error_shape = shape
    async with client.http.post(client.polyai.base_url + "/api/v1/sessions") as answer:
        assert words in await answer.text()


async def test_calls_are_recorded_without_the_access_token(client: Client) -> None:
    session = await client.session()
    await client.open(session, "seq:0")

    asked = [(c.method, c.path, c.status) for c in client.polyai.calls]
    assert asked == [
        ("POST", "/api/v1/access-token", 200),
        ("POST", "/api/v1/sessions", 200),
        ("GET", "/ws", 101),
    ]
    first, last = client.polyai.calls[0], client.polyai.calls[-1]
    assert (first.headers["X-Host"], first.body) == (HOST, "{}")
    assert (last.session_id, last.cursor) == (session.id, "seq:0")
    assert session.token not in repr(client.polyai.calls)
    assert session.token not in repr(session)


async def test_the_connector_token_on_a_session_call_is_a_violation(client: Client) -> None:
    bearer = f"Bearer {await client.token()}"
    await client.post("/api/v1/sessions", "{}", Authorization=bearer, X_Token=TOKEN)
    assert len(client.polyai.violations) == 1


async def test_an_unknown_path_or_method_is_refused_and_recorded(client: Client) -> None:
    async with client.http.get(client.polyai.base_url + "/api/v1/sessions") as answer:
        assert answer.status == 405
    assert client.polyai.calls[-1].status == 405


# -- handshakes ------------------------------------------------------------------------------


async def test_handshakes_are_refused_in_the_documented_words(client: Client) -> None:
    session, other = await client.session(), await client.session()
    good = {"session_id": session.id, "access_token": session.token}

    expected = [
        ({"session_id": session.id}, (400, "invalid connection parameters")),
        ({"access_token": session.token}, (400, "invalid connection parameters")),
        (good | {"session_id": "none"}, (404, "session not found")),
        (good | {"access_token": "a.b.c"}, (401, "authentication failed")),
        (good | {"access_token": other.token}, (401, "authentication failed")),
        (good | {"cursor": "-1"}, (400, "invalid cursor: must be a non-negative integer")),
        (good | {"cursor": "seq:x"}, (400, "invalid cursor: must be a non-negative integer")),
    ]
    for query, refusal in expected:
        assert await client.refused(query) == refusal


async def test_a_plain_get_is_not_a_handshake(client: Client) -> None:
    session = await client.session()
    query = {"session_id": session.id, "access_token": session.token}
    async with client.http.get(client.polyai.base_url + "/ws", params=query) as answer:
        assert answer.status == 400


async def test_the_eleventh_socket_of_a_session_is_refused(client: Client) -> None:
    session = await client.session()
    lines = [await client.open(session) for _ in range(10)]
    query = {"session_id": session.id, "access_token": session.token}

    assert await client.refused(query) == (429, "connection limit exceeded for session")
    await lines[0].socket.close()
    async with asyncio.timeout(2):
        while len(session.sockets) == 10:
            await asyncio.sleep(0.001)
    assert short(await (await client.open(session)).next()) == "EVENT_BATCH"


@pytest.mark.parametrize(
    ("mode", "taken", "refused"),
    [
        ("plain", ["4", "seq:4"], ["x", "", "+4", "٤"]),
        ("plain_only", ["4"], ["seq:4"]),
        ("seq_only", ["seq:4"], ["4"]),
    ],
)
async def test_each_cursor_mode_takes_its_forms_only(
    client: Client, mode: CursorMode, taken: list[str], refused: list[str]
) -> None:
    session, _ = await client.talk()
    client.polyai.options.cursor_mode = mode

    for cursor in taken:
        events = await replay(client, session, cursor)
        assert [e["sequence"] for e in events] == [1, 5]
    for cursor in refused:
        query = {"session_id": session.id, "access_token": session.token, "cursor": cursor}
        assert (await client.refused(query))[0] == 400
    assert session.handshakes == [None, *taken]


async def test_a_lenient_service_answers_a_bad_cursor_with_everything(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.options.cursor_mode = "lenient"
    events = await replay(client, session, "nonsense")
    assert [e["sequence"] for e in events] == [1, 2, 3, 4, 5]
