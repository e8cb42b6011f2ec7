"""Is a post on the wire one request with its own answer, whatever the server makes of it?"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from adapters.slack.web.answers import Refusal, asked
from adapters.slack.web.calls import web_client
from adapters.slack.web.wire import Answer, letterhead

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer xoxb-secret"}
OK = b"HTTP/1.1 200 OK\r\n"


class Raw:
    """A server that says byte for byte what it is told to: of each request its number and body."""

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[bytes] = []
        self.say: Callable[[int, bytes], bytes] = lambda _, body: sized(body)
        self.hangs_up = False  #: after the answer
        self.later = b""  #: what it says after the answer, in a moment
        self.silent: set[int] = set()  #: the requests that are answered when `speak` is set
        self.speak = asyncio.Event()
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                number = len(self.heads)
                self.heads.append(head)
                body = await reader.readexactly(int(head.split(b"Content-Length: ")[1].split()[0]))
                if number in self.silent:
                    await self.speak.wait()
                writer.write(self.say(number, body))
                if self.later:
                    await asyncio.sleep(0.01)
                    writer.write(self.later)
                if self.hangs_up:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def sized(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    made = Raw()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/"
        yield made


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(raw: Raw, http: aiohttp.ClientSession, body: bytes) -> Answer:
    paper = letterhead(http, raw.address + "chat.postMessage", HEADERS)
    return await asyncio.wait_for(paper.post(http, body), 5)


async def test_posts_go_one_after_the_other_by_one_connection(
    raw: Raw, http: aiohttp.ClientSession
) -> None:
    said = [(await post(raw, http, b"%d" % number)).content for number in range(5)]
    assert said == [b"0", b"1", b"2", b"3", b"4"]
    assert raw.connections == 1


async def test_it_is_the_connection_that_the_session_uses_too(
    raw: Raw, http: aiohttp.ClientSession
) -> None:
    async with http.post(raw.address, data=b"a") as answer:
        await answer.read()
    await post(raw, http, b"b")
    assert raw.connections == 1


async def test_posts_at_once_get_each_its_own_answer(raw: Raw, http: aiohttp.ClientSession) -> None:
    bodies = [b"%d" % number * number for number in range(1, 30)]
    answers = await asyncio.gather(*(post(raw, http, body) for body in bodies))
    assert [answer.content for answer in answers] == bodies


@pytest.mark.parametrize(
    "told",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nHel\r\n2\r\nlo\r\n0\r\n\r\n",
        OK
        + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
        % (len(gzip.compress(b"Hello")), gzip.compress(b"Hello")),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
        + sized(b"Hello"),
    ],
    ids=["chunked", "compressed", "after interim answers"],
)
async def test_an_answer_is_read_in_whatever_form_it_comes(
    raw: Raw, http: aiohttp.ClientSession, told: bytes
) -> None:
    raw.say = lambda *_: told
    assert [(await post(raw, http, b"")).content for _ in range(2)] == [b"Hello"] * 2
    assert raw.connections == 1


@pytest.mark.parametrize("told", [OK + b"\r\nHello", OK + b"Content-Length: 5\r\n\r\nHello"])
async def test_a_server_may_hang_up_after_each_answer(
    raw: Raw, http: aiohttp.ClientSession, told: bytes
) -> None:
    raw.say, raw.hangs_up = lambda *_: told, True
    assert (await post(raw, http, b"")).content == b"Hello"
    await asyncio.sleep(0.01)  # until its end is seen here
    assert (await post(raw, http, b"")).content == b"Hello"
    assert raw.connections == 2


async def test_the_answer_to_a_post_that_was_given_up_is_nobody_elses(
    raw: Raw, http: aiohttp.ClientSession
) -> None:
    raw.silent = {0}
    given_up = asyncio.create_task(post(raw, http, b"first"))
    while not raw.heads:
        await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    raw.speak.set()
    assert (await post(raw, http, b"second")).content == b"second"
    assert raw.connections == 2


@pytest.mark.parametrize("unasked", [sized(b"unasked"), b"HTTP/1.1 408 Too Late\r\n\r\n"])
async def test_what_a_server_says_unasked_answers_nobody(
    raw: Raw, http: aiohttp.ClientSession, unasked: bytes
) -> None:
    raw.later = unasked
    assert (await post(raw, http, b"first")).content == b"first"
    await asyncio.sleep(0.05)  # until it has come
    raw.later = b""
    said = [(await post(raw, http, body)).content for body in (b"second", b"third")]
    assert said == [b"second", b"third"]
    assert raw.connections == 2


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        OK + b"Content-Length: 50\r\n\r\nhalf",
        b"no HTTP at all\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "nonsense"],
)
async def test_a_post_without_its_whole_answer_may_have_arrived(
    raw: Raw, http: aiohttp.ClientSession, told: bytes
) -> None:
    raw.say, raw.hangs_up = lambda *_: told, True
    web = web_client("xoxb-secret", raw.address, http, local=True)
    with pytest.raises(Refusal) as refused:
        await asked(web.api_call("chat.postMessage", json={"text": "Hello"}))
    assert refused.value.reached
    assert len(raw.heads) == 1  # it is not repeated
    raw.say = lambda *_: OK + b'Content-Type: application/json\r\n\r\n{"ok": true}'
    assert await asked(web.api_call("chat.postMessage", json={"text": "Hello"})) == {"ok": True}


async def test_a_post_that_found_no_connection_has_not_arrived(
    raw: Raw, http: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    web = web_client("xoxb-secret", f"http://127.0.0.1:{unused_tcp_port}/", http, local=True)
    with pytest.raises(Refusal) as refused:
        await asked(web.api_call("chat.postMessage", json={"text": "Hello"}))
    assert not refused.value.reached
    assert "refuses the connection" in str(refused.value)


async def test_a_closed_session_takes_no_post(raw: Raw) -> None:
    async with aiohttp.ClientSession() as http:
        paper = letterhead(http, raw.address, HEADERS)
    with pytest.raises(aiohttp.ClientConnectionError):
        await paper.post(http, b"")
    assert raw.heads == []


@pytest.mark.parametrize("token", ["xoxb-1\r\nHost: elsewhere", "xoxb-1\n", "xoxb\x00"])
async def test_a_token_makes_no_header_of_its_own(http: aiohttp.ClientSession, token: str) -> None:
    with pytest.raises(ValueError, match="a header holds what none may") as refused:
        letterhead(http, "http://127.0.0.1/api/", {"Authorization": f"Bearer {token}"})
    assert "xoxb" not in str(refused.value)


async def test_a_letterhead_shows_no_token(raw: Raw, http: aiohttp.ClientSession) -> None:
    assert "xoxb" not in repr(letterhead(http, raw.address, HEADERS))
