"""How an operator steers a running bridge: a socket beside the database, its owner's alone."""

import asyncio
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.asking import Answered, NotRunning, ask
from bridge.errors import BridgeError, DatabaseFailed
from bridge.runtime.control import Control, control_path, controlled


async def _doubled(arguments: dict[str, Any]) -> object:
    return {"twice": arguments["number"] * 2}


async def _refused(_arguments: dict[str, Any]) -> object:
    raise DatabaseFailed("The disk is full", remedy="make room")


async def _faulty(_arguments: dict[str, Any]) -> object:
    raise RuntimeError("somebody's words")


@pytest.fixture
def control() -> Control:
    offered = Control()
    offered.offer("double", _doubled)
    offered.offer("refuse", _refused)
    offered.offer("fail", _faulty)
    return offered


def _address(database: Path) -> str:
    return f"sqlite+aiosqlite:///{database}"


async def test_a_verb_is_answered(tmp_path: Path, control: Control) -> None:
    database = tmp_path / "bridge.db"
    async with controlled(database, control):
        assert await ask(_address(database), "double", {"number": 21}) == {"twice": 42}


async def test_a_refusal_keeps_its_remedy_and_its_exit_code(
    tmp_path: Path, control: Control
) -> None:
    database = tmp_path / "bridge.db"
    async with controlled(database, control):
        with pytest.raises(Answered, match="The disk is full") as caught:
            await ask(_address(database), "refuse")
    assert (caught.value.remedy, caught.value.exit_code) == ("make room", 12)


async def test_a_fault_of_a_verb_is_told_without_its_words(
    tmp_path: Path, control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "bridge.db"
    async with controlled(database, control):
        with pytest.raises(Answered, match="A fault of the bridge"):
            await ask(_address(database), "fail")
        assert await ask(_address(database), "double", {"number": 1}) == {"twice": 2}
    assert "control.failed" in caplog.text
    assert "somebody's words" not in caplog.text


async def test_what_it_does_not_know_is_told_with_what_to_do(
    tmp_path: Path, control: Control
) -> None:
    database = tmp_path / "bridge.db"
    async with controlled(database, control):
        with pytest.raises(Answered, match="does not know 'dance'"):
            await ask(_address(database), "dance")


async def test_without_a_bridge_the_command_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="No bridge serves") as caught:
        await ask(_address(tmp_path / "bridge.db"), "double")
    assert "polyai-bridge run" in caught.value.remedy


async def test_the_socket_is_its_owners_alone_and_leaves_with_the_bridge(
    tmp_path: Path, control: Control
) -> None:
    path = control_path(tmp_path / "bridge.db")
    async with controlled(tmp_path / "bridge.db", control):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_the_socket_of_a_bridge_that_was_killed_stands_in_nobodys_way(
    tmp_path: Path, control: Control
) -> None:
    database = tmp_path / "bridge.db"
    control_path(database).touch()
    async with controlled(database, control):
        assert await ask(_address(database), "double", {"number": 2}) == {"twice": 4}


async def test_a_directory_with_a_long_name_has_a_socket_too(
    tmp_path: Path, control: Control
) -> None:
    database = tmp_path / ("long" * 40) / "bridge.db"
    database.parent.mkdir()
    async with controlled(database, control):
        assert await ask(_address(database), "double", {"number": 3}) == {"twice": 6}


@pytest.mark.parametrize("line", [b"", b"\n", b"{}\n", b"[[[[\n", b'{"verb": 7}\n', b"x" * 2**21])
async def test_what_is_no_question_harms_nobody(
    tmp_path: Path, control: Control, line: bytes
) -> None:
    database = tmp_path / "b.db"
    async with controlled(database, control):
        reader, writer = await asyncio.open_unix_connection(control_path(database))
        writer.write(line)
        writer.write_eof()
        with suppress(ConnectionError):  # what is far too long is not read to its end
            await reader.read()
        writer.close()
        assert await ask(_address(database), "double", {"number": 4}) == {"twice": 8}


async def test_beyond_so_many_askers_the_next_is_told_to_come_again(
    tmp_path: Path, control: Control
) -> None:
    database = tmp_path / "b.db"
    async with controlled(database, control):
        held = [await asyncio.open_unix_connection(control_path(database)) for _ in range(64)]
        with pytest.raises(Answered, match="Too many"):
            await ask(_address(database), "double", {"number": 1})
        for _, writer in held:
            writer.close()
        for reader, _ in held:
            await reader.read()
        assert await ask(_address(database), "double", {"number": 1}) == {"twice": 2}


async def test_half_an_answer_is_none(tmp_path: Path) -> None:
    database = tmp_path / "b.db"

    async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"answer": [1, ')
        writer.close()

    async with await asyncio.start_unix_server(dying, control_path(database)):
        with pytest.raises(NotRunning, match="no answer"):
            await ask(_address(database), "double")


async def test_who_is_being_answered_does_not_hold_up_the_end(
    tmp_path: Path, control: Control
) -> None:
    asked = asyncio.Event()

    async def forever(_arguments: dict[str, Any]) -> object:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    control.offer("wait", forever)
    database = tmp_path / "bridge.db"
    async with controlled(database, control):
        waiting = asyncio.create_task(ask(_address(database), "wait"))
        await asked.wait()
    with pytest.raises(BridgeError, match="no answer"):
        await waiting
