"""What `check --connect` says of each credential."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from pydantic import SecretStr

from bridge.cli.checking import _proof, _proved
from bridge.errors import BridgeError, CredentialsRefused
from tests.misfit.plugin import PLUGIN as MISFIT
from tests.misfit.plugin import MisfitSettings


async def says(*words: str) -> str:
    return "\n".join(words)


async def fails(error: BridgeError) -> str:
    raise error


async def test_what_is_found_beside_stands_indented_below(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failures: dict[str, BridgeError] = {}
    await _proved("adapter slack", says("bot of Acme", "no scope x", "no scope y"), failures)
    await _proved("agent default", says("good"), failures)

    assert capsys.readouterr().out == (
        "adapter slack: bot of Acme\n  no scope x\n  no scope y\nagent default: good\n"
    )
    assert failures == {}


async def test_several_findings_of_a_refusal_are_told_line_by_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failures: dict[str, BridgeError] = {}
    error = CredentialsRefused("refused\nno scope x", remedy="reinstall the app")
    await _proved("adapter slack", fails(error), failures)

    assert capsys.readouterr().out == (
        "adapter slack: FAILED: refused\n  no scope x; what to do: reinstall the app\n"
    )
    assert failures == {"adapter slack": error}


def leaves(_settings: object, _http: object) -> Awaitable[str]:
    raise SystemExit(3)


def breaks(_settings: object, _http: object) -> Awaitable[str]:
    raise ValueError("a secret")


async def hangs(_settings: object, _http: object) -> str:
    await asyncio.Event().wait()
    return ""


@pytest.mark.parametrize(
    ("prove", "told"),
    [(leaves, "SystemExit"), (breaks, "ValueError"), (hangs, "no answer within 0.01 seconds")],
)
async def test_whatever_a_strangers_proof_does_it_is_told_and_the_next_one_follows(
    capsys: pytest.CaptureFixture[str], prove: Callable[..., Awaitable[str]], told: str
) -> None:
    plugin = replace(MISFIT, prove=prove)
    settings = MisfitSettings(file="f", token=SecretStr("t"))
    failures: dict[str, BridgeError] = {}
    async with aiohttp.ClientSession() as http:
        proof = _proof(plugin, settings, http, within=timedelta(milliseconds=10))
        await _proved("adapter odd", proof, failures)

    assert capsys.readouterr().out.startswith(f"adapter odd: FAILED: {told}; what to do: try again")
    assert list(failures) == ["adapter odd"]
