"""Sessions over HTTP, against a small real server on loopback."""

import asyncio
import base64
import json
import traceback
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from bridge.errors import BridgeError, CredentialsRefused
from bridge.polyai.api import AgentConnection, Api, OpenedSession
from bridge.polyai.refusals import ConnectorRefused, SessionRefused, TryLater
from bridge.polyai.tokens import Secret

NOW = datetime(2026, 5, 19, 10, 0, 0, tzinfo=UTC)
CONNECTOR = "connector-t0ken"
HOST = "https://Www.Example.com/ "


class StillClock:
    def now(self) -> datetime:
        return NOW

    async def sleep(self, duration: timedelta) -> None:
        raise AssertionError("this room waits for nothing")


class CountedIds:
    def __init__(self) -> None:
        self.given = 0

    def new(self) -> str:
        self.given += 1
        return f"id{self.given}"


@dataclass
class Server:
    """Answers each call with the next planned answer of its path, the last one for ever."""

    url: str = ""
    tokens: list[web.Response | str] = field(default_factory=list)
    sessions: list[web.Response | str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        assert request.path == f"/api/v1/{name}"
        self.calls.append((name, dict(request.headers), await request.text()))
        planned = self.tokens if name == "access-token" else self.sessions
        answer = planned.pop(0)
        if answer == "cut":
            assert request.transport is not None
            request.transport.abort()
        assert isinstance(answer, web.Response) or answer == "cut"
        return answer if isinstance(answer, web.Response) else web.Response()

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    planned = Server()
    app = web.Application()
    app.router.add_post("/{path:.*}", planned.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    planned.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield planned
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def api(server: Server, http: aiohttp.ClientSession) -> Api:
    connection = AgentConnection(
        base_url=server.url + "/", connector_token=CONNECTOR, host=HOST, name="sales"
    )
    return Api(connection, http=http, ids=CountedIds(), clock=StillClock())


def token(value: object = "the.t0k.en", **fields: object) -> web.Response:
    return web.json_response(
        {"access_token": value, "expires_in": 86400, "token_type": "Bearer"} | fields
    )


def session(session_id: object = "s-1") -> web.Response:
    return web.json_response({"session_id": session_id})


def refusal(status: int, text: str = "no", **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"message": text}, status=status, headers=named)


async def failure_of(api: Api) -> BridgeError:
    """What `open_session` raises, once it is sure that no secret shows in it."""
    with pytest.raises(BridgeError) as caught:
        await api.open_session()
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    assert CONNECTOR not in shown
    assert "t0k" not in shown
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


async def test_a_session_is_a_token_then_a_session(server: Server, api: Api) -> None:
    server.tokens = [token()]
    server.sessions = [session()]
    opened = await api.open_session()
    assert (opened.session_id, opened.token) == ("s-1", Secret("the.t0k.en"))
    assert opened.expires_at == NOW + timedelta(days=1)
    (_, first, first_body), (_, second, second_body) = server.calls
    assert server.names() == ["access-token", "sessions"]
    assert first["X-Token"] == CONNECTOR
    assert first["Content-Type"] == first["Accept"] == "application/json"
    assert first_body == "{}"
    assert second["Authorization"] == "Bearer the.t0k.en"
    assert "X-Token" not in second
    assert "X-Host" not in second
    assert json.loads(second_body) == {"streaming_enabled": True, "platform": "custom"}
    correlation = [headers["X-Polyai-Correlation-Id"] for headers in (first, second)]
    assert len({uuid.UUID(value) for value in correlation}) == 2
    assert opened.correlation_id == correlation[1]


async def test_the_host_is_sent_byte_for_byte(http: aiohttp.ClientSession) -> None:
    """A raw server, since a parsed header has lost its outer blanks."""
    heard = bytearray()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    listener = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    connection = AgentConnection(
        base_url=f"http://127.0.0.1:{port}", connector_token=CONNECTOR, host=HOST
    )
    api = Api(connection, http=http, ids=CountedIds(), clock=StillClock())
    with pytest.raises(TryLater):
        await api.prove()
    assert b"X-Host: https://Www.Example.com/ \r\n" in heard
    listener.close()
    await listener.wait_closed()


async def test_streaming_is_asked_for_as_configured(
    server: Server, http: aiohttp.ClientSession
) -> None:
    connection = AgentConnection(
        base_url=server.url, connector_token=CONNECTOR, host=HOST, streaming=False
    )
    server.tokens, server.sessions = [token()], [session()]
    await Api(connection, http=http, ids=CountedIds(), clock=StillClock()).open_session()
    assert json.loads(server.calls[1][2])["streaming_enabled"] is False


async def test_a_life_that_is_not_said_may_stand_in_the_token(server: Server, api: Api) -> None:
    claims = base64.urlsafe_b64encode(b'{"exp": 1779184860}').rstrip(b"=").decode()
    server.tokens = [token(f"e30.{claims}.x", expires_in=None)]
    server.sessions = [session()]
    assert (await api.open_session()).expires_at == NOW + timedelta(seconds=60)


async def test_leave_is_asked_before_each_call(server: Server, api: Api) -> None:
    """Even before the calls with a token minted anew."""
    server.tokens = [token("old"), token("new")]
    server.sessions = [refusal(401, "Invalid access token"), session()]
    before: list[list[str]] = []

    async def enter() -> None:
        before.append(server.names())

    await api.open_session(enter)
    assert [len(names) for names in before] == [0, 1, 2, 3]


async def test_a_call_that_gets_no_leave_is_not_made(server: Server, api: Api) -> None:
    async def enter() -> None:
        raise TryLater("held", after=None, status=429, correlation_id="")

    for call in (api.open_session, api.prove):
        with pytest.raises(TryLater, match="held"):
            await call(enter)
    assert server.calls == []


async def test_other_spellings_are_read(server: Server, api: Api) -> None:
    server.tokens = [web.json_response({"accessToken": "t", "expiresIn": "60"}, status=201)]
    server.sessions = [web.json_response({"sessionId": "s-2"}, status=201)]
    opened = await api.open_session()
    assert (opened.session_id, opened.token.value) == ("s-2", "t")
    assert opened.expires_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize("seconds", [None, "soon", -1, 10**12, True])
async def test_a_life_that_is_not_said_is_not_guessed(
    server: Server, api: Api, seconds: object
) -> None:
    server.tokens, server.sessions = [token(expires_in=seconds)], [session()]
    assert (await api.open_session()).expires_at is None


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "Missing authentication headers"),
        (401, "Connector token does not exist"),
        (401, f"Connector token {CONNECTOR} does not exist"),
        (401, "Connector missing host domain"),
        (403, "USER_ACCESS_FORBIDDEN"),
        (400, "Failed to validate connector"),
        (404, "CONNECTORS_NOT_FOUND"),
    ],
)
async def test_a_refused_connector_needs_a_person(
    server: Server, api: Api, status: int, text: str
) -> None:
    server.tokens = [refusal(status, text, X_Polyai_Correlation_Id="theirs-1")]
    error = await failure_of(api)
    assert isinstance(error, ConnectorRefused)
    assert isinstance(error, CredentialsRefused)
    assert error.correlation_id == "theirs-1"
    assert server.names() == ["access-token"]
    assert text.replace(CONNECTOR, "…") in str(error)
    assert "agents.sales.connector_token" in error.remedy
    assert "agents.sales.host" in error.remedy
    assert "theirs-1" in str(error)


