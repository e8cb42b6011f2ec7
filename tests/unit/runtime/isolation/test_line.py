"""Two ends call each other; whatever one of them does, the other knows where it is."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import msgspec
import pytest

from bridge.errors import Rejected
from bridge.runtime.isolation.line import (
    LONGEST,
    LONGEST_THERE,
    MOST_BYTES,
    Asked,
    Line,
    LineBroken,
    Nonsense,
    NotAsked,
    Said,
    Spoken,
    TooLong,
    WrongAnswer,
    connected,
)

ECHO: Final = Spoken("echo", tuple[str], str)
SHOUT: Final = Spoken("shout", tuple[str])
UNKNOWN: Final = Spoken("unknown", tuple[()])


class Pair:
    """Two ends in one process; the far one answers by `answer` and hears what is shouted."""

    def __init__(self) -> None:
        self.answer: Callable[[str], Awaitable[Any]] = self._same
        self.heard: list[str] = []

    async def open(self) -> None:
        ours, theirs = socket.socketpair()
        self.raw = theirs
        self.near = await connected(ours, answers={"echo": (ECHO, self._same)}, hears={}, most=None)
        self.far = await connected(
            theirs,
            answers={"echo": (ECHO, lambda text: self.answer(text))},
            hears={"shout": (SHOUT, self._hear)},
            most=3,
        )
        self.listening = [asyncio.create_task(end.listen()) for end in (self.near, self.far)]

    def _hear(self, text: str) -> None:
        if text == "nonsense":
            raise ValueError(text)
        self.heard.append(text)

    async def _same(self, text: str) -> str:
        return text

    async def close(self) -> None:
        for one in self.listening:
            one.cancel()
        await asyncio.gather(*self.listening, return_exceptions=True)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = Pair()
    await made.open()
    yield made
    await made.close()


async def until(seen: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not seen():
            await asyncio.sleep(0.001)


async def test_a_call_is_answered(pair: Pair) -> None:
    assert await pair.near.ask(ECHO, "grüße 👋") == "grüße 👋"


async def test_calls_are_answered_each_by_its_own_answer_in_any_order(pair: Pair) -> None:
    gates = {text: asyncio.Event() for text in "ab"}

    async def answer(text: str) -> str:
        await gates[text].wait()
        return text.upper()

    pair.answer = answer
    asking = {text: asyncio.ensure_future(pair.near.ask(ECHO, text)) for text in gates}
    for text in "ba":
        gates[text].set()
        assert await asking[text] == text.upper()


async def test_what_is_told_before_an_answer_is_known_before_it(pair: Pair) -> None:
    pair.near.say(SHOUT, "first")
    assert await pair.near.ask(ECHO, "second") == "second"
    assert pair.heard == ["first"]


@pytest.mark.parametrize(
    ("error", "arrives"),
    [(Rejected("no"), "Rejected"), (SystemExit(3), "SystemExit"), (KeyError("secret"), "KeyError")],
)
async def test_what_is_raised_there_is_raised_here(
    pair: Pair, error: BaseException, arrives: str
) -> None:
    async def answer(_text: str) -> str:
        raise error

    pair.answer = answer
    with pytest.raises(Exception, match=r"^(no)?$") as raised:
        await pair.near.ask(ECHO, "x")
    assert type(raised.value).__name__ == arrives
    pair.answer = pair._same
    assert await pair.near.ask(ECHO, "still there") == "still there"


async def test_what_nobody_waits_for_any_more_is_called_off(pair: Pair) -> None:
    begun, called_off = asyncio.Event(), asyncio.Event()

    async def answer(_text: str) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            called_off.set()
        return ""

    pair.answer = answer
    asking = asyncio.ensure_future(pair.near.ask(ECHO, "x"))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(called_off.wait(), 10)


async def test_when_the_other_end_is_gone_calls_end_and_later_ones_are_not_made(
    pair: Pair,
) -> None:
    begun = asyncio.Event()

    async def answer(_text: str) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    pair.answer = answer
    asking = asyncio.ensure_future(pair.near.ask(ECHO, "x"))
    await begun.wait()
    pair.listening[1].cancel()  # which closes that end

    with pytest.raises(LineBroken) as broken:
        await asking
    assert not isinstance(broken.value, NotAsked)
    with pytest.raises(LineBroken):
        await pair.listening[0]
    with pytest.raises(NotAsked):
        await pair.near.ask(ECHO, "y")
    pair.near.say(SHOUT, "nobody hears it")
    assert pair.near.clogged


async def test_what_is_too_long_is_not_sent_and_breaks_nothing(pair: Pair) -> None:
    with pytest.raises(TooLong):
        await pair.near.ask(ECHO, "x" * (LONGEST + 1))

    async def answer(_text: str) -> str:
        return "x" * (LONGEST_THERE + 1)

    pair.answer = answer
    with pytest.raises(Exception, match=r"^$") as raised:
        await pair.near.ask(ECHO, "x")
    assert type(raised.value).__name__ == "TooLong"
    pair.answer = pair._same
    assert await pair.near.ask(ECHO, "still there") == "still there"


@pytest.mark.parametrize(
    ("nonsense", "broken"),
    [
        (b"\xff\xff\xff\xff", Nonsense),
        (b"\x00\x00\x00\x02\xc1\xc1", Nonsense),
        (b"\x00\x00\x00\x01\x01", Nonsense),
        (b"\x00\x00", LineBroken),
    ],
    ids=["too long", "no msgpack", "no frame", "cut off"],
)
async def test_nonsense_breaks_the_line(nonsense: bytes, broken: type[LineBroken]) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        near = await connected(ours, answers={}, hears={})
        theirs.sendall(nonsense)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(LineBroken) as raised:
            await near.listen()
    assert type(raised.value) is broken


async def test_what_nobody_knows_or_cannot_be_heard_breaks_the_line(pair: Pair) -> None:
    pair.near.say(SHOUT, "nonsense")
    with pytest.raises(LineBroken):
        await pair.listening[1]

    again = Pair()
    await again.open()
    with pytest.raises(LineBroken):
        await again.near.ask(UNKNOWN)
    await again.close()


async def test_too_many_calls_at_once_are_not_read_until_some_are_seen_to(
    pair: Pair,
) -> None:
    gate = asyncio.Event()
    most = 0

    async def answer(text: str) -> str:
        nonlocal most
        most = max(most, len(pair.far._working))
        await gate.wait()
        return text

    pair.answer = answer
    asking = [asyncio.ensure_future(pair.near.ask(ECHO, str(n))) for n in range(20)]
    await until(lambda: pair.far.stalled)
    gate.set()

    assert await asyncio.gather(*asking) == [str(n) for n in range(20)]
    assert most == 3
    assert not pair.far.stalled


async def test_whoever_waits_for_the_daemon_reads_its_answers_however_much_it_is_asked(
    pair: Pair,
) -> None:
    """Else its calls and ours would wait for each other."""

    async def answer(text: str) -> str:
        return str(await pair.near.ask(ECHO, text))

    pair.near._answers = {"echo": (ECHO, answer)}
    asking = [asyncio.ensure_future(pair.far.ask(ECHO, str(n))) for n in range(1_001)]

    async with asyncio.timeout(20):
        assert await asyncio.gather(*asking) == [str(n) for n in range(1_001)]


async def test_an_answer_of_another_kind_is_no_broken_line(pair: Pair) -> None:
    async def answer(_text: str) -> int:
        return 5

    pair.answer = answer
    with pytest.raises(WrongAnswer):
        await pair.near.ask(ECHO, "x")
    pair.answer = pair._same
    assert await pair.near.ask(ECHO, "still there") == "still there"


async def test_a_call_with_arguments_of_another_kind_fails_alone(pair: Pair) -> None:
    other = Spoken("echo", tuple[int], str)
    with pytest.raises(Exception, match=r"^$") as raised:
        await pair.near.ask(other, 5)

    assert type(raised.value).__name__ == "ValidationError"
    assert await pair.near.ask(ECHO, "still there") == "still there"


class Hostile:
    """A line whose other end sends what it likes, and reads nothing."""

    def __init__(self, line: Line, theirs: socket.socket) -> None:
        self.line, self._theirs = line, theirs
        theirs.setblocking(False)
        self.listening = asyncio.create_task(line.listen())
        self.sending: asyncio.Task[None] | None = None

    def sends(self, *frames: Asked | Said, times: int = 1) -> None:
        encoded = [msgspec.msgpack.encode(frame) for frame in frames]
        data = b"".join(len(one).to_bytes(4, "big") + one for one in encoded)
        loop = asyncio.get_running_loop()
        self.sending = loop.create_task(loop.sock_sendall(self._theirs, data * times))


def asked(number: int) -> Asked:
    return Asked(number, "echo", msgspec.Raw(msgspec.msgpack.encode(("x",))))


@contextlib.asynccontextmanager
async def hostile(
    answer: Callable[[str], Awaitable[str]], spoken: Spoken = ECHO
) -> AsyncIterator[Hostile]:
    ours, theirs = socket.socketpair()
    shout = (SHOUT, lambda _text: None)
    with theirs:
        line = await connected(
            ours, answers={"echo": (spoken, answer)}, hears={"shout": shout}, most=500
        )
        far_end = Hostile(line, theirs)
        yield far_end
        tasks = [one for one in (far_end.listening, far_end.sending) if one]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_number_that_is_worked_at_breaks_the_line() -> None:
    begun = 0

    async def answer(_text: str) -> str:
        nonlocal begun
        begun += 1
        await asyncio.Event().wait()
        return ""

    async with hostile(answer) as far_end:
        far_end.sends(asked(1), times=600)
        with pytest.raises(LineBroken):
            await far_end.listening
    assert begun <= 1


async def test_who_reads_no_answers_is_not_read_and_has_no_excuse() -> None:
    async def answer(_text: str) -> str:
        return "x" * 1024 * 1024

    heavy = Spoken("echo", tuple[str], str, 4 * 1024 * 1024)
    async with hostile(answer, heavy) as far_end:
        far_end.sends(*(asked(number) for number in range(500)))
        await until(lambda: len(far_end.line._working) > 15)
        size = far_end.line._writer.transport.get_write_buffer_size
        await until(lambda: size() > 15_000_000)
        for _ in range(50):
            await asyncio.sleep(0)

        assert size() < MOST_BYTES
        assert not far_end.line.stalled


async def test_what_is_decided_after_the_line_broke_waits_for_nobody_to_read_its_answer() -> None:
    begun = 0

    async def answer(_text: str) -> str:
        nonlocal begun
        begun += 1
        with contextlib.suppress(asyncio.CancelledError):
            if begun > 20:
                await asyncio.Event().wait()
        return "x" * 1024 * 1024

    async with hostile(answer) as far_end:
        far_end.sends(*(asked(number) for number in range(30)))
        await until(lambda: begun == 30)
        far_end.listening.cancel()
        done, _ = await asyncio.wait((far_end.listening,), timeout=10)
        assert done


async def test_whoever_never_stops_talking_lets_others_have_their_turns() -> None:
    async def answer(text: str) -> str:
        return text

    async with hostile(answer) as far_end:
        said = Said("shout", msgspec.Raw(msgspec.msgpack.encode(("x",))))
        far_end.sends(said, times=5_000)
        most = 0
        while far_end.line.frames < 5_000:
            before = far_end.line.frames
            await asyncio.sleep(0)
            most = max(most, far_end.line.frames - before)
    assert most <= 64


async def test_frames_that_were_read_are_counted(pair: Pair) -> None:
    before = pair.near.frames
    await pair.near.ask(ECHO, "x")
    assert pair.near.frames == before + 1


async def test_a_line_that_could_not_be_made_leaves_no_socket_open() -> None:
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    with theirs, contextlib.suppress(ValueError):
        await connected(ours, answers={}, hears={})
    assert ours.fileno() == -1
