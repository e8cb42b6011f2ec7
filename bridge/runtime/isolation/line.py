"""How do two processes call each other? Frames over a stream, calls by number both ways.

A frame is its length in four bytes (big-endian) and a msgpack value. Whatever is read is handled in
the order it came: what was told before an answer is known before it. A line that breaks, or on
which something is said that makes no sense, ends every call that is under way.

The ends are not equal. The daemon reads no more than it can see to, and its answers never wait for
the process. The process trusts the daemon and reads whatever comes: were it to wait as well, each
could wait for an answer that lies behind what the other does not read.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from bridge.runtime.isolation.failures import Failure, error_of, failure_of

#: The longest frame to the daemon, in bytes: eight times the longest request; and from it, as much
#: as all that an adapter remembers may be.
LONGEST: Final = 8 * 1024 * 1024
LONGEST_THERE: Final = 8 * LONGEST
#: How many calls of the other side are seen to at once; with more, nothing further is read.
MOST_CALLS: Final = 1_000
#: And how many bytes of calls and of answers that may be long.
MOST_BYTES: Final = 64 * 1024 * 1024
#: After so many frames others have their turn.
_IN_A_ROW: Final = 32
#: With so many bytes waiting to be sent, what is only told may be left out.
CLOGGED: Final = 1024 * 1024


class LineBroken(Exception):
    """The other side is gone, or makes no sense."""


class Nonsense(LineBroken):
    """The other side said what makes no sense, or more than is bearable."""


class NotAsked(LineBroken):
    """The other side was gone before it could be asked."""


class WrongAnswer(Exception):
    """The other side's answer is none to what was asked."""


class TooLong(Exception):
    """What was to be sent is longer than a frame may be; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that one side can say to the other: arguments in order, and what is answered."""

    name: str
    arguments: Any
    result: Any = None
    weight: int = 0  #: how many bytes its answer may have, if that is many


class Asked(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    """A call; it is answered by its number."""

    number: int
    name: str
    arguments: msgspec.Raw


class CalledOff(msgspec.Struct, frozen=True, array_like=True, tag="off"):
    """Nobody waits for that answer any more."""

    number: int


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="did"):
    """What a call came to."""

    number: int
    value: msgspec.Raw


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="not"):
    """Why a call came to nothing."""

    number: int
    failure: Failure


class Said(msgspec.Struct, frozen=True, array_like=True, tag="say"):
    """Something that nobody answers."""

    name: str
    arguments: msgspec.Raw


_Frame = Asked | CalledOff | Answered | Failed | Said
#: Answers what the other side asks, and hears what it says.
Answer = tuple[Spoken, Callable[..., Awaitable[Any]]]
Hearing = tuple[Spoken, Callable[..., None]]