@pytest.mark.parametrize("value", ["", None, [], {"a": 1}])
async def test_an_empty_token_is_a_refusal_and_is_not_used(
    server: Server, api: Api, value: object
) -> None:
    server.tokens = [token(value)]
    assert isinstance(await failure_of(api), CredentialsRefused)
    assert server.names() == ["access-token"]


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 422, 302])
async def test_a_request_refused_is_not_worth_repeating(
    server: Server, api: Api, status: int
) -> None:
    server.tokens = [refusal(status, "wrong place", Location="http://127.0.0.1:1/elsewhere")]
    error = await failure_of(api)
    assert isinstance(error, SessionRefused)
    assert error.correlation_id == server.calls[0][1]["X-Polyai-Correlation-Id"]
    assert "wrong place" in str(error)
    assert "agents.sales.base_url" in error.remedy


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_a_session_refused_is_not_worth_repeating(
    server: Server, api: Api, status: int
) -> None:
    server.tokens, server.sessions = [token()], [refusal(status, "Error parsing request")]
    error = await failure_of(api)
    assert isinstance(error, SessionRefused)
    assert server.names() == ["access-token", "sessions"]


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
@pytest.mark.parametrize("step", ["access-token", "sessions"])
async def test_server_trouble_is_for_later(
    server: Server, api: Api, status: int, step: str
) -> None:
    server.tokens = [refusal(status)] if step == "access-token" else [token()]
    server.sessions = [refusal(status)]
    error = await failure_of(api)
    assert isinstance(error, TryLater)
    assert (error.status, error.after) == (status, None)
    assert server.names()[-1] == step


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry_After": "7"}, 7),
        (429, {"Retry_After": "1.5"}, 1.5),
        (429, {"Retry_After": "0"}, 0),
        (429, {"Retry_After": "600"}, 30),
        (429, {"Retry_After": "Tue, 19 May 2026 10:00:09 GMT"}, 9),
        (429, {"Retry_After": "soon"}, 5),
        (429, {}, 5),
        (503, {"Retry_After": "7"}, 7),
    ],
)
async def test_how_long_to_wait_is_handed_on(
    server: Server, api: Api, status: int, headers: dict[str, str], seconds: float
) -> None:
    server.tokens = [refusal(status, **headers)]
    error = await failure_of(api)
    assert isinstance(error, TryLater)
    assert (error.status, error.after) == (status, timedelta(seconds=seconds))


