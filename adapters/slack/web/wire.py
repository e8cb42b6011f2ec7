"""How does one post of JSON go over the wire? In one write, by a connection of the shared session.

Connections, TLS, names, limits, the pool and the reading of an answer are aiohttp's, as are all
errors; only the session's work for each request is left out, which is most of what a call of Slack
cost (decision 22). A proxy is the session's alone.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

#: `asked` sets the limit, for whatever way a call goes.
UNLIMITED: Final = aiohttp.ClientTimeout(total=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of the headers have no case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True, repr=False)  # it holds the token
class Letterhead:
    """What all posts of JSON to one address with the same headers begin with."""

    asking: aiohttp.ClientRequest  #: to whom a connection is wanted
    head: bytes  #: but for the length

    async def post(self, http: aiohttp.ClientSession, body: bytes) -> Answer:
        """One request and its answer, whatever its status; nothing is repeated or followed.

        Raises:
            aiohttp.ClientError: as the session's own requests do.
        """
        if http.connector is None:
            raise aiohttp.ClientConnectionError("the session is closed")
        connection = await http.connector.connect(self.asking, [], UNLIMITED)
        while _has_spoken(connection):
            connection.close()
            connection = await http.connector.connect(self.asking, [], UNLIMITED)
        try:
            answer = await self._exchanged(connection, body)
        except BaseException:
            connection.close()  # what it still brings answers nobody
            raise
        connection.release()
        return answer

    async def _exchanged(self, connection: aiohttp.connector.Connection, body: bytes) -> Answer:
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(read_until_eof=True)
        transport.write(b"%b%d\r\n\r\n%b" % (self.head, len(body), body))
        message, content = await protocol.read()
        while message.code < 200:  # there is more to come
            message, content = await protocol.read()
        return Answer(message.code, message.headers, await content.read())


def _has_spoken(connection: aiohttp.connector.Connection) -> bool:
    """Whether something came unasked: it would be taken for the next answer, and so on for ever."""
    return connection.protocol is not None and connection.protocol.should_close


def letterhead(http: aiohttp.ClientSession, address: str, headers: Mapping[str, str]) -> Letterhead:
    """What posts to `address` with these headers, and aiohttp's own, begin with.

    Raises:
        ValueError: a header would be two.
    """
    loop = asyncio.get_running_loop()
    asking = aiohttp.ClientRequest("POST", URL(address), headers=headers, loop=loop, session=http)
    lines = [f"POST {asking.url.raw_path_qs} HTTP/1.1"]
    # For aiohttp the length is that of a post of nothing.
    lines += [f"{name}: {value}" for name, value in asking.headers.items() if name != _LENGTH]
    if not all(line.isprintable() for line in lines):
        raise ValueError("a header holds what none may")
    return Letterhead(asking, "\r\n".join([*lines, f"{_LENGTH}: "]).encode())


_LENGTH: Final = "Content-Length"
