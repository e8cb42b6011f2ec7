"""The real process in an encrypted room: what somebody's own client reads of it, across kills."""

import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from adapters.matrix.stand_in import MatrixStandIn
from bridge.testing.stand_in import StandInMissing
from tests.contract.encrypting_person import Crypt, crypting
from tests.square import Square, square

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

KEY = "k" * 32


@pytest.fixture
async def bridged(tmp_path: Path) -> AsyncIterator[tuple[Square, Crypt]]:
    """The bridge, not running yet, and Eve on the same homeserver."""
    try:
        async with square(tmp_path, ["matrix"]) as around:
            written = around.config.read_text() + "encrypted_rooms = true\n"
            keyed = f'[database]\nencryption_key = "{KEY}"'
            around.config.write_text(written.replace("[database]", keyed))
            played = around.stand_ins["matrix"]
            assert isinstance(played, MatrixStandIn)
            async with crypting(played.people, tmp_path / "eve") as crypt:
                yield around, crypt
    except StandInMissing as missing:
        pytest.skip(str(missing))


def _heard(around: Square, count: int) -> bool:
    return len(around.heard()) >= count


async def test_across_kills_everything_is_heard_and_shown_once_and_can_be_read(
    bridged: tuple[Square, Crypt],
) -> None:
    around, crypt = bridged
    await around.start()
    async with crypt.first() as eve:
        room = await crypt.room()
        await crypt.with_bot(room)
        number = 0
        for kill in range(4):
            for _ in range(5):
                await eve.say(room, f"say n{number}")
                number += 1
            await around.until(partial(_heard, around, number - 4))
            os.kill(around.pid, signal.SIGKILL)
            await around.until(lambda: around.dead)
            if kill % 2:
                eve.begin_anew(room)
            await eve.say(room, f"say n{number}")
            number += 1
            await around.start()
        await around.until(lambda: len(around.heard()) == number, patience=40)
        await eve.reads(f"n{number - 1}")
        await around.quiet()
        await eve.look()

    wanted = [f"n{each}" for each in range(number)]
    assert around.heard() == [f"say {each}" for each in wanted]
    shown = [one["content"]["body"] for one in eve.read if "m.new_content" not in one["content"]]
    assert [text for text in shown if text in wanted] == wanted
    assert eve.unread == []
    assert "m.room.message" not in [event["type"] for event in await crypt.events(room)]
    files = around.database.parent.glob(f"{around.database.name}*")
    stored = b"".join([each.read_bytes() for each in files if each.is_file()])
    assert b"encryption account" in stored
    assert KEY.encode() not in stored


async def test_with_another_key_the_adapter_says_what_is_missing_and_does_not_serve(
    bridged: tuple[Square, Crypt],
) -> None:
    around, _ = bridged
    await around.start()
    await around.stop()
    around.config.write_text(around.config.read_text().replace(KEY, "another" + KEY))
    connected = around.said("adapter.connected")
    await around.spawn("bridge", "run", "--config", str(around.config))
    await around.until(lambda: around.said("sealed with another database.encryption_key"))

    assert around.said("adapter.connected") == connected