@pytest.mark.parametrize("body", ["<html>login</html>", "", "[]", "null"])
@pytest.mark.parametrize("step", ["access-token", "sessions"])
async def test_a_good_answer_that_is_no_object_is_for_later(
    server: Server, api: Api, body: str, step: str
) -> None:
    page = web.Response(text=body, content_type="text/html")
    server.tokens = [page] if step == "access-token" else [token()]
    server.sessions = [page]
    error = await failure_of(api)
    assert isinstance(error, TryLater)
    assert error.status == 200


@pytest.mark.parametrize("session_id", ["", None, []])
async def test_a_session_without_id_is_none(server: Server, api: Api, session_id: object) -> None:
    server.tokens, server.sessions = [token()], [session(session_id)]
    assert isinstance(await failure_of(api), TryLater)


async def test_a_connection_cut_is_for_later(server: Server, api: Api) -> None:
    server.tokens = ["cut"]
    error = await failure_of(api)
    assert isinstance(error, TryLater)
    assert (error.status, error.after) == (0, None)
    assert error.correlation_id == server.calls[0][1]["X-Polyai-Correlation-Id"]


async def test_an_answer_that_is_no_http_is_for_later(http: aiohttp.ClientSession) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"BABBLE\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    connection = AgentConnection(
        base_url=f"http://127.0.0.1:{port}", connector_token=CONNECTOR, host=HOST
    )
    api = Api(connection, http=http, ids=CountedIds(), clock=StillClock())
    assert isinstance(await failure_of(api), TryLater)
    listener.close()
    await listener.wait_closed()


async def test_nobody_there_is_for_later(http: aiohttp.ClientSession) -> None:
    connection = AgentConnection(
        base_url="http://127.0.0.1:9", connector_token=CONNECTOR, host=HOST
    )
    error = await failure_of(Api(connection, http=http, ids=CountedIds(), clock=StillClock()))
    assert isinstance(error, TryLater)
    assert error.status == 0


async def test_a_refused_access_token_is_minted_anew_once(server: Server, api: Api) -> None:
    server.tokens = [token("old"), token("new")]
    server.sessions = [refusal(401, "Invalid access token"), session()]
    opened = await api.open_session()
    assert opened.token.value == "new"
    assert server.names() == ["access-token", "sessions", "access-token", "sessions"]


async def test_a_fresh_token_refused_too_needs_a_person(server: Server, api: Api) -> None:
    server.tokens = [token("one.t0k"), token("two.t0k")]
    server.sessions = [refusal(401, "bad one.t0k"), refusal(401, "Invalid two.t0k")]
    error = await failure_of(api)
    assert isinstance(error, CredentialsRefused)
    assert "Invalid …" in str(error)
    assert len(server.calls) == 4


async def test_credentials_are_proved_without_a_session(server: Server, api: Api) -> None:
    server.tokens = [token()]
    line = await api.prove()
    assert server.names() == ["access-token"]
    assert line == f"{server.url}/ accepts the connector for {HOST}"
    assert CONNECTOR not in line
    assert "t0k" not in line


async def test_proving_raises_what_opening_would(server: Server, api: Api) -> None:
    server.tokens = [refusal(401, "Connector token does not exist")]
    with pytest.raises(CredentialsRefused, match="Connector token does not exist"):
        await api.prove()


@pytest.mark.parametrize(
    ("base_url", "socket_url"),
    [
        ("https://messaging.us-1.poly.ai", "wss://messaging.us-1.poly.ai/ws"),
        ("https://messaging.poly.ai/", "wss://messaging.poly.ai/ws"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"),
        ("HTTP://localhost/prefix/", "ws://localhost/prefix/ws"),
    ],
)
def test_the_socket_stands_beside_the_api(base_url: str, socket_url: str) -> None:
    connection = AgentConnection(base_url=base_url, connector_token=CONNECTOR, host=HOST)
    assert connection.socket_url == socket_url


def test_no_value_shows_its_secret() -> None:
    connection = AgentConnection(base_url="https://x", connector_token=CONNECTOR, host=HOST)
    opened = OpenedSession(session_id="s", token=Secret("t0k"), expires_at=None)
    shown = f"{connection} {connection!r} {opened} {opened!r} {opened.token} {opened.token!r}"
    assert CONNECTOR not in shown
    assert "t0k" not in shown