class Line:
    """One end. `answers` and `hears` are by the names of what the other end may say.

    Of its calls at `most` so many are seen to at once; None: all, as the other end is the daemon.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        answers: Mapping[str, Answer],
        hears: Mapping[str, Hearing],
        most: int | None = MOST_CALLS,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._answers = answers
        self.hears = hears
        self._decoder = msgspec.msgpack.Decoder(_Frame)
        self._most = most
        self._takes, self._sends = LONGEST, LONGEST_THERE
        if most is None:
            self._takes, self._sends = self._sends, self._takes
        self._numbers = 0
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._working: dict[int, asyncio.Task[None]] = {}
        self._weight = 0  #: of what is worked at, in bytes
        self._room = asyncio.Event()
        self._broken = False
        self._full = False
        self.frames = 0  #: how many were read

    async def ask(self, spoken: Spoken, *arguments: object) -> Any:  # noqa: ANN401 - see `result`
        """The other side's answer, of the type that `spoken` says.

        Raises:
            LineBroken: there will be none.
            WrongAnswer: it is not of that type.
            TooLong: it was not asked.
            Exception: whatever the other side raised, as `failures` carries it.
        """
        if self._broken:
            raise NotAsked
        self._numbers = number = self._numbers + 1
        self._send(Asked(number, spoken.name, _raw(arguments)))
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._writer.drain()
            return msgspec.msgpack.decode(await answer, type=spoken.result)
        except asyncio.CancelledError:
            self._try_send(CalledOff(number))
            raise
        except OSError:
            raise LineBroken from None
        except msgspec.DecodeError:
            raise WrongAnswer from None
        finally:
            self._waiting.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # it broke while we waited to send: we know

    def say(self, spoken: Spoken, *arguments: object) -> None:
        """Tell the other side; it may be lost if that is not there any more."""
        self._try_send(Said(spoken.name, _raw(arguments)))

    @property
    def clogged(self) -> bool:
        """Whether the other side is far behind."""
        return self._broken or self._writer.transport.get_write_buffer_size() > CLOGGED

    @property
    def stalled(self) -> bool:
        """Whether nothing is read as too much is under way here, and the other end is in time."""
        return self._full and not self._writer.transport.get_write_buffer_size()

    async def listen(self) -> None:
        """See to what the other side says, until the line breaks.

        Raises:
            LineBroken: always, at the end; Nonsense, if that is why. What it asked for last is
                called off.
        """
        try:
            while True:
                await self._hear(await self._read())
                if self.frames % _IN_A_ROW == 0:
                    await asyncio.sleep(0)  # what is there already is read without waiting
        except (EOFError, OSError):
            raise LineBroken from None
        # What is said is taken as it is said, and may be anything at all.
        except Exception:
            raise Nonsense from None
        finally:
            await self._end()

    async def _read(self) -> _Frame:
        size = int.from_bytes(await self._reader.readexactly(4), "big")
        if size > self._takes:
            raise LineBroken
        frame: _Frame = self._decoder.decode(await self._reader.readexactly(size))
        self.frames += 1
        return frame

    async def _hear(self, frame: _Frame) -> None:
        match frame:
            case Answered(number, value):
                self._settle(number, value)
            case Failed(number, failure):
                self._settle(number, error_of(failure))
            case CalledOff(number):
                if number in self._working:
                    self._working[number].cancel()
            case Said(name, arguments):
                spoken, heard = self._known(self.hears, name)
                heard(*msgspec.msgpack.decode(arguments, type=spoken.arguments))
            case Asked(number, name, arguments):
                self._begin(number, name, arguments)
                await self._while_full()

    def _begin(self, number: int, name: str, arguments: msgspec.Raw) -> None:
        spoken, answer = self._known(self._answers, name)
        if number in self._working:
            raise LineBroken
        weight = len(memoryview(arguments)) + spoken.weight
        work = asyncio.ensure_future(self._answer(number, spoken, answer, arguments))
        self._working[number] = work
        self._weight += weight
        work.add_done_callback(lambda _done: self._worked(number, weight))

    def _known(self, table: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - either table
        if name not in table:
            raise LineBroken
        return table[name]

    def _settle(self, number: int, outcome: msgspec.Raw | Exception) -> None:
        answer = self._waiting.get(number)
        if answer is None or answer.done():
            return
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    async def _while_full(self) -> None:
        if self._most is None:
            return
        while len(self._working) >= self._most or self._weight > MOST_BYTES:
            self._full = True
            self._room.clear()
            await self._room.wait()
        self._full = False

    def _worked(self, number: int, weight: int) -> None:
        del self._working[number]
        self._weight -= weight
        self._room.set()

    async def _answer(
        self,
        number: int,
        spoken: Spoken,
        answer: Callable[..., Awaitable[Any]],
        arguments: msgspec.Raw,
    ) -> None:
        reply: Answered | Failed
        try:
            read = msgspec.msgpack.decode(arguments, type=spoken.arguments)
            reply = Answered(number, _raw(await answer(*read)))
        # Whatever it is, and be it meant to end a program: the other side is told, and we go on.
        except BaseException as error:
            reply = Failed(number, failure_of(error))
        try:
            self._send(reply)
        except TooLong as error:
            self._try_send(Failed(number, failure_of(error)))
        if not self._broken:
            with suppress(OSError):
                await self._writer.drain()  # as long as it lies here, it is work of ours

    def _send(self, frame: _Frame) -> None:
        data = msgspec.msgpack.encode(frame)
        if len(data) > self._sends:
            raise TooLong
        if not self._broken:
            self._writer.write(len(data).to_bytes(4, "big") + data)

    def _try_send(self, frame: _Frame) -> None:
        with suppress(TooLong, OSError):  # nobody is there, or nothing else can be told
            self._send(frame)

    async def _end(self) -> None:
        self._broken = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LineBroken())
        working = list(self._working.values())
        for work in working:
            work.cancel()
        if working:
            await asyncio.wait(working)
        self._writer.close()


async def connected(
    sock: socket.socket,
    *,
    answers: Mapping[str, Answer],
    hears: Mapping[str, Hearing],
    most: int | None = MOST_CALLS,
) -> Line:
    """The line over this end of a socket pair, which it will close."""
    try:
        reader, writer = await asyncio.open_connection(sock=sock)
    except BaseException:
        sock.close()
        raise
    return Line(reader, writer, answers=answers, hears=hears, most=most)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(value))
