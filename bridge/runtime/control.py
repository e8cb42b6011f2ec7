"""How does an operator steer a running bridge? By a socket beside the database, never the network.

Only who may read the database can reach it: the file is its owner's alone, and the asker's user is
looked at (SO_PEERCRED, unix(7)) besides. One question a connection, each a line of JSON:

    {"verb": "status", "arguments": {…}}  →  {"answer": …}
                                          or {"error": …, "remedy": …, "exit_code": …}
"""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from bridge import log
from bridge.errors import BridgeError

_log = log.get("control")

#: The longest question, in bytes.
QUESTION_LIMIT: Final = 1024 * 1024
#: How long somebody may take to ask, in seconds.
_PATIENCE: Final = 10.0
#: And to read what is answered.
_READING: Final = 60.0
#: How many may ask at once; whoever comes beyond is told to come again.
MOST_ASKERS: Final = 64
#: A socket's address has room for so many bytes, without the last (unix(7); macOS has fewer).
_ROOM: Final = 103
_PEER: Final = struct.Struct("iII")  #: struct ucred: pid, uid, gid

#: Does what is asked, with the arguments that were given; what it answers must be JSON.
Verb = Callable[[dict[str, Any]], Awaitable[object]]


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked."""

    verb: str
    arguments: dict[str, Any] = {}


class Refusal(msgspec.Struct):
    """Why there is no answer."""

    error: str
    remedy: str = ""
    exit_code: int = 1


_TOO_MANY: Final = Refusal("Too many are asking the bridge at once", "try again in a moment")


class Control:
    """The verbs that a running bridge offers."""

    def __init__(self) -> None:
        self._verbs: dict[str, Verb] = {}

    def offer(self, name: str, verb: Verb) -> None:
        """From now on `name` can be asked for."""
        self._verbs[name] = verb

    async def answered(self, line: bytes) -> bytes:
        """The answer to a question, or why there is none; never raises."""
        try:
            question = msgspec.json.decode(line, type=Question)
            verb = self._verbs.get(question.verb)
            if verb is None:
                return msgspec.json.encode(_unknown(question.verb))
            return msgspec.json.encode({"answer": await verb(question.arguments)})
        except msgspec.MsgspecError:
            return msgspec.json.encode(Refusal("That is no question"))
        except BridgeError as error:
            return msgspec.json.encode(_told(error))
        # Whoever asks must hear something, and the others must still be answered.
        except Exception as error:
            _log.error("control.failed", error=log.where(error))
            return msgspec.json.encode(
                Refusal("A fault of the bridge", "please report it, with the log")
            )


def control_path(database: Path) -> Path:
    """Where the socket of the bridge is that serves `database`, under whichever name."""
    return Path(f"{os.path.realpath(database)}.control")


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for `path` that an address has room for.

    Raises:
        OSError: there is none: its directory's name is too long for this system.
    """
    if len(os.fsencode(path)) <= _ROOM:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


@asynccontextmanager
async def controlled(database: Path, control: Control) -> AsyncIterator[None]:
    """Answer until left. Whoever enters holds the database: a socket that is there is a dead one's.

    Where there can be no socket the bridge serves without one, and says so.
    """
    path = control_path(database)
    try:
        listener = _listening(path)
    except OSError as error:
        _log.warning("control.unavailable", error=error.strerror or type(error).__name__)
        yield
        return
    asked: set[asyncio.Task[None]] = set()

    def entered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(asked) >= MOST_ASKERS:
            writer.write(msgspec.json.encode(_TOO_MANY) + b"\n")
            writer.close()
            return
        task = asyncio.create_task(_serve(control, reader, writer), name="control")
        asked.add(task)
        task.add_done_callback(asked.discard)

    server = await asyncio.start_unix_server(entered, sock=listener, limit=QUESTION_LIMIT)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        server.close()
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


def _listening(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with reachable(path) as name:
            listener.bind(name)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


async def _serve(
    control: Control, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        if _may(writer.get_extra_info("socket")):
            async with asyncio.timeout(_PATIENCE):
                line = await reader.readline()
            writer.write(await control.answered(line) + b"\n")
            async with asyncio.timeout(_READING):
                await writer.drain()
    except (OSError, TimeoutError, ValueError):
        writer.transport.abort()  # nobody is there any more, or reads; or it was no question at all
    finally:
        writer.close()


def _may(connection: socket.socket) -> bool:
    """Whether the asker is our own user, or root; where the system cannot say, the file decides."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, _ = _PEER.unpack(told)
    return user in (0, os.geteuid())


def _unknown(verb: str) -> Refusal:
    return Refusal(
        f"The running bridge does not know {verb[:40]!r} yet",
        "it is still starting, or of another version: try again in a moment, or restart it",
    )


def _told(error: BridgeError) -> Refusal:
    return Refusal(log.redact(error.message), log.redact(error.remedy), error.exit_code)
