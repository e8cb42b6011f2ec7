"""The whole is not begun with adapters that could not do what they are set to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bridge.config import load
from bridge.errors import ConfigurationError
from bridge.model.ids import AdapterName
from bridge.runtime.adapters.configured import configured_adapters
from bridge.runtime.outward import http_session

INSTALLED = """
[agents.default]
base_url = "https://polyai.example"
connector_token = "connector"
host = "https://www.example.com"
[adapters.chat]
type = "slack"
mode = "http"
client_id = "1.2"
client_secret = "client-secret"
signing_secret = "signing-secret"
public_url = "https://bridge.example"
"""
KEY = f'[database]\nencryption_key = "{"k" * 32}"\n'


def test_an_adapter_that_keeps_secrets_needs_a_key_to_seal_them(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(INSTALLED)

    with pytest.raises(ConfigurationError, match=r"database\.encryption_key.*chat") as refused:
        configured_adapters(load(file, {}))
    assert "openssl rand -hex 32" in refused.value.remedy
    assert "database__encryption_key" in refused.value.remedy

    file.write_text(KEY + INSTALLED)
    (one,) = configured_adapters(load(file, {}))
    assert one.name == AdapterName("chat")


def test_an_adapter_that_keeps_none_needs_no_key(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(INSTALLED.partition("[adapters")[0] + '[adapters.chat]\ntype = "console"\n')

    (one,) = configured_adapters(load(file, {}))
    assert one.plugin is not None
    assert one.capabilities == one.plugin.capabilities


@pytest.mark.parametrize("streaming", ["off", "edit"])
def test_capabilities_are_as_the_settings_make_them(tmp_path: Path, streaming: str) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(f'{KEY}{INSTALLED}streaming = "{streaming}"\n')

    (one,) = configured_adapters(load(file, {}))

    assert one.plugin is not None
    assert one.capabilities is not None
    assert one.capabilities.streaming < one.plugin.capabilities.streaming


@pytest.mark.thorough
async def test_calls_that_are_never_answered_leave_room_for_all_others() -> None:
    hanging = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/silent":
            await hanging.wait()
        return web.Response(text="here")

    async with served(answer) as address, http_session() as http:
        silent = [asyncio.create_task(_asked(http, f"{address}/silent")) for _ in range(120)]
        await asyncio.sleep(0)
        assert await _asked(http, f"{address}/other") == "here"
        assert not any(one.done() for one in silent)
        hanging.set()
        await asyncio.gather(*silent)


async def _asked(http: aiohttp.ClientSession, address: str) -> str:
    async with http.get(address) as answer:
        return await answer.text()


@asynccontextmanager
async def served(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
