"""Does what docs/webhook.md shows work as it stands there?"""

import asyncio
import os
import re
import shutil
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest

from adapters.webhook import outbound, told
from adapters.webhook.adapter import connect, prove
from adapters.webhook.settings import SECRET_LENGTH, Showable, WebhookSettings
from bridge.errors import CredentialsRefused
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Said
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost
from tests.contract.webhook_front import fronted

PAGE = (Path(__file__).parents[2] / "docs" / "webhook.md").read_text("utf-8")


def snippet(language: str) -> str:
    """The only one in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return str(found)


TABLE: dict[str, Any] = tomllib.loads(snippet("toml"))["adapters"]["webhook"]


def rows(heading: str) -> list[str]:
    """The words that begin the rows of the first table below a heading."""
    below = PAGE.partition(f"\n## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", below, flags=re.MULTILINE)
    assert table
    body = table[0].partition("|---")[2]
    return re.findall(r"^\| `(\w+)` \|", body, flags=re.MULTILINE)


@asynccontextmanager
async def receiving(tmp_path: Path) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """The page's receiver, on a free port; its address, and what it prints."""
    code = (
        snippet("python")
        .replace("9000", "0")
        .replace("HTTPServer((", "server = HTTPServer((")
        .replace(
            ".serve_forever()", "; print(server.server_port, flush=True); server.serve_forever()"
        )
    )
    file = tmp_path / "receiver.py"
    file.write_text(code, "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "SECRET": TABLE["secret"]},
    )
    assert process.stdout
    try:
        async with asyncio.timeout(20):
            port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}/callback", process.stdout
    finally:
        process.kill()
        await process.wait()


async def test_the_receiver_shows_each_message_once_and_believes_us_alone(tmp_path: Path) -> None:
    said = AgentReply(Author(AuthorKind.AGENT), "Hello")
    owed = Outbound(id=DeliveryId("c.1"), thread=ThreadKey("t-1"), content=said, owed_at=NOON)
    last = Outbound(id=DeliveryId("c.2"), thread=ThreadKey("t-1"), content=said, owed_at=NOON)
    async with receiving(tmp_path) as (url, printed), aiohttp.ClientSession() as http:
        settings = WebhookSettings.model_validate({**TABLE, "callback_url": url})
        assert await prove(settings, http)
        async with connect(settings, PlayedHost(FakeClock(), http)) as adapter:
            for each in (owed, owed, last):
                await adapter.deliver(each)
        async with asyncio.timeout(20):
            assert [await printed.readline() for _ in range(2)] == [b"t-1 Hello\n"] * 2
        wrong = WebhookSettings.model_validate({**settings.model_dump(), "secret": "x" * 32})
        with pytest.raises(CredentialsRefused):
            await prove(wrong, http)


async def test_the_command_tells_what_somebody_said() -> None:
    missing = [tool for tool in ("bash", "curl", "openssl") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    async with fronted(secret=TABLE["secret"]) as front:
        command = snippet("bash").replace("http://127.0.0.1:8080/webhook/messages", front.url)
        process = await asyncio.create_subprocess_exec(
            "bash", "-euc", command, stdout=asyncio.subprocess.PIPE
        )
        answered, _ = await process.communicate()
        assert answered == b'{"accepted": "new"}'
        (taken,) = front.host.accepted
        assert (taken.body, taken.thread, taken.person.name) == (Said("Hello"), "t-1", "Ann")


def test_every_kind_and_every_word_is_explained_and_no_other() -> None:
    def kinds(union: Any) -> set[str]:  # noqa: ANN401 - a union of structs
        return {shape.__struct_config__.tag for shape in union.__args__}

    assert set(rows("What you tell")) == kinds(told.Message)
    assert set(rows("What you are told")) == kinds(outbound.Callback)
    assert rows("What your system can show") == list(get_args(Showable))


def test_the_fields_of_a_message_are_those_that_are_told() -> None:
    (named,) = re.findall(r"always all of these fields: (.*?)\.\n", PAGE, flags=re.DOTALL)
    named = re.sub(r"\([^()]*\)", "", named)
    assert set(re.findall(r"`(\w+)`", named)) == set(outbound.ShowsMessage.__struct_fields__)


def test_the_limits_are_those_of_the_code() -> None:
    assert f"`text`, up to {told.TEXT_LIMIT:,} characters" in PAGE
    assert TABLE["secret"] in snippet("bash")
    assert len(TABLE["secret"]) == SECRET_LENGTH
