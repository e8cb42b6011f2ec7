"""How does an HTTP request reach a handler in another process? Whole, as a value, and back so."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpVersion11, RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping
from yarl import URL

from bridge.runtime.adapters.routes import BODY_LIMIT
from bridge.runtime.isolation.verbs import Request, Response

#: What answers a request for good (RFC 9110, 15).
_FIRST_STATUS, _LAST_STATUS = 200, 599
#: What concerns one connection alone (RFC 9110, 7.6.1), and what the body says itself.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
#: A header (RFC 9110, 5.1 and 5.5): no end of a line in it.
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


async def value_of(request: web.Request) -> Request:
    """A request whose body is in memory already, as it can be sent."""
    return Request(
        method=request.method,
        path=str(request.rel_url),
        headers=_plain(request.headers),
        body=await request.read(),
        scheme=request.scheme,
        remote=request.remote,
    )


def answer_of(response: Response) -> web.Response:
    """What was answered, to be sent on.

    Raises:
        ValueError: it would be no answer, or more than one.
    """
    if not _FIRST_STATUS <= response.status <= _LAST_STATUS:
        raise ValueError("no status of an answer")
    told = [(name, value) for name, value in response.headers if name.lower() not in _HOP_BY_HOP]
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in told):
        raise ValueError("no header")
    headers = CIMultiDict(told)
    return web.Response(
        status=response.status, reason=response.reason, headers=headers, body=response.body
    )


@dataclass(frozen=True, slots=True)
class _Nobody:
    """Whoever asked is not connected to this process."""

    ssl_context: None = None
    peername: None = None
    sockname: None = None
    transport: None = None
    writer: None = None
    max_field_size: int = 8190
    max_line_length: int = 8190
    max_headers: int = 128


def request_of(request: Request) -> web.Request:
    """The request that was sent, for a handler."""
    headers = CIMultiDictProxy(CIMultiDict(request.headers))
    raw = tuple((name.encode(), value.encode()) for name, value in request.headers)
    message = RawRequestMessage(
        request.method,
        request.path,
        HttpVersion11,
        headers,
        raw,
        should_close=False,
        compression=None,
        upgrade=False,
        chunked=False,
        url=URL(request.path, encoded=True),
    )
    loop = asyncio.get_running_loop()
    body = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    body.feed_data(request.body)
    body.feed_eof()
    # What a handler may do with these needs a connection, which only the daemon has.
    nobody = cast("Any", _Nobody())
    return web.Request(
        message,
        body,
        nobody,
        cast("AbstractStreamWriter", None),
        cast("asyncio.Task[None]", asyncio.current_task()),
        loop,
        client_max_size=BODY_LIMIT,
        scheme=request.scheme,
        remote=request.remote,
    )


def response_of(answer: web.StreamResponse) -> Response:
    """The answer as it can be sent.

    Raises:
        TypeError: it is no `web.Response` with a body of bytes or text: a stream cannot cross.
    """
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes | None):
        raise TypeError("only a web.Response with bytes or text can be answered across processes")
    headers = CIMultiDict(answer.headers)
    for cookie in answer.cookies.values():
        headers.add("Set-Cookie", cookie.OutputString())
    headers.popall("Content-Length", None)
    return Response(answer.status, answer.reason, _plain(headers), answer.body or b"")


def _plain(headers: MultiMapping[str]) -> list[tuple[str, str]]:
    """Their names are of a kind of text that nobody else knows."""
    return [(str(name), value) for name, value in headers.items()]
